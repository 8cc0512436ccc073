"""Monitors that nobody was heard of for long: listed, and deleted together."""

from __future__ import annotations

from flask import Response, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.core.db import db
from console.uptime import checks as domain
from console.uptime.silent_form import SilentForm
from console.uptime.views.blueprint import bp
from console.web.forms import valid
from console.web.htmx import go_to, page_or_part
from console.web.timerange import scoped_url

PAGE, PART = "uptime/silent.html", "uptime/_silent.html"


@bp.get("/silent-monitors")
@project_view("member")
def silent_monitors(project: Project) -> Response:
    form = valid(SilentForm(request.args)) if "days" in request.args else SilentForm()
    silent = domain.silent_monitors(project, form.days.data or 0)
    return page_or_part(PAGE, PART, form=form, silent=silent)


@bp.post("/silent-monitors/deletion")
@project_view("member")
def delete_silent_monitors(project: Project) -> Response:
    form = valid(SilentForm(request.form))
    domain.delete_silent_monitors(project, form.days.data or 0, by=me())
    db.session.commit()
    return go_to(scoped_url("uptime.checks"))
