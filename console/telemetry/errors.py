"""Questions about error events: one event, the events of an issue, their counts over time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    case,
    func,
    literal,
    select,
    union_all,
)

from console.telemetry import bodies
from console.telemetry.by_group import ask_by_group
from console.telemetry.dialect import Hex128, UtcTimestamp, bucket, pair
from console.telemetry.event_terms import holding
from console.telemetry.facts import COLUMNS
from console.telemetry.question import SINCE, ask, series, windows, within
from console.telemetry.scope import Scope
from console.telemetry.tables import error_event, group_key

Event = error_event.c


@dataclass(frozen=True, slots=True)
class EventRow:
    """What a list shows of an error event, and what leads to the rest of it."""

    event_id: str
    timestamp: datetime
    received_at: datetime
    grouping_hash: str
    category: str
    level: str
    kind: str
    title: str
    culprit: str
    message: str
    platform: str
    environment: str
    release: str
    transaction: str
    user_key: str
    trace_id: str
    span_id: str
    handled: bool | None
    sdk: str
    tags: dict[str, str]

    @property
    def mark(self) -> "EventMark":
        """Its place in the order of events, by which pages of a list continue."""
        return EventMark(self.timestamp, self.event_id)

    def fact(self, name: str) -> str:
        """What it says of a tag or of what has a column of its own; "" for nothing."""
        if name == "handled":
            return {True: "yes", False: "no", None: ""}[self.handled]
        return str(getattr(self, name) if name in COLUMNS else self.tags.get(name, ""))


@dataclass(frozen=True, slots=True)
class StoredEvent(EventRow):
    """An error event with its body, the scrubbed JSON that the client sent."""

    body: dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class EventMark:
    """Where an event stands: events are ordered by time, and by id where times are equal."""

    timestamp: datetime
    event_id: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The events around one event of an issue; `number` counts from 1 for the oldest of `total`."""

    first: EventMark | None
    previous: EventMark | None
    next: EventMark | None
    latest: EventMark | None
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How many events and users, and when first and last."""

    events: int = 0
    users: int = 0
    first: datetime | None = None
    last: datetime | None = None
    before: int = 0
    """The events of the time of the same length before, where an order needs them."""

    def __add__(self, addend: "Totals") -> "Totals":
        """The totals of both together; a user of both counts twice."""
        first = [at for at in (self.first, addend.first) if at]
        last = [at for at in (self.last, addend.last) if at]
        return Totals(
            self.events + addend.events,
            self.users + addend.users,
            min(first, default=None),
            max(last, default=None),
            self.before + addend.before,
        )


NOTHING = Totals()


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Events of an issue in one release and environment."""

    release: str
    environment: str
    events: int
    last: datetime


ROW = [Event[name] for name in EventRow.__dataclass_fields__]


def event(scope: Scope, event_id: str, hashes: Iterable[str] | None = None) -> StoredEvent | None:
    """One event with its body; `hashes` are the grouping hashes of its issue, if that is known.

    Ids are not sorted on disk, so the search goes back in widening windows: people mostly open
    recent events, and a link that carries a time narrows the scope to it.
    """
    for window in windows(scope):
        query = _events(window).add_columns(Event.body).where(Event.event_id == event_id)
        if hashes is not None:
            query = query.where(of_groups(hashes))
        if rows := ask(window, query):
            return _stored(rows)
    return None


def latest_event(scope: Scope, hashes: Iterable[str]) -> StoredEvent | None:
    """The newest event of an issue, with its body."""
    newest = _events(scope).where(of_groups(hashes)).order_by(*_newest_first()).limit(1)
    return _stored(ask(scope, newest.add_columns(Event.body)))


def events_of(
    scope: Scope, hashes: Iterable[str], *, before: EventMark | None = None, limit: int = 50
) -> list[EventRow]:
    """The events of an issue, newest first; the next page starts before the last one's mark."""
    page = _events(scope).where(of_groups(hashes)).order_by(*_newest_first()).limit(limit)
    if before is not None:
        page = page.where(Event.timestamp <= before.timestamp, _place() < _place_of(before))
    return [EventRow(*row) for row in ask(scope, page)]


