"""Status pages for scripts, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, url_for
from werkzeug.exceptions import BadRequest

from console.accounts.access import api_view, script_may
from console.accounts.models import Project
from console.core.db import db
from console.uptime import queries
from console.uptime import status_pages as domain
from console.uptime.models import StatusPage
from console.uptime.status_page_form import StatusPageForm
from console.uptime.views.status_pages import forget
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "status_pages_api",
    __name__,
    url_prefix="/api/v1/<slug:organization>/<slug:project>/status-pages",
)


@bp.get("")
@api_view("checks:read")
def status_pages(project: Project) -> Response:
    return jsonify({"status_pages": [_page(page) for page, _ in domain.pages(project)]})


@bp.get("/<id:page_id>")
@api_view("checks:read")
def status_page(project: Project, page_id: int) -> Response:
    return jsonify(_page(domain.page_or_404(project, page_id)))


@bp.post("")
@api_view("checks:write")
def create(project: Project) -> Response:
    form = _form(project)
    if domain.is_full(project):
        raise BadRequest(domain.FULL)
    made = domain.create(project, form.title.data or "", form.chosen)
    db.session.commit()
    answer = jsonify(_page(made))
    answer.status_code = 201
    return answer


@bp.put("/<id:page_id>")
@api_view("checks:write")
def change(project: Project, page_id: int) -> Response:
    """Put the title and the checks, in the order of the document; the link stays."""
    page, form = domain.page_or_404(project, page_id), _form(project)
    domain.change(page, form.title.data or "", form.chosen)
    db.session.commit()
    forget(page)
    return jsonify(_page(page))


@bp.post("/<id:page_id>/renewal")
@api_view("checks:write")
def renew(project: Project, page_id: int) -> Response:
    page = domain.page_or_404(project, page_id)
    domain.renew(page)
    db.session.commit()
    return jsonify(_page(page))


@bp.delete("/<id:page_id>")
@api_view("checks:write")
def revoke(project: Project, page_id: int) -> Response:
    domain.revoke(domain.page_or_404(project, page_id))
    db.session.commit()
    return Response(status=204)


def _form(project: Project) -> StatusPageForm:
    """The form with what a document says; the order of its checks is the order of the page."""
    fields = api.members(StatusPageForm, "A status page")
    return valid(StatusPageForm(fields).offer(queries.checks(project)))


def _page(page: StatusPage) -> dict[str, Any]:
    """A page; its link, which lets everybody in, only for scripts that could make another."""
    token = domain.token_of(page) if script_may("checks:write") else ""
    return {
        "id": page.id,
        "title": page.title,
        "checks": [check.id for check in domain.checks_of(page)],
        "url": url_for("status.page", token=token, _external=True) if token else None,
        "badge_url": url_for("status.badge", token=token, _external=True) if token else None,
        "created_at": api.time(page.created_at),
    }
