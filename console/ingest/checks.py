"""What must work for ingest and pages, asked by /ready; never a service outside of this machine."""

from flask import Flask

from console.core import canary, readiness, revisions
from console.core.config import config
from console.ingest import guardrails, health, pipeline, spool

TRANSIENT = 3  # readings in a row: one slow answer of a busy machine says nothing


def init_app(app: Flask) -> None:
    """Add the checks."""
    checks = readiness.of(app)
    checks.add("migrations", _migrations, patience=TRANSIENT)
    checks.add("secret-key", _secret_key, patience=TRANSIENT)
    checks.add("disk-low", _disk)
    checks.add(health.DIGEST_ENDED, _digest)
    checks.add("spool", _spool, patience=TRANSIENT)
    checks.add("telemetry-damaged", _telemetry, stops=False)
    checks.add(health.DECODERS, health.decoders, stops=False)


def _migrations() -> str:
    return "" if revisions.is_current() else "the state database is not at the newest revision"


def _secret_key() -> str:
    settings = config()
    opens = canary.opens((settings.secret_key, *settings.secret_key_fallbacks))
    return "" if opens else "no configured key opens the secrets that are stored"


def _disk() -> str:
    return "the disk of the instance folder is nearly full" if guardrails.disk().is_low else ""


def _digest() -> str:
    return "" if pipeline.current().alive() else "the digest thread has ended"


def _spool() -> str:
    trouble = spool.current().trouble()
    return f"the spool takes no rows: {trouble}" if trouble else ""


def _telemetry() -> str:
    damaged = len(health.damaged_telemetry())
    return f"telemetry files that are damaged or gone: {damaged}" if damaged else ""
