"""The scheduled jobs (name, every, function), and the ticker that runs each due time once."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import token_hex

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy import delete, select

from console.accounts import sessions, throttle
from console.accounts.models import Membership, MonitoringConfig, Organization
from console.backup import schedule
from console.core import clock, leases
from console.core.config import config
from console.core.db import db
from console.core.disk import Disk
from console.core.leases import JobRun
from console.core.tenancy import organization_scope
from console.errors.digest import end_mutes
from console.ingest import findings, pipeline
from console.ingest.models import ExaminedRelease, Outcome
from console.integrations import selfmonitor
from console.telemetry import retention, store, vital_rollups
from console.telemetry.database import TelemetryUnavailable

LEADER = "jobs"
LEASES = "leases"
LEASE_SECONDS = 15
RENEW_SECONDS = 5
FOLLOW_SECONDS = 5.0
SLACK = timedelta(seconds=30)
RUNS_KEPT = timedelta(days=14)
OUTCOMES_KEPT = timedelta(days=90)
TELEMETRY_RESTS = timedelta(minutes=2)  # after the last question
LATE_SECONDS = 60
GRACE = timedelta(minutes=2)  # how late a job may be: others may take their time before it

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """What is done once in every period, by one process; `run` returns a summary in words."""

    name: str
    every: timedelta
    run: Callable[[], str]
    upkeep: bool = False
    """Whether it writes telemetry, or state that belongs to what it has read there."""

    def due_at(self, now: datetime) -> datetime:
        """The start of the period that `now` lies in; periods are counted from 1970 in UTC."""
        period = int(self.every.total_seconds())
        return datetime.fromtimestamp(int(now.timestamp()) // period * period, UTC)


class Ticker:
    """Runs the jobs while this process holds the lease; APScheduler only counts the seconds."""

    def __init__(
        self,
        app: Flask,
        jobs: Sequence[Job] | None = None,
        beside: Callable[[], None] | None = None,
    ) -> None:
        """`beside` is called every few seconds in every process, leader or not."""
        self._app = app
        self._beside = beside
        self._jobs = JOBS if jobs is None else jobs
        self._holder = f"{socket.gethostname()[:50]}:{os.getpid()}:{token_hex(4)}"
        self._epoch: int | None = None
        # A period missed is run once when there is time again; a slow run is not run twice.
        settings = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        # Leases have a thread of their own: two long jobs must not cost this process its rights.
        executors = {"default": ThreadPoolExecutor(2), LEASES: ThreadPoolExecutor(1)}
        self._scheduler = BackgroundScheduler(
            executors=executors, job_defaults=settings, timezone=UTC
        )
        self._ending = threading.Event()
        self._follower: threading.Thread | None = None

    def start(self) -> None:
        """Take the lease if it is free, and begin to tick."""
        self.lead()
        self._scheduler.add_job(self.lead, "interval", seconds=RENEW_SECONDS, executor=LEASES)
        if self._beside:
            self._scheduler.add_job(
                self._beside, "interval", seconds=RENEW_SECONDS, executor=LEASES
            )
        for job in self._jobs:
            seconds = min(job.every.total_seconds(), 60)
            first = datetime.now(UTC)
            self._scheduler.add_job(
                self.tick, "interval", args=[job], seconds=seconds, next_run_time=first
            )
        self._scheduler.start()
        self._ending.clear()
        self._follower = threading.Thread(target=self._follow, name="ticker-clock", daemon=True)
        self._follower.start()

    def alive(self) -> bool:
        """Whether it ticks."""
        return bool(self._scheduler.running)

    def late(self, since: datetime) -> list[str]:
        """The jobs that had no run for a due time after `since` that passed some time ago."""
        expected = {job.name: job.due_at(clock.now() - GRACE) for job in self._jobs}
        begun = {run.job: run.due_at for run in leases.last_runs()}
        db.session.rollback()
        return [
            name
            for name, due_at in expected.items()
            if due_at > since and (name not in begun or begun[name] < due_at)
        ]

    def stop(self) -> None:
        """End after the runs under way, and let another process lead."""
        self._ending.set()
        if self._follower is not None:
            self._follower.join()
        self._scheduler.shutdown()
        with self._app.app_context():
            leases.let_go(LEADER, self._holder)

    def lead(self) -> None:
        """Take or renew the lease."""
        with self._app.app_context():
            self._epoch = leases.hold(LEADER, self._holder, LEASE_SECONDS)

    def _follow(self) -> None:
        """Tick on when the machine's clock is set back: APScheduler would wait until it is there.

        Whoever is due later than its own interval from now was planned on another clock.
        """
        while not self._ending.wait(FOLLOW_SECONDS):
            now = datetime.now(UTC)
            for planned in self._scheduler.get_jobs():
                latest = now + planned.trigger.interval + SLACK
                if planned.next_run_time is not None and planned.next_run_time > latest:
                    planned.modify(next_run_time=now)

    def tick(self, job: Job) -> None:
        """Run the job if this process leads and the present period has not had its run.

        Upkeep waits while a backup copies telemetry; its period is not over then, as a rule.
        """
        with self._app.app_context():
            if job.upkeep and store.current().upkeep.is_closed:
                return
            epoch = self._epoch
            due_at = job.due_at(clock.now())
            run_id = leases.claim(LEADER, epoch, job.name, due_at) if epoch else None
            if run_id is not None:
                run_job(job, run_id)


def run_job(job: Job, run_id: int) -> None:
    """Run a job with no organization entered, and note how it ended."""
    db.session.remove()
    summary, error = "", ""
    try:
        with store.current().upkeep.passing() if job.upkeep else nullcontext():
            summary = job.run()
    except Exception as failure:
        error = type(failure).__name__
        log.exception("the job %s failed", job.name)
    db.session.remove()
    run = db.session.get_one(JobRun, run_id)
    run.finished_at, run.summary, run.error = clock.now(), summary[:300], error
    db.session.commit()


def each_organization() -> Iterator[int]:
    """Enter each organization in turn, with a Session of its own."""
    organization_ids = db.session.scalars(select(Organization.id).order_by(Organization.id)).all()
    for organization_id in organization_ids:
        with organization_scope(organization_id):
            yield organization_id


def apply_retention() -> str:
    """Delete telemetry and outcomes that are older than their project keeps them."""
    removed = 0
    for organization_id in each_organization():
        kept = {
            one.project_id: retention.Keep(one.retention_days, one.retention_mb)
            for one in db.session.scalars(select(MonitoringConfig))
        }
        db.session.rollback()
        with store.left_out():
            removed += retention.apply(organization_id, kept)
        longest = clock.now() - OUTCOMES_KEPT
        db.session.execute(delete(Outcome).where(Outcome.hour < longest))
        db.session.execute(delete(ExaminedRelease).where(ExaminedRelease.last_at < longest))
        db.session.commit()
    return f"{removed} rows deleted"


def tidy_telemetry() -> str:
    """Merge what many small commits have left in the telemetry files."""
    return f"{retention.tidy()} files tidied"


def roll_up_vitals() -> str:
    """Count the page loads of days that are over."""
    return f"{vital_rollups.roll_up()} days of page loads counted"


def rest_telemetry() -> str:
    """Give back the memory of telemetry that nobody is asking for."""
    store.current().rest(TELEMETRY_RESTS.total_seconds())
    return "done"


def forget_organizations() -> str:
    """Delete the telemetry of organizations that are gone."""
    files = store.current().organizations()  # before the list: who has a file is in it, or gone
    present = set(db.session.scalars(select(Organization.id)))
    gone = [organization_id for organization_id in files if organization_id not in present]
    for organization_id in gone:
        store.current().delete_organization(organization_id)
    return f"the telemetry of {len(gone)} organizations deleted"


def end_timed_mutes() -> str:
    """Put issues back into the inbox whose mute has run out."""
    ended = 0
    for _ in each_organization():
        ended += end_mutes()
        db.session.commit()
    return f"{ended} mutes ended"


def find_flaws() -> str:
    """Look at what requests have finished since the last time, and open issues for their flaws."""
    requests = events = left_out = fixed = 0
    present = set(store.current().organizations())
    for organization_id in each_organization():
        if organization_id in present:
            try:
                run = findings.detect(store.current(), organization_id)
            except TelemetryUnavailable as error:
                log.warning("detection waits for telemetry: %s", error)
                continue
            requests, events = requests + run.requests, events + run.events
            left_out, fixed = left_out + run.left_out, fixed + run.fixed
    return f"{requests} requests, {events} flaws, {fixed} fixed; {left_out} suspicious left out"


def forget_the_past() -> str:
    """Delete sign-in sessions and throttles that have ended, and old notes of job runs."""
    now = clock.now()
    for _ in each_organization():
        sessions.forget_ended(db.session.scalars(select(Membership.user_id)).all())
        db.session.commit()
    throttle.forget_old()
    db.session.execute(delete(JobRun).where(JobRun.started_at < now - RUNS_KEPT))
    db.session.commit()
    return "sessions, throttles and job runs that have ended are deleted"


def check_itself() -> str:
    """Report, as an error of the console's own, a digest that is late or a disk that fills up."""
    status = pipeline.current().status()
    disk = Disk(config().instance)
    if not pipeline.current().alive():
        log.error("the digest thread has ended; restart the console")
    if status.lag_seconds > LATE_SECONDS:
        log.error("the digest is late: what waits longest came %d s ago", status.lag_seconds)
    if disk.is_low:
        log.error("the disk of the instance folder has %d MB left", disk.free >> 20)
    return f"{status.waiting_rows} rows wait, {disk.free >> 20} MB free"


JOBS = (
    Job(
        "erase-former-projects", timedelta(hours=1), selfmonitor.erase_former_projects, upkeep=True
    ),
    Job("forget-organizations", timedelta(minutes=1), forget_organizations, upkeep=True),
    Job("retention", timedelta(hours=1), apply_retention, upkeep=True),
    Job("tidy-telemetry", timedelta(days=1), tidy_telemetry, upkeep=True),
    Job("roll-up-vitals", timedelta(hours=1), roll_up_vitals, upkeep=True),
    Job("rest-telemetry", timedelta(minutes=1), rest_telemetry),
    Job("end-mutes", timedelta(minutes=1), end_timed_mutes),
    Job("find-flaws", timedelta(seconds=10), find_flaws, upkeep=True),
    Job("backup", timedelta(hours=1), schedule.back_up),
    Job("forget-the-past", timedelta(hours=1), forget_the_past),
    Job("check-itself", timedelta(minutes=1), check_itself),
)
