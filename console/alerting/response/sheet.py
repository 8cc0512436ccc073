"""The incidents behind response times as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

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
_moments = attrgetter(*MOMENTS)
COLUMNS = (
    "incident", "url", "title", "rule", "project", "severity", "level", "policy", "outcome",
    *MOMENTS, "acknowledged_by", "acknowledged_via", "resolved_by", "resolved_via", "reopened",
    *(f"seconds_to_{time.name}" for time in TIMES),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableNames:
    """What the incidents of a table are called, and who had to do with them, by their ids."""

    incidents: Mapping[int, tuple[str, str, int]]
    """Title, worst level, and how often it was opened again."""
    rules: Mapping[int, str]
    emails: Mapping[int, str]
    project: str
    place: str
    """The address of an incident, without its id at the end."""


def sheet(responses: Sequence[Response], names: TableNames, clock: Clock | None) -> str:
    """One row for each incident, times as ISO 8601 and lengths in seconds of the clock.

    There may be 100,000 of them: nothing is asked or looked up by URL for one row.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(response, names, clock) for response in responses)
    return text.getvalue()


def _cells(response: Response, names: TableNames, clock: Clock | None) -> list[object]:
    title, worst, reopened = names.incidents[response.id]
    return [
        response.id,
        f"{names.place}{response.id}",
        _defused(title),
        _defused(names.rules.get(response.rule_id or 0, "")),
        names.project,
        response.severity,
        worst,
        _defused(response.policy),
        fate_of(response),
        *map(api.time, _moments(response)),
        _defused(names.emails.get(response.acknowledged_by_id or 0, "")),
        response.acknowledged_via,
        _defused(names.emails.get(response.resolved_by_id or 0, "")),
        response.resolved_via,
        reopened,
        *_length(response, clock),
    ]


def _length(response: Response, clock: Clock | None) -> list[float | None]:
    lengths = [time.of(response, clock if time in BY_PEOPLE else None) for time in TIMES]
    return [None if length is None else round(length, 3) for length in lengths]


def _defused(text: str) -> str:
    """A text that no spreadsheet takes for a formula: it comes from clients."""
    return f"'{text}" if text.startswith(BEGINS_FORMULA) else text
