"""Records with plain values, of which a test names those that it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from console.telemetry import bodies, errors
from console.telemetry.records import ErrorEvent, Span
from console.telemetry.scope import Scope

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HASH = "a" * 32
OTHER_HASH = "b" * 32


def hour(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def error(position: int = 1, **fields: Any) -> ErrorEvent:
    at = fields.pop("at", NOON)
    plain = {
        "organization_id": 1,
        "project_id": 1,
        "event_id": uuid4().hex,
        "timestamp": at,
        "received_at": at,
        "grouping_hash": HASH,
        "title": "ValueError: no price",
        "body": bodies.pack({"title": "no price"}),
    }
    return ErrorEvent(position=position, **(plain | fields))


def span(position: int = 1, **fields: Any) -> Span:
    at = fields.pop("at", NOON)
    plain = {
        "organization_id": 1,
        "project_id": 1,
        "trace_id": uuid4().hex,
        "span_id": uuid4().hex[:16],
        "timestamp": at,
        "duration_us": 1500,
        "received_at": at,
    }
    return Span(position=position, **(plain | fields))


def scope(organization_id: int = 1, project_id: int = 1, **fields: Any) -> Scope:
    """The day around noon."""
    plain = {"since": hour(-12), "until": hour(12)}
    return Scope(organization_id=organization_id, project_id=project_id, **(plain | fields))


def errors_in(asked: Scope) -> int:
    """How many errors there are in a scope, without the console's own findings."""
    return sum(map(sum, errors.volume(asked, 3600, category="error").values()))
