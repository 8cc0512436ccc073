"""What a running console writes to standard error: each line with its time, level and origin."""

import logging
import re
import sys
from datetime import UTC, datetime

from console.core import outages

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LOUD = ("console", "flask")  # other libraries speak only when something is wrong


# What moves the cursor of a terminal, colours it, or turns the direction of a line.
_UNSPEAKABLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class Formatter(logging.Formatter):
    """Times as ISO 8601 in UTC, to the millisecond; nothing that was sent looks like a line."""

    def format(self, record: logging.LogRecord) -> str:
        """One record: its further lines are indented, its control characters written out."""
        text = super().format(record).replace("\n", "\n  ")
        return _UNSPEAKABLE.sub(lambda match: ascii(match[0])[1:-1], text)

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
