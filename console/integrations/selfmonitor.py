"""The console watches itself: its own errors and traces go into its built-in project."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

import sentry_sdk
from flask import Flask
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.transport import Transport
from sentry_sdk.worker import BackgroundWorker
from sqlalchemy import select

from console.accounts.models import Key, Organization, Project
from console.accounts.projects import create_project
from console.core import clock
from console.core.db import db
from console.core.tenancy import enter_organization
from console.ingest.accept import ENVELOPE
from console.ingest.spool import Spool, SpoolRow
from console.integrations.report_limit import ReportLimit

NAME = "Pharos"
QUEUE = 100
LOOK_AGAIN_SECONDS = 2.0
POLL_RATE = 0.05
# What clients send must not make traces of its own: each would be one more request to trace.
UNTRACED = re.compile(r"/api/\d+/|/tunnel|/static/|/healthz|.*/api/\d+/")
# Their failures are told by `pharos status` and by the ledger. Reported as events, they would feed
# the very path that fails.
SILENT = ("console.ingest.*", "sentry_sdk.errors")


@dataclass(frozen=True, slots=True)
class Home:
    """Where the console's own envelopes belong."""

    organization_id: int
    project_id: int
    key_id: int


class SpoolTransport(Transport):
    """Hands the SDK's envelopes to the spool of this process, in a thread of its own.

    The thread keeps a request from waiting for the disk, and from writing to the state database
    while the request's own transaction holds it. What does not fit into the queue, or comes before
    there is an organization, is dropped.
    """

    def __init__(self, app: Flask, spool: Spool) -> None:
        super().__init__()
        self._app = app
        self._spool = spool
        self._worker = BackgroundWorker(QUEUE)
        self._home: Home | None = None
        self._looked_at = -LOOK_AGAIN_SECONDS

    def capture_envelope(self, envelope: Envelope) -> None:
        self._worker.submit(lambda: self._append(envelope))

    def flush(self, timeout: float, callback: Any | None = None) -> None:
        self._worker.flush(timeout, callback)

    def kill(self) -> None:
        self._worker.kill()

    def _append(self, envelope: Envelope) -> None:
        home = self._home or self._find_home()
        if home is not None:
            self._spool.append(
                SpoolRow(
                    organization_id=home.organization_id,
                    project_id=home.project_id,
                    key_id=home.key_id,
                    received_at=clock.now(),
                    kind=ENVELOPE,
                    header={"items": ", ".join(item.type or "" for item in envelope.items)},
                    body=envelope.serialize(),
                )
            )

    def _find_home(self) -> Home | None:
        if monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS:
            self._looked_at = monotonic()
            with self._app.app_context():
                self._home = builtin_project()
        return self._home


def start(app: Flask, dsn: str, spool: Spool, release: str) -> None:
    """Report this process's errors and traces to a DSN; if it is "", into the built-in project."""
    for name in SILENT:
        ignore_logger(name)
    sentry_sdk.init(
        dsn=dsn or None,
        transport=None if dsn else SpoolTransport(app, spool),
        release=release,
        environment="production",
        traces_sampler=trace_rate,
        before_send=ReportLimit(),
        auto_session_tracking=False,
        # Requests carry passwords and tokens, and so do the local variables that handle them.
        send_default_pii=False,
        max_request_body_size="never",
        include_local_variables=False,
        db_query_source_threshold_ms=0,
    )


def stop() -> None:
    """Hand over what is queued, and report nothing from here on."""
    client = sentry_sdk.get_client()
    client.close(timeout=2.0)


def trace_rate(context: Mapping[str, Any]) -> float:
    """How many of the requests of this kind are traced: all pages, some polls, none of ingest."""
    environ = context.get("wsgi_environ") or {}
    if UNTRACED.match(environ.get("PATH_INFO", "")):
        return 0.0
    return POLL_RATE if environ.get("HTTP_PHAROS_PART") else 1.0


def builtin_project() -> Home | None:
    """Return the project of the first organization that is the console's own; made when missing."""
    organization_id = db.session.scalar(select(Organization.id).order_by(Organization.id))
    if organization_id is None:
        return None
    enter_organization(organization_id)
    project = db.session.scalar(select(Project).where(Project.builtin).order_by(Project.id))
    if project is None:
        project = create_project(NAME, platform="python", builtin=True)
    key_id = db.session.scalars(select(Key.id).where(Key.project_id == project.id)).first()
    home = Home(organization_id, project.id, key_id or 0)
    db.session.commit()
    return home
