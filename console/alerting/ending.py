"""Incidents that nothing can heal any more end: their rule is gone, or watches something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import and_, delete, func, or_, select

from console.alerting import groups, incidents
from console.alerting.chronicle import write
from console.alerting.decide import State
from console.alerting.incidents import Moved
from console.alerting.models import (
    Incident,
    IncidentState,
    IncidentVerb,
    Rule,
    RuleSeries,
    RuleVersion,
)
from console.core import clock
from console.core.db import db, reading, writing

DELETED, SWITCHED_OFF = "its rule was deleted", "its rule was switched off"
CHANGED = "its rule watches something else now, and does not fire there"


def end_all(rule: Rule, why: str) -> None:
    """Resolve the incidents of a rule, and forget where it stood: it may begin anew."""
    own = select(Incident).where(
        Incident.rule_id == rule.id,
        Incident.state != IncidentState.RESOLVED,
        ~Incident.is_group,
    )
    _resolve(rule, db.session.scalars(own.order_by(Incident.id)).all(), why)
    db.session.execute(delete(RuleSeries).where(RuleSeries.rule_id == rule.id))


def end_forsaken(organization_id: int) -> Mapping[str, int]:
    """Resolve the open incidents of series that do not fire, or that their rules do not have.

    A rule that was changed to watch something else has decided once before they end. Commits.
    """
    del organization_id  # the Session is bound to it
    with reading():
        rule_ids = {incident.rule_id for incident in _forsaken()}
        db.session.rollback()
    ended = 0
    if rule_ids:
        with writing():
            # An evaluation moves its rule on first: it waits here, or is waited for.
            locked = select(Rule).where(Rule.id.in_(rule_ids)).with_for_update()
            rules = {rule.id: rule for rule in db.session.scalars(locked)}
            by_rule: dict[int | None, list[Incident]] = {}
            for incident in _forsaken():
                by_rule.setdefault(incident.rule_id, []).append(incident)
            for rule_id, own in by_rule.items():
                rule = rules.get(rule_id or 0)
                _resolve(rule, own, DELETED if rule is None else CHANGED)
                ended += len(own)
            db.session.commit()
    return {"incidents ended that nothing could heal": ended}


def _forsaken() -> Sequence[Incident]:
    changed_at = (
        select(func.max(RuleVersion.at))
        .where(RuleVersion.rule_id == Rule.id)
        .correlate(Rule)
        .scalar_subquery()
    )
    decided = or_(changed_at.is_(None), Rule.evaluated_until > changed_at)
    is_ok = or_(RuleSeries.id.is_(None), RuleSeries.state.in_([State.OK, State.PENDING]))
    series = and_(RuleSeries.rule_id == Incident.rule_id, RuleSeries.value == Incident.value)
    query = (
        select(Incident)
        .outerjoin(Rule, Rule.id == Incident.rule_id)
        .outerjoin(RuleSeries, series)
        .where(
            Incident.state != IncidentState.RESOLVED,
            ~Incident.is_group,
            Incident.watch == "",  # the console's own have no rule
            or_(Rule.id.is_(None), and_(is_ok, Rule.enabled, decided)),
        )
    )
    return db.session.scalars(query.order_by(Incident.id)).all()


def _resolve(rule: Rule | None, forsaken: Sequence[Incident], why: str) -> None:
    now, moved = clock.now(), []
    for incident in forsaken:
        incidents.close(incident, now)
        event = write(incident, IncidentVerb.RESOLVED, now, details={"why": why})
        moved.append(Moved(incident, [event]))
    if rule is None:
        for move in moved:
            incidents.owe_end(move)
        return
    for move in groups.gather(rule, moved):
        incidents.owe(rule, move, delayed=timedelta(0))
