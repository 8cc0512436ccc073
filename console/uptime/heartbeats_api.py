"""Heartbeats for scripts, as docs/api.md describes them; all else is done at …/checks."""

from __future__ import annotations

from flask import Blueprint, Response, abort, jsonify
from werkzeug.exceptions import BadRequest

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core.db import db
from console.uptime import heartbeats as domain
from console.uptime import queries
from console.uptime.api import described, ping_url
from console.uptime.heartbeat_form import HeartbeatForm
from console.uptime.models import Check, CheckKind
from console.uptime.views.heartbeats import is_free
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "heartbeats_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/heartbeats"
)


@bp.post("")
@api_view("checks:write")
def create(project: Project) -> Response:
    form = _form(project)
    made = domain.create(project, form.title, form.expected, failures=form.failures)
    db.session.commit()
    answer = jsonify(described(made) | ping_url(made))
    answer.status_code = 201
    return answer


@bp.put("/<id:check_id>")
@api_view("checks:write")
def change(project: Project, check_id: int) -> Response:
    """Put when a job is expected as the document says; its address stays."""
    check = queries.check_or_404(project, check_id)
    if check.kind is not CheckKind.HEARTBEAT:
        abort(404, "This check is no heartbeat.")
    form = _form(project, check)
    domain.change(check, form.title, form.expected, failures=form.failures)
    db.session.commit()
    return jsonify(described(check) | ping_url(check))


def _form(project: Project, check: Check | None = None) -> HeartbeatForm:
    form = valid(HeartbeatForm(api.members(HeartbeatForm, "A heartbeat")))
    if not is_free(project, form, check):
        raise BadRequest(f"name: {form.name.errors[-1]}")
    return form
