"""A project's own settings: name, deletion, thresholds and retention."""

from flask import Response, flash, url_for

from console.accounts import queries
from console.accounts.access import project_view
from console.accounts.forms import (
    DeletionForm,
    MonitoringForm,
    NameForm,
    RepositoryForm,
    text,
)
from console.accounts.models import Project
from console.accounts.views.blueprint import bp, changed
from console.core import audit, deadlocks
from console.core.db import db
from console.web.htmx import go_to, page_or_part

GENERAL, NAME = "accounts/general.html", "accounts/_project_form.html"
REPOSITORY = "accounts/_repository_form.html"
MONITORING, THRESHOLDS = "accounts/monitoring.html", "accounts/_monitoring_form.html"


@bp.get("/<slug:organization>/<slug:project>/settings/")
@project_view("viewer")
def general(project: Project) -> Response:
    return _general(project)


@bp.post("/<slug:organization>/<slug:project>/settings/name")
@project_view("admin")
def rename_project(project: Project) -> Response:
    form = NameForm()
    if not form.validate():
        return _general(project, status=422, form=form)
    audit.record("project.renamed", text(form.name), before=project.name)
    project.name = text(form.name)
    db.session.commit()
    return changed(NAME, ".general", "Saved.", _path(project), project=project, form=form)


@bp.post("/<slug:organization>/<slug:project>/settings/repository")
@project_view("admin")
def change_repository(project: Project) -> Response:
    form = RepositoryForm()
    if not form.validate():
        return _general(project, status=422, part=REPOSITORY, repository=form)
    audit.record("project.repository", project.name, before=project.repository)
    project.repository = text(form.repository)
    db.session.commit()
    shown = {"project": project, "repository": form}
    return changed(REPOSITORY, ".general", "Saved.", _path(project), **shown)


@bp.post("/<slug:organization>/<slug:project>/settings/deletion")
@project_view("admin")
def delete_project(project: Project) -> Response:
    """Delete a project with all its issues; its stored events go with the next clean-up."""
    form = DeletionForm(project.name)
    if not form.validate():
        return _general(project, status=422, part="accounts/_deletion_form.html", deletion=form)
    name, organization = project.name, project.organization.slug

    def delete() -> None:
        audit.record("project.deleted", name)
        db.session.delete(project)
        db.session.commit()

    deadlocks.again(delete)
    flash(f"{name} was deleted.", "good")
    return go_to(url_for("accounts.projects", organization=organization))


@bp.get("/<slug:organization>/<slug:project>/settings/monitoring")
@project_view("viewer")
def monitoring(project: Project) -> Response:
    settings = queries.monitoring_of(project)
    form = MonitoringForm(formdata=None, obj=settings)
    return page_or_part(MONITORING, THRESHOLDS, project=project, form=form)


@bp.post("/<slug:organization>/<slug:project>/settings/monitoring")
@project_view("admin")
def change_monitoring(project: Project) -> Response:
    form = MonitoringForm()
    if not form.validate():
        return page_or_part(MONITORING, THRESHOLDS, status=422, project=project, form=form)
    settings = queries.monitoring_of(project)
    changes = {
        name: f"{getattr(settings, name)} → {value}"
        for name, value in form.settings.items()
        if getattr(settings, name) != value
    }
    form.populate_obj(settings)
    audit.record("monitoring.changed", project.name, **changes)
    db.session.commit()
    return changed(THRESHOLDS, ".monitoring", "Saved.", _path(project), project=project, form=form)


def _general(
    project: Project,
    *,
    status: int = 200,
    part: str = NAME,
    form: NameForm | None = None,
    deletion: DeletionForm | None = None,
    repository: RepositoryForm | None = None,
) -> Response:
    return page_or_part(
        GENERAL,
        part,
        status=status,
        project=project,
        form=form or NameForm(formdata=None, obj=project),
        deletion=deletion or DeletionForm(project.name),
        repository=repository or RepositoryForm(formdata=None, obj=project),
    )


def _path(project: Project) -> dict[str, str]:
    return {"organization": project.organization.slug, "project": project.slug}
