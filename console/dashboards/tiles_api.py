"""The numbers of a dashboard's tiles for scripts, as JSON and CSV."""

from __future__ import annotations

from typing import Any

from flask import Response, abort, jsonify, request

from console.accounts.models import Project
from console.core.tenancy import current_organization_id
from console.dashboards import queries, sheet
from console.dashboards.api_addresses import Addresses
from console.dashboards.document import LONGEST_CHOICE, Document
from console.dashboards.drawn import Board, Drawn, drawn
from console.telemetry.tile import TileContent, TileProject
from console.web import api
from console.web.errors import problem
from console.web.timerange import PARAMETERS, current_range

addresses = Addresses("dashboard_tiles_api")
FORMATS = ("json", "csv")


@addresses.at("/<id:dashboard_id>/tiles/<tile:tile_id>")
def tile(project: Project | None, dashboard_id: int, tile_id: str) -> Response:
    """What a tile shows over a range, in an environment, with values of the variables."""
    document = Document.of(queries.dashboard_or_404(project, dashboard_id).document)
    own = document.tile(tile_id) or abort(404)
    written = _asked_format(document)
    projects = [project] if project else queries.projects_of_organization()
    if not projects:
        abort(404, "A dashboard across projects needs a project: make one first.")
    board = Board(
        organization_id=current_organization_id() or 0,
        document=document,
        projects=projects,
        shown=current_range(document.range),
        values=document.chosen(request.args),
        way=_no_way,
        audience="scripts",
    )
    answer = drawn(board, own)
    if answer.content is None:
        return _refusal(answer)
    if written == "csv":
        text = sheet.csv_of(answer.content.table)
        name = f"attachment; filename=tile-{tile_id}.csv"
        return Response(text, mimetype="text/csv", headers={"Content-Disposition": name})
    return jsonify(_numbers(board, answer, answer.content))


def _asked_format(document: Document) -> str:
    """Json or csv; aborts with 400 for a parameter that this tile does not have."""
    written = request.args.get("format", "json")
    if written not in FORMATS:
        abort(400, f"format: one of {', '.join(FORMATS)}.")
    variables = {f"var.{variable.name}" for variable in document.variables}
    for name in request.args:
        if name not in {"format", *PARAMETERS, *variables}:
            abort(400, f"{name[:100]}: the dashboard has no such parameter.")
        if name in variables and len(request.args[name]) > LONGEST_CHOICE:
            abort(400, f"{name}: at most {LONGEST_CHOICE} characters.")
    return written


def _numbers(board: Board, answer: Drawn, content: TileContent) -> dict[str, Any]:
    shown = board.steady
    return {
        "tile": answer.tile.id,
        "kind": answer.tile.kind,
        "title": answer.title,
        "subtitle": content.subtitle,
        "since": api.time(shown.start),
        "until": api.time(shown.until),
        "environment": shown.environment,
        "compare": shown.compare,
        "as_of": api.time(answer.at),
        "words": content.words,
        "empty": content.empty,
        **sheet.json_of(content.table),
    }


def _refusal(answer: Drawn) -> Response:
    """503 for what may work at the next attempt, 400 for a tile that cannot be drawn as it is."""
    if not answer.retry:
        return problem(400, "Bad Request", answer.error)
    refusal = problem(503, "Service Unavailable", answer.error)
    refusal.headers["Retry-After"] = "10"
    return refusal


def _no_way(_project: TileProject, _endpoint: str, /, **_values: Any) -> str:
    """Numbers need no links."""
    return ""
