"""What runs beside the requests: digest, ticker, self-monitoring, and the note about them."""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import cast

import click
import orjson
from flask import Flask

from console import serve as server
from console.accounts.projects import SERVED_AT
from console.accounts.queries import is_fresh
from console.alerting import pulse
from console.alerting.delivery import bell, holds, sending
from console.app import create_app
from console.backup import orders as backups
from console.backup import soundness
from console.channels import outgoing
from console.core import canary, clock, instances, leases, migrations, readiness
from console.core.config import Config, ConfigError, config
from console.core.crypto import setup_token
from console.core.db import db
from console.core.instances import InstanceBusy
from console.ingest import pipeline, refusals, spool
from console.integrations import selfmonitor
from console.jobs import JOBS
from console.status import NOTE
from console.telemetry import store
from console.ticker import Ticker
from console.uptime import kept
from console.uptime import schedule as checks

TICKER = "pharos.ticker"
DIGEST = "digest"
DIGEST_SECONDS = 60.0
LAST_SECONDS = 5.0
"""So long a console that stops waits for answers and mails that nobody would send again."""
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

    `host` is the address that the server listens on, as the command was given it.
    """
    with app.app_context():
        settings = config()
        selfmonitor.start(
            app, settings.sentry_dsn, spool.current(), release=f"pharos@{version('pharos')}"
        )
        spool.current().is_served = True
        refusals.current().begin()
        store.current().expect(soundness.with_telemetry())
        pipeline.current().start()
        store.current().start_looking()
        backups.current().start()
        app.extensions[TICKER] = Ticker(app, JOBS, beside=lambda: _beside(app))
        checks.alarm().start()
        holds.take_up_restore()
        sending.take_over(_instance_id())
        bell.alarm().start()
        app.extensions[TICKER].start()
        keys = (settings.secret_key, *settings.secret_key_fallbacks)
        canary.renew(keys)
        if not canary.opens(keys):
            log.error(OTHER_KEY)
        _check_ticker(app)
        url = settings.base_url or of_this_machine(url)
        app.extensions[SERVED_AT] = url
        note = {
            "pid": os.getpid(),
            "url": url,
            "is_public": bool(settings.base_url),
            "started_at": clock.now().isoformat(),
        }
        (settings.instance / NOTE).write_bytes(orjson.dumps(note))
        click.echo(_welcome(settings, url))
        warn_of_a_missing_url(settings, host, url)


def _beside(app: Flask) -> None:
    """What this process does every few seconds, whoever leads."""
    _keep_the_digest(app)
    with app.app_context():
        pulse.look()


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
    """Warn which address links will have if others can reach the console without PHAROS_URL."""
    if not settings.base_url and host not in LOOPBACK:
        log.warning(NO_URL, url)


def of_this_machine(url: str) -> str:
    """The address in a form that can be followed: nobody reaches 0.0.0.0."""
    for everywhere in ("//0.0.0.0:", "//[::]:"):
        url = url.replace(everywhere, "//localhost:")
    return url


def _welcome(settings: Config, url: str) -> str:
    welcome = f"Pharos answers on {url}"
    if not is_fresh():
        return welcome
    return f"{welcome}\nSet it up: {url}/setup?token={setup_token(settings.secret_key)}"


def end(app: Flask) -> None:
    """Stop after the present batch and the running jobs; waiting rows stay in the spool."""
    with app.app_context():
        selfmonitor.stop()
        backups.current().stop()
        store.current().stop_looking()
        cast("Ticker", app.extensions[TICKER]).stop()
        checks.alarm().stop()
        checks.current().stop()
        bell.alarm().stop()
        sending.current().stop()
        outgoing.current().settle(LAST_SECONDS)
        kept.end()
        pipeline.current().stop()
        leases.let_go(DIGEST, _instance_id())
        refusals.current().close()
        spool.current().close()
        store.current().close()
        (config().instance / NOTE).unlink(missing_ok=True)
