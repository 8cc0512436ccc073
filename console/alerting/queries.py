"""Rules, incidents and silences as pages and scripts list them."""

from __future__ import annotations

from collections.abc import Sequence

from flask import abort
from sqlalchemy import func, select

from console.accounts.models import Project
from console.alerting.models import (
    Incident,
    IncidentEvent,
    IncidentState,
    Rule,
    RuleSeries,
    RuleVersion,
)
from console.core.db import db
from console.core.paging import Page, page


def rules(project: Project) -> Sequence[Rule]:
    """The project's rules by name."""
    own = select(Rule).where(Rule.project_id == project.id)
    return db.session.scalars(own.order_by(Rule.name)).all()


def rule_or_404(project: Project, rule_id: int) -> Rule:
    own = select(Rule).where(Rule.project_id == project.id, Rule.id == rule_id)
    return db.session.scalar(own) or abort(404)


def is_taken(project: Project, name: str, *, by_other_than: Rule | None = None) -> bool:
    """Whether another rule of the project has this name."""
    own = select(Rule.id).where(Rule.project_id == project.id, Rule.name == name)
    if by_other_than is not None:
        own = own.where(Rule.id != by_other_than.id)
    return db.session.scalar(own.limit(1)) is not None


def series_of(rules: Sequence[Rule]) -> dict[int, list[RuleSeries]]:
    """Where the series of rules stand, by the rule's id."""
    ids = [rule.id for rule in rules]
    rows = db.session.scalars(select(RuleSeries).where(RuleSeries.rule_id.in_(ids)))
    by_rule: dict[int, list[RuleSeries]] = {rule_id: [] for rule_id in ids}
    for series in rows:
        by_rule[series.rule_id].append(series)
    return by_rule


def versions(rule: Rule) -> Sequence[RuleVersion]:
    """The versions of a rule, the latest first."""
    own = select(RuleVersion).where(RuleVersion.rule_id == rule.id)
    return db.session.scalars(own.order_by(RuleVersion.number.desc())).all()


def incidents(
    project: Project, states: Sequence[IncidentState], cursor: str, limit: int
) -> Page[Incident]:
    """The project's incidents in these states, the latest first; raises cursors.BadCursor."""
    own = select(Incident).where(Incident.project_id == project.id, Incident.state.in_(states))
    return page(own, [Incident.opened_at, Incident.id], cursor, limit)


def incident_or_404(project: Project, incident_id: int) -> Incident:
    own = select(Incident).where(Incident.project_id == project.id, Incident.id == incident_id)
    return db.session.scalar(own) or abort(404)


def history(incident: Incident) -> Sequence[IncidentEvent]:
    """What happened to an incident, in order."""
    own = select(IncidentEvent).where(IncidentEvent.incident_id == incident.id)
    return db.session.scalars(own.order_by(IncidentEvent.sequence)).all()


def open_incidents(project: Project) -> int:
    """How many incidents nobody has taken and that are not in shadow mode."""
    own = select(func.count(Incident.id)).where(
        Incident.project_id == project.id,
        Incident.state == IncidentState.OPEN,
        ~Incident.shadow,
    )
    return db.session.scalar(own) or 0