def latest_bodies(
    scope: Scope, hashes: Iterable[str], per_hash: int = 1
) -> dict[str, list[dict[str, Any]]]:
    """The bodies of the latest events of each hash, the latest first.

    A first query finds out which events these are: bodies are most of what a table holds.
    """
    by_key = {group_key(grouping_hash): grouping_hash for grouping_hash in hashes}
    mine = and_(within(error_event, scope), of_groups(by_key.values()))
    newest = func.row_number().over(partition_by=Event.group_key, order_by=_newest_first())
    ranked = select(Event.timestamp, Event.event_id, newest.label("number")).where(mine).subquery()
    latest = select(ranked.c.timestamp, ranked.c.event_id).where(ranked.c.number <= per_hash)
    chosen = ask(scope, latest)
    times, ids = {row[0] for row in chosen}, {row[1] for row in chosen}
    query = (
        select(Event.group_key, Event.body)
        .where(mine, Event.timestamp.in_(times), Event.event_id.in_(ids))
        .order_by(*_newest_first())
    )
    latest_by_hash: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for key, body in ask(scope, query):
        latest_by_hash[by_key[key]].append(bodies.unpack(body))
    return latest_by_hash


def neighbours(scope: Scope, hashes: Iterable[str], mark: EventMark) -> Neighbours:
    """The events of an issue around the one at `mark`, which need not be in the scope itself.

    A first query finds the times, a second the ids at these few times: ids are most of what a scan
    reads.
    """
    mine = and_(within(error_event, scope), of_groups(hashes))
    at, here = Event.timestamp, literal(mark.timestamp, UtcTimestamp)
    query = select(
        func.count(),
        func.count().filter(at < here),
        func.min(at),
        func.max(at).filter(at < here),
        func.min(at).filter(at > here),
        func.max(at),
    )
    (row,) = ask(scope, query.where(mine))
    total, older, *moments = row
    times = {mark.timestamp, *moments} - {None}
    listed = ask(scope, select(at, Event.event_id).where(mine, at.in_(sorted(times))))
    marks = sorted(EventMark(*row) for row in listed)
    before = [earlier for earlier in marks if earlier < mark]
    after = [later for later in marks if later > mark]
    return Neighbours(
        first=marks[0] if marks else None,
        previous=before[-1] if before else None,
        next=after[0] if after else None,
        latest=marks[-1] if marks else None,
        number=1 + older + sum(1 for earlier in before if earlier.timestamp == mark.timestamp),
        total=total,
    )


def errors_of_trace(scope: Scope, trace_id: str) -> list[EventRow]:
    """The error events that name a trace, oldest first."""
    mine = and_(Event.trace_id == trace_id, is_error())
    query = _events(scope).where(mine).order_by(Event.timestamp)
    return [EventRow(*row) for row in ask(scope, query)]


def hashes_of_transactions(
    scope: Scope, names: Iterable[str], limit: int = 10
) -> list[tuple[str, int, datetime]]:
    """The errors in some transactions by grouping hash: (hash, events, last seen)."""
    query = (
        select(Event.grouping_hash, func.count(), func.max(Event.timestamp))
        .where(within(error_event, scope), Event.transaction.in_(list(names)))
        .group_by(Event.grouping_hash)
        .order_by(func.count().desc(), Event.grouping_hash)
    )
    return [(hash_, events, at) for hash_, events, at in ask(scope, query.limit(limit))]


def issue_trends(scope: Scope, hashes: Iterable[str], seconds: int) -> dict[str, list[int]]:
    """Events per time bucket of each hash, for all of a page's sparklines at once."""
    every = list(hashes)
    counts = _by_bucket(scope, every, seconds, scope.since)
    return {hash_: series(scope, seconds, counts[hash_]) for hash_ in every}


def compared_trends(
    scope: Scope, hashes: Iterable[str], seconds: int
) -> dict[str, tuple[list[int], int]]:
    """The same, each with the events of the time of the same length before."""
    every, before = list(hashes), scope.before().since
    counts = _by_bucket(scope.between(before, scope.until), every, seconds, scope.since)
    return {
        hash_: (
            series(scope, seconds, (pair for pair in counts[hash_] if pair[0] >= 0)),
            sum(events for number, events in counts[hash_] if number < 0),
        )
        for hash_ in every
    }


