"""The web side of ingest: its pages, and what it needs in the app."""

from flask import Flask

from console.core.config import Config
from console.ingest import auth, checks, pipeline, quota, refusals, spool
from console.ingest.front import endpoints
from console.ingest.views import (
    beacon_script,
    connect,
    dead_letters,
    guardrails,
    scrubbing,
)

__all__ = [
    "beacon_script",
    "connect",
    "dead_letters",
    "guardrails",
    "init_app",
    "scrubbing",
]


def init_app(app: Flask, settings: Config) -> None:
    """Give the app its spool, what accepts into it, and what digests it."""
    waiting = spool.init_app(app, settings)
    auth.init_app(app)
    quota.init_app(app, settings)
    refusals.init_app(app, waiting, settings.instance)
    pipeline.init_app(app, settings)
    guardrails.init_app(app, settings)
    checks.init_app(app)
    endpoints.init_app(app)
