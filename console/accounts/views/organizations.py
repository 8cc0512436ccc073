"""Organizations: the front door, their projects, their name and their audit log."""

from typing import Any

from flask import (
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_login import current_user

from console.accounts import projects as making
from console.accounts import queries
from console.accounts.access import LAST, account_view, current_shell, organization_view
from console.accounts.forms import NameForm, ProjectForm, RequirementForm, text
from console.accounts.models import Organization
from console.accounts.views.blueprint import bp, changed
from console.core import audit
from console.core.db import db
from console.core.tenancy import enter_organization
from console.web.below import front_path
from console.web.htmx import go_to, page_or_part

SETTINGS = "accounts/organization_settings.html"
NAME, REQUIREMENT = "accounts/_organization_form.html", "accounts/_two_factor_requirement.html"


@bp.get("/")
@account_view
def front() -> Response:
    """Lead to the last visited project, else the only organization, else the list of them."""
    shell = current_shell()
    slug, _, rest = session.get(LAST, "").strip("/").partition("/")
    for belonging in shell.memberships:
        if belonging.organization.slug == slug:
            enter_organization(belonging.organization.id)
            if queries.project_at(rest) is not None:
                return make_response(redirect(f"{front_path()}{slug}/{rest}/"))
    own = [
        membership for membership in shell.memberships if not membership.organization.builtin
    ] or shell.memberships
    if len(own) == 1:
        only = own[0].organization.slug
        return make_response(redirect(url_for("accounts.projects", organization=only)))
    return make_response(redirect(url_for("accounts.organizations")))


@bp.route("/organizations", methods=["GET", "POST"])
@account_view
def organizations() -> Response:
    form = NameForm()
    if not form.validate_on_submit():
        status = 422 if form.errors else 200
        return make_response(render_template("accounts/organizations.html", form=form), status)
    made = making.create_organization(text(form.name), owner=current_user)
    slug = made.slug
    db.session.commit()
    return go_to(url_for("accounts.new_project", organization=slug))


@bp.get("/<slug:organization>/")
@organization_view("viewer")
def projects(organization: Organization) -> Response:
    page = render_template(
        "accounts/projects.html", organization=organization, projects=current_shell().projects
    )
    return make_response(page)


@bp.route("/<slug:organization>/new", methods=["GET", "POST"])
@organization_view("admin")
def new_project(organization: Organization) -> Response:
    form = ProjectForm()
    if not form.validate_on_submit():
        page = render_template("accounts/new_project.html", form=form, organization=organization)
        return make_response(page, 422 if form.errors else 200)
    project = making.create_project(text(form.name), platform=form.platform.data)
    path = f"{front_path()}{organization.slug}/{project.slug}/connect"
    db.session.commit()
    flash("The project is ready: give its address to your application.", "good")
    return go_to(path)


@bp.get("/<slug:organization>/settings/")
@organization_view("viewer")
def organization_settings(organization: Organization) -> Response:
    return _settings(organization, NameForm(formdata=None, obj=organization))


@bp.post("/<slug:organization>/settings/name")
@organization_view("admin")
def rename_organization(organization: Organization) -> Response:
    form = NameForm()
    if not form.validate():
        return _settings(organization, form, status=422)
    audit.record("organization.renamed", text(form.name), before=organization.name)
    organization.name = text(form.name)
    db.session.commit()
    return changed(
        NAME,
        ".organization_settings",
        "Saved.",
        {"organization": organization.slug},
        organization=organization,
        form=form,
    )


@bp.post("/<slug:organization>/settings/two-factor")
@organization_view("owner")
def require_two_factor(organization: Organization) -> Response:
    """Require a second factor from all members, or stop to; scripts with tokens are unaffected."""
    form = RequirementForm()
    if form.required.data and not current_user.two_factor_since:
        form.required.errors = ["Set it up for yourself first: you would be locked out, too."]
        return page_or_part(
            SETTINGS, REQUIREMENT, status=422, **_shown(organization, requirement=form)
        )
    if form.required.data != organization.two_factor_required:
        organization.two_factor_required = form.required.data
        wanted = "required" if form.required.data else "made_optional"
        audit.record(f"two_factor.{wanted}", organization.name)
    db.session.commit()
    at = {"organization": organization.slug}
    return changed(REQUIREMENT, ".organization_settings", "Saved.", at, **_shown(organization))


@bp.get("/<slug:organization>/settings/audit")
@organization_view("admin")
def audit_log(organization: Organization) -> Response:
    return page_or_part(
        "accounts/audit_log.html",
        "accounts/_audit_entries.html",
        organization=organization,
        listed=queries.audit_entries(request.args.get("cursor", "")),
    )


def _settings(organization: Organization, form: NameForm, *, status: int = 200) -> Response:
    return page_or_part(SETTINGS, NAME, status=status, **_shown(organization, form=form))


def _shown(
    organization: Organization,
    *,
    form: NameForm | None = None,
    requirement: RequirementForm | None = None,
) -> dict[str, Any]:
    required = organization.two_factor_required
    return {
        "organization": organization,
        "form": form or NameForm(formdata=None, obj=organization),
        "requirement": requirement or RequirementForm(formdata=None, required=required),
        "lacking": queries.without_two_factor(),
    }
