"""Error events and groupings as the ingest side hands them to the digest."""

from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from console.accounts.models import Project
from console.errors.grouping import Component, Grouping
from console.telemetry.records import ErrorEvent

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def grouping(name: str = "a", **fields: Any) -> Grouping:
    """A grouping whose hash is spelled by one character."""
    given: dict[str, Any] = {
        "hash": name * 32,
        "variant": "stack trace",
        "components": (Component("exception", ("ZeroDivisionError",)),),
        "title": "ZeroDivisionError: division by zero",
        "culprit": "shop.checkout in price",
        "kind": "ZeroDivisionError",
    }
    return Grouping(**(given | fields))


def error_event(project: Project, minutes: float = 0, **fields: Any) -> ErrorEvent:
    """An event raised so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    given: dict[str, Any] = {
        "organization_id": project.organization_id,
        "project_id": project.id,
        "position": 1,
        "event_id": token_hex(16),
        "timestamp": at,
        "received_at": at,
        "grouping_hash": "a" * 32,
        "level": "error",
        "kind": "ZeroDivisionError",
        "title": "ZeroDivisionError: division by zero",
        "culprit": "shop.checkout in price",
        "environment": "production",
        "release": "shop@1.0",
        "platform": "python",
    }
    return ErrorEvent(**(given | fields))
