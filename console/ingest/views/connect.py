"""The connect page: how to send, and whether it arrives."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, request

from console.accounts.access import project_view
from console.accounts.models import Project
from console.accounts.projects import console_url, dsn_of
from console.ingest import queries
from console.ingest.connecting import ADVICE, sample_command, setup_for, setups
from console.ingest.onboarding import progress
from console.intake import queries as ledger
from console.web.htmx import go_to, is_htmx, page_or_part, polled_part
from console.web.nav import NavItem, nav_entry

REFUSALS_SHOWN = timedelta(hours=1)

bp = Blueprint("connect", __name__, url_prefix="/<slug:organization>/<slug:project>/connect")
nav_entry(bp, NavItem("Connect", icon="plug", endpoint="connect.connect", group="Data", order=40))


@bp.get("")
@project_view("viewer")
def connect(project: Project) -> Response:
    """The instructions for one kind of application, with the project's DSN filled in."""
    chosen = setup_for(request.args.get("setup", ""), project.platform)
    key = queries.working_key(project)
    dsn = dsn_of(key) if key else ""
    return page_or_part(
        "ingest/connect.html",
        "ingest/_setup.html",
        chosen=chosen,
        setups=setups(),
        dsn=dsn,
        code=chosen.filled(dsn),
        command=sample_command(console_url(), project.id, key.public_key if key else ""),
        **_arrival(project),
    )


@bp.get("/arrival")
@project_view("viewer")
def arrival(project: Project) -> Response:
    """What has arrived and what was refused; the open page polls it every other second."""
    if not is_htmx():
        return go_to(f"{request.script_root}{request.path}".removesuffix("/arrival"))
    part = "ingest/_arrival.html"
    return polled_part(part, part, **_arrival(project))


def _arrival(project: Project) -> dict[str, Any]:
    return {
        "progress": progress(project),
        "refusals": ledger.recent_refusals(project, REFUSALS_SHOWN),
        "advice": ADVICE,
    }
