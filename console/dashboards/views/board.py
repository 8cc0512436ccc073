"""A dashboard for members: its page, and its tiles, each of which loads by itself."""

from __future__ import annotations

from flask import Response, abort, make_response, redirect, request, url_for

from console.accounts.access import project_view
from console.accounts.models import Project
from console.dashboards import queries
from console.dashboards.document import Document
from console.dashboards.drawn import Board, drawn
from console.dashboards.models import Dashboard
from console.dashboards.views.blueprint import bp
from console.telemetry.tile import TileProject
from console.web.htmx import page_or_part, polled_part
from console.web.timerange import current_range, scope_arguments

BOARD, BOARD_PART = "dashboards/dashboard.html", "dashboards/_tab.html"
LIST, LIST_PART = "dashboards/dashboards.html", "dashboards/_dashboards.html"


@bp.get("/", endpoint="home")
@project_view("viewer")
def home(project: Project) -> Response:
    """The dashboard that a project opens with; without one, the list."""
    dashboard = queries.home(project)
    if dashboard is None:
        return make_response(redirect(url_for("dashboards.dashboards"), 303))
    return _page(project, dashboard)


@bp.get("/dashboards", endpoint="dashboards")
@project_view("viewer")
def dashboards(project: Project) -> Response:
    return page_or_part(LIST, LIST_PART, dashboards=queries.dashboards(project))


@bp.get("/dashboards/<id:dashboard_id>", endpoint="dashboard")
@project_view("viewer")
def dashboard(project: Project, dashboard_id: int) -> Response:
    return _page(project, queries.dashboard_or_404(project, dashboard_id))


@bp.get("/dashboards/<id:dashboard_id>/tiles/<tile:tile_id>", endpoint="tile")
@project_view("viewer")
def tile(project: Project, dashboard_id: int, tile_id: str) -> Response:
    board = board_of(project, queries.dashboard_or_404(project, dashboard_id))
    own = board.document.tile(tile_id) or abort(404)
    return polled_part(
        "dashboards/tile.html",
        "dashboards/_tile.html",
        drawn=drawn(board, own),
        dashboard_id=dashboard_id,
    )


def board_of(project: Project, dashboard: Dashboard) -> Board:
    """The dashboard as this request looks at it."""
    document = Document.of(dashboard.document)
    values = {
        variable.name: request.args.get(f"var.{variable.name}", variable.default)[:200]
        for variable in document.variables
    }
    return Board(
        organization_id=project.organization_id,
        document=document,
        projects=[project],
        shown=current_range(document.range),
        values=values,
        way=way,
    )


def way(project: TileProject, endpoint: str, /, **values: object) -> str:
    """The page of a project, with the range and environment of this one."""
    slug = (request.view_args or {})["organization"]
    return url_for(
        endpoint, **{**scope_arguments(), **values, "organization": slug, "project": project.slug}
    )


def _page(project: Project, dashboard: Dashboard) -> Response:
    board = board_of(project, dashboard)
    return page_or_part(BOARD, BOARD_PART, dashboard=dashboard, board=board)
