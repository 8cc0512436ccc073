"""The incidents behind response times as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from console.alerting.response.fates import fate_of
from console.metrics.incidents import Listed
from console.metrics.response_times import BY_PEOPLE, TIMES, Clock, Response
from console.web import api
from console.web.spreadsheet import defused

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
    """The rules and people of a table's incidents by their ids, as far as they are known."""

    rules: dict[int, str]
    emails: dict[int, str]
    project: str


def sheet(
    parts: Iterable[tuple[Sequence[Listed], TableNames]], place: str, clock: Clock | None
) -> Iterator[str]:
    """One row for each incident, times as ISO 8601 and lengths in seconds of the clock.

    `place` is the address of an incident without its id at the end. There may be 100,000 of them:
    nothing is asked or looked up by URL for one row, and a part is forgotten once it is written.
    """
    yield _lines([COLUMNS])
    for rows, names in parts:
        yield _lines(_cells(row, names, place, clock) for row in rows)


def _lines(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cells(row: Listed, names: TableNames, place: str, clock: Clock | None) -> list[object]:
    response = row.response
    return [
        response.id,
        f"{place}{response.id}",
        defused(row.title),
        defused(names.rules.get(response.rule_id or 0, "")),
        defused(names.project),
        response.severity,
        row.worst,
        defused(response.policy),
        fate_of(response),
        *map(api.time, _moments(response)),
        defused(names.emails.get(response.acknowledged_by_id or 0, "")),
        response.acknowledged_via,
        defused(names.emails.get(response.resolved_by_id or 0, "")),
        response.resolved_via,
        row.reopened,
        *_length(response, clock),
    ]


def _length(response: Response, clock: Clock | None) -> list[float | None]:
    lengths = [time.of(response, clock if time in BY_PEOPLE else None) for time in TIMES]
    return [None if length is None else round(length, 3) for length in lengths]
