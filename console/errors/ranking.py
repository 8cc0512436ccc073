"""The issues of the inbox, ordered by their events or users in the scope of the page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from console.accounts.models import Project
from console.errors import queries
from console.errors.queries import Candidate, Filter
from console.telemetry import errors as telemetry
from console.telemetry.errors import NOTHING, Totals
from console.telemetry.scope import Scope

CHUNK = 250
GROWTH = 4
# All groups of so little time are counted sooner than the issues that were frequent once.
SHORT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class RankedIssue:
    """An issue with its events and users in the scope; `place` is what it is ordered by."""

    issue_id: int
    totals: Totals
    place: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The first issues of an order, the highest first; more may follow unless it is complete."""

    rows: Sequence[RankedIssue]
    complete: bool


def ranking(project: Project, by: Filter, scope: Scope, need: int) -> Ranking:
    """The first `need` or more issues that match and have events in the scope, if there are any.

    Candidates come in chunks, by an upper bound in falling order: their counts of all time, or
    their users' events in the scope. Once the last needed issue is not below the bound of the
    unread candidates, no other can come before it.
    """
    rows: list[RankedIssue] = []
    for chunk, bound in _chunks(project, by, scope):
        rows += _counted(by, scope, chunk)
        rows.sort(key=lambda row: row.place, reverse=True)
        if bound is None:
            break
        if len(rows) >= need and rows[need - 1].place >= bound:
            return Ranking(rows, complete=False)
    return Ranking(rows, complete=True)


def totals_of(scope: Scope, hashes: Mapping[int, Sequence[str]]) -> dict[int, Totals]:
    """The totals of each issue in the scope, by id, without issues that have no event there."""
    every = [hash_ for group in hashes.values() for hash_ in group]
    counts = telemetry.totals_by_group(scope, every) if every else {}
    sums = {
        issue_id: sum((counts[hash_] for hash_ in group if hash_ in counts), NOTHING)
        for issue_id, group in hashes.items()
    }
    return {issue_id: totals for issue_id, totals in sums.items() if totals.events}


Chunks = Iterator[tuple[Sequence[Candidate], tuple[Any, ...] | None]]


def _chunks(project: Project, by: Filter, scope: Scope) -> Chunks:
    """Chunks of candidates, each with the bound of the following ones, None at the end."""
    first = queries.candidates(project, by, count=CHUNK + 1)
    if len(first) <= CHUNK:
        yield first, None
    elif scope.length <= SHORT and by.sort != "first_seen":
        yield from _busiest(project, by, scope)
    else:
        yield from _once_frequent(project, by, first)


def _once_frequent(project: Project, by: Filter, first: Sequence[Candidate]) -> Chunks:
    """Candidates by their counts since they were first seen."""
    chunk, count = list(first), CHUNK
    while len(chunk) > count:
        yield chunk[:count], chunk[count].place
        count, last = count * GROWTH, chunk[count - 1].place
        chunk = list(queries.candidates(project, by, count=count + 1, after=last))
    yield chunk, None


def _busiest(project: Project, by: Filter, scope: Scope) -> Chunks:
    """Candidates by their events in the scope, of which telemetry names the highest."""
    seen, count = 0, CHUNK
    while True:
        groups = telemetry.busiest(scope, by.sort, limit=seen + count + 1)
        chunk = queries.candidates_by_hash(project, by, [g.hash for g in groups[seen:][:count]])
        if len(groups) <= seen + count:
            yield chunk, None
            return
        yield chunk, groups[seen + count].place
        seen, count = seen + count, count * GROWTH


def _counted(by: Filter, scope: Scope, chunk: Sequence[Candidate]) -> list[RankedIssue]:
    places = {candidate.issue_id: candidate for candidate in chunk}
    totals = totals_of(scope, {candidate.issue_id: candidate.hashes for candidate in chunk})
    return [
        RankedIssue(issue_id, counts, _place(by.sort, places[issue_id], counts))
        for issue_id, counts in totals.items()
    ]


def _place(sort: str, candidate: Candidate, totals: Totals) -> tuple[Any, ...]:
    """Where an issue stands in an order, as the bounds are written: first seen is of all time."""
    if sort == "first_seen":
        return candidate.place
    if sort == "last_seen":
        return (totals.last, candidate.issue_id)
    counts = (totals.events,) if sort == "events" else (totals.users, totals.events)
    return (*counts, candidate.issue_id)
