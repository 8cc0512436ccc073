"""Notes on the time axis: the list, a new one, and one to change or delete."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.core.db import db
from console.dashboards import annotations as domain
from console.dashboards.annotation_forms import AnnotationForm
from console.dashboards.models import Annotation
from console.dashboards.views.blueprint import bp
from console.web.forms import mark
from console.web.htmx import go_to, page_or_part
from console.web.timeline import provide_markers
from console.web.timerange import environments, scoped_url

PER_PAGE = 50
FORM, FORM_PART = "dashboards/annotation.html", "dashboards/_annotation_form.html"


@bp.record_once
def _in_every_chart(state: Any) -> None:
    provide_markers(state.app, domain.markers)


@bp.get("/annotations", endpoint="annotations")
@project_view("viewer")
def listing(project: Project) -> Response:
    page = domain.listed(project, request.args.get("cursor", ""), PER_PAGE)
    return page_or_part("dashboards/annotations.html", "dashboards/_annotations.html", notes=page)


@bp.get("/annotations/new", endpoint="new_annotation")
@project_view("member")
def new(project: Project) -> Response:
    """The form for a note, at the moment and in the environment of the address."""
    return _form(project, AnnotationForm(request.args))


@bp.post("/annotations", endpoint="make_annotation")
@project_view("member")
def make(project: Project) -> Response:
    form = AnnotationForm(request.form)
    if not form.validate():
        return _form(project, form, status=422)
    if domain.is_full(project):
        mark(form, "text", domain.FULL)
        return _form(project, form, status=422)
    domain.mark(project, form.fields, by=me())
    db.session.commit()
    return go_to(scoped_url("dashboards.annotations"))


@bp.get("/annotations/<id:annotation_id>", endpoint="annotation")
@project_view("member")
def annotation(project: Project, annotation_id: int) -> Response:
    own = domain.annotation_or_404(project, annotation_id)
    return _form(project, AnnotationForm(None, obj=own), own)


@bp.post("/annotations/<id:annotation_id>", endpoint="change_annotation")
@project_view("member")
def change(project: Project, annotation_id: int) -> Response:
    own = domain.annotation_or_404(project, annotation_id)
    form = AnnotationForm(request.form)
    if not form.validate():
        return _form(project, form, own, status=422)
    domain.change(own, form.fields, by=me())
    db.session.commit()
    return go_to(scoped_url("dashboards.annotations"))


@bp.post("/annotations/<id:annotation_id>/removal", endpoint="remove_annotation")
@project_view("member")
def remove(project: Project, annotation_id: int) -> Response:
    domain.remove(domain.annotation_or_404(project, annotation_id), by=me())
    db.session.commit()
    return go_to(scoped_url("dashboards.annotations"))


def _form(
    project: Project, form: AnnotationForm, own: Annotation | None = None, *, status: int = 200
) -> Response:
    return page_or_part(
        FORM, FORM_PART, status=status, form=form, annotation=own, known=environments(project)
    )
