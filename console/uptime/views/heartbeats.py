"""Forms for heartbeats: a new one, and when it is expected."""

from __future__ import annotations

from flask import Response, abort, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.core.db import db
from console.uptime import heartbeats as domain
from console.uptime import queries
from console.uptime.checks import MOST
from console.uptime.expectation import Expectation
from console.uptime.heartbeat_form import HeartbeatForm
from console.uptime.models import Check, CheckKind
from console.uptime.views.blueprint import bp
from console.web.forms import mark
from console.web.htmx import go_to, page_or_part
from console.web.timerange import scoped_url

FORM, FORM_PART = "uptime/heartbeat_form.html", "uptime/_heartbeat_form.html"


@bp.get("/heartbeats/new")
@project_view("member")
def new_heartbeat(project: Project) -> Response:
    del project  # a new heartbeat has nothing of it
    return page_or_part(FORM, FORM_PART, form=HeartbeatForm(), check=None)


@bp.post("/heartbeats/new")
@project_view("member")
def create_heartbeat(project: Project) -> Response:
    form = HeartbeatForm(request.form)
    if not form.validate() or not is_free(project, form):
        return page_or_part(FORM, FORM_PART, status=422, form=form, check=None)
    made = domain.create(project, form.title, form.expected, by=me(), failures=form.failures)
    db.session.commit()
    return go_to(scoped_url("uptime.check", check_id=made.id))


@bp.get("/<id:check_id>/expectation")
@project_view("member")
def edit_heartbeat(project: Project, check_id: int) -> Response:
    check = _heartbeat(project, check_id)
    form = HeartbeatForm.of(check.name, Expectation.of(check.settings), check.failures_needed)
    return page_or_part(FORM, FORM_PART, form=form, check=check)


@bp.post("/<id:check_id>/expectation")
@project_view("member")
def change_heartbeat(project: Project, check_id: int) -> Response:
    check, form = _heartbeat(project, check_id), HeartbeatForm(request.form)
    if not form.validate() or not is_free(project, form, check):
        return page_or_part(FORM, FORM_PART, status=422, form=form, check=check)
    domain.change(check, form.title, form.expected, by=me(), failures=form.failures)
    db.session.commit()
    return go_to(scoped_url("uptime.check", check_id=check_id))


def _heartbeat(project: Project, check_id: int) -> Check:
    check = queries.check_or_404(project, check_id)
    return check if check.kind is CheckKind.HEARTBEAT else abort(404)


def is_free(project: Project, form: HeartbeatForm, check: Check | None = None) -> bool:
    """Whether a heartbeat may have the name of a form, and may be added; else the form says why."""
    if queries.is_taken(project, form.title, by_other_than=check):
        mark(form, "name", "Another check has this name.")
        return False
    if check is None and queries.count(project) >= MOST:
        mark(form, "name", f"A project has at most {MOST} checks.")
        return False
    return True
