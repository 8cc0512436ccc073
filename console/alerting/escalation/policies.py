"""Policies: the default one, which one holds for an incident, and how they are changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import abort
from sqlalchemy import delete as delete_from
from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from console.accounts.models import User
from console.alerting.escalation.models import Policy, PolicyUse, PolicyVersion
from console.alerting.escalation.plan import STANDARD
from console.alerting.models import Incident, Rule, Severity
from console.core import audit
from console.core.db import db, reading, writing

DEFAULT_NAME = "Mail the owners"
MOST = 100
"""Policies of an organization: each page lists them all."""
FULL = f"An organization has at most {MOST} policies. Delete one first."


def keep_default(organization_id: int) -> Mapping[str, int]:
    """Give a new organization its default policy; commits."""
    del organization_id  # the Session is bound to it
    with reading():
        has_default = existing_default() is not None
        db.session.rollback()
    if not has_default:
        with writing():
            default()
            db.session.commit()
    return {"default policies made": int(not has_default)}


def chosen(incident: Incident) -> Policy:
    """The policy that holds for an incident: the most particular choice, else the default one.

    A rule's own comes first, then one of the project and severity, of the project, of the severity.
    What the console finds wrong with alerting itself always goes by the default one.
    """
    if incident.watch:
        return default()
    return holding(incident.project_id, incident.rule_id, incident.severity) or default()


def holding(project_id: int, rule_id: int | None, severity: Severity) -> Policy | None:
    """The policy that is chosen for what a rule says of a project; None if none is."""
    own = select(PolicyUse).options(joinedload(PolicyUse.policy))
    matches = [
        use
        for use in db.session.scalars(own)
        if use.rule_id in (None, rule_id)
        and use.project_id in (None, project_id)
        and use.severity in (None, severity)
    ]
    return max(matches, key=_particular).policy if matches else None


def chosen_for(*, project_id: int | None = None, rule_id: int | None = None) -> int | None:
    """The id of the policy that is chosen for a rule, or for a project, by itself."""
    own = select(PolicyUse.policy_id).where(
        PolicyUse.project_id.is_not_distinct_from(project_id),
        PolicyUse.rule_id.is_not_distinct_from(rule_id),
        PolicyUse.severity.is_(None),
    )
    return db.session.scalar(own.limit(1))


def default() -> Policy:
    """The organization's default policy, made where there is none yet."""
    return existing_default() or create(DEFAULT_NAME, STANDARD, is_default=True)


def existing_default() -> Policy | None:
    """The organization's default policy; None before its job has made one."""
    return db.session.scalar(select(Policy).where(Policy.is_default))


def all_policies() -> Sequence[Policy]:
    """The organization's policies: the default one first, the rest by name."""
    return db.session.scalars(select(Policy).order_by(Policy.is_default.desc(), Policy.name)).all()


def policy_or_404(policy_id: int) -> Policy:
    return db.session.get(Policy, policy_id) or abort(404)


def is_full() -> bool:
    """Whether the organization has so many policies that it gets no more."""
    return (db.session.scalar(select(func.count(Policy.id))) or 0) >= MOST


def is_taken(name: str, policy: Policy | None = None) -> bool:
    """Whether a policy other than this has a name."""
    own = select(Policy.id).where(Policy.name == name)
    return any(policy is None or taken != policy.id for taken in db.session.scalars(own))


def create(
    name: str, document: Mapping[str, Any], *, is_default: bool = False, by: User | None = None
) -> Policy:
    """Add a policy with its first version. The caller commits."""
    policy = Policy(
        name=name,
        document=dict(document),
        is_default=is_default,
        created_by_id=by.id if by else None,
        version=1,
    )
    db.session.add(policy)
    db.session.flush()
    _keep_version(policy, by)
    if by is not None:
        audit.record("policy.made", name, actor=by.email)
    return policy


def save(policy: Policy, name: str, document: Mapping[str, Any], *, by: User | None = None) -> bool:
    """Give a policy a name and a document; False where its steps are as before. The caller commits.

    Incidents that are open go on with the version that held when they were opened.
    """
    policy.name = name
    if document == policy.document:
        return False
    policy.document = dict(document)
    policy.version += 1
    _keep_version(policy, by)
    audit.record("policy.changed", name, actor=by.email if by else "", version=policy.version)
    return True


def delete(policy: Policy, *, by: User | None = None) -> None:
    """Delete a policy that is not the default one, with the choices of it. The caller commits.

    Incidents that are open go on with what they have of it.
    """
    audit.record("policy.deleted", policy.name, actor=by.email if by else "")
    db.session.delete(policy)


def make_default(policy: Policy, *, by: User | None = None) -> None:
    """Let a policy hold wherever no other is chosen. The caller commits."""
    db.session.execute(update(Policy).where(Policy.is_default).values(is_default=False))
    policy.is_default = True
    audit.record("policy.made_default", policy.name, actor=by.email if by else "")


def choose(
    policy: Policy | None,
    *,
    project_id: int | None = None,
    rule: Rule | None = None,
    severity: Severity | None = None,
) -> None:
    """Let a policy hold for a rule, a project or a severity; None takes the choice back.

    The caller commits.
    """
    rule_id = rule.id if rule else None
    db.session.execute(
        delete_from(PolicyUse).where(
            PolicyUse.project_id.is_not_distinct_from(project_id),
            PolicyUse.rule_id.is_not_distinct_from(rule_id),
            PolicyUse.severity.is_not_distinct_from(severity),
        )
    )
    if policy is not None:
        db.session.add(
            PolicyUse(
                policy_id=policy.id, project_id=project_id, rule_id=rule_id, severity=severity
            )
        )
        db.session.flush()
    audit.record(
        "policy.chosen",
        policy.name if policy else "as elsewhere",
        project=project_id,
        rule=rule_id,
        severity=severity.value if severity else None,
    )


def use_or_404(use_id: int) -> PolicyUse:
    return db.session.get(PolicyUse, use_id) or abort(404)


def versions(policy: Policy) -> Sequence[PolicyVersion]:
    """What was saved of a policy, the latest first."""
    own = select(PolicyVersion).where(PolicyVersion.policy_id == policy.id)
    latest = own.order_by(PolicyVersion.number.desc()).options(joinedload(PolicyVersion.by))
    return db.session.scalars(latest).all()


def _keep_version(policy: Policy, by: User | None) -> None:
    version = PolicyVersion(
        policy_id=policy.id,
        number=policy.version,
        document=policy.document,
        by_id=by.id if by else None,
    )
    db.session.add(version)
    db.session.flush()


def _particular(use: PolicyUse) -> tuple[bool, bool, bool, int]:
    """How particular a choice is; of two alike, the later one."""
    return use.rule_id is not None, use.project_id is not None, use.severity is not None, use.id
