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
from console.alerting.models import Rule
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


class RulePolicyForm(Form):
    """The policy of a rule."""

    policy = OpenSelect(
        "Its incidents go by", "The policy of its severity and project", closed=True
    )


@dataclass(frozen=True, slots=True)
class RulePolicy:
    """A rule with the policy that is chosen for it, and the one that holds."""

    rule: Rule
    form: RulePolicyForm
    holding: Policy | None


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
    return panel("alerting/_rule_policy.html", rule.name, back, chosen=_rule_policy(rule))


@bp.post("/rules/<id:rule_id>/policy", endpoint="choose_rule_policy")
@project_view("member")
def choose(project: Project, rule_id: int) -> Response:
    rule = queries.rule_or_404(project, rule_id)
    form = _offered(RulePolicyForm(request.form))
    if not form.validate():
        abort(422)
    policy = policies.policy_or_404(int(form.policy.data)) if form.policy.data else None
    policies.choose(policy, rule=rule)
    db.session.commit()
    at, chosen = {"rule_id": rule.id}, _rule_policy(rule)
    return part_or_redirect("alerting/_rule_policy.html", "alerting.rule", at, chosen=chosen)


def _rule_policy(rule: Rule) -> RulePolicy:
    form = _offered(RulePolicyForm(data={"policy": str(policies.chosen_for(rule) or "")}))
    holding = policies.holding(rule.project_id, rule.id, rule.severity)
    return RulePolicy(rule, form, holding or policies.existing_default())


def _offered(form: RulePolicyForm) -> RulePolicyForm:
    form.policy.offer((str(own.id), own.name) for own in policies.all_policies())
    return form


def _listed(project: Project, form: UnresolvedFilter) -> Unresolved:
    return unresolved(project if form.of.data else None)


def _changed(project: Project) -> Response:
    db.session.commit()
    form = UnresolvedFilter(request.args)
    listed = _listed(project, form)
    return part_or_redirect(PART, "alerting.unresolved", listed=listed, form=form)
