"""Where a page of the list of traces ended, as a text that leads to the next one."""

import re
from datetime import datetime

from flask import abort

from console.core import clock
from console.telemetry.traces import Began

_CURSOR = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\dT[\d:.]{8,15}\+00:00)~(?P<duration>\d{1,18})~(?P<span>[0-9a-f]{16})"
)


def cursor_after(row: Began) -> str:
    """The cursor of the page that follows this row."""
    return f"{row.timestamp.isoformat()}~{row.duration_us}~{row.span_id}"


def mark_of(cursor: str) -> tuple[datetime, int, str] | None:
    """What `telemetry.traces` is to start after; 400 for a text that no page gave out."""
    if not cursor:
        return None
    found = _CURSOR.fullmatch(cursor)
    try:
        if found:
            return clock.instant(found["at"]), int(found["duration"]), found["span"]
    except ValueError:
        found = None
    return abort(400, "cursor: no page of this list gave it out.")
