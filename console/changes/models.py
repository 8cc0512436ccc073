"""A row for each change, as long as it lives and after, and how far days are judged."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.accounts.models import Project
from console.changes.judged import ChangeState, Day, Ending, Life
from console.changes.rules import BY_ID, DailyRule
from console.core import clock
from console.core.db import Model, OrganizationScoped, belongs_to
from console.telemetry.metric import Metric

SUBJECT, NAME = 200, 200
_LIVES = text("state <> 'over'")


class Change(OrganizationScoped, Model):
    """A number of a subject that moved away from the days before, until it is over.

    A subject has one that lives for each daily rule and environment. Its columns say what its
    `course` says, for lists and markers; days are of UTC.
    """

    __tablename__ = "metric_change"
    __table_args__ = (
        belongs_to("project", "project_id"),
        Index(
            "metric_change_living",
            "organization_id",
            "project_id",
            "environment",
            "rule_id",
            "subject",
            unique=True,
            sqlite_where=_LIVES,
            postgresql_where=_LIVES,
        ),
        # The list and the first sentence of a report: the largest first.
        Index("metric_change_by_impact", "organization_id", "project_id", "impact", "id"),
        # What the daily job judges anew.
        Index("metric_change_by_day", "organization_id", "project_id", "judged_day"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    environment: Mapped[str] = mapped_column(String(64))
    """"" for telemetry that names none, and for a rule that asks for all of them together."""
    rule_id: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(SUBJECT))
    """The value of the rule's dimension; "" for the project as a whole."""
    name: Mapped[str] = mapped_column(String(NAME))
    """What people called the subject when it was judged last."""
    state: Mapped[ChangeState]
    ending: Mapped[Ending | None]
    way: Mapped[int]
    """1 where the number is above what it was, -1 where it is below."""
    first_day: Mapped[date]
    last_day: Mapped[date]
    """The last day with enough samples."""
    judged_day: Mapped[date]
    moved_on: Mapped[date]
    """The day of the last news: it is new, worse, turned or over since then."""
    quiet_days: Mapped[int]
    before: Mapped[float]
    after: Mapped[float]
    """The number of the last day with enough samples."""
    peak: Mapped[float]
    samples: Mapped[int] = mapped_column(BigInteger)
    impact: Mapped[int] = mapped_column(BigInteger)
    """How many people or requests of the last day, by how far the number moved."""
    course: Mapped[dict[str, Any]]
    """The numbers of the days before and of its own days, as `life` reads them."""
    cause: Mapped[dict[str, Any]]
    """What came with it: `cause.Cause`."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    project: Mapped[Project] = relationship(viewonly=True)

    @property
    def rule(self) -> DailyRule:
        return BY_ID[self.rule_id]

    @property
    def metric(self) -> Metric:
        return self.rule.metric

    @property
    def is_over(self) -> bool:
        return self.state is ChangeState.OVER

    @property
    def is_good(self) -> bool | None:
        """Whether it is for the better; None where it is neither."""
        return self.rule.is_better(self.way)

    @property
    def life(self) -> Life:
        """The change as `judged` goes on with it."""
        days = [
            Day(date.fromisoformat(at), number, samples, hits)
            for at, number, samples, hits in self.course["days"]
        ]
        return Life(
            former=tuple(self.course["former"]),
            days=tuple(days),
            way=self.way,
            state=self.state,
            moved_on=self.moved_on,
            mark=self.course["mark"],
            quiet=self.quiet_days,
            ending=self.ending,
        )


class JudgedDays(OrganizationScoped, Model):
    """How far a project's days are judged, one row for each project."""

    __tablename__ = "judged_days"
    __table_args__ = (
        belongs_to("project", "project_id"),
        UniqueConstraint("organization_id", "project_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int]
    last_day: Mapped[date]
    judged_at: Mapped[datetime]
    """When telemetry was read last: what came later is late."""
    compared: Mapped[int]
    """How many numbers of the last day had enough samples, and enough days before it."""