def _by_bucket(
    scope: Scope, hashes: Sequence[str], seconds: int, start: datetime
) -> dict[str, list[tuple[int, int]]]:
    """The numbers of the buckets from a moment on and their events, -1 for the time before."""
    by_key = {group_key(grouping_hash): grouping_hash for grouping_hash in hashes}
    since = literal(start, UtcTimestamp)

    def question(events: Subquery) -> Select[Any]:
        at = events.c.timestamp
        number = case((at < since, -1), else_=bucket(at, since, seconds)).label("number")
        counted = select(events.c.group_key, number, func.count())
        return counted.group_by(events.c.group_key, "number")

    counts: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for key, at, count in ask_by_group(scope, by_key.values(), question):
        counts[by_key[key]].append((at, count))
    return counts


def volume(
    scope: Scope,
    seconds: int,
    *,
    category: str = "",
    of: Iterable[str] | None = None,
    without: Sequence[str] = (),
) -> dict[str, list[int]]:
    """Events per time bucket by level: of a category, `of` some grouping hashes, `without` some."""
    number = bucket(Event.timestamp, SINCE, seconds).label("number")
    chosen = [Event.category == category] if category else []
    if of is not None:
        chosen.append(of_groups(of))
    if without:
        chosen.append(~of_groups(without))
    query = (
        select(Event.level, number, func.count())
        .where(within(error_event, scope), *chosen)
        .group_by(Event.level, "number")
    )
    counts: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for level, at, count in ask(scope, query):
        counts[level].append((at, count))
    return {level: series(scope, seconds, by_bucket) for level, by_bucket in counts.items()}


def totals_by_group(
    scope: Scope, hashes: Iterable[str], *, exact: bool = True
) -> dict[str, Totals]:
    """The events and users of each of some grouping hashes, without hashes that have no events.

    If it need not be exact, users are an upper bound: the events that name one.
    """
    by_key = {group_key(grouping_hash): grouping_hash for grouping_hash in hashes}

    def question(events: Subquery) -> Select[Any]:
        at, user = events.c.timestamp, events.c.user_key
        users = func.count(user.distinct() if exact else user)
        totals = (func.count(), users, func.min(at), func.max(at))
        return select(events.c.group_key, *totals).group_by(events.c.group_key)

    rows = ask_by_group(scope, by_key.values(), question)
    return {by_key[key]: Totals(*counts) for key, *counts in rows}


def hashes_holding(scope: Scope, text: str, keys: Collection[str], limit: int) -> list[str]:
    """The grouping hashes of events whose facts hold a text; those with most such facts first."""
    facts = union_all(
        *[
            select(Event.group_key, Event.grouping_hash).where(within(error_event, scope), place)
            for place in holding(text, keys)
        ]
    ).subquery()
    query = (
        select(func.any_value(facts.c.grouping_hash, type_=Hex128))
        .group_by(facts.c.group_key)
        .order_by(func.count().desc(), facts.c.group_key)
    )
    return [hash_ for (hash_,) in ask(scope, query.limit(limit))]


def occurrences(scope: Scope, hashes: Iterable[str], limit: int = 100) -> list[Occurrence]:
    """Where an issue occurred, the latest first."""
    last = func.max(Event.timestamp)
    query = (
        select(Event.release, Event.environment, func.count(), last)
        .where(within(error_event, scope), of_groups(hashes))
        .group_by(Event.release, Event.environment)
        .order_by(last.desc(), Event.release)
    )
    return [Occurrence(*row) for row in ask(scope, query.limit(limit))]


def of_groups(hashes: Iterable[str]) -> ColumnElement[bool]:
    """The events of an issue, which may have several grouping hashes."""
    keys = [group_key(grouping_hash) for grouping_hash in hashes]
    return Event.group_key.in_(keys or [""])  # "" is NULL, which equals nothing


def is_error() -> ColumnElement[bool]:
    """Error events that clients sent, without the console's own findings."""
    return Event.category == "error"


def _events(scope: Scope) -> Select[*tuple[Any, ...]]:
    return select(*ROW).where(within(error_event, scope))


def _stored(rows: Sequence[Any]) -> StoredEvent | None:
    if not rows:
        return None
    *fields, body = rows[0]
    values: list[Any] = [*fields, bodies.unpack(body)]
    return StoredEvent(*values)


def _newest_first() -> list[ColumnElement[Any]]:
    return [Event.timestamp.desc(), Event.event_id.desc()]


def _place() -> ColumnElement[Any]:
    return pair(Event.timestamp, Event.event_id)


def _place_of(mark: EventMark) -> ColumnElement[Any]:
    return pair(literal(mark.timestamp, UtcTimestamp), literal(mark.event_id, Hex128))
