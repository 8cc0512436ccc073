"""What moved in a part of a tile's time: drawn as a tile of its own."""

from __future__ import annotations

from dataclasses import replace

from flask import Response, abort

from console.accounts.models import Project
from console.dashboards import queries
from console.dashboards.drawn import drawn
from console.dashboards.views.blueprint import page
from console.dashboards.views.board import board_of
from console.web.htmx import polled_part


@page("/<id:dashboard_id>/tiles/<tile:tile_id>/moved", "viewer")
def moved(project: Project | None, dashboard_id: int, tile_id: str) -> Response:
    """The values whose shares of the tile's first metric moved most in the address's time."""
    board = board_of(project, queries.dashboard_or_404(project, dashboard_id))
    own = board.document.tile(tile_id) or abort(404)
    asked = replace(own, id=f"{own.id}-moved", kind="moved", title=f"What moved: {own.title}")
    return polled_part(
        "dashboards/tile.html",
        "dashboards/_tile.html",
        drawn=drawn(board, asked),
        dashboard_id=dashboard_id,
    )
