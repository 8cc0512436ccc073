"""Dashboards for scripts, each one document, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, g, jsonify, request

from console.accounts.models import Project
from console.core.db import db
from console.dashboards import files, grafana, making, queries
from console.dashboards.api_addresses import Addresses, page_of
from console.dashboards.diff import differences
from console.dashboards.document import LONGEST_DOCUMENT, Document
from console.dashboards.files import Applied, CannotApplyError
from console.dashboards.models import Dashboard
from console.telemetry.tile import tile_kinds
from console.web import api
from console.web.errors import problem

addresses = Addresses("dashboards_api")
MOST_IN_DETAIL = 20
"""Faults in the text of an answer; `faults` has all of them."""


@addresses.at("")
def dashboards(project: Project | None) -> Response:
    return jsonify({"dashboards": [_listed(project, own) for own in queries.dashboards(project)]})


@addresses.at("/<id:dashboard_id>")
def dashboard(project: Project | None, dashboard_id: int) -> Response:
    """The document, under an ETag that is its version."""
    own = queries.dashboard_or_404(project, dashboard_id)
    answer = _file(own.document, own.version)
    answer.make_conditional(request)
    return answer


@addresses.at("", "POST")
def create(project: Project | None) -> Response:
    """Add a dashboard; its tiles get ids of their own."""
    document = _document()
    try:
        return _saved(project, files.add(project, document, script=g.script))
    except CannotApplyError as error:
        return abort(400, str(error))


@addresses.at("", "PUT")
def apply(project: Project | None) -> Response:
    """Make the dashboard of the document's title as it says; again and again, it is the same."""
    document = _document()
    try:
        return _saved(project, files.apply(project, document, script=g.script))
    except CannotApplyError as error:
        return abort(409, str(error))


@addresses.at("/<id:dashboard_id>", "PUT")
def change(project: Project | None, dashboard_id: int) -> Response:
    """Save the next version; with If-Match, only over the version that it names."""
    own = queries.dashboard_to_change_or_404(project, dashboard_id)
    document = _document()
    if request.if_match and not request.if_match.contains_weak(str(own.version)):
        return _conflict(own, document)
    return _saved(project, files.put(own, document, script=g.script))


@addresses.at("/<id:dashboard_id>", "DELETE")
def delete(project: Project | None, dashboard_id: int) -> Response:
    making.remove(queries.dashboard_to_change_or_404(project, dashboard_id), script=g.script)
    db.session.commit()
    return Response(status=204)


@addresses.at("/<id:dashboard_id>/versions")
def versions(project: Project | None, dashboard_id: int) -> Response:
    """Every version that is kept, the latest first."""
    rows = [
        {
            "number": row.number,
            "saved_at": api.time(row.saved_at),
            "saved_by": row.saved_by.email if row.saved_by else row.script or None,
        }
        for row in queries.versions(queries.dashboard_or_404(project, dashboard_id))
    ]
    return jsonify({"versions": rows})


@addresses.at("/<id:dashboard_id>/versions/<id:number>")
def version(project: Project | None, dashboard_id: int, number: int) -> Response:
    """The document as it was saved then."""
    own = queries.dashboard_or_404(project, dashboard_id)
    return _file(queries.version_or_404(own, number).document, number)


@addresses.at("/grafana", "POST")
def import_grafana(project: Project | None) -> Response:
    """Add a dashboard of Grafana's JSON model, and say what could not be converted."""
    try:
        conversion = grafana.converted(api.document(), tile_kinds())
    except grafana.NotGrafanaError as error:
        return abort(400, str(error))
    try:
        applied = files.add(project, conversion.document, script=g.script)
    except CannotApplyError as error:
        return abort(400, str(error))
    losses = [{"panel": loss.panel, "words": loss.words} for loss in conversion.losses]
    return _saved(project, applied, not_converted=losses)


def _document() -> Document:
    """What the request carries; aborts with 400 and every fault by place."""
    if len(request.get_data()) > LONGEST_DOCUMENT * 2:  # characters may take several bytes
        abort(413, files.TOO_LONG)
    given = api.document()
    wrong = files.document_faults(given)
    if wrong:
        named = [{"place": place, "sentence": sentence} for place, sentence in wrong]
        detail = files.in_words(wrong[:MOST_IN_DETAIL])
        abort(problem(400, "Bad Request", detail, faults=named))
    return Document.of(given)


def _saved(project: Project | None, applied: Applied, **more: Any) -> Response:
    db.session.commit()
    own = applied.dashboard
    answer = jsonify(files.described(applied) | {"url": page_of(project, own.id)} | more)
    answer.status_code = 201 if applied.is_new else 200
    answer.set_etag(str(own.version))
    return answer


def _conflict(own: Dashboard, document: Document) -> Response:
    """Somebody saved another version since: what that changed, and what the document would."""
    now = Document.of(own.document)
    named = next((tag for tag in request.if_match.as_set() if tag.isdecimal()), "0")[:9]
    kept = queries.version(own, int(named))
    since = differences(Document.of(kept.document), now) if kept else []
    detail = f"The dashboard is at version {own.version} now. Read it, and send yours again."
    return problem(
        409, "Conflict", detail,
        version=own.version,
        saved_since=files.worded(since),
        would_change=files.worded(differences(now, document)),
    )  # fmt: skip


def _file(document: dict[str, Any], version_number: int) -> Response:
    answer = Response(files.written(Document.of(document)), mimetype="application/json")
    answer.set_etag(str(version_number))
    return answer


def _listed(project: Project | None, own: Dashboard) -> dict[str, Any]:
    return {
        "id": own.id,
        "title": own.title,
        "tags": own.tags,
        "template": own.template,
        "version": own.version,
        "created_at": api.time(own.created_at),
        "changed_at": api.time(own.changed_at),
        "url": page_of(project, own.id),
    }
