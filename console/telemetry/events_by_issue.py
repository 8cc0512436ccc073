"""Events by the issue that they belong to: telemetry knows grouping hashes, state knows issues."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    String,
    case,
    cast,
    func,
    literal,
    null,
    select,
)

from console.telemetry.measures import Answer, Asked, Measure, Rows, Where
from console.telemetry.question import ask
from console.telemetry.scope import Scope
from console.telemetry.tables import error_event, group_key

ISSUE, GROUP = "issue", "group"
Event = error_event.c


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventsByIssue(Rows):
    """Events with the dimension "issue": an issue's number, as many as the issue has hashes.

    A breakdown by issue asks one more question, for the sizes of all groups; the Session must be
    bound to the scope's organization.
    """

    hashes_of: Callable[[Iterable[int]], Mapping[int, Collection[str]]]
    """The grouping hashes of issues."""
    issues_of: Callable[[Scope, Collection[str]], Mapping[str, int]]
    """The issues that grouping hashes lead to."""
    issue: SQLColumnExpression[Any] | None = None
    """The issue of an event where it is among the largest, NULL for all others."""

    def answer(self, scope: Scope, measures: Sequence[Measure], asked: Asked) -> list[list[Answer]]:
        """What each of the measures answers."""
        asked = replace(asked, where=self._by_group(asked.where))
        rows: Rows = self
        if asked.by == ISSUE:
            rows = replace(self, issue=_named(self._keys_of(self._largest(scope, asked))))
        return Rows.answer(rows, scope, measures, asked)

    def _part(
        self, mine: ColumnElement[bool], asked: Asked
    ) -> tuple[SQLColumnExpression[Any], ColumnElement[bool]]:
        if asked.by != ISSUE or self.issue is None:
            return Rows._part(self, mine, asked)  # noqa: SLF001 - of the class above
        return self.issue, self.issue.is_not(None)

    def _largest(self, scope: Scope, asked: Asked) -> list[int]:
        """The issues with most events."""
        events = func.count()
        query = (
            select(func.max(Event.grouping_hash), events)
            .where(self.narrowed(scope, asked.where))
            .group_by(Event.group_key)
        )
        counts: dict[str, int] = dict(map(tuple, ask(scope, query)))
        sizes: Counter[int] = Counter()
        for hash_, issue_id in self.issues_of(scope, counts).items():
            sizes[issue_id] += counts[hash_]
        return sorted(sizes, key=lambda issue_id: (-sizes[issue_id], str(issue_id)))[: asked.limit]

    def _by_group(self, where: Where) -> Where:
        """The filter with the grouping hashes of the issues that it names."""
        if ISSUE not in where:
            return where
        named = where[ISSUE]
        numbers = [named] if isinstance(named, str) else list(named)
        ids = [int(number) for number in numbers if number.isdecimal() and len(number) < 10]
        keys = {key for keys in self._keys_of(ids).values() for key in keys} if ids else set()
        if GROUP in where:
            chosen = where[GROUP]
            keys &= {chosen} if isinstance(chosen, str) else set(chosen)
        rest = {name: value for name, value in where.items() if name not in (ISSUE, GROUP)}
        return {**rest, GROUP: sorted(keys)}

    def _keys_of(self, issue_ids: Iterable[int]) -> Mapping[int, Collection[str]]:
        """The keys of the groups of issues."""
        hashes = self.hashes_of(issue_ids)
        return {issue: {group_key(hash_) for hash_ in own} for issue, own in hashes.items()}


def of_rows(
    rows: Rows,
    hashes_of: Callable[[Iterable[int]], Mapping[int, Collection[str]]],
    issues_of: Callable[[Scope, Collection[str]], Mapping[str, int]],
) -> EventsByIssue:
    """Rows of events, with the dimension "issue" as well."""
    return EventsByIssue(
        name=rows.name,
        within=rows.within,
        at=rows.at,
        dimensions={ISSUE: literal(""), **rows.dimensions, GROUP: Event.group_key},
        heeds=rows.heeds,
        quiet=rows.quiet,
        asked_by=rows.asked_by,
        hashes_of=hashes_of,
        issues_of=issues_of,
    )


def _named(keys: Mapping[int, Collection[str]]) -> SQLColumnExpression[Any]:
    """The number of the issue that an event belongs to; NULL for all other issues."""
    if not keys:
        return cast(null(), String)
    return case(*[(Event.group_key.in_(sorted(own)), str(issue)) for issue, own in keys.items()])
