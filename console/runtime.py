"""What runs beside the requests: digest, ticker, self-monitoring; and the note that tells of it."""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import click
import orjson
from flask import Flask
from sqlalchemy import select

from console import serve as server
from console.accounts.models import Organization
from console.accounts.queries import is_fresh
from console.app import create_app
from console.backup import orders as backups
from console.backup import soundness
from console.core import canary, clock, instances, leases, migrations, readiness
from console.core.config import Config, ConfigError, config
from console.core.crypto import setup_token
from console.core.db import db
from console.core.instances import InstanceBusy
from console.core.tenancy import organization_scope
from console.ingest import pipeline, refusals, spool
from console.ingest.models import DigestPosition
from console.intake import set_aside
from console.integrations import selfmonitor
from console.jobs import JOBS
from console.telemetry import store
from console.ticker import LEADER, Ticker

TICKER = "pharos.ticker"
NOTE = "serving.json"
DIGEST = "digest"
DIGEST_SECONDS = 60.0
FRESH = timedelta(seconds=pipeline.LONGEST_PAUSE + 15)  # in an outage, digest pauses so long
LOOPBACK = frozenset({"", "localhost", "127.0.0.1", "::1"})
NO_URL = (
    "PHAROS_URL is not set, and others can reach this console: mails and the DSNs that commands"
    " print name %s. Set it to the address that people and clients use, such as"
    " https://pharos.example.com"
)

OTHER_KEY = (
    "SECRET_KEY was changed or lost: it opens nothing that is stored. What waits in the spool"
    " becomes dead letters, and second factors fail. Stop, put the former key back, or name it in"
    " SECRET_KEY_FALLBACKS; dead letters can be retried then"
)

log = logging.getLogger(__name__)


def serve(settings: Config, *, host: str, port: int, threads: int, migrate: bool = False) -> None:
    """Run the console until SIGTERM or SIGINT; with `migrate`, bring the database up to date first.

    Raises ConfigError when another process serves this instance, or digests into its database, or
    when the state database is damaged. A damaged spool is set aside.
    """
    with _alone(settings.instance):
        soundness.check(settings, settings.instance / spool.FILE)
        if migrate:
            migrations.upgrade(settings)
        app = create_app(settings)
        _take_the_digest(app)
        gc.freeze()  # what is imported stays: looking through it for garbage took 60 ms of a page
        ready = partial(begin, host=host)
        server.serve(lambda: app, host=host, port=port, threads=threads, ready=ready, closing=end)


@contextmanager
def _alone(instance: Path) -> Iterator[None]:
    """Hold the instance folder: two digests of one spool would count everything twice."""
    try:
        with instances.alone(instance):
            yield
    except InstanceBusy:
        raise ConfigError(f"another console runs on {instance}") from None


@contextmanager
def nobody_serves(instance: Path) -> Iterator[bool]:
    """Whether no console runs on the instance; if so, none can start meanwhile."""
    with ExitStack() as held:
        try:
            held.enter_context(_alone(instance))
        except ConfigError:
            yield False
        else:
            yield True


def _take_the_digest(app: Flask) -> None:
    """Refuse a database that the digest of another instance writes: positions are of one spool."""
    with app.app_context():
        if leases.hold(DIGEST, _instance_id(), DIGEST_SECONDS) is None:
            db.session.remove()
            db.engine.dispose()
            raise ConfigError("another instance digests into this database: give each its own")


def _keep_the_digest(app: Flask) -> None:
    """Renew the right to digest; without it, stop before something is counted twice."""
    with app.app_context():
        if leases.hold(DIGEST, _instance_id(), DIGEST_SECONDS) is None:
            log.error("another instance has taken over the digest; this one digests no more")
            pipeline.current().stop()


def _instance_id() -> str:
    return instances.identity(config().instance)


def begin(app: Flask, url: str, *, host: str = "") -> None:
    """Start what runs beside the requests, and say where the console is.

    `host` is the address that the server was told to listen on.
    """
    with app.app_context():
        settings = config()
        selfmonitor.start(
            app, settings.sentry_dsn, spool.current(), release=f"pharos@{version('pharos')}"
        )
        spool.current().is_served = True
        store.current().expect(soundness.with_telemetry())
        pipeline.current().start()
        store.current().start_looking()
        backups.current().start()
        app.extensions[TICKER] = Ticker(app, JOBS, beside=lambda: _keep_the_digest(app))
        app.extensions[TICKER].start()
        keys = (settings.secret_key, *settings.secret_key_fallbacks)
        canary.renew(keys)
        if not canary.opens(keys):
            log.error(OTHER_KEY)
        _check_ticker(app)
        url = settings.base_url or of_this_machine(url)
        note = {
            "pid": os.getpid(),
            "url": url,
            "is_public": bool(settings.base_url),
            "started_at": clock.now().isoformat(),
        }
        (settings.instance / NOTE).write_bytes(orjson.dumps(note))
        click.echo(_welcome(settings, url))
        warn_of_a_missing_url(settings, host, url)


