"""The numbers of incidents: how many, and how fast they were answered.

Alerting stands on the catalogue and cannot join it: its tables are named here, not imported.
An incident belongs to the time in which it was opened. Incidents in shadow mode are left out, and a
group counts once, without its members.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Integer,
    Select,
    and_,
    column,
    func,
    or_,
    select,
    table,
)

from console.core.db import UtcDateTime, db
from console.metrics.response_times import (
    LEAST_FOR_P90,
    TIMES,
    Response,
    Time,
    quantile,
)
from console.metrics.response_times import (
    seconds as seconds_of,
)
from console.telemetry.measures import Answer, Asked, Measure, Source, Where
from console.telemetry.metric import Metric
from console.telemetry.scope import Scope

INCIDENT = table(
    "incident",
    column("organization_id", Integer),
    column("id", Integer),
    column("project_id", Integer),
    column("rule_id", Integer),
    column("title"),
    column("severity"),
    column("worst"),
    column("reopened", Integer),
    column("parent_id", Integer),
    column("shadow", Boolean),
    column("breached_at", UtcDateTime()),
    column("opened_at", UtcDateTime()),
    column("noticed_at", UtcDateTime()),
    column("notified_at", UtcDateTime()),
    column("acknowledged_at", UtcDateTime()),
    column("acknowledged_by_id", Integer),
    column("acknowledged_via"),
    column("resolved_at", UtcDateTime()),
    column("resolved_by_id", Integer),
    column("resolved_via"),
    column("closed_by_hand", Boolean),
)
ESCALATION = table(
    "escalation",
    column("organization_id", Integer),
    column("incident_id", Integer),
    column("policy_name"),
)
RULE = table(
    "rule", column("organization_id", Integer), column("id", Integer), column("document", JSON)
)
_incident, _escalation, _rule = INCIDENT.c, ESCALATION.c, RULE.c


@dataclass(frozen=True, slots=True)
class Listed:
    """An incident in a table: how it was answered, and what it is called."""

    response: Response
    title: str
    worst: str
    reopened: int


def responses(scope: Scope, *, everywhere: bool = False) -> list[Response]:
    """The incidents that were opened in a scope, members of groups too; one statement.

    `everywhere` asks for all projects of the organization.
    """
    own = _responses(scope, everywhere=everywhere).order_by(_incident.opened_at, _incident.id)
    return [Response(*row) for row in db.session.execute(own)]


def listed(scope: Scope, size: int) -> Iterator[list[Listed]]:
    """The same with what they are called, the latest first: `size` of them are held at a time."""
    own = _responses(scope).add_columns(_incident.title, _incident.worst, _incident.reopened)
    latest = own.order_by(_incident.opened_at.desc(), _incident.id.desc())
    rows = db.session.execute(latest.execution_options(yield_per=size))
    for part in rows.partitions():
        yield [Listed(Response(*row[:-3]), *row[-3:]) for row in part]


def _responses(scope: Scope, *, everywhere: bool = False) -> Select[Any]:
    """What a Response is made of, in its order."""
    policy = and_(
        _escalation.organization_id == scope.organization_id,
        _escalation.incident_id == _incident.id,
    )
    return (
        select(
            _incident.id,
            _incident.project_id,
            _incident.rule_id,
            _incident.severity,
            func.coalesce(_escalation.policy_name, "").label("policy"),
            _incident.parent_id.is_not(None).label("is_member"),
            _incident.breached_at,
            _incident.opened_at,
            _incident.noticed_at,
            _incident.notified_at,
            _incident.acknowledged_at,
            _incident.acknowledged_by_id,
            _incident.acknowledged_via,
            _incident.resolved_at,
            _incident.resolved_by_id,
            _incident.resolved_via,
            _incident.closed_by_hand,
        )
        .select_from(INCIDENT.outerjoin(ESCALATION, policy))
        .where(*_conditions(scope, everywhere=everywhere))
    )


def _conditions(scope: Scope, *, everywhere: bool) -> Iterator[ColumnElement[bool]]:
    yield _incident.organization_id == scope.organization_id
    yield _incident.opened_at >= scope.since
    yield _incident.opened_at < scope.until
    yield ~_incident.shadow
    if not everywhere:
        yield _incident.project_id == scope.project_id
    if scope.environment:  # a rule of all environments watches it, too
        where = _rule.document["environment"].as_string()
        covering = select(_rule.id).where(
            _rule.organization_id == scope.organization_id,
            or_(where.is_(None), where.in_(["", scope.environment])),
        )
        yield _incident.rule_id.in_(covering)


Count = Callable[[Sequence[Response]], tuple[float, int]]
"""The number of the incidents, and how many of them it is made of."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Incidents(Source):
    """Incidents as a source of measures: read as they are, and counted here.

    No engine of the state database has percentiles of its own that both know.
    """

    def answer(self, scope: Scope, measures: Sequence[Measure], asked: Asked) -> list[list[Answer]]:
        """What each of the measures answers, all of them in one statement."""
        own = [response for response in responses(scope) if self._passes(response, asked.where)]
        parts = self._parts([response for response in own if not response.is_member], asked)
        return [
            [
                Answer(part, bucket, number, samples, len(members))
                for (part, bucket), members in self._buckets(parts, scope, asked.seconds)
                for number, samples in [measure.number(members)]
            ]
            for measure in measures
        ]

    def _passes(self, response: Response, where: Where) -> bool:
        return all(
            self.dimensions[name](response) in ([wanted] if isinstance(wanted, str) else wanted)
            for name, wanted in where.items()
        )

    def _parts(
        self, own: Sequence[Response], asked: Asked
    ) -> list[tuple[str | None, list[Response]]]:
        """The incidents by value of the dimension; None for all values beyond the limit."""
        if asked.by is None:
            return [("", list(own))]
        value_of = self.dimensions[asked.by]
        listed = _largest(Counter(value_of(response) for response in own), asked.limit)
        parts: dict[str | None, list[Response]] = defaultdict(list)
        for response in own:
            value = value_of(response)
            parts[value if value in listed else None].append(response)
        return list(parts.items())

    def _buckets(
        self,
        parts: Sequence[tuple[str | None, list[Response]]],
        scope: Scope,
        width: int | None,
    ) -> Iterator[tuple[tuple[str | None, int], list[Response]]]:
        for part, own in parts:
            buckets: dict[int, list[Response]] = defaultdict(list)
            for response in own:
                ahead = response.opened_at - scope.since
                buckets[ahead // timedelta(seconds=width) if width else 0].append(response)
            for bucket, members in sorted(buckets.items()):
                yield (part, bucket), members


def _largest(counts: Counter[str], limit: int) -> Collection[str]:
    return set(sorted(counts, key=lambda value: (-counts[value], value))[:limit])


_SOURCE = Incidents(
    name="incidents",
    dimensions={
        "rule": lambda response: str(response.rule_id or ""),
        "severity": lambda response: response.severity,
        "policy": lambda response: response.policy,
    },
    heeds=frozenset({"environment"}),
)


def _measure(count: Count) -> Measure:
    return Measure(_SOURCE, count, count)


def _number_of(holds: Callable[[Response], bool]) -> Measure:
    """How many incidents there are of which something holds."""

    def count(members: Sequence[Response]) -> tuple[float, int]:
        number = sum(holds(response) for response in members)
        return float(number), number

    return _measure(count)


def _percentile(time: Time, share: float) -> Measure:
    """A percentile of a time in milliseconds."""

    def count(members: Sequence[Response]) -> tuple[float, int]:
        values = seconds_of(members, time)
        return (quantile(values, share) * 1000 if values else 0.0), len(values)

    return _measure(count)


def _time_metrics(time: Time) -> Iterator[Metric]:
    for share, words, suffix in ((0.5, "median", ""), (0.9, "P90", "_p90")):
        yield Metric(
            id=f"incidents.time_to_{time.name}{suffix}",
            title=f"{time.title}, {words}",
            unit="ms",
            better="lower",
            format="milliseconds",
            least=1 if share == 0.5 else LEAST_FOR_P90,
            empty="gap",
            measure=_percentile(time, share),
        )


def _counted(name: str, title: str, holds: Callable[[Response], bool]) -> Metric:
    return Metric(
        id=f"incidents.{name}",
        title=title,
        unit="incidents",
        noun="incident",
        better="lower",
        format="number",
        empty="zero",
        measure=_number_of(holds),
    )


OPENED = _counted("opened", "Opened", lambda _: True)
SELF_HEALED = _counted(
    "self_healed", "Healed by themselves", lambda response: response.is_self_healed
)
UNANSWERED = _counted(
    "unanswered", "Open without an answer", lambda response: response.is_unanswered
)
BY_TIME = {time.name: tuple(_time_metrics(time)) for time in TIMES}
METRICS = (
    OPENED,
    SELF_HEALED,
    UNANSWERED,
    *(metric for metrics in BY_TIME.values() for metric in metrics),
)
