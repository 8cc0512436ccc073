"""Incidents with people's answers, and how fast these were, counted from them in plain Python."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import select

from console.accounts.models import Project, User
from console.alerting.escalation.models import Escalation
from console.alerting.models import Incident, IncidentState, Severity
from console.core.db import db
from tests.support.counting import Number, Row, quantile
from tests.telemetry.samples import NOON

POLICIES = ("Shop on call", "Shop on call", "Mail the owners", "")
ENDS: Mapping[str, tuple[str, str]] = {
    "detect": ("breached_at", "noticed_at"),
    "notify": ("noticed_at", "notified_at"),
    "acknowledge": ("opened_at", "answered_at"),
    "resolve": ("opened_at", "ended_at"),
    "heal": ("opened_at", "healed_at"),
}


def took(name: str, share: float) -> Callable[[Sequence[Row]], Number]:
    since, until = ENDS[name]

    def counted(rows: Sequence[Row]) -> Number:
        lengths = [(row[until] - row[since]).total_seconds() for row in rows if row[until]]
        return (quantile(lengths, share) * 1000 if lengths else None), len(lengths)

    return counted


def number_of(holds: Callable[[Row], bool]) -> Callable[[Sequence[Row]], Number]:
    def counted(rows: Sequence[Row]) -> Number:
        number = sum(holds(row) for row in rows)
        return float(number), number

    return counted


INCIDENTS: dict[str, Callable[[Sequence[Row]], Number]] = {
    "incidents.opened": number_of(lambda _: True),
    "incidents.self_healed": number_of(lambda row: row["fate"] == "self-healed"),
    "incidents.unanswered": number_of(lambda row: row["fate"] == "unanswered"),
    **{f"incidents.time_to_{name}": took(name, 0.5) for name in ENDS},
    **{f"incidents.time_to_{name}_p90": took(name, 0.9) for name in ENDS},
}
FATES = ("answered", "answered", "resolved by a person", "self-healed", "script", "unanswered")


def stored(dice: Random, project: Project, hours: int) -> list[Row]:
    """Incidents of every fate; those in shadow mode and members of groups count for nothing."""
    person = db.session.scalars(select(User).limit(1)).one()
    rows: list[Row] = []
    for _ in range(60):
        at = NOON + timedelta(seconds=dice.randrange(hours * 3600))
        row = _row(dice, dice.choice(FATES), at)
        policy, member = dice.choice(POLICIES), dice.random() < 0.1
        incident = _incident(project, person, row, shadow=dice.random() < 0.1)
        db.session.add(incident)
        db.session.flush()
        if member:
            incident.parent_id = incident.id
        if policy:
            db.session.add(
                Escalation(
                    organization_id=project.organization_id,
                    incident_id=incident.id,
                    policy_name=policy,
                    policy_version=1,
                    document={},
                    started_at=at,
                )
            )
        if not (member or incident.shadow):
            rows.append({**row, "policy": policy, "rule": ""})
    return rows


def _row(dice: Random, fate: str, at: Any) -> dict[str, Any]:
    def later(seconds: int) -> Any:
        return at + timedelta(seconds=dice.randrange(1, seconds))

    row: dict[str, Any] = dict.fromkeys(
        ("acknowledged_at", "answered_at", "resolved_at", "ended_at", "healed_at")
    ) | {
        "timestamp": at,
        "opened_at": at,
        "fate": fate,
        "breached_at": at - timedelta(seconds=dice.randrange(300)),
        "noticed_at": later(90),
        "severity": dice.choice(["low", "medium", "medium", "high"]),
    }
    row["notified_at"] = dice.choice([None, row["noticed_at"] + timedelta(seconds=2)])
    if fate != "unanswered":
        row["resolved_at"] = later(9_000)
    if fate == "answered":
        row["acknowledged_at"] = row["answered_at"] = later(3_000)
    if fate == "resolved by a person":
        row["answered_at"] = row["resolved_at"]
    row["healed_at" if fate == "self-healed" else "ended_at"] = row["resolved_at"]
    return row


def _incident(project: Project, person: User, row: Row, *, shadow: bool) -> Incident:
    moments = ("breached_at", "opened_at", "noticed_at", "notified_at", "resolved_at")
    acknowledged, by_person = row["acknowledged_at"], row["fate"] == "resolved by a person"
    return Incident(
        **{name: row[name] for name in moments},
        organization_id=project.organization_id,
        project_id=project.id,
        rule_id=None,
        rule_version=1,
        title="Something is slow",
        level="critical",
        worst="critical",
        severity=Severity(row["severity"]),
        state=IncidentState.RESOLVED if row["resolved_at"] else IncidentState.OPEN,
        acknowledged_at=acknowledged,
        acknowledged_by_id=person.id if acknowledged else None,
        resolved_by_id=person.id if by_person else None,
        closed_by_hand=by_person or row["fate"] == "script",
        shadow=shadow,
    )
