"""Alert rules and their versions, what their evaluations said, and the incidents they opened."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.accounts.models import User
from console.alerting.condition import Verdict
from console.alerting.decide import State
from console.core import clock
from console.core.db import BIG_ID, Model, OrganizationScoped, belongs_to

if TYPE_CHECKING:
    from console.alerting.definition import Definition

LONGEST_VALUE = 200
"""Characters of a dimension's value that name a series."""
LONGEST_WHY = 300


class Severity(StrEnum):
    """How much it matters that a rule fires, whatever its level; the least first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Rule(OrganizationScoped, Model):
    """What is watched, and when it fires; the latest version's document stands here."""

    __tablename__ = "rule"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id", "name"),
        # The rules whose next evaluation is due, the longest waiting first.
        Index("rule_by_due_time", "organization_id", "enabled", "next_due"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20), default="threshold")
    version: Mapped[int] = mapped_column(default=1)
    document: Mapped[dict[str, Any]]
    threshold: Mapped[str] = mapped_column(String(40), default="")
    """The column of MonitoringConfig that its warning level is the same as, or ""."""
    severity: Mapped[Severity] = mapped_column(default=Severity.MEDIUM)
    tags: Mapped[list[str]] = mapped_column(default=list)
    enabled: Mapped[bool] = mapped_column(default=True)
    shadow: Mapped[bool] = mapped_column(default=False)  # it is evaluated, and notifies nobody
    evaluated_until: Mapped[datetime]
    """The end of the last window that was decided."""
    next_due: Mapped[datetime]
    settled_until: Mapped[datetime]
    """The end of the last window that was looked at again for late data."""
    beyond: Mapped[int] = mapped_column(default=0)
    """How many values of its breakdown are not evaluated: there are too many."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))

    @property
    def definition(self) -> Definition:
        """The document as a value."""
        # It knows the metrics' units, and with them every feature: a command needs no such thing.
        from console.alerting.definition import Definition  # noqa: PLC0415

        return Definition.of(self.document)


class StandardRules(OrganizationScoped, Model):
    """Notes that a project got the rules it begins with: deleted ones do not come back."""

    __tablename__ = "standard_rules"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(default=clock.now)


class RuleVersion(OrganizationScoped, Model):
    """A rule as it was saved, with what the back-test said then."""

    __tablename__ = "rule_version"
    __table_args__ = (
        belongs_to("rule", "rule_id"),
        UniqueConstraint("organization_id", "rule_id", "number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int]
    number: Mapped[int]
    document: Mapped[dict[str, Any]]
    backtest: Mapped[dict[str, Any]] = mapped_column(default=dict)
    at: Mapped[datetime] = mapped_column(default=clock.now)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    by: Mapped[User | None] = relationship(viewonly=True)


class RuleSeries(OrganizationScoped, Model):
    """Where a rule stands for one value of its breakdown, "" without a breakdown."""

    __tablename__ = "rule_series"
    __table_args__ = (
        belongs_to("rule", "rule_id"),
        UniqueConstraint("organization_id", "rule_id", "value"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int]
    value: Mapped[str] = mapped_column(String(LONGEST_VALUE))
    state: Mapped[State] = mapped_column(default=State.OK)
    standing: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]


class Evaluation(OrganizationScoped, Model):
    """What one window of a rule's series said; deciding it again finds this row."""

    __tablename__ = "evaluation"
    __table_args__ = (
        belongs_to("rule", "rule_id"),
        UniqueConstraint("organization_id", "rule_id", "value", "at"),
        Index("evaluation_by_time", "organization_id", "at"),  # what retention deletes
    )

    id: Mapped[int] = mapped_column(BIG_ID, primary_key=True)
    rule_id: Mapped[int]
    value: Mapped[str] = mapped_column(String(LONGEST_VALUE), default="")
    at: Mapped[datetime]
    """The end of the window."""
    version: Mapped[int]
    number: Mapped[float | None]
    samples: Mapped[int | None]
    base: Mapped[float | None]
    verdict: Mapped[Verdict]
    state: Mapped[State]
    """The state of the series after it."""
    why: Mapped[str] = mapped_column(String(LONGEST_WHY), default="")
    decided_at: Mapped[datetime]
    watermark: Mapped[datetime | None]
    """All that had come before this moment was digested when it was decided."""
    milliseconds: Mapped[float] = mapped_column(default=0.0)
    """How long the question took, shared by the evaluations that it answered."""
    settled_number: Mapped[float | None]
    """What the same window said when it was asked again, after late data had come."""
    settled_verdict: Mapped[Verdict | None]
    settled_state: Mapped[State | None]
    """The state of the series after it, where late data has made it another one."""


