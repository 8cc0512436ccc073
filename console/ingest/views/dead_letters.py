"""The rows that digest gave up on, with the reason and a retry."""

from typing import Any

from flask import Blueprint, Response, abort

from console.accounts.access import project_view
from console.accounts.models import Project
from console.core import audit
from console.core.db import db
from console.ingest import spool
from console.web.htmx import part_or_redirect, polled_part
from console.web.nav import NavItem, nav_entry

SHOWN = 200
PART = "ingest/_dead_letters.html"

bp = Blueprint(
    "dead_letters", __name__, url_prefix="/<slug:organization>/<slug:project>/dead-letters"
)


def count(project: Project) -> int:
    """How many dead letters the project has."""
    return spool.current().dead_count(project.organization_id, project.id)


nav_entry(
    bp,
    NavItem(
        "Dead letters",
        icon="archive",
        endpoint="dead_letters.dead_letters",
        group="Data",
        order=42,
        count=count,
        key="l",
    ),
)


@bp.get("")
@project_view("viewer")
def dead_letters(project: Project) -> Response:
    """The latest of them; the page names what was sent and never shows it: it is not scrubbed."""
    return polled_part("ingest/dead_letters.html", PART, **_context(project))


@bp.post("/retry")
@project_view("member")
def retry_all(project: Project) -> Response:
    return _retry(project, None)


@bp.post("/<position:position>/retry")
@project_view("member")
def retry(project: Project, position: int) -> Response:
    return _retry(project, position)


@bp.post("/deletion")
@project_view("admin")
def delete_all(project: Project) -> Response:
    return _delete(project, None)


@bp.post("/<position:position>/deletion")
@project_view("admin")
def delete(project: Project, position: int) -> Response:
    return _delete(project, position)


def _retry(project: Project, position: int | None) -> Response:
    retried = spool.current().retry(project.organization_id, project.id, position)
    return _after(project, position, retried, "dead_letters.retried")


def _delete(project: Project, position: int | None) -> Response:
    deleted = spool.current().discard(project.organization_id, project.id, position)
    return _after(project, position, deleted, "dead_letters.deleted")


def _after(project: Project, position: int | None, changed: int, action: str) -> Response:
    if position is not None and not changed:
        abort(404)
    if changed:
        audit.record(action, project.slug, count=changed)
        db.session.commit()
    at = {"organization": project.organization.slug, "project": project.slug}
    return part_or_redirect(PART, "dead_letters.dead_letters", at, **_context(project))


def _context(project: Project) -> dict[str, Any]:
    return {
        "project": project,
        "letters": spool.current().dead(project.organization_id, project.id, limit=SHOWN),
        "total": count(project),
        "at": {"organization": project.organization.slug, "project": project.slug},
    }
