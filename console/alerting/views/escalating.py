"""What is open and what happens next, an incident's new policy version, and a rule's policy."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response, abort, request
from wtforms import Form, SelectField

from console.accounts.access import project_view
from console.accounts.models import Project
from console.alerting import incidents as domain
from console.alerting import queries
from console.alerting.escalation import policies
from console.alerting.escalation.models import Policy
from console.alerting.models import Rule, Severity
from console.alerting.unresolved import Unresolved, unresolved
from console.alerting.views.blueprint import actor, bp
from console.core.db import db
from console.web.choices import choices
from console.web.forms import FilterForm, OpenSelect, valid
from console.web.htmx import panel, part_or_redirect, polled_part
from console.web.nav import NavItem, nav_entry
from console.web.timerange import scoped_url

PAGE, PART = "alerting/unresolved.html", "alerting/_unresolved.html"
nav_entry(
    bp,
    NavItem(
        "Unresolved", "alert", endpoint="alerting.unresolved", group="Alerts", order=29, key="x"
    ),
)


class UnresolvedFilter(FilterForm):
    """Whose open incidents are listed."""

    label = "Filter open incidents"
    hidden = ("of",)

    of = SelectField(
        "Of", choices=choices([("", "All projects"), ("project", "This project")]), default=""
    )


class ChosenPolicyForm(Form):
    """The policy of a rule or a project."""

    policy = OpenSelect("Its incidents go by", "As is chosen for all", closed=True)


@dataclass(frozen=True, slots=True)
class ChosenPolicy:
    """Which policy is chosen for a rule or a project, and which one holds there."""

    part: str
    """The id of the part that shows it."""
    url: str
    """Where it is changed."""
    form: ChosenPolicyForm
    holding: Policy | None
    role: str
    """Who may change it."""
    severity: Severity | None = None


@bp.get("/unresolved/", endpoint="unresolved")
@project_view("viewer")
def listing(project: Project) -> Response:
    form = valid(UnresolvedFilter(request.args))
    return polled_part(PAGE, PART, listed=_listed(project, form), form=form)


@bp.post("/unresolved/<id:incident_id>/acknowledgement", endpoint="acknowledge_unresolved")
@project_view("member")
def acknowledge(project: Project, incident_id: int) -> Response:
    domain.acknowledge(queries.incident_or_404(project, incident_id), by=actor())
    return _changed(project)


@bp.post("/unresolved/<id:incident_id>/resolution", endpoint="resolve_unresolved")
@project_view("member")
def resolve(project: Project, incident_id: int) -> Response:
    domain.resolve(queries.incident_or_404(project, incident_id), by=actor())
    return _changed(project)


@bp.get("/rules/<id:rule_id>/policy", endpoint="rule_policy")
@project_view("viewer")
def rule_policy(project: Project, rule_id: int) -> Response:
    """Who is notified of a rule's incidents: a part of its page."""
    rule = queries.rule_or_404(project, rule_id)
    back = scoped_url("alerting.rule", rule_id=rule.id), "Back to the rule"
    return panel("alerting/_chosen_policy.html", rule.name, back, chosen=_of_rule(rule))


@bp.post("/rules/<id:rule_id>/policy", endpoint="choose_rule_policy")
@project_view("member")
def choose_for_rule(project: Project, rule_id: int) -> Response:
    rule = queries.rule_or_404(project, rule_id)
    policies.choose(_chosen(), rule=rule)
    db.session.commit()
    at = {"rule_id": rule.id}
    part = "alerting/_chosen_policy.html"
    return part_or_redirect(part, "alerting.rule", at, chosen=_of_rule(rule))


@bp.get("/policy", endpoint="project_policy")
@project_view("viewer")
def project_policy(project: Project) -> Response:
    """Who is notified of a project's incidents: a part of its settings."""
    at = {"organization": project.organization.slug, "project": project.slug}
    back = scoped_url("accounts.monitoring", **at), "Back to the settings"
    return panel("alerting/_chosen_policy.html", project.name, back, chosen=_of_project(project))


@bp.post("/policy", endpoint="choose_project_policy")
@project_view("admin")
def choose_for_project(project: Project) -> Response:
    policies.choose(_chosen(), project_id=project.id)
    db.session.commit()
    chosen = _of_project(project)
    return part_or_redirect(
        "alerting/_chosen_policy.html", "alerting.project_policy", chosen=chosen
    )


def _chosen() -> Policy | None:
    """The policy that a form chooses; None for as it is elsewhere. Aborts with 422 for another."""
    form = _offered(ChosenPolicyForm(request.form))
    if not form.validate():
        abort(422)
    return policies.policy_or_404(int(form.policy.data)) if form.policy.data else None


def _of_rule(rule: Rule) -> ChosenPolicy:
    return ChosenPolicy(
        part="rule-policy",
        url=scoped_url("alerting.choose_rule_policy", rule_id=rule.id),
        form=_form(policies.chosen_for(rule_id=rule.id)),
        holding=policies.holding(rule.project_id, rule.id, rule.severity)
        or policies.existing_default(),
        role="member",
        severity=rule.severity,
    )


def _of_project(project: Project) -> ChosenPolicy:
    return ChosenPolicy(
        part="project-policy",
        url=scoped_url("alerting.choose_project_policy"),
        form=_form(policies.chosen_for(project_id=project.id)),
        holding=policies.holding(project.id, None, Severity.MEDIUM) or policies.existing_default(),
        role="admin",
    )


def _form(chosen: int | None) -> ChosenPolicyForm:
    return _offered(ChosenPolicyForm(data={"policy": str(chosen or "")}))


def _offered(form: ChosenPolicyForm) -> ChosenPolicyForm:
    form.policy.offer((str(own.id), own.name) for own in policies.all_policies())
    return form


def _listed(project: Project, form: UnresolvedFilter) -> Unresolved:
    return unresolved(project if form.of.data else None)


def _changed(project: Project) -> Response:
    db.session.commit()
    form = UnresolvedFilter(request.args)
    listed = _listed(project, form)
    return part_or_redirect(PART, "alerting.unresolved", listed=listed, form=form)
