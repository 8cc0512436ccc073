"""Maintenance windows of a check: planned, marked afterwards, and taken back."""

from __future__ import annotations

from flask import Response, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.core.db import db
from console.uptime import maintenance as domain
from console.uptime import queries
from console.uptime.forms import MaintenanceForm
from console.uptime.views.blueprint import bp
from console.uptime.views.checks import answer, refused
from console.web.forms import mark


@bp.post("/<id:check_id>/maintenance", endpoint="plan_maintenance")
@project_view("member")
def plan(project: Project, check_id: int) -> Response:
    check = queries.check_or_404(project, check_id)
    form = MaintenanceForm(request.form)
    if not form.validate():
        return refused(project, check, form)
    if domain.is_full(project):
        mark(form, "starts_at", domain.FULL)
        return refused(project, check, form)
    covered = None if form.every_check.data else check
    domain.plan(project, covered, form.starts_at.data, form.end, form.reason.data or "", me())
    db.session.commit()
    return answer(project, check)


@bp.post("/<id:check_id>/maintenance/<id:window_id>/end", endpoint="end_maintenance")
@project_view("member")
def end(project: Project, check_id: int, window_id: int) -> Response:
    check = queries.check_or_404(project, check_id)
    domain.end(queries.window_or_404(project, window_id), by=me())
    db.session.commit()
    return answer(project, check)


@bp.post("/<id:check_id>/maintenance/<id:window_id>/deletion", endpoint="cancel_maintenance")
@project_view("member")
def cancel(project: Project, check_id: int, window_id: int) -> Response:
    check = queries.check_or_404(project, check_id)
    domain.cancel(queries.window_or_404(project, window_id), by=me())
    db.session.commit()
    return answer(project, check)
