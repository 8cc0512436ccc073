"""The variables of a dashboard: one form for all of them."""

from __future__ import annotations

from flask import Response, request, url_for

from console.accounts.models import Project
from console.dashboards import queries
from console.dashboards.document import Document
from console.dashboards.forms import VariablesForm
from console.dashboards.models import Dashboard
from console.dashboards.views.blueprint import page
from console.dashboards.views.saving import base_of, layout_faults, saved, version_of
from console.web.htmx import page_or_part

FORM, FORM_PART = "dashboards/variables.html", "dashboards/_variables_form.html"


@page("/<id:dashboard_id>/variables", "member")
def variables(project: Project | None, dashboard_id: int) -> Response:
    own = queries.dashboard_or_404(project, dashboard_id)
    return _page(own, VariablesForm.of(Document.of(own.document)), own.version)


@page("/<id:dashboard_id>/variables", "member", post=True)
def save_variables(project: Project | None, dashboard_id: int) -> Response:
    own = queries.dashboard_to_change_or_404(project, dashboard_id)
    form, version = VariablesForm.sent(request.form), version_of(request.form)
    act = request.form.get("act", "")
    if act:
        form.act(act)
        return _page(own, form, version)
    stored = {**base_of(own, version).stored, "variables": form.stored}
    is_valid = form.validate()
    wrong = {p: text for p, text in layout_faults(stored).items() if p.startswith("variables.")}
    if wrong or not is_valid:
        form.mark(wrong)
        return _page(own, form, version, status=422)
    then = url_for(".edit", dashboard_id=own.id)
    return saved(own, Document.of(stored), version, then)


def _page(own: Dashboard, form: VariablesForm, version: int, *, status: int = 200) -> Response:
    return page_or_part(FORM, FORM_PART, status=status, dashboard=own, form=form, version=version)
