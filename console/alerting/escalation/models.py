"""Escalation policies, where they hold, and where each incident's escalation stands."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.accounts.models import User
from console.alerting.models import Incident, Severity
from console.core import clock
from console.core.db import Model, OrganizationScoped, belongs_to


class Policy(OrganizationScoped, Model):
    """Who is notified of incidents, step by step; the latest version's document stands here."""

    __tablename__ = "policy"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(default=1)
    document: Mapped[dict[str, Any]]
    """Its steps, repeats and terms (`plan.py` reads it)."""
    is_default: Mapped[bool] = mapped_column(default=False)
    """Applies where no other policy is chosen; an organization has exactly one such."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))


class PolicyVersion(OrganizationScoped, Model):
    """A policy as it was saved."""

    __tablename__ = "policy_version"
    __table_args__ = (
        belongs_to("policy", "policy_id"),
        UniqueConstraint("organization_id", "policy_id", "number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    policy_id: Mapped[int]
    number: Mapped[int]
    document: Mapped[dict[str, Any]]
    at: Mapped[datetime] = mapped_column(default=clock.now)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    by: Mapped[User | None] = relationship(viewonly=True)


class PolicyUse(OrganizationScoped, Model):
    """Where policies apply: for a rule, a project, a severity, or a severity of a project."""

    __tablename__ = "policy_use"
    __table_args__ = (
        belongs_to("policy", "policy_id"),
        belongs_to("project", "project_id"),
        belongs_to("rule", "rule_id"),
        Index("policy_use_of_policy", "organization_id", "policy_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    policy_id: Mapped[int]
    project_id: Mapped[int | None]
    rule_id: Mapped[int | None]
    severity: Mapped[Severity | None]
    policy: Mapped[Policy] = relationship(viewonly=True)


class EscalationState(StrEnum):
    """Where an incident's escalation stands."""

    RUNNING = "running"
    ACKNOWLEDGED = "acknowledged"
    """It waits whether the acknowledgement goes stale."""
    EXHAUSTED = "exhausted"
    """All steps and repeats are done, and nobody has answered."""
    ENDED = "ended"
    """The incident is resolved."""


class Escalation(OrganizationScoped, Model):
    """Who an incident goes to next, by the version of a policy that held when it was opened."""

    __tablename__ = "escalation"
    __table_args__ = (
        belongs_to("incident", "incident_id"),
        UniqueConstraint("organization_id", "incident_id"),
        # The escalations whose next step is due, the longest waiting first.
        Index("escalation_by_due_time", "organization_id", "next_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int]
    policy_id: Mapped[int | None]  # no key: a policy may be deleted while its incidents last
    policy_name: Mapped[str] = mapped_column(String(100))
    policy_version: Mapped[int]
    document: Mapped[dict[str, Any]]
    state: Mapped[EscalationState] = mapped_column(default=EscalationState.RUNNING)
    step: Mapped[int] = mapped_column(default=0)
    """The step that comes next, from 0."""
    round: Mapped[int] = mapped_column(default=0)
    """How often all steps have been gone through."""
    started_at: Mapped[datetime]
    next_at: Mapped[datetime | None]
    """When the next step is due; None when nothing comes any more."""
    due_at: Mapped[datetime | None]
    """When a step that waits for its hours was due by its delay; None while none waits."""
    incident: Mapped[Incident] = relationship(viewonly=True)
