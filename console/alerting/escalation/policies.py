"""Policies: the default one, and which one holds for an incident."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from console.alerting.escalation.models import Policy, PolicyUse, PolicyVersion
from console.alerting.escalation.plan import STANDARD
from console.alerting.models import Incident
from console.core.db import db

DEFAULT_NAME = "Mail the owners"


def chosen(incident: Incident) -> Policy:
    """The policy that holds for an incident: the most particular choice, else the default one.

    A rule's own comes first, then one of the project and severity, of the project, of the severity.
    """
    uses = db.session.scalars(select(PolicyUse)).all()
    matches = [use for use in uses if _concerns(use, incident)]
    if not matches:
        return default()
    return max(matches, key=_particular).policy


def default() -> Policy:
    """The organization's default policy, made where there is none yet."""
    policy = db.session.scalar(select(Policy).where(Policy.is_default))
    return policy or create(DEFAULT_NAME, STANDARD, is_default=True)


def create(
    name: str, document: Mapping[str, object], *, is_default: bool = False, by_id: int | None = None
) -> Policy:
    """Add a policy with its first version. The caller commits."""
    policy = Policy(
        name=name, document=dict(document), is_default=is_default, created_by_id=by_id, version=1
    )
    db.session.add(policy)
    db.session.flush()
    db.session.add(
        PolicyVersion(policy_id=policy.id, number=1, document=dict(document), by_id=by_id)
    )
    db.session.flush()
    return policy


def _concerns(use: PolicyUse, incident: Incident) -> bool:
    return (
        use.rule_id in (None, incident.rule_id)
        and use.project_id in (None, incident.project_id)
        and use.severity in (None, incident.severity)
    )


def _particular(use: PolicyUse) -> tuple[bool, bool, bool, int]:
    """How particular a choice is; of two alike, the later one."""
    return use.rule_id is not None, use.project_id is not None, use.severity is not None, use.id
