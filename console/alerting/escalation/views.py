"""The pages of policies among the organization's settings: list, details, form, and trial."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, request, url_for
from wtforms import Form, SelectField
from wtforms.validators import InputRequired, Optional

from console.accounts.access import current_shell, me, organization_view
from console.accounts.models import Organization
from console.alerting.escalation import overview, policies
from console.alerting.escalation.models import Policy, PolicyUse
from console.alerting.escalation.plan import Plan
from console.alerting.escalation.policy_forms import PolicyForm, fault_of, name_of, offered
from console.alerting.escalation.recipients import Directory
from console.alerting.escalation.simulator import simulate
from console.alerting.models import Severity
from console.core import clock
from console.core.db import db
from console.web.choices import choices
from console.web.forms import FilterForm, LocalMoment, OpenSelect, mark, valid
from console.web.htmx import go_to, page_or_part, part_or_redirect
from console.web.nav import TabItem, tab_entry

bp = Blueprint("policies", __name__, url_prefix="/<slug:organization>/settings/policies")


@bp.url_defaults
def _stay_in_organization(_endpoint: str, values: dict[str, Any]) -> None:
    """Fill in the organization of links among these pages."""
    present = request.view_args or {}
    if "organization" in present:
        values.setdefault("organization", present["organization"])


tab_entry(bp, TabItem("Policies", "policies.listing", "organization", 26))
SEVERITIES = [(severity.value, severity.value.capitalize()) for severity in Severity]
FORM, FORM_PART = "alerting/policy_form.html", "alerting/_policy_form.html"
LIST, LIST_PART = "alerting/policies.html", "alerting/_policies.html"


class TrialFilter(FilterForm):
    """The incident with which a policy is tried out."""

    label = "Try it out"

    at = LocalMoment("An incident opens at", [Optional()])
    severity = SelectField("Its severity", choices=choices(SEVERITIES), default="medium")


class HoldForm(Form):
    """Where a policy is to hold."""

    project = OpenSelect("Project", "All projects", closed=True)
    severity = SelectField(
        "Severity", choices=choices([("", "Every severity"), *SEVERITIES]), default=""
    )
    policy = OpenSelect(
        "Policy", "Choose one", closed=True, validators=[InputRequired("Choose a policy.")]
    )


@bp.get("/")
@organization_view("viewer")
def listing(organization: Organization) -> Response:
    del organization
    return _list(_hold_form(None))


@bp.get("/new")
@organization_view("admin")
def new(organization: Organization) -> Response:
    del organization
    return _form(PolicyForm.new(), None)


@bp.post("/")
@organization_view("admin")
def create(organization: Organization) -> Response:
    del organization
    return _edited(None)


@bp.get("/<id:policy_id>", endpoint="policy")
@organization_view("viewer")
def policy(organization: Organization, policy_id: int) -> Response:
    del organization
    own = policies.policy_or_404(policy_id)
    form, directory = valid(TrialFilter(request.args)), Directory.read()
    at = form.at.data or clock.now().replace(second=0, microsecond=0)
    return page_or_part(
        "alerting/policy.html",
        "alerting/_policy.html",
        details=overview.details(own, directory),
        form=form,
        trial=simulate(Plan.of(own.document), directory, Severity(form.severity.data), at),
    )


@bp.get("/<id:policy_id>/edit")
@organization_view("admin")
def edit(organization: Organization, policy_id: int) -> Response:
    del organization
    own = policies.policy_or_404(policy_id)
    return _form(PolicyForm.of(own.name, own.document, own.version), own)


@bp.post("/<id:policy_id>/versions")
@organization_view("admin")
def save(organization: Organization, policy_id: int) -> Response:
    del organization
    return _edited(policies.policy_or_404(policy_id))


@bp.post("/<id:policy_id>/deletion")
@organization_view("admin")
def delete(organization: Organization, policy_id: int) -> Response:
    del organization
    own = policies.policy_or_404(policy_id)
    if own.is_default:
        flash("The default policy stays: make another one the default first.", "bad")
        return go_to(url_for("policies.policy", policy_id=own.id))
    name = own.name
    policies.delete(own, by=me())
    db.session.commit()
    flash(f"The policy {name} is deleted.", "good")
    return go_to(url_for("policies.listing"))


@bp.post("/<id:policy_id>/default")
@organization_view("admin")
def make_default(organization: Organization, policy_id: int) -> Response:
    del organization
    policies.make_default(policies.policy_or_404(policy_id), by=me())
    db.session.commit()
    return _listed()


@bp.post("/uses/")
@organization_view("admin")
def choose(organization: Organization) -> Response:
    """Let a policy hold for a project, a severity, or a severity of a project."""
    del organization
    form = _hold_form(request.form)
    is_valid = form.validate()
    if is_valid and not (form.project.data or form.severity.data):
        mark(form, "project", "Choose a project or a severity; else it is the default policy.")
        is_valid = False
    if not is_valid:
        return _list(form, status=422)
    policies.choose(
        policies.policy_or_404(int(form.policy.data)),
        project_id=int(form.project.data) if form.project.data else None,
        severity=Severity(form.severity.data) if form.severity.data else None,
    )
    db.session.commit()
    return _listed()


@bp.post("/uses/<id:use_id>/removal")
@organization_view("admin")
def take_back(organization: Organization, use_id: int) -> Response:
    del organization
    use: PolicyUse = policies.use_or_404(use_id)
    db.session.delete(use)
    db.session.commit()
    return _listed()


def _edited(own: Policy | None) -> Response:
    """A new policy, or a new version; the form again for one of its buttons, and with errors."""
    form = PolicyForm.sent(request.form)
    act = request.values.get("act", "")
    if act:
        form.act(act)
        return _form(form, own)
    directory = Directory.read()
    is_valid = form.is_valid_for(directory)
    if policies.is_taken(form.name.data or "", own):
        mark(form, "name", "Another policy has this name.")
        is_valid = False
    if own is not None and not form.is_current(own):
        is_valid = False
    if own is None and policies.is_full():
        mark(form, "name", policies.FULL)
        is_valid = False
    if not is_valid:
        return _form(form, own, directory, status=422)
    if own is None:
        own = policies.create(form.name.data or "", form.document, by=me())
    else:
        policies.save(own, form.name.data or "", form.document, by=me())
    db.session.commit()
    return go_to(url_for("policies.policy", policy_id=own.id))


def _form(
    form: PolicyForm, own: Policy | None, directory: Directory | None = None, *, status: int = 200
) -> Response:
    directory = directory or Directory.read()
    return page_or_part(
        FORM,
        FORM_PART,
        status=status,
        form=form,
        policy=own,
        offered=list(offered(directory)),
        names={text: name_of(text, directory) for step in form.steps for text in step.targets},
        gone={text: fault_of(text, directory) for step in form.steps for text in step.targets},
        trial=form.trial(directory),
        hindrance=form.hindrance(directory),
    )


def _hold_form(data: Any) -> HoldForm:
    form = HoldForm(data)
    projects = [project for project in current_shell().projects if not project.builtin]
    form.project.offer((str(project.id), project.name) for project in projects)
    form.policy.offer((str(own.id), own.name) for own in policies.all_policies())
    return form


def _list(form: HoldForm, *, status: int = 200) -> Response:
    return page_or_part(LIST, LIST_PART, status=status, **_shown(form))


def _listed() -> Response:
    return part_or_redirect(LIST_PART, "policies.listing", **_shown(_hold_form(None)))


def _shown(form: HoldForm) -> dict[str, Any]:
    return {"listed": overview.listed(Directory.read()), "form": form}
