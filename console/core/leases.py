"""Who leads when several processes run, and which due times a job has already been run for."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Index, String, Text, UniqueConstraint, delete, func, or_, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from console.core import absences, clock
from console.core.db import Model, database_time, db, insert

JOBS = "jobs"  # the lease of who runs them
RUNS_KEPT = timedelta(days=14)
SLACK = timedelta(seconds=5)

log = logging.getLogger(__name__)


class Lease(Model):
    """A right that one holder has until a moment; its epoch counts the changes of holder.

    A row, not an advisory lock: it passes on from a frozen process, and works through a pooler.
    """

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    epoch: Mapped[int] = mapped_column(default=1)
    until: Mapped[datetime]


class JobRun(Model):
    """One run of a job for one due time; the unique key prevents a second run."""

    __tablename__ = "job_run"
    __table_args__ = (UniqueConstraint("job", "due_at"), Index("job_run_by_time", "started_at"))

    id: Mapped[int] = mapped_column(primary_key=True)
    job: Mapped[str] = mapped_column(String(60))
    due_at: Mapped[datetime]
    epoch: Mapped[int]
    started_at: Mapped[datetime] = mapped_column(default=clock.now)
    finished_at: Mapped[datetime | None]
    summary: Mapped[str] = mapped_column(String(300), default="")
    error: Mapped[str] = mapped_column(Text, default="")
    failed_organizations: Mapped[int] = mapped_column(default=0)


def hold(name: str, holder: str, seconds: float) -> int | None:
    """Take or renew a lease; return its epoch, or None while somebody else holds it. Commits.

    The database's clock decides, as machines' clocks differ. A lease that ends later than a new one
    would is of a clock that has been set back since: its holder may be gone, so it is free.
    """
    now = database_time()
    until = now + timedelta(seconds=seconds)
    ours = update(Lease).where(Lease.name == name, Lease.holder == holder)
    is_free = or_(Lease.until < now, Lease.until > until + SLACK, Lease.holder == "")
    free = update(Lease).where(Lease.name == name, is_free)
    epoch = db.session.scalar(ours.values(until=until).returning(Lease.epoch))
    if epoch is None:
        taking = free.values(holder=holder, epoch=Lease.epoch + 1, until=until)
        epoch = db.session.scalar(taking.returning(Lease.epoch))
    db.session.commit()
    if epoch is None and db.session.get(Lease, name) is None:
        epoch = _first(Lease(name=name, holder=holder, epoch=1, until=until))
    db.session.rollback()
    return epoch


def held_until(name: str) -> datetime | None:
    """Until when somebody had a lease, or has it; None if nobody ever had."""
    return db.session.scalar(select(Lease.until).where(Lease.name == name))


def let_go(name: str, holder: str) -> None:
    """Give a lease back, so that the next process need not wait until it ends. Commits.

    A database that is away or full must not keep a process from ending in order: it is logged.
    """
    try:
        db.session.execute(
            update(Lease).where(Lease.name == name, Lease.holder == holder).values(holder="")
        )
        db.session.commit()
    except DBAPIError as error:
        db.session.rollback()
        log.warning("the lease %s was not given back and ends by itself: %s", name, error.orig)


def claim(lease: str, epoch: int, job: str, due_at: datetime) -> int | None:
    """Return the id of a new JobRun; None if this due time had its run, or the lease is lost.

    Commits. A leader that was frozen while another took the lease finds a later epoch.
    """
    present = select(Lease.epoch).where(Lease.name == lease).with_for_update(read=True)
    run_id = None
    if db.session.scalar(present) == epoch:
        run = insert(JobRun).values(job=job, due_at=due_at, epoch=epoch)
        run_id = db.session.scalar(run.on_conflict_do_nothing().returning(JobRun.id))
    db.session.commit()
    return run_id


def forget_future_runs() -> int:
    """Delete the notes of runs for due times that have not come: the clock was set back. Commits.

    They would keep every job from running until the time that the clock had shown. Returns how
    many they were.
    """
    future = delete(JobRun).where(JobRun.due_at > clock.now() + SLACK).returning(JobRun.id)
    forgotten = len(db.session.scalars(future).all())
    db.session.commit()
    return forgotten


def last_runs() -> Sequence[JobRun]:
    """The latest run of each job, by name."""
    latest = select(func.max(JobRun.id)).group_by(JobRun.job)
    return db.session.scalars(
        select(JobRun).where(JobRun.id.in_(latest)).order_by(JobRun.job)
    ).all()


def forget_runs() -> str:
    """Delete old notes of runs. Commits."""
    db.session.execute(delete(JobRun).where(JobRun.started_at < absences.certain_now() - RUNS_KEPT))
    db.session.commit()
    return "done"


def _first(lease: Lease) -> int | None:
    db.session.add(lease)
    try:
        db.session.commit()
    except IntegrityError:  # another process was first
        db.session.rollback()
        return None
    return 1
