"""Notes on the time axis for scripts, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import BadRequest

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core.db import db
from console.dashboards import annotations as domain
from console.dashboards.annotation_forms import AnnotationDocument, AnnotationsQuestion
from console.dashboards.models import Annotation
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "annotations_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/annotations"
)


@bp.get("", endpoint="annotations")
@api_view("dashboards:read")
def listing(project: Project) -> Response:
    form = valid(AnnotationsQuestion(request.args))
    page = domain.listed(
        project,
        form.cursor.data or "",
        form.length,
        since=form.since.data,
        until=form.until.data,
        environment=form.environment.data or "",
    )
    return api.page("annotations", [_annotation(row) for row in page.rows], page.older)


@bp.get("/<id:annotation_id>")
@api_view("dashboards:read")
def annotation(project: Project, annotation_id: int) -> Response:
    return jsonify(_annotation(domain.annotation_or_404(project, annotation_id)))


@bp.post("")
@api_view("dashboards:write")
def create(project: Project) -> Response:
    """Write a note: `{"text": …}`, and `at` unless it is about now."""
    form = _given()
    if domain.is_full(project):
        raise BadRequest(domain.FULL)
    made = domain.mark(project, form.fields, script=g.script)
    db.session.commit()
    answer = jsonify(_annotation(made))
    answer.status_code = 201
    return answer


@bp.put("/<id:annotation_id>")
@api_view("dashboards:write")
def change(project: Project, annotation_id: int) -> Response:
    """Put the whole note as the document says; without `at` it keeps its moment."""
    own, form = domain.annotation_or_404(project, annotation_id), _given()
    kept = {} if form.at.data else {"at": own.at}
    domain.change(own, form.fields | kept, script=g.script)
    db.session.commit()
    return jsonify(_annotation(own))


@bp.delete("/<id:annotation_id>")
@api_view("dashboards:write")
def delete(project: Project, annotation_id: int) -> Response:
    domain.remove(domain.annotation_or_404(project, annotation_id), script=g.script)
    db.session.commit()
    return Response(status=204)


def _given() -> AnnotationDocument:
    return valid(AnnotationDocument(api.members(AnnotationDocument, "A note")))


def _annotation(own: Annotation) -> dict[str, Any]:
    return {
        "id": own.id,
        "at": api.time(own.at),
        "environment": own.environment,
        "text": own.text,
        "created_at": api.time(own.created_at),
        "created_by": own.created_by.email if own.created_by else None,
        "url": api.url("dashboards.annotation", annotation_id=own.id),
    }
