"""The console watches itself: its own errors and traces go to its operators."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, cast

import sentry_sdk
from flask import Flask
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.flask import FlaskIntegration
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event
from sentry_sdk.worker import BackgroundWorker
from sqlalchemy import select
from werkzeug.exceptions import HTTPException

from console.accounts import operators
from console.accounts.access import access_of
from console.accounts.models import Key, Project
from console.accounts.projects import create_project
from console.core import audit, clock
from console.core.config import config
from console.core.db import db
from console.core.disk import Disk
from console.core.tenancy import organization_scope
from console.ingest import pipeline, protocols, spool
from console.ingest.sentry.protocol import ENVELOPE
from console.ingest.spool import Spool, SpoolRow
from console.integrations.allowed import AllowList
from console.integrations.report_limit import ReportLimit
from console.telemetry import retention, store

QUEUE = 100
LOOK_AGAIN_SECONDS = 2.0
POLL_RATE = 0.05
LATE_SECONDS = 60
# What strangers ask for is not traced: what clients send would make one more request to trace each,
# and the addresses of set-up, sign-in, invitations and shared pages hold secrets.
TRACED = frozenset({"account", "organization", "project", "api"})
# `pharos status` and the loss ledger report their failures. As events, they would feed the path
# that fails.
SILENT = ("console.ingest.*", "sentry_sdk.errors")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Home:
    """Where the console's own envelopes belong."""

    organization_id: int
    project_id: int
    key_id: int


class SpoolTransport(Transport):
    """Hands the SDK's envelopes to the spool of this process, in a separate thread.

    The thread keeps a request from waiting for the disk, and from writing to the state database
    while the request's own transaction holds it. What does not fit into the queue, or comes before
    there is an organization, is dropped.
    """

    def __init__(self, app: Flask, waiting: Spool) -> None:
        super().__init__()
        self._app = app
        self._spool = waiting
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
                    kind=ENVELOPE.name,
                    header={"items": ", ".join(item.type or "" for item in envelope.items)},
                    body=envelope.serialize(),
                )
            )

    def _find_home(self) -> Home | None:
        if monotonic() - self._looked_at >= LOOK_AGAIN_SECONDS:
            self._looked_at = monotonic()
            with self._app.app_context():
                self._home = own_project()
        return self._home


def start(app: Flask, dsn: str, waiting: Spool, release: str) -> None:
    """Report this process's errors and traces to a DSN; if it is "", to the operators' project."""
    for name in SILENT:
        ignore_logger(name)
    allowed = AllowList({rule.rule for rule in app.url_map.iter_rules()})
    sentry_sdk.init(
        dsn=dsn or None,
        transport=None if dsn else SpoolTransport(app, waiting),
        release=release,
        environment="production",
        traces_sampler=lambda context: trace_rate(app, context),
        integrations=[FlaskIntegration(transaction_style="url")],
        before_send=lambda event, _hint: cast("Event", allowed.event(event)),
        before_send_transaction=lambda event, _hint: cast("Event", allowed.transaction(event)),
        auto_session_tracking=False,
        # What the list of allowed fields drops anyway need not be gathered.
        max_request_body_size="never",
        include_local_variables=False,
        trace_propagation_targets=[],
        db_query_source_threshold_ms=0,
    )
    # Not in before_send: what a flood costs is the serializing that comes before it.
    sentry_sdk.get_global_scope().add_event_processor(ReportLimit())


def stop() -> None:
    """Hand over what is queued, and report nothing from here on."""
    client = sentry_sdk.get_client()
    client.close(timeout=2.0)


def trace_rate(app: Flask, context: Mapping[str, Any]) -> float:
    """The sample rate for a request: all pages, some polls, nothing that strangers ask for."""
    environ = context.get("wsgi_environ") or {}
    adapter = app.url_map.bind("localhost")
    path, method = environ.get("PATH_INFO", ""), environ.get("REQUEST_METHOD")
    if protocols.at(path, environ.get("CONTENT_TYPE", "")):
        return 0.0
    try:
        endpoint, _values = adapter.match(path, method)
    except HTTPException:  # there is no such page
        return 0.0
    access = access_of(app, endpoint)
    if access is None or access.kind not in TRACED:
        return 0.0
    return POLL_RATE if environ.get("HTTP_PHAROS_PART") else 1.0


def own_project() -> Home | None:
    """The operators' project; None while nobody operates the console. Commits."""
    organization_id = operators.establish()
    if organization_id is None:
        return None
    with organization_scope(organization_id):
        project = db.session.scalar(select(Project).where(Project.builtin).order_by(Project.id))
        if project is None:
            project = create_project(operators.PROJECT, platform="python", builtin=True)
            db.session.commit()
        key_id = db.session.scalars(select(Key.id).where(Key.project_id == project.id)).first()
        return Home(organization_id, project.id, key_id or 0)


def erase_former_projects(organization_id: int) -> Mapping[str, int]:
    """Erase what the console stored about itself elsewhere: it held addresses of all pages.

    Its project used to stand in the first organization. Commits.
    """
    if organization_id == operators.establish():
        return {}
    project_ids = db.session.scalars(select(Project.id).where(Project.builtin)).all()
    db.session.rollback()  # writing telemetry anew takes a while: hold no transaction meanwhile
    for project_id in project_ids:
        if store.current().holds(organization_id):
            retention.erase_project(store.current(), organization_id, project_id)
        spool.current().discard(organization_id, project_id)
    _delete_projects(project_ids)  # last: what could not be erased is tried again
    return {"former projects of the console erased": len(project_ids)}


def _delete_projects(project_ids: Sequence[int]) -> None:
    for project in db.session.scalars(select(Project).where(Project.id.in_(project_ids))):
        why = "the console reports to its operators' organization now"
        audit.record("project.deleted", project.name, actor="system", because=why)
        db.session.delete(project)
    db.session.commit()


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
