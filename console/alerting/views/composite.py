"""A rule that is made of other rules: its form, where people choose them by name."""

from __future__ import annotations

from flask import Response, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.alerting import queries
from console.alerting import rules as domain
from console.alerting.editor.trial import tried_out
from console.alerting.forms import CompositePageForm
from console.alerting.models import Rule
from console.alerting.views.blueprint import bp
from console.core.db import begin_to_write, db, reading_first
from console.web.forms import mark
from console.web.htmx import go_to, page_or_part
from console.web.timerange import scoped_url

PAGE, PART = "alerting/composite.html", "alerting/_composite.html"


@bp.get("/rules/new/composite", endpoint="new_composite")
@project_view("member")
def new(project: Project) -> Response:
    return page_or_part(PAGE, PART, form=CompositePageForm().is_for(project, None), rule=None)


@bp.post("/rules/composite", endpoint="create_composite")
@reading_first
@project_view("member")
def create(project: Project) -> Response:
    form = CompositePageForm(request.form).is_for(project, None)
    if "look" in request.form:
        return page_or_part(PAGE, PART, form=form, rule=None)
    if not _is_valid(project, form, None):
        return page_or_part(PAGE, PART, status=422, form=form, rule=None)
    name, definition = form.name.data or "", form.definition
    backtest = tried_out(project, definition)
    begin_to_write()
    if not _is_valid(project, form, None):
        return page_or_part(PAGE, PART, status=422, form=form, rule=None)
    own = {"by": me(), "kind": "composite", **form.fields}
    rule = domain.create(project, name, definition, backtest=backtest, **own)
    db.session.commit()
    return go_to(scoped_url("alerting.rule", rule_id=rule.id))


def edited(project: Project, rule: Rule) -> Response:
    """The form of a composite rule as it is saved."""
    return page_or_part(
        PAGE, PART, form=CompositePageForm.of(rule).is_for(project, rule), rule=rule
    )


def saved(project: Project, rule: Rule) -> Response:
    """Save another version of a composite rule; a form that is invalid says so."""
    form = CompositePageForm(request.form).is_for(project, rule)
    if "look" in request.form:
        return page_or_part(PAGE, PART, form=form, rule=rule)
    if not _is_valid(project, form, rule):
        return page_or_part(PAGE, PART, status=422, form=form, rule=rule)
    definition, rule_id = form.definition, rule.id
    is_another = definition.document != rule.document
    backtest = tried_out(project, definition) if is_another else None
    begin_to_write()
    rule = queries.rule_or_404(project, rule_id)
    if not _is_valid(project, form, rule):
        return page_or_part(PAGE, PART, status=422, form=form, rule=rule)
    rule.name = form.name.data or ""
    for name in ("severity", "tags", "shadow"):
        setattr(rule, name, form.fields[name])
    if is_another:
        domain.change(rule, definition, by=me(), backtest=backtest)
    domain.switch(rule, on=form.fields["enabled"], by=me())
    db.session.commit()
    return go_to(scoped_url("alerting.rule", rule_id=rule.id))


def _is_valid(project: Project, form: CompositePageForm, rule: Rule | None) -> bool:
    is_valid = form.validate()
    if fault := queries.fault_of(project, form.name.data or "", rule):
        mark(form, "name", fault)
        return False
    return is_valid
