"""Late data: each window is looked at again once, some minutes after it was decided.

What would have fired is opened with its true start. What would not have fired is noted on its
incident, and never closed in silence: somebody was called for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from console.alerting import completeness, incidents, signal
from console.alerting.composite import FIRING
from console.alerting.condition import Condition, Evaluated, Judgement, Verdict
from console.alerting.decide import Decision, Standing, conclude
from console.alerting.evaluation import FAILURES, HISTORY_KEPT
from console.alerting.models import Evaluation, Incident, IncidentVerb, Rule, RuleSeries
from console.core import clock
from console.core.db import database_time, db, reading, writing
from console.telemetry import late
from console.telemetry.late import Late
from console.telemetry.scope import Scope

AFTER = timedelta(minutes=5)
LONGEST = timedelta(days=1)
"""Windows that were decided longer ago are taken as they are."""
LATE = {"late": True}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recheck:
    """Windows of a rule that late data has changed, and what the metric says of them now."""

    rule_id: int
    version: int
    position: datetime
    settled: datetime
    until: datetime
    moments: Sequence[datetime]
    by_value: Mapping[str, Sequence[Evaluated]]
    absent: Sequence[Evaluated]


def settle(organization_id: int) -> Mapping[str, int]:
    """Look again at the windows of the Session's organization that were decided AFTER ago.

    Commits for each rule. A window is read only if rows of its time came after its decision.
    """
    now, changed = database_time(), 0
    with reading():
        rules = db.session.scalars(select(Rule).where(Rule.enabled)).all()
        by_project: dict[int, list[Rule]] = {}
        for rule in rules:
            by_project.setdefault(rule.project_id, []).append(rule)
        rechecks = []
        for project_id, own in by_project.items():
            project = signal.ProjectIds(organization_id, project_id)
            horizon = now - AFTER - completeness.delay(project)
            rechecks += _rechecks(project, [r for r in own if r.settled_until < horizon], horizon)
        db.session.rollback()
    for recheck in rechecks:
        try:
            changed += _commit(recheck, now)
        except Exception:  # one rule's fault stops no other; its windows stay as they were decided
            db.session.rollback()
            log.exception("late data of rule %d cannot be taken in", recheck.rule_id)
    with writing():
        db.session.execute(
            update(Rule)
            .where(Rule.settled_until < now - AFTER - completeness.MOST_DELAY, Rule.enabled)
            .where(Rule.evaluated_until > now - AFTER - completeness.MOST_DELAY)
            .values(settled_until=now - AFTER - completeness.MOST_DELAY)
            .execution_options(synchronize_session=False)
        )
        db.session.commit()
    return {"windows looked at again": sum(len(recheck.moments) for recheck in rechecks)} | {
        "incidents changed by late data": changed
    }


def _rechecks(
    project: signal.ProjectIds, rules: Sequence[Rule], horizon: datetime
) -> list[Recheck]:
    rules = [rule for rule in rules if not rule.definition.members]
    if not rules:
        return []
    since = max(min(rule.settled_until for rule in rules), horizon - LONGEST)
    window = max(rule.definition.window for rule in rules)
    scope = Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=(since - min(window, LONGEST)).replace(second=0, microsecond=0),
        until=horizon,
    )
    try:
        minutes = late.arrivals(scope, after=since, least=completeness.LEAST_DELAY)
    except FAILURES as error:
        log.warning("late data of project %d cannot be looked for: %s", project.id, error)
        return []
    if not minutes:
        return []
    rechecks = (_recheck(project, rule, minutes, horizon) for rule in rules)
    return [recheck for recheck in rechecks if recheck is not None]


def _recheck(
    project: signal.ProjectIds, rule: Rule, minutes: Sequence[Late], horizon: datetime
) -> Recheck | None:
    """The windows of a rule that rows came for after they were decided; None without any."""
    definition, until = rule.definition, min(horizon, rule.evaluated_until)
    own = select(Evaluation.at, Evaluation.decided_at).where(
        Evaluation.rule_id == rule.id, Evaluation.at > rule.settled_until, Evaluation.at <= until
    )
    window = definition.window
    affected = sorted(
        {
            at
            for at, decided_at in db.session.execute(own.distinct())
            if any(
                minute.since < at and minute.until > at - window and minute.newest > decided_at
                for minute in minutes
            )
        }
    )
    if not affected:
        return None
    interval = timedelta(seconds=definition.condition.interval_seconds)
    moments = list(signal.grid(definition, affected[0] - interval, affected[-1]))
    try:
        asked = signal.at(definition, project, moments)
    except FAILURES as error:
        log.warning("rule %d cannot look at late data: %s", rule.id, error)
        return None
    return Recheck(
        rule.id, rule.version, rule.evaluated_until, rule.settled_until, until, moments,
        asked.by_value, asked.absent,
    )  # fmt: skip


def _commit(recheck: Recheck, now: datetime) -> int:
    """Write what late data has changed, unless the rule has moved on meanwhile."""
    with writing():
        moved = db.session.scalar(
            update(Rule)
            .where(Rule.id == recheck.rule_id, Rule.version == recheck.version, Rule.enabled)
            .where(Rule.evaluated_until == recheck.position)
            .where(Rule.settled_until == recheck.settled)
            .values(settled_until=recheck.until)
            .returning(Rule.id)
            .execution_options(synchronize_session=False)
        )
        if moved is None:
            db.session.rollback()
            return 0
        rule = db.session.get_one(Rule, recheck.rule_id, populate_existing=True)
        past = _past(rule, recheck)
        settled = [_settle(rule, recheck, value, rows, now) for value, rows in past.items()]
        db.session.commit()
    return sum(settled)


def _past(rule: Rule, recheck: Recheck) -> Mapping[str, Sequence[Evaluation]]:
    """The evaluations that the state at the first changed window depends on, and all since."""
    condition = rule.definition.condition
    memory = condition.pending_seconds + condition.keep_firing_seconds
    memory += condition.interval_seconds * (condition.of + 1)
    since = recheck.moments[0] - min(timedelta(seconds=memory), HISTORY_KEPT)
    own = select(Evaluation).where(Evaluation.rule_id == rule.id, Evaluation.at > since)
    by_value: dict[str, list[Evaluation]] = {}
    for row in db.session.scalars(own.order_by(Evaluation.at)):
        by_value.setdefault(row.value, []).append(row)
    return by_value


def _settle(
    rule: Rule, recheck: Recheck, value: str, rows: Sequence[Evaluation], now: datetime
) -> bool:
    """Note what a series says now, and what follows from it; whether an incident changed."""
    condition = rule.definition.condition
    anew = {evaluated.at: evaluated for evaluated in recheck.by_value.get(value, recheck.absent)}
    then, since = [_as_decided(row) for row in rows], []
    for row, judged in zip(rows, then, strict=True):
        evaluated = anew.get(row.at.timestamp())
        if evaluated is None:
            since.append(judged)
            continue
        judgement = condition.judge(evaluated)
        row.settled_number = judgement.number
        since.append((evaluated, judgement))
    before, after = _decided(condition, then), _decided(condition, since)
    for place, row in enumerate(rows):
        fired, fires = (outcome[place].standing.state in FIRING for outcome in (before, after))
        if fires and not fired and row.state not in FIRING:
            return _open(rule, value, after[place:], now)
        if fired and not fires and row.state in FIRING:
            return _note(rule, value, row)
    return False


def _as_decided(row: Evaluation) -> tuple[Evaluated, Judgement]:
    error = row.why if row.verdict is Verdict.ERROR else ""
    evaluated = Evaluated(row.at.timestamp(), row.number, row.samples, error=error)
    return evaluated, Judgement(row.verdict, row.number, row.why)


def _decided(condition: Condition, series: Iterable[tuple[Evaluated, Judgement]]) -> list[Decision]:
    standing, outcome = Standing(), []
    for evaluated, judgement in series:
        decision = conclude(condition, standing, judgement, evaluated)
        standing = decision.standing
        outcome.append(decision)
    return outcome


def _open(rule: Rule, value: str, missed: Sequence[Decision], now: datetime) -> bool:
    """Open what would have fired, with its true start; the series goes on from there."""
    at = datetime.fromtimestamp(missed[0].standing.newest or 0, UTC)
    later = select(Incident).where(
        Incident.rule_id == rule.id, Incident.value == value, Incident.opened_at > at
    )
    incident = db.session.scalar(later.order_by(Incident.opened_at).limit(1))
    if incident is not None:
        incident.breached_at = min(incident.breached_at, at)
        text = f"Late data: it would have fired at {at:%H:%M:%S} UTC already."
        incidents.write(incident, IncidentVerb.NOTED, now, text=text, details=LATE)
        return True
    moved = incidents.follow(rule, value, missed)
    if moved is None:
        return False
    for event in moved.events:
        event.details = {**event.details, **LATE}
    moved.incident.why = f"late data: {moved.incident.why}"[: incidents.LONGEST_WHY]
    own = select(RuleSeries).where(RuleSeries.rule_id == rule.id, RuleSeries.value == value)
    series = db.session.scalar(own)
    standing = missed[-1].standing
    if series is not None:
        if series.state is not standing.state:
            series.changed_at = clock.now()
        series.state, series.standing = standing.state, standing.document
    incidents.owe(rule, moved, delayed=now - at)
    return True


def _note(rule: Rule, value: str, row: Evaluation) -> bool:
    """Say on the incident of a window that it would not have fired."""
    own = select(Incident).where(
        Incident.rule_id == rule.id, Incident.value == value, Incident.opened_at <= row.at
    )
    incident = db.session.scalar(own.order_by(Incident.opened_at.desc()).limit(1))
    if incident is None:
        return False
    number = row.settled_number
    words = "nothing" if number is None else rule.definition.condition.words(number)
    text = (
        f"Late data: the window until {row.at:%H:%M:%S} UTC would not have fired: "
        f"it says {words} now."
    )
    incidents.write(incident, IncidentVerb.NOTED, clock.now(), text=text, details=LATE)
    return True
