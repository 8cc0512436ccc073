"""Measures of sessions: how many, how many of them without a crash, and each release's share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func

from console.telemetry.measures import Answer, Asked, Measure, Rows, Where
from console.telemetry.question import within
from console.telemetry.scope import Scope
from console.telemetry.tables import session

Session = session.c
RELEASE = "release"
COUNT = func.coalesce(func.sum(Session.quantity), 0)
"""How many sessions the rows stand for."""
_DIMENSIONS = {"release": Session.release, "environment": Session.environment}
_CRASHED = Session.status == "crashed"
_UNHANDLED = Session.status.in_(("crashed", "unhandled"))
_HEALTHY = Session.status.in_(("ok", "exited")) & (Session.errors == 0)
_USERS = func.count(Session.user_key.distinct())
_MANY = 10_000  # releases are listed where a filter names some of them

SESSIONS = Rows(
    name="sessions",
    within=lambda scope: within(session, scope),
    at=Session.timestamp,
    dimensions=_DIMENSIONS,
    weight=COUNT,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adoption(Rows):
    """Sessions as shares of the ones of all releases: a filter by release narrows no whole.

    The samples of a share are the sessions that it is a share of.
    """

    def answer(self, scope: Scope, measures: Sequence[Measure], asked: Asked) -> list[list[Answer]]:
        """What each of the measures answers, all of them in one statement."""
        chosen = _chosen(scope, asked.where)
        whole = replace(scope, release="")
        where = {name: value for name, value in asked.where.items() if name != RELEASE}
        by_release = asked.by == RELEASE
        limit = _MANY if by_release and chosen is not None else asked.limit
        own = (
            COUNT
            if chosen is None
            else func.coalesce(
                func.sum(Session.quantity).filter(Session.release.in_(list(chosen))), 0
            )
        )
        counted = Measure(self, own, COUNT)
        (counts,) = Rows.answer(self, whole, [counted], replace(asked, where=where, limit=limit))
        shares = list(_shares(counts, by_release=by_release))
        return [shares for _ in measures]


ADOPTION = Adoption(
    name=SESSIONS.name,
    within=SESSIONS.within,
    at=SESSIONS.at,
    dimensions=_DIMENSIONS,
    weight=COUNT,
)


def count() -> Measure:
    """How many sessions there were."""
    return Measure(SESSIONS, COUNT, COUNT)


def crash_free() -> Measure:
    """The share of sessions that did not crash, 0 to 1."""
    crashed = func.coalesce(func.sum(Session.quantity).filter(_CRASHED), 0)
    return Measure(SESSIONS, 1.0 - crashed * 1.0 / func.nullif(COUNT, 0), COUNT)


def crash_free_users() -> Measure:
    """The share of users without a crashed session; sessions without a user do not count."""
    crashed = _USERS.filter(_CRASHED)
    return Measure(SESSIONS, 1.0 - crashed * 1.0 / func.nullif(_USERS, 0), _USERS)


def unhandled_free() -> Measure:
    """The share of sessions without a crash and without any error that nothing caught.

    A page goes on after such an error: browsers say "unhandled" where servers say "crashed".
    """
    own = func.coalesce(func.sum(Session.quantity).filter(_UNHANDLED), 0)
    return Measure(SESSIONS, 1.0 - own * 1.0 / func.nullif(COUNT, 0), COUNT)


def healthy() -> Measure:
    """The share of sessions that met no error at all, 0 to 1."""
    own = func.coalesce(func.sum(Session.quantity).filter(_HEALTHY), 0)
    return Measure(SESSIONS, own * 1.0 / func.nullif(COUNT, 0), COUNT)


def adoption() -> Measure:
    """The share of a release in the sessions of all releases, 0 to 1."""
    return Measure(ADOPTION, COUNT, COUNT)


def _chosen(scope: Scope, where: Where) -> Collection[str] | None:
    """The releases that a filter names; None if every release passes."""
    named = where.get(RELEASE)
    if named is None:
        return {scope.release} if scope.release else None
    releases = {named} if isinstance(named, str) else set(named)
    return releases & {scope.release} if scope.release else releases


def _shares(counts: Sequence[Answer], *, by_release: bool) -> Iterator[Answer]:
    """The counts as shares of their bucket, or of their part where parts are no releases."""
    wholes: Counter[int] = Counter()
    for answer in counts:
        wholes[answer.bucket] += answer.samples
    for answer in counts:
        whole = wholes[answer.bucket] if by_release else answer.samples
        if answer.number or (whole and not by_release):
            yield replace(answer, number=float(answer.number) / whole, samples=whole)
