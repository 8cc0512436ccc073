"""What a running console writes to standard error: each line with its time, level and origin."""

import logging
import sys
from datetime import UTC, datetime

from console.core import outages

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LOUD = ("console", "flask")  # other libraries speak only when something is wrong


class Formatter(logging.Formatter):
    """Times as ISO 8601 in UTC, to the millisecond."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - the library's signature
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def begin() -> None:
    """Write what every logger of the process says; call it before an app is made."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(Formatter(FORMAT))
    out.addFilter(outages.present)
    logging.basicConfig(level=logging.WARNING, handlers=[out], force=True)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
