"""The machinery of scheduled work: one process leads, and runs each job once per due time."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from secrets import token_hex

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from console.accounts.rounds import Round, Work, for_each_organization
from console.core import absences, clock, leases
from console.core.cron import Cron
from console.core.database_errors import concerns_all
from console.core.db import db
from console.core.leases import JobRun
from console.telemetry import store

LEASES, PUNCTUAL = "leases", "punctual"
LEASE_SECONDS = 15
RENEW_SECONDS = 5
FOLLOW_SECONDS = 5.0
TICK = timedelta(seconds=60)  # at most between two looks whether a job is due
SLACK = timedelta(seconds=30)
GRACE = timedelta(minutes=2)  # how late a job may be: others may take their time before it

log = logging.getLogger(__name__)
# It warns at every look of a job that still runs: with a thousand rules every few seconds.
logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Job:
    """Work that one process does once for every due time; missed runs are made up for once.

    A job is due at the beginning of every period (`when` is its length), or when a cron text says.
    Either `run` does it for the console as a whole and returns a summary, or `per_organization`
    does it in every organization, where one failure does not stop the others.
    """

    name: str
    when: timedelta | Cron
    run: Callable[[], str | Round] | None = None
    per_organization: Work | None = None
    upkeep: bool = False
    """Whether it writes telemetry, or state that depends on telemetry."""
    punctual: bool = False
    """Whether it has threads of its own, so that it waits for no long job."""

    def __post_init__(self) -> None:
        """Raise ValueError for a job that is not whole."""
        if (self.run is None) == (self.per_organization is None):
            raise ValueError(f"the job {self.name} has either `run` or `per_organization`")
        if isinstance(self.when, timedelta) and self.when < timedelta(seconds=1):
            raise ValueError(f"the job {self.name} has a period of less than a second")

    def due_at(self, now: datetime) -> datetime:
        """The latest due time up to `now`; periods are counted from 1970 in UTC."""
        if isinstance(self.when, Cron):
            return self.when.latest(now)
        period = int(self.when.total_seconds())
        return datetime.fromtimestamp(int(now.timestamp()) // period * period, UTC)

    @property
    def look_every(self) -> timedelta:
        """How often to look whether it is due."""
        return TICK if isinstance(self.when, Cron) else min(self.when, TICK)

    def perform(self) -> str | Round:
        """Run the job now, with no organization entered; return its summary."""
        if self.per_organization is not None:
            return for_each_organization(self.per_organization, job=self.name)
        assert self.run is not None
        return self.run()


class Ticker:
    """Runs the jobs while this process holds the lease; APScheduler only counts the seconds."""

    def __init__(
        self,
        app: Flask,
        jobs: Sequence[Job],
        beside: Callable[[], None] | None = None,
    ) -> None:
        """`beside` is called every few seconds in every process, leader or not."""
        self._app = app
        self._beside = beside
        self._jobs = jobs
        self._holder = f"{socket.gethostname()[:50]}:{os.getpid()}:{token_hex(4)}"
        self._epoch: int | None = None
        self._led_at: datetime | None = None
        # A period missed is run once when there is time again; a slow run is not run twice.
        settings = {"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        # Leases have a thread of their own: two long jobs must not cost this process its rights.
        # Nor must a backup or the deletion of old rows keep rules and checks from their times.
        executors = {
            "default": ThreadPoolExecutor(2),
            LEASES: ThreadPoolExecutor(1),
            PUNCTUAL: ThreadPoolExecutor(max(sum(job.punctual for job in jobs), 1)),
        }
        self._scheduler = BackgroundScheduler(
            executors=executors, job_defaults=settings, timezone=UTC
        )
        self._waiting: set[str] = set()
        self._ending = threading.Event()
        self._follower: threading.Thread | None = None

    def start(self) -> None:
        """Take the lease if it is free, and begin to tick."""
        self.lead()
        for name, work in (
            ("the lease of jobs", self.lead),
            ("what every process does", self._beside),
        ):
            if work is not None:
                self._scheduler.add_job(
                    self._patient,
                    "interval",
                    args=[name, work],
                    seconds=RENEW_SECONDS,
                    executor=LEASES,
                )
        for job in self._jobs:
            seconds, first = job.look_every.total_seconds(), datetime.now(UTC)
            executor = PUNCTUAL if job.punctual else "default"
            self._scheduler.add_job(
                self._patient,
                "interval",
                args=[job.name, partial(self.tick, job)],
                seconds=seconds,
                next_run_time=first,
                executor=executor,
            )
        self._scheduler.start()
        self._ending.clear()
        self._follower = threading.Thread(target=self._follow, name="ticker-clock", daemon=True)
        self._follower.start()

    def alive(self) -> bool:
        """Whether the scheduler runs."""
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
            leases.let_go(leases.JOBS, self._holder)

    def _patient(self, name: str, work: Callable[[], None]) -> None:
        """Do what is planned; while the state database itself fails, it waits, and says so once."""
        try:
            work()
        except (DBAPIError, PoolTimeoutError) as error:
            if not concerns_all(error):
                raise
            if name not in self._waiting:
                self._waiting.add(name)
                why = error.orig if isinstance(error, DBAPIError) else error
                log.warning("%s: waits for the state database: %s", name, why)
        else:
            self._waiting.discard(name)

    def lead(self) -> None:
        """Take or renew the lease; note for how long nobody had it, or this process was frozen."""
        with self._app.app_context():
            before = self._led_at or _left_at()
            self._epoch = leases.hold(leases.JOBS, self._holder, LEASE_SECONDS)
            self._led_at = clock.now() if self._epoch is not None else None
            if self._led_at is None:
                return
            if before is not None:
                absences.add(before, self._led_at)
            absences.end_future()
            if forgotten := leases.forget_future_runs():
                log.warning("the clock was set back: %d runs of jobs are made anew", forgotten)

    def _follow(self) -> None:
        """Tick on when the machine's clock is set back: APScheduler would wait for the old time.

        A job that is due later than its own interval from now was planned on another clock.
        """
        while not self._ending.wait(FOLLOW_SECONDS):
            now = datetime.now(UTC)
            for planned in self._scheduler.get_jobs():
                latest = now + planned.trigger.interval + SLACK
                if planned.next_run_time is not None and planned.next_run_time > latest:
                    planned.modify(next_run_time=now)

    def tick(self, job: Job) -> None:
        """Run the job if this process leads and the latest due time has not had its run.

        Upkeep waits while a backup copies telemetry, and is made up for afterwards. Everything
        waits where the lease was not renewed for long: first it is noted that the console was away.
        """
        with self._app.app_context():
            if self._led_at is None or clock.now() - self._led_at >= absences.LEAST:
                return
            if job.upkeep and store.current().upkeep.is_closed:
                return
            epoch = self._epoch
            due_at = job.due_at(clock.now())
            run_id = leases.claim(leases.JOBS, epoch, job.name, due_at) if epoch else None
            if run_id is not None:
                run_job(job, run_id)


def _left_at() -> datetime | None:
    """When the process that led last renewed its lease for the last time; None if none ever did."""
    until = leases.held_until(leases.JOBS)
    db.session.rollback()
    return None if until is None else until - timedelta(seconds=LEASE_SECONDS)


def run_job(job: Job, run_id: int) -> None:
    """Run a job with no organization entered, and note how it ended."""
    db.session.remove()
    result: str | Round = ""
    error = ""
    try:
        with store.current().upkeep.passing() if job.upkeep else nullcontext():
            result = job.perform()
    except Exception as failure:
        error = type(failure).__name__
        log.exception("the job %s failed", job.name)
    db.session.remove()
    run = db.session.get(JobRun, run_id)
    if run is None:  # forgotten since: the clock was set back
        return
    run.finished_at, run.summary, run.error = clock.now(), str(result)[:300], error
    run.failed_organizations = result.failed if isinstance(result, Round) else 0
    db.session.commit()
