"""A dashboard for members: its page, and its tiles, each of which loads by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, make_response, redirect, request, url_for

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.dashboards import queries, variables
from console.dashboards.document import Document, Tab
from console.dashboards.drawn import Board, drawn
from console.dashboards.models import Dashboard
from console.dashboards.views.blueprint import bp, page
from console.telemetry.tile import TileProject
from console.web.htmx import page_or_part, polled_part
from console.web.ids import counted
from console.web.timerange import current_range, scope_arguments

BOARD, BOARD_PART = "dashboards/dashboard.html", "dashboards/_tab.html"


@dataclass(frozen=True, slots=True)
class Opened:
    """A dashboard on its page: the tab that is shown, and what its address chooses."""

    dashboard: Dashboard
    board: Board
    is_favourite: bool = False
    is_without_data: bool = False
    """Nothing has arrived of the project yet."""

    @property
    def number(self) -> int:
        """Which tab is shown, from 1."""
        return counted("tab", most=max(1, len(self.board.document.tabs)))

    @property
    def tab(self) -> Tab:
        """The tab that is shown; an empty one where the document has none."""
        tabs = self.board.document.tabs
        return tabs[self.number - 1] if tabs else Tab()

    @property
    def asked(self) -> dict[str, str]:
        """The parameters that the addresses of its tiles take from that of the page."""
        return asked(self.board.document)

    @property
    def choices(self) -> Sequence[variables.Choice]:
        """The controls of its variables."""
        return variables.choices(self.board)


@bp.get("/", endpoint="home")
@project_view("viewer")
def home(project: Project) -> Response:
    """The dashboard that a project opens with; without one, the list."""
    own = queries.home(project)
    if own is None:
        return make_response(redirect(url_for("dashboards.dashboards"), 303))
    return _page(project, own)


@page("/<id:dashboard_id>", "viewer")
def dashboard(project: Project | None, dashboard_id: int) -> Response:
    return _page(project, queries.dashboard_or_404(project, dashboard_id))


@page("/<id:dashboard_id>/tiles/<tile:tile_id>", "viewer")
def tile(project: Project | None, dashboard_id: int, tile_id: str) -> Response:
    board = board_of(project, queries.dashboard_or_404(project, dashboard_id))
    own = board.document.tile(tile_id) or abort(404)
    return polled_part(
        "dashboards/tile.html",
        "dashboards/_tile.html",
        drawn=drawn(board, own),
        dashboard_id=dashboard_id,
    )


def board_of(
    project: Project | None, dashboard: Dashboard, document: Document | None = None
) -> Board:
    """The dashboard, or another document in its place, as this request looks at it."""
    document = document or Document.of(dashboard.document)
    projects = [project] if project else queries.projects_of_organization()
    if not projects:
        abort(404, "A dashboard across projects needs a project: make one first.")
    return Board(
        organization_id=dashboard.organization_id,
        document=document,
        projects=projects,
        shown=current_range(document.range),
        values=document.chosen(request.args),
        way=way,
    )


def asked(document: Document) -> dict[str, str]:
    """The range, environment and variables of this request's address, for links that keep them."""
    names = [f"var.{variable.name}" for variable in document.variables]
    return {**scope_arguments(), **{n: request.args[n] for n in names if n in request.args}}


def way(project: TileProject, endpoint: str, /, **values: object) -> str:
    """The page of a project, with the range and environment of this one."""
    slug = (request.view_args or {})["organization"]
    kept: dict[str, Any] = {**scope_arguments(), **values}
    return url_for(endpoint, **{**kept, "organization": slug, "project": project.slug})


def _page(project: Project | None, own: Dashboard) -> Response:
    favourite = own.id in queries.favourites(me().id)
    is_without = project is not None and queries.is_without_data(project)
    opened = Opened(own, board_of(project, own), favourite, is_without)
    return page_or_part(BOARD, BOARD_PART, opened=opened)
