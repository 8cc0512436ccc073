"""Segments for tests of detectors: spans follow one another unless told otherwise."""

from datetime import UTC, datetime, timedelta
from typing import Any

from console.performance.describe import described
from console.telemetry.records import Span
from console.telemetry.spans import SpanRow

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROOT = "f" * 16
LOOK_UP = "SELECT author.id, author.name FROM author WHERE author.id = ?"
BOOKS = "SELECT book.id, book.author_id FROM book"


class Request:
    """The spans of one request, in the order in which they are added."""

    def __init__(self, **fields: Any) -> None:
        self.rows: list[SpanRow] = []
        self.now = 1_000
        self._root = fields

    def add(self, name: str = LOOK_UP, op: str = "db", *, us: int = 100, **fields: Any) -> str:
        """Add a span of so many microseconds; `at` (after the start) may differ from "now"."""
        at = fields.pop("at", self.now)
        span_id: str = fields.pop("span_id", f"{len(self.rows) + 1:016x}")
        given = {"parent_span_id": ROOT, "segment_id": ROOT, **fields}
        self.rows.append(row(name, op, span_id=span_id, at=at, us=us, **given))
        self.now = max(self.now, at + us + 20)
        return span_id

    def spans(self) -> list[SpanRow]:
        """All rows, the segment among them."""
        root = {
            "name": "GET /books",
            "op": "http.server",
            "us": self.now,
            "source": "route",
            "http_method": "GET",
            **self._root,
        }
        name, op = root.pop("name"), root.pop("op")
        return [*self.rows, row(name, op, span_id=ROOT, is_segment=True, segment_id=ROOT, **root)]


def row(name: str, op: str, *, at: int = 0, us: int = 100, **fields: Any) -> SpanRow:
    """A stored span with the columns that digest adds."""
    span = described(
        Span(
            organization_id=1,
            project_id=1,
            position=1,
            trace_id="a" * 32,
            timestamp=NOON + timedelta(microseconds=at),
            received_at=NOON,
            duration_us=us,
            op=op,
            name=name,
            **fields,
        )
    )
    columns = {field: getattr(span, field) for field in SpanRow.__dataclass_fields__}
    return SpanRow(**{**columns, "attributes": dict(span.attributes)})
