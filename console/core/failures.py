"""Which jobs fail for an organization now, since when and why, for its people to read."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from console.core import clock
from console.core.db import Model, OrganizationScoped, db, reading


class JobFailure(OrganizationScoped, Model):
    """A job whose last runs failed for an organization; the row goes when a run succeeds."""

    __tablename__ = "job_failure"
    __table_args__ = (UniqueConstraint("organization_id", "job"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(String(60))
    cause: Mapped[str] = mapped_column(String(300))
    times: Mapped[int] = mapped_column(default=0)  # in a row
    since: Mapped[datetime] = mapped_column(default=clock.now)
    last_at: Mapped[datetime]


def add(job: str, cause: str) -> bool:
    """Count a failure for the Session's organization; whether it is news. Commits."""
    failure = _of(job) or JobFailure(job=job, cause="", times=0)
    is_news = failure.cause != cause[:300]
    failure.times += 1
    failure.cause, failure.last_at = cause[:300], clock.now()
    db.session.add(failure)
    db.session.commit()
    return is_news


def ended(job: str) -> None:
    """Forget the failures of a job that has succeeded, if there were any. Commits.

    It looks first, as a reader: jobs succeed every few seconds, and writers wait for each other.
    """
    with reading():
        known = _of(job) is not None
        db.session.rollback()
    if known and (failure := _of(job)):
        db.session.delete(failure)
        db.session.commit()


def present() -> Sequence[JobFailure]:
    """The jobs that fail for the Session's organization, the longest first."""
    return db.session.scalars(select(JobFailure).order_by(JobFailure.since, JobFailure.id)).all()


def _of(job: str) -> JobFailure | None:
    return db.session.scalar(select(JobFailure).where(JobFailure.job == job))