class SkippedTime(OrganizationScoped, Model):
    """Windows of a rule that nobody decided: the console was down for too long."""

    __tablename__ = "skipped_time"
    __table_args__ = (
        belongs_to("rule", "rule_id"),
        UniqueConstraint("organization_id", "rule_id", "since"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    rule_id: Mapped[int]
    since: Mapped[datetime]
    """The end of the last window before them that was decided."""
    until: Mapped[datetime]
    """The end of the last window that was not."""


class IncidentState(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Assessment(StrEnum):
    """What people say of an incident afterwards: back-tests are compared with it."""

    UNKNOWN = "unknown"
    REAL = "real"
    NOISE = "noise"


class Incident(OrganizationScoped, Model):
    """A time in which a series of a rule fired, and what people did about it."""

    __tablename__ = "incident"
    __table_args__ = (
        belongs_to("project", "project_id"),
        # The list of incidents, open ones first; the id breaks ties.
        Index("incident_by_time", "organization_id", "project_id", "state", "opened_at", "id"),
        belongs_to("incident", "parent_id"),
        Index("incident_of_group", "organization_id", "parent_id"),
        Index("incident_of_series", "organization_id", "rule_id", "value", "opened_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    rule_id: Mapped[int | None]  # None once the rule is deleted: its incidents stay
    rule_version: Mapped[int]
    title: Mapped[str] = mapped_column(String(200))
    value: Mapped[str] = mapped_column(String(LONGEST_VALUE), default="")
    level: Mapped[State]
    """The level that fires now, or fired last."""
    worst: Mapped[State]
    severity: Mapped[Severity] = mapped_column(default=Severity.MEDIUM)
    parent_id: Mapped[int | None]
    """The group that it is a part of."""
    watch: Mapped[str] = mapped_column(String(40), default="")
    """What of the console itself it is about (`watchdog.py`); "" for incidents of rules."""
    is_group: Mapped[bool] = mapped_column(default=False)
    """It stands for incidents of its rule that began together."""
    state: Mapped[IncidentState] = mapped_column(default=IncidentState.OPEN)
    shadow: Mapped[bool] = mapped_column(default=False)
    sequence: Mapped[int] = mapped_column(default=0)
    """The number of its last event."""
    breached_at: Mapped[datetime]
    """The end of the first window that breached."""
    opened_at: Mapped[datetime]
    """The end of the window in which it fired."""
    noticed_at: Mapped[datetime | None] = mapped_column(default=clock.now)
    """When the console wrote it down: it waits for a window's data, and looks again for late."""
    reopened: Mapped[int] = mapped_column(default=0)
    acknowledged_at: Mapped[datetime | None]  # by a person, the first time
    acknowledged_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="SET NULL")
    )
    acknowledged_via: Mapped[str] = mapped_column(String(20), default="")
    """Where the person did it: console, email, slack, pagerduty."""
    notified_at: Mapped[datetime | None]
    """When a channel took its first message over."""
    snoozed_until: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    resolved_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    resolved_via: Mapped[str] = mapped_column(String(20), default="")
    """Where a person did it; "" where none did."""
    closed_by_hand: Mapped[bool] = mapped_column(default=False)
    assessment: Mapped[Assessment] = mapped_column(default=Assessment.UNKNOWN)
    number: Mapped[float | None]
    """The number of the last evaluation that changed it."""
    why: Mapped[str] = mapped_column(String(LONGEST_WHY), default="")
    acknowledged_by: Mapped[User | None] = relationship(
        foreign_keys=acknowledged_by_id, viewonly=True
    )
    resolved_by: Mapped[User | None] = relationship(foreign_keys=resolved_by_id, viewonly=True)

    @property
    def was_worse(self) -> bool:
        """Whether it reached a worse level than the one that its reason is about."""
        return self.worst is not self.level

    @property
    def lasted(self) -> timedelta:
        """How long it was open, up to now if it still is."""
        return (self.resolved_at or clock.now()) - self.opened_at


class IncidentVerb(StrEnum):
    """What can happen to an incident."""

    OPENED = "opened"
    JOINED = "joined"
    LEVEL = "level"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    WOKEN = "woken"
    RESOLVED = "resolved"
    NOTED = "noted"
    ASSESSED = "assessed"
    ESCALATED = "escalated"
    """A step of its policy was done: people were notified."""
    UNACKNOWLEDGED = "unacknowledged"
    """Its acknowledgement went stale."""


class IncidentEvent(OrganizationScoped, Model):
    """One line of an incident's history; its sequence number makes a replay harmless."""

    __tablename__ = "incident_event"
    __table_args__ = (
        belongs_to("incident", "incident_id"),
        UniqueConstraint("organization_id", "incident_id", "sequence"),
        # What was written on a clock that has been set back since, asked for every few seconds.
        Index("incident_event_by_time", "organization_id", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int]
    sequence: Mapped[int]
    verb: Mapped[IncidentVerb]
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    text: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    actor: Mapped[User | None] = relationship(viewonly=True)

    @property
    def until(self) -> datetime | None:
        """The end of a snooze."""
        return clock.instant(self.details["until"]) if "until" in self.details else None


class Silence(OrganizationScoped, Model):
    """A time in which incidents of a project, or of one rule, notify nobody, with its reason."""

    __tablename__ = "silence"
    __table_args__ = (
        belongs_to("project", "project_id"),
        belongs_to("rule", "rule_id"),
        Index("silence_by_end", "organization_id", "project_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    rule_id: Mapped[int | None]
    value: Mapped[str] = mapped_column(String(LONGEST_VALUE), default="")
    reason: Mapped[str] = mapped_column(String(300))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    cron: Mapped[str] = mapped_column(String(100), default="")
    """When it begins anew between start and end, each time for `minutes`; "" for all the time."""
    zone: Mapped[str] = mapped_column(String(64), default="UTC")
    minutes: Mapped[int] = mapped_column(default=0)
    hidden: Mapped[int] = mapped_column(default=0)
    """How many messages it kept back."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    created_by: Mapped[User | None] = relationship(viewonly=True)
