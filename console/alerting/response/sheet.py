"""The incidents behind response times as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence

from console.accounts.models import User
from console.alerting.models import Incident
from console.alerting.response.fates import fate_of
from console.metrics.response_times import BY_PEOPLE, TIMES, Clock, Response
from console.web import api

BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
MOMENTS = (
    "breached_at",
    "opened_at",
    "noticed_at",
    "notified_at",
    "acknowledged_at",
    "resolved_at",
)
COLUMNS = (
    "incident", "url", "title", "rule", "project", "severity", "level", "policy", "outcome",
    *MOMENTS, "acknowledged_by", "resolved_by", "reopened",
    *(f"seconds_to_{time.name}" for time in TIMES),
)  # fmt: skip


def sheet(
    responses: Sequence[Response],
    rows: Mapping[int, Incident],
    rules: Mapping[int, str],
    project: str,
    clock: Clock | None,
    url_of: Callable[[int], str],
) -> str:
    """One row for each incident, times as ISO 8601 and lengths in seconds of the clock."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for response in responses:
        incident = rows[response.id]
        cells = [
            incident.id,
            url_of(incident.id),
            incident.title,
            rules.get(response.rule_id or 0, ""),
            project,
            response.severity,
            incident.worst.value,
            response.policy,
            fate_of(response),
            *(api.time(getattr(response, name)) for name in MOMENTS),
            _email(incident.acknowledged_by),
            _email(incident.resolved_by),
            incident.reopened,
            *(_length(response, clock)),
        ]
        writer.writerow([_defused(cell) for cell in cells])
    return text.getvalue()


def _length(response: Response, clock: Clock | None) -> list[float | None]:
    lengths = [time.of(response, clock if time in BY_PEOPLE else None) for time in TIMES]
    return [None if length is None else round(length, 3) for length in lengths]


def _email(user: User | None) -> str:
    return user.email if user else ""


def _defused(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula: texts come from clients."""
    if isinstance(cell, str) and cell.startswith(BEGINS_FORMULA):
        return f"'{cell}"
    return cell
