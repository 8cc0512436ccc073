"""Maintenance windows for scripts, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest
from wtforms import StringField
from wtforms.validators import Optional, Regexp

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core.db import db
from console.uptime import maintenance as domain
from console.uptime import queries
from console.uptime.forms import WindowForm
from console.uptime.models import Check, MaintenanceWindow
from console.web import api
from console.web.forms import IntegerField, mark, sentence, valid

bp = Blueprint(
    "maintenance_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/maintenance"
)


class WindowsQuestion(api.Paging):
    """Which windows a script wants: of one check, with the ones of all checks."""

    check = IntegerField("Check", [Optional()])
    cursor = StringField(
        "Cursor", [Optional(), Regexp(r"\d{1,9}$", message="Not one that an answer gave.")]
    )


class WindowDocument(WindowForm):
    """A window of the check that the document names, or of all checks."""

    check = IntegerField("Check", [Optional()])


@bp.get("")
@api_view("checks:read")
def windows(project: Project) -> Response:
    form = valid(WindowsQuestion(request.args))
    check = _check(project, form)
    rows = queries.windows(project, check, form.length + 1, older_than=int(form.cursor.data or 0))
    listed = [_window(row) for row in rows[: form.length]]
    cursor = str(listed[-1]["id"]) if len(rows) > form.length else ""
    return api.page("windows", listed, cursor)


@bp.post("")
@api_view("checks:write")
def plan(project: Project) -> Response:
    """Plan a window, or mark a time that has passed."""
    form = valid(WindowDocument(api.members(WindowDocument, "A maintenance window")))
    check = _check(project, form)
    if domain.is_full(project):
        raise BadRequest(domain.FULL)
    start, reason = form.starts_at.data, form.reason.data or ""
    window = domain.plan(project, check, start, form.end, reason, None)
    db.session.commit()
    answer = jsonify(_window(window))
    answer.status_code = 201
    return answer


@bp.post("/<id:window_id>/end")
@api_view("checks:write")
def end(project: Project, window_id: int) -> Response:
    window = queries.window_or_404(project, window_id)
    domain.end(window, by=None)
    db.session.commit()
    return jsonify(_window(window))


@bp.delete("/<id:window_id>")
@api_view("checks:write")
def delete(project: Project, window_id: int) -> Response:
    domain.cancel(queries.window_or_404(project, window_id), by=None)
    db.session.commit()
    return Response(status=204)


def _check(project: Project, form: WindowsQuestion | WindowDocument) -> Check | None:
    """The check that a form names, None if it names none; one that is not there is its mistake."""
    if form.check.data is None:
        return None
    check = queries.named(project, form.check.data)
    if check is None:
        mark(form, "check", "The project has no check with this id.")
        raise BadRequest(sentence(form))
    return check


def _window(window: MaintenanceWindow) -> dict[str, Any]:
    return {
        "id": window.id,
        "check": window.check_id,
        "starts_at": api.time(window.starts_at),
        "ends_at": api.time(window.ends_at),
        "is_running": window.is_running,
        "reason": window.reason,
    }
