"""A dashboard on a wall: one tab after another in large type, without controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request, url_for

from console.accounts.models import Project
from console.dashboards import queries
from console.dashboards.document import Document, Tab
from console.dashboards.models import Dashboard
from console.dashboards.views.blueprint import page
from console.dashboards.views.board import asked, board_of
from console.web.htmx import page_or_part
from console.web.ids import counted, row_id
from console.web.timerange import scope_arguments

WALL, WALL_PART = "dashboards/wall.html", "dashboards/_wall.html"
SHORTEST, USUAL, LONGEST = 5, 30, 3_600
MOST_ON_WALL = 20


@dataclass(frozen=True, slots=True)
class Wall:
    """What the wall shows now, and what follows when."""

    dashboard: Dashboard
    document: Document
    number: int
    """Which tab is shown, from 1."""
    every: int
    """Seconds that a tab is shown."""
    following: str
    """The address of what follows; that of the wall itself if there is nothing else."""

    @property
    def tab(self) -> Tab:
        return self.document.tabs[self.number - 1] if self.document.tabs else Tab()

    @property
    def asked(self) -> dict[str, str]:
        """The parameters of the addresses of its tiles."""
        return asked(self.document)


@page("/<id:dashboard_id>/wall", "viewer")
def wall(project: Project | None, dashboard_id: int) -> Response:
    """A tab of a dashboard; `every` says for how many seconds, `also` which dashboards follow."""
    own = queries.dashboard_or_404(project, dashboard_id)
    board = board_of(project, own)
    number = counted("tab", most=len(board.document.tabs) or 1)
    every = _seconds()
    following = _following(own, len(board.document.tabs), number, _also(project, own))
    return page_or_part(WALL, WALL_PART, wall=Wall(own, board.document, number, every, following))


def _seconds() -> int:
    text = request.args.get("every", "")
    return min(max(int(text), SHORTEST), LONGEST) if text.isdecimal() and len(text) < 6 else USUAL


def _also(project: Project | None, own: Dashboard) -> Sequence[int]:
    """The dashboards of the rotation that are still there; this one where none is named."""
    named = []
    for text in request.args.get("also", "").split(",")[:MOST_ON_WALL]:
        try:
            named.append(row_id(text))
        except ValueError:
            continue
    if not named:
        return [own.id]
    there = {dashboard.id for dashboard in queries.dashboards(project)}
    return [number for number in dict.fromkeys((*named, own.id)) if number in there]


def _following(own: Dashboard, tabs: int, number: int, rotation: Sequence[int]) -> str:
    """The next tab; after the last one the first tab of the next dashboard."""
    own_names = {"every", "also"}  # variables of dashboards that follow are kept, too
    named = [name for name in request.args if name in own_names or name.startswith("var.")]
    kept: dict[str, Any] = {**scope_arguments(), **{name: request.args[name] for name in named}}
    if number < tabs:
        return url_for(".wall", dashboard_id=own.id, tab=number + 1, **kept)
    after = rotation[(rotation.index(own.id) + 1) % len(rotation)]
    return url_for(".wall", dashboard_id=after, tab=1, **kept)
