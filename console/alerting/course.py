"""The course of a rule's number beside its levels, as evaluations have found it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from console.accounts.models import Project
from console.alerting.definition import Definition
from console.alerting.models import Evaluation, Rule
from console.core import clock
from console.core.db import db
from console.metrics.catalogue import CATALOGUE, full_title
from console.web.charts import MOST_POINTS, Chart, Series, Threshold

BEYOND = {">": "above", ">=": "from", "<": "below", "<=": "up to"}


@dataclass(frozen=True, slots=True)
class Course:
    """A chart of evaluated numbers, and the evaluations behind it."""

    chart: Chart
    evaluations: Sequence[Evaluation]


def course(
    project: Project,
    rule: Rule,
    since: datetime,
    until: datetime,
    value: str = "",
    definition: Definition | None = None,
) -> Course | None:
    """What a series of a rule was evaluated to in a time; None where nothing was.

    `definition` is that of the version that the time is about, by default of the latest one.
    """
    del project  # the rule is one of it
    own = select(Evaluation).where(
        Evaluation.rule_id == rule.id,
        Evaluation.value == value,
        Evaluation.at > since,
        Evaluation.at <= until,
    )
    evaluations = db.session.scalars(own.order_by(Evaluation.at)).all()
    if not evaluations:
        return None
    return Course(_chart(definition or rule.definition, evaluations, since, until), evaluations)


def _chart(
    definition: Definition, evaluations: Sequence[Evaluation], since: datetime, until: datetime
) -> Chart:
    condition, metric = definition.condition, CATALOGUE.get(definition.metric)
    interval = timedelta(seconds=condition.interval_seconds)
    steps = max(1, -(-int((until - since) / interval) // MOST_POINTS))
    grain = interval * steps
    count = min(MOST_POINTS, -(-(until - since) // grain))
    buckets = [since + grain * place for place in range(count)]
    worst: list[float | None] = [None] * count
    for evaluation in evaluations:
        place = min(count - 1, int((evaluation.at - since) / grain))
        worst[place] = _worse(condition.op, worst[place], evaluation.number)
    share = metric is not None and metric.format == "share" and condition.compare is None
    factor = 100 if share else 1
    numbers = [None if number is None else number * factor for number in worst]
    least = condition.ordered[0]
    level = condition.levels[least]
    unit = {"percent": "%", "deviation": "deviations"}.get(condition.compare or "", "")
    if not unit and metric is not None:
        unit = "%" if share else metric.unit
    return Chart(
        title=_title(definition),
        subtitle=f"as evaluated; fires {BEYOND[condition.op]} {condition.words(level)}",
        unit=unit,
        buckets=buckets,
        grain=grain,
        series=(Series("evaluated", numbers),),
        complete_until=min(until, clock.now()),
        threshold=Threshold(level * factor, least.capitalize()),
    )


def _title(definition: Definition) -> str:
    metric = CATALOGUE.get(definition.metric)
    if definition.members:
        return "Members that fire"
    return full_title(metric) if metric else definition.metric


def _worse(op: str, before: float | None, number: float | None) -> float | None:
    if before is None or number is None:
        return number if before is None else before
    return max(before, number) if op in (">", ">=") else min(before, number)