def _check_ticker(app: Flask) -> None:
    """Let /ready ask for the jobs as well, which only a serving process runs."""
    ticker, since = cast("Ticker", app.extensions[TICKER]), clock.now()
    checks = readiness.of(app)
    checks.add("ticker-ended", lambda: "" if ticker.alive() else "the ticker of jobs has ended")

    def late() -> str:
        names = ", ".join(ticker.late(since))
        return f"jobs are late: {names}" if names else ""

    checks.add("jobs-late", late, patience=3)


def warn_of_a_missing_url(settings: Config, host: str, url: str) -> None:
    """Say what links will name when others can reach the console and PHAROS_URL is not set."""
    if not settings.base_url and host not in LOOPBACK:
        log.warning(NO_URL, url)


def of_this_machine(url: str) -> str:
    """The address in a form that can be followed: nobody reaches 0.0.0.0."""
    for everywhere in ("//0.0.0.0:", "//[::]:"):
        url = url.replace(everywhere, "//localhost:")
    return url


def _welcome(settings: Config, url: str) -> str:
    said = f"Pharos answers on {url}"
    if not is_fresh():
        return said
    return f"{said}\nSet it up: {url}/setup?token={setup_token(settings.secret_key)}"


def end(app: Flask) -> None:
    """Stop after the present batch and the jobs under way; what waits stays in the spool."""
    with app.app_context():
        selfmonitor.stop()
        backups.current().stop()
        store.current().stop_looking()
        cast("Ticker", app.extensions[TICKER]).stop()
        pipeline.current().stop()
        leases.let_go(DIGEST, _instance_id())
        cast("refusals.Refusals", app.extensions[refusals.EXTENSION]).close()
        spool.current().close()
        store.current().close()
        (config().instance / NOTE).unlink(missing_ok=True)


def public_url(settings: Config) -> str:
    """The address for links and DSNs: the running console's, else PHAROS_URL as it is set here."""
    note = _read(settings.instance / NOTE) or {}
    running = running_url(settings)
    return running if note.get("is_public") else settings.base_url or running


def running_url(settings: Config) -> str:
    """Where the console that serves this instance answers; "" if none does."""
    note = _read(settings.instance / NOTE)
    return str(note["url"]) if note and _lives(int(note["pid"])) else ""


def status() -> dict[str, Any]:
    """How the console of this instance is doing, told by its files and rows, whoever runs it.

    The telemetry database belongs to the serving process alone, so the digest notes how it does.
    """
    url = running_url(config())
    told = _read(config().instance / pipeline.NOTE) or {}
    fresh = bool(told) and clock.now() - datetime.fromisoformat(told["at"]) < FRESH
    depth = spool.current().depth()
    lag = (clock.now() - depth.oldest).total_seconds() if depth.oldest else 0.0
    return {
        "running": bool(url) and fresh,
        "url": url,
        "spool": {
            "rows": depth.rows,
            "bytes": depth.size,
            "lag_seconds": round(max(lag, 0.0), 3),
            "dead_letters": spool.current().dead_count(),
        },
        "digest": {
            "records_per_second": told.get("records_per_second", 0.0) if fresh else 0.0,
            "stalled_organizations": told.get("stalled_organizations", 0) if fresh else 0,
            "last_error": told.get("last_error", ""),
        },
        "damage": _damage(told if fresh else {}),
        "positions": _positions(),
        "jobs": _jobs(),
        "backup": _backup(),
    }


def _damage(told: dict[str, Any]) -> list[str]:
    """What is damaged, and what was set aside because it was, in words."""
    files = told.get("damaged_telemetry", {})
    spools = [f"{one.at}: {one.sentence}" for one in set_aside.reports(config().instance)]
    return [*spools, *files.values()]


def _backup() -> dict[str, Any] | None:
    """How the latest backup goes or went."""
    note = backups.read_note(config().instance)
    return asdict(note) if note else None


def _positions() -> dict[str, int]:
    """How far each organization is digested, by slug."""
    organizations = db.session.execute(select(Organization.id, Organization.slug)).all()
    found = {}
    for organization_id, slug in organizations:
        with organization_scope(organization_id):
            found[slug] = db.session.scalar(select(DigestPosition.position)) or 0
    return found


def _jobs() -> dict[str, Any]:
    """Who leads, and how the last run of each job ended."""
    lease = db.session.get(leases.Lease, LEADER)
    runs = {
        run.job: {
            "due_at": run.due_at.isoformat(),
            "finished_at": run.finished_at.isoformat() if run.finished_at else None,
            "summary": run.summary,
            "error": run.error,
            "failed_organizations": run.failed_organizations,
        }
        for run in leases.last_runs()
    }
    return {"leader": lease.holder if lease and lease.until > clock.now() else "", "runs": runs}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return None
    return found


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives, under another account
        return True
    return True
