"""The tile of checks: the past of each in cells, and how much of the time it was up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from console.accounts.models import Project
from console.core import clock
from console.telemetry.checks import Cell
from console.telemetry.tile import (
    Still,
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    TileProject,
    Tone,
    Viewing,
)
from console.uptime import metrics, queries
from console.uptime.models import CheckState
from console.web.filters import percent
from console.web.still import strip

LISTED = 8
TONES: dict[CheckState, Tone] = {
    CheckState.DOWN: "bad",
    CheckState.SLOW: "warn",
    CheckState.UP: "good",
}
COLUMNS = (TableColumn("Check"), TableColumn("State"), TableColumn("Uptime", "share"))


@dataclass(frozen=True, slots=True)
class Strip:
    """A check as a row of cells, oldest first."""

    name: str
    url: str
    state: str
    tone: Tone
    uptime: float | None
    cells: Sequence[Cell]


def uptime(viewing: Viewing) -> TileContent:
    """The checks of each project, the ones that are down first."""
    limit = viewing.settings.get("limit", LISTED)
    strips = [strip for project in viewing.projects for strip in _strips(viewing, project, limit)]
    worst = [state.value for state in queries.WORST_FIRST]
    strips = sorted(strips, key=lambda own: worst.index(own.state))[:limit]
    rows = [
        [TableCell(own.name, own.url), TableCell(own.state, tone=own.tone), TableCell(own.uptime)]
        for own in strips
    ]
    listed = "; ".join(f"{own.name} is {own.state}, up {percent(own.uptime)}" for own in strips)
    return TileContent(
        table=Table(COLUMNS, rows),
        words=f"{listed}." if listed else _nothing(viewing),
        subtitle=f"cells {viewing.line.per}",
        own=strips,
        empty="" if strips else _nothing(viewing),
    )


def _strips(viewing: Viewing, project: TileProject, limit: int) -> list[Strip]:
    environment = viewing.line.shown.environment
    own = [
        check
        for check in queries.checks(cast("Project", project))
        if environment in {"", check.environment} or not check.environment
    ]
    own = sorted(own, key=lambda check: queries.WORST_FIRST.index(check.state))[:limit]
    if not own:
        return []
    scope = viewing.scope(project).anywhere
    scope = scope.between(scope.since, min(scope.until, max(clock.now(), scope.since)))
    cells = queries.strips(scope, viewing.line.seconds, own)
    readings = queries.by_check(metrics.UPTIME, scope, own)
    of = f"{project.name}: " if viewing.is_of_several else ""
    return [
        Strip(
            name=f"{of}{check.name}",
            url=viewing.way(project, "uptime.check", check_id=check.id),
            state=check.state.value,
            tone=TONES.get(check.state, "mute"),
            uptime=reading.number if (reading := readings.get(check.slug)) else None,
            cells=cells[check.slug],
        )
        for check in own
    ]


def _nothing(viewing: Viewing) -> str:
    if viewing.line.shown.environment:
        return f"No check looks at {viewing.line.shown.environment}."
    return "There is no check yet: one asks a URL every minute and says when it does not answer."


def still(content: TileContent) -> Still:
    """The past of each check."""
    return Still(rows=[strip(own.cells) for own in content.own])


KINDS = (
    TileKind(
        name="uptime",
        title="Uptime",
        icon="globe",
        help="Each check as a strip of cells, with how much of the time it was up.",
        takes=("limit", "project"),
        answer=uptime,
        part="dashboards/tiles/_uptime.html",
        still=still,
        least_width=3,
    ),
)
