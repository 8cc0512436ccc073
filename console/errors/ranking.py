"""The issues of the inbox, ordered by their events or users in the scope of the page."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from console.accounts.models import Project
from console.core import cursors
from console.errors import queries
from console.errors.models import Issue
from console.errors.people import keys_of
from console.errors.queries import Candidate, Filter
from console.telemetry import errors as telemetry
from console.telemetry.errors import NOTHING, Totals
from console.telemetry.leading import TREND, leading
from console.telemetry.scope import Scope

CHUNK = 250
GROWTH = 4
MOST_PASSED = 100_000  # a page further on would take more than a second
MOST_SAYING = 2_000  # groups of events with a text of a search; the most frequent count
MARGIN = 20  # so many issues more are counted at once as may come before another in the end
# All groups of so little time are counted sooner than the issues that were frequent once.
SHORT = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class RankedIssue:
    """An issue with its totals in the scope; `place` is what it is ordered by.

    Until it `is_exact`, its users are an upper bound, the events that name one: counting users
    apart takes several times as long, and most candidates do not need it.
    """

    candidate: Candidate
    totals: Totals
    place: tuple[Any, ...]
    is_exact: bool

    @property
    def issue_id(self) -> int:
        """The id of the issue."""
        return self.candidate.issue_id


@dataclass(frozen=True, slots=True)
class Ranking:
    """The first issues of an order, the highest first; more may follow unless it is complete."""

    rows: Sequence[RankedIssue]
    complete: bool


def ranking(project: Project, by: Filter, scope: Scope, need: int) -> Ranking:
    """The first `need` or more issues that match and have events in the scope, if there are any.

    Candidates come in chunks, by an upper bound in falling order: their counts of all time, or the
    ones in the scope. Once the last needed issue is not below the bound of the unread candidates,
    no other can come before it.
    """
    first = queries.candidates(project, by, count=CHUNK + 1)
    if len(first) <= CHUNK:
        chunks: Chunks = iter([(first, None)])
    elif _is_led(by, scope):
        return _leading(project, by, scope, need)
    else:
        chunks = _once_frequent(project, by, first)
    rows: list[RankedIssue] = []
    exact = any(count.measure == "users" for count in by.search.counts)
    for chunk, bound in chunks:
        rows = _settled(by, scope, [*rows, *_counted(by, scope, chunk, exact=exact)], need)
        if bound is None:
            break
        if len(rows) >= need and rows[need - 1].place >= bound:
            return Ranking(rows, complete=False)
    return Ranking(rows, complete=True)


def informed(project: Project, by: Filter, scope: Scope) -> Filter:
    """The filter with the issues whose events say the texts of its search."""
    holding: dict[str, Sequence[int]] = {}
    for text in by.search.texts:
        keys = keys_of(text.written)
        hashes = telemetry.hashes_holding(scope, text.written, keys, MOST_SAYING)
        holding[text.folded] = sorted(set(queries.issues_by_hash(project.id, hashes).values()))
    return replace(by, holding=holding) if holding else by


def page(
    project: Project, by: Filter, scope: Scope, cursor: str, limit: int
) -> tuple[Sequence[Issue], dict[int, Totals], str]:
    """A page of a ranking: its issues, their totals by id, and the cursor of the next page.

    Raises console.core.cursors.BadCursor.
    """
    (before,) = cursors.read(cursor, _passed) if cursor else (0,)
    rows = ranking(project, by, scope, need=before + limit + 1).rows[before:]
    shown = rows[:limit]
    issues = queries.in_order(project, [row.issue_id for row in shown])
    older = cursors.written(before + limit) if len(rows) > limit else ""
    return issues, shown_totals(by, scope, shown, issues), older


def shown_totals(
    by: Filter, scope: Scope, rows: Sequence[RankedIssue], issues: Sequence[Issue]
) -> dict[int, Totals]:
    """The totals of the issues of a page by id, users counted where they were a bound.

    First seen is of all time in the environment and release: what was new a month ago is not new
    again for every shorter range. Only of what a search wants of events, it is within the range.
    """
    bounded = [row.candidate for row in rows if not row.is_exact]
    counted = _counted(by, scope, bounded, exact=True) if bounded else []
    totals = {row.issue_id: row.totals for row in (*rows, *counted)}
    if scope.terms:
        return totals
    firsts = queries.first_seen_there(by, list(totals)) if by.has_place and totals else {}
    return {
        issue.id: replace(totals[issue.id], first=firsts.get(issue.id, issue.first_seen))
        for issue in issues
    }


def ever(issue: Issue) -> Totals:
    """The totals of an issue since it was first seen, everywhere."""
    return Totals(issue.events, issue.users, issue.first_seen, issue.last_seen)


def _passed(part: Any) -> int:
    """How many issues stand on the pages before."""
    count = cursors.whole(31)(part)
    if not 0 < count <= MOST_PASSED:
        raise ValueError("not a number of issues")
    return count


def _leading(project: Project, by: Filter, scope: Scope, need: int) -> Ranking:
    """The ranking by the groups that telemetry names first, in growing numbers."""
    issues: dict[int, RankedIssue] = {}
    counts: dict[str, Totals] = {}
    seen, count = 0, CHUNK
    while True:
        leaders = leading(scope, by.sort, limit=seen + count + 1, most=_most(by))
        chunk = leaders[seen : seen + count]
        counts |= {leader.hash: leader.totals for leader in chunk}
        candidates = queries.candidates_by_hash(project, by, [leader.hash for leader in chunk])
        counts |= _of_later_groups(by, scope, candidates, counts)
        issues |= {row.issue_id: row for row in _ranked(by, scope, candidates, counts, exact=True)}
        rows = _highest_first(issues.values())
        if len(leaders) <= seen + count:
            return Ranking(rows, complete=True)
        if len(rows) >= need and rows[need - 1].place[:-1] > leaders[seen + count].place:
            return Ranking(rows, complete=False)
        seen, count = seen + count, count * GROWTH * GROWTH


def _is_led(by: Filter, scope: Scope) -> bool:
    """Whether the groups of the scope are asked for in their order there."""
    if scope.terms or by.sort == TREND:
        return True
    return by.sort != "first_seen" and (scope.length <= SHORT or _most(by) is not None)


def _most(by: Filter) -> int | None:
    """How many events an issue has at the most, and so each of its groups."""
    bounds = [c.most for c in by.search.counts if c.measure == "events" and not c.negated]
    return min((most for most in bounds if most is not None), default=None)


def _of_later_groups(
    by: Filter, scope: Scope, candidates: Sequence[Candidate], counts: Mapping[str, Totals]
) -> dict[str, Totals]:
    """What is counted of the hashes that issues have beside the ones that were counted."""
    every = {hash_ for candidate in candidates for hash_ in candidate.hashes}
    return _totals(by, scope, sorted(every - counts.keys()), exact=True)


def _highest_first(rows: Iterable[RankedIssue]) -> list[RankedIssue]:
    return sorted(rows, key=lambda row: row.place, reverse=True)


def _settled(by: Filter, scope: Scope, rows: Sequence[RankedIssue], need: int) -> list[RankedIssue]:
    """The rows in their order; in an order by users the first `need` are counted exactly."""
    while True:
        rows = _highest_first(rows)
        if by.sort != "users" or all(row.is_exact for row in rows[:need]):
            return rows
        likely = rows[: need + MARGIN]
        bounded = [row.candidate for row in likely if not row.is_exact]
        exact = [row for row in likely if row.is_exact]
        rows = [*exact, *_counted(by, scope, bounded, exact=True), *rows[need + MARGIN :]]


Chunks = Iterator[tuple[Sequence[Candidate], tuple[Any, ...] | None]]
"""Chunks of candidates, each with the bound of the following ones, None at the end."""


def _once_frequent(project: Project, by: Filter, first: Sequence[Candidate]) -> Chunks:
    """Candidates by their counts since they were first seen."""
    chunk, count = list(first), CHUNK
    while len(chunk) > count:
        yield chunk[:count], chunk[count].place
        count, last = count * GROWTH, chunk[count - 1].place
        chunk = list(queries.candidates(project, by, count=count + 1, after=last))
    yield chunk, None


def _counted(
    by: Filter, scope: Scope, candidates: Sequence[Candidate], *, exact: bool
) -> list[RankedIssue]:
    """The candidates that have events in the scope, with their totals there."""
    every = [hash_ for candidate in candidates for hash_ in candidate.hashes]
    counts = _totals(by, scope, every, exact=exact)
    return _ranked(by, scope, candidates, counts, exact=exact)


def _totals(by: Filter, scope: Scope, hashes: Sequence[str], *, exact: bool) -> dict[str, Totals]:
    """The totals of some grouping hashes, with the events before for the order that compares."""
    if not hashes:
        return {}
    counts = telemetry.totals_by_group(scope, hashes, exact=exact)
    if by.sort != TREND or not counts:
        return counts
    earlier = telemetry.totals_by_group(scope.before(), list(counts), exact=False)
    before = {hash_: totals.events for hash_, totals in earlier.items()}
    return {h: replace(totals, before=before.get(h, 0)) for h, totals in counts.items()}


def _ranked(
    by: Filter,
    scope: Scope,
    candidates: Sequence[Candidate],
    counts: Mapping[str, Totals],
    *,
    exact: bool,
) -> list[RankedIssue]:
    """The candidates with what was counted of their groups."""
    sums = [
        (candidate, sum((counts[hash_] for hash_ in candidate.hashes if hash_ in counts), NOTHING))
        for candidate in candidates
    ]
    return [
        RankedIssue(candidate, totals, _place(by, candidate, totals, scope), exact)
        for candidate, totals in sums
        if totals.events
        and all(count.holds(getattr(totals, count.measure)) for count in by.search.counts)
    ]


def _place(by: Filter, candidate: Candidate, totals: Totals, scope: Scope) -> tuple[Any, ...]:
    """Where an issue stands in an order, as the bounds are written: first seen is of all time."""
    if by.sort == "first_seen" and not scope.terms:
        return tuple(candidate.place)
    equal = (totals.last,) if _is_led(by, scope) else ()
    return (*_measures(by.sort, totals), *equal, candidate.issue_id)


def _measures(sort: str, totals: Totals) -> tuple[Any, ...]:
    """What an order compares of totals in the scope."""
    return {
        "first_seen": (totals.first,),
        "last_seen": (totals.last,),
        "events": (totals.events,),
        "users": (totals.users, totals.events),
        TREND: (totals.events - totals.before, totals.events),
    }[sort]
