"""Where a page of the list of traces ended."""

from datetime import datetime

from console.core import clock, cursors
from console.telemetry.traces import Began


def cursor_after(row: Began) -> str:
    """The cursor of the page that follows this row."""
    return cursors.written(row.timestamp, row.duration_us, row.span_id)


def mark_of(cursor: str) -> tuple[datetime, int, str] | None:
    """What `telemetry.traces` is to start after; raises cursors.BadCursor."""
    if not cursor:
        return None
    at, duration, span = cursors.read(
        cursor, clock.instant, cursors.whole(), cursors.hexadecimal(16)
    )
    return at, duration, span
