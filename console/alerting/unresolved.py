"""What is open in an organization: the incidents that somebody has to look at, the worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import aliased, joinedload

from console.accounts.models import Project
from console.alerting.decide import State
from console.alerting.escalation.standings import EscalationStanding, standings
from console.alerting.models import Incident, IncidentState
from console.core.db import db

MOST = 100


@dataclass(frozen=True, slots=True)
class UnresolvedIncident:
    """An open incident with its project, and where its escalation stands."""

    incident: Incident
    project: Project
    standing: EscalationStanding


@dataclass(frozen=True, slots=True)
class Unresolved:
    """The open incidents, as far as they are listed, and how many there are."""

    rows: Sequence[UnresolvedIncident]
    count: int


def unresolved(project: Project | None = None) -> Unresolved:
    """The open incidents of the organization or of one project: critical ones, then by age.

    A group stands for its members.
    """
    group = aliased(Incident)
    conditions = [
        Incident.state != IncidentState.RESOLVED,
        or_(Incident.parent_id.is_(None), group.state == IncidentState.RESOLVED),
    ]
    if project is not None:
        conditions.append(Incident.project_id == project.id)
    own = (
        select(Incident, Project)
        .join(Project, Project.id == Incident.project_id)
        .outerjoin(group, group.id == Incident.parent_id)
        .where(*conditions)
    )
    urgency = case((Incident.shadow, 2), (Incident.level == State.CRITICAL, 0), else_=1)
    first = own.order_by(urgency, Incident.opened_at, Incident.id).limit(MOST)
    rows = db.session.execute(first.options(joinedload(Incident.acknowledged_by))).all()
    count = db.session.scalar(own.with_only_columns(func.count(Incident.id))) or 0
    stands = standings(incident for incident, _ in rows)
    return Unresolved(
        [UnresolvedIncident(incident, home, stands[incident.id]) for incident, home in rows], count
    )
