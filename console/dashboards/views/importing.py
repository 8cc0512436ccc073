"""A dashboard of Grafana is read from a file or a text, and what was lost is listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import Response, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.core.db import db
from console.dashboards import grafana, making, queries
from console.dashboards.forms import ImportForm
from console.dashboards.views.blueprint import bp
from console.telemetry.tile import tile_kinds
from console.web.forms import mark
from console.web.htmx import page_or_part

if TYPE_CHECKING:
    from console.web.incoming import ReadRequest

PAGE, PART = "dashboards/import.html", "dashboards/_import_form.html"
DONE, DONE_PART = "dashboards/imported.html", "dashboards/_imported.html"
NO_JSON = "This is not JSON. Copy the whole of “JSON Model” in the settings of the dashboard."


@bp.get("/dashboards/import", endpoint="import_form")
@project_view("member")
def form(project: Project) -> Response:
    del project
    return page_or_part(PAGE, PART, form=ImportForm())


@bp.post("/dashboards/import", endpoint="import_dashboard")
@project_view("member")
def import_dashboard(project: Project) -> Response:
    """Add the dashboard, and list what could not be converted."""
    sent = ImportForm(request.form)
    name, body = _body()
    try:
        conversion = grafana.converted(_parsed(body), tile_kinds())
    except (grafana.NotGrafanaError, ValueError) as error:
        mark(sent, name, str(error))
        return page_or_part(PAGE, PART, status=422, form=sent)
    if queries.count(project) >= making.MOST:
        mark(sent, name, making.FULL)
        return page_or_part(PAGE, PART, status=422, form=sent)
    made = making.create(project, conversion.document, by=me())
    db.session.commit()
    return page_or_part(DONE, DONE_PART, status=201, dashboard=made, conversion=conversion)


def _body() -> tuple[str, bytes]:
    """The field that was filled in, and what it holds: a file goes before a text."""
    pasted = request.form.get("model", "").encode()  # reads the files, too
    files = cast("ReadRequest", request).sent_files
    file = files.get("file") if files else None
    content = file.read() if file else b""
    return ("file", content) if content else ("model", pasted)


def _parsed(body: bytes) -> Any:
    """The JSON of a body; ValueError with a sentence for what is none."""
    if not body.strip():
        raise ValueError("Choose a file, or paste the JSON model.")
    try:
        return request.json_module.loads(body)
    except ValueError:
        raise ValueError(NO_JSON) from None
