"""The list of status pages for members, and the pages themselves for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, Response, abort, current_app, make_response, render_template, request

from console.accounts.access import link_view, me, project_view
from console.accounts.models import Project
from console.core.db import db
from console.uptime import queries
from console.uptime import status_pages as domain
from console.uptime.badge import badge
from console.uptime.models import Check, StatusPage
from console.uptime.status_page_form import StatusPageForm
from console.uptime.status_pages import Shown, Status
from console.uptime.views.blueprint import bp
from console.web.errors import for_outsiders
from console.web.forms import mark
from console.web.htmx import go_to, page_or_part, part_or_redirect
from console.web.timerange import scoped_url

EXTENSION = "pharos.status_pages"
PAGES, PART = "uptime/status_pages.html", "uptime/_status_pages.html"
FORM, FORM_PART = "uptime/status_page_form.html", "uptime/_status_page_form.html"
public = Blueprint("status", __name__, url_prefix="/status")
for_outsiders(public)
public.record_once(lambda state: state.app.extensions.setdefault(EXTENSION, Shown()))


@dataclass(frozen=True, slots=True)
class PageRow:
    """A status page in the list, with the token of its link."""

    page: StatusPage
    checks: Sequence[Check]
    token: str


@bp.get("/status-pages", endpoint="status_pages")
@project_view("member")
def status_pages(project: Project) -> Response:
    return page_or_part(PAGES, PART, **_context(project, _blank(project)))


@bp.post("/status-pages", endpoint="create_status_page")
@project_view("member")
def create(project: Project) -> Response:
    form = StatusPageForm(request.form).offer(queries.checks(project))
    if not form.validate():
        return page_or_part(PAGES, PART, status=422, **_context(project, form))
    if domain.is_full(project):
        mark(form, "title", domain.FULL)
        return page_or_part(PAGES, PART, status=422, **_context(project, form))
    domain.create(project, form.title.data or "", form.chosen, by=me())
    db.session.commit()
    return _answer(project)


@bp.get("/status-pages/<id:page_id>/settings", endpoint="edit_status_page")
@project_view("member")
def edit(project: Project, page_id: int) -> Response:
    page = domain.page_or_404(project, page_id)
    form = StatusPageForm.of(page.title, domain.checks_of(page)).offer(queries.checks(project))
    return page_or_part(FORM, FORM_PART, form=form, status_page=page)


@bp.post("/status-pages/<id:page_id>/settings", endpoint="change_status_page")
@project_view("member")
def change(project: Project, page_id: int) -> Response:
    page = domain.page_or_404(project, page_id)
    form = StatusPageForm(request.form).offer(queries.checks(project))
    if not form.validate():
        return page_or_part(FORM, FORM_PART, status=422, form=form, status_page=page)
    domain.change(page, form.title.data or "", form.chosen, by=me())
    db.session.commit()
    forget(page)
    return go_to(scoped_url("uptime.status_pages"))


@bp.post("/status-pages/<id:page_id>/renewal", endpoint="renew_status_page")
@project_view("member")
def renew(project: Project, page_id: int) -> Response:
    domain.renew(domain.page_or_404(project, page_id), by=me())
    db.session.commit()
    return _answer(project)


@bp.post("/status-pages/<id:page_id>/revocation", endpoint="revoke_status_page")
@project_view("member")
def revoke(project: Project, page_id: int) -> Response:
    domain.revoke(domain.page_or_404(project, page_id), by=me())
    db.session.commit()
    return _answer(project)


@public.get("/<token>", endpoint="page")
@link_view
def status_page(token: str) -> Response:
    return make_response(render_template("uptime/status.html", status=_status(token)))


@public.get("/<token>/badge", endpoint="badge")
@link_view
def status_badge(token: str) -> Response:
    status = _status(token)
    image = Response(badge(status.title, status.words, status.tone), mimetype="image/svg+xml")
    # It stands on pages of other sites: browsers would leave it out.
    image.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return image


def forget(page: StatusPage) -> None:
    """Let the link of a page that was changed show it at once."""
    cast("Shown", current_app.extensions[EXTENSION]).forget(page.hash)


def _status(token: str) -> Status:
    """What the page of a link shows; 404 for a link that leads nowhere."""
    page = domain.by_token(token)
    if page is None:
        return abort(404, "This link does not work. It may have been revoked.")
    shown = cast("Shown", current_app.extensions[EXTENSION])
    status = shown.get(page.hash)
    if status is None:
        status = domain.status_of(page)
        shown.keep(page.hash, status)
    return status


def _context(project: Project, form: StatusPageForm) -> dict[str, Any]:
    rows = [PageRow(page, checks, domain.token_of(page)) for page, checks in domain.pages(project)]
    return {"rows": rows, "form": form}


def _blank(project: Project) -> StatusPageForm:
    return StatusPageForm().offer(queries.checks(project))


def _answer(project: Project) -> Response:
    return part_or_redirect(PART, "uptime.status_pages", **_context(project, _blank(project)))
