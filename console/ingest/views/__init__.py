"""The web side of ingest: the addresses that SDKs send to, and the pages about what they sent."""

from flask import Flask

from console.core.config import Config
from console.ingest import auth, checks, pipeline, quota, refusals, spool
from console.ingest.views import (
    beacon_script,
    connect,
    dead_letters,
    endpoints,
    guardrails,
    scrubbing,
)

__all__ = [
    "beacon_script",
    "connect",
    "dead_letters",
    "endpoints",
    "guardrails",
    "init_app",
    "scrubbing",
]


def init_app(app: Flask, settings: Config) -> None:
    """Give the app its spool, what accepts into it, and what digests it."""
    waiting = spool.init_app(app, settings)
    auth.init_app(app)
    quota.init_app(app, settings)
    refusals.init_app(app, waiting)
    pipeline.init_app(app, settings)
    guardrails.init_app(app, settings)
    checks.init_app(app)
    endpoints.init_app(app)
