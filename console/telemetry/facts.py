"""What error events can be filtered by: some of their columns, and every key of their tags."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, case, func

from console.telemetry.dialect import json_path, json_text
from console.telemetry.tables import error_event
from console.telemetry.tag_parts import column_of

Event = error_event.c
COLUMNS: dict[str, ColumnElement[str]] = {  # of `records.FACTS`
    "environment": Event.environment,
    "release": Event.release,
    "transaction": Event.transaction,
    "level": Event.level,
    "handled": case((Event.handled.is_(True), "yes"), (Event.handled.is_(False), "no"), else_=""),
}
"""Facts that are columns, "" where the event does not say."""


def having(facts: Iterable[tuple[str, str]]) -> list[ColumnElement[bool]]:
    """The events that have all of these facts."""
    return [
        (COLUMNS[name] if name in COLUMNS else json_text(part(column_of(name)), json_path(name)))
        == value
        for name, value in facts
    ]


def part(column: str) -> ColumnElement[Any]:
    """The tags that stand in this column; all tags in rows from before there were parts."""
    return func.coalesce(Event[column], Event.tags)
