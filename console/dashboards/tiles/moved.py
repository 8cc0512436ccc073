"""What moved: the values of all dimensions whose share of a number changed most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.dashboards.tiles.evidence import evidence, own_page, subjects
from console.dashboards.tiles.queries import Queries, Query, nothing
from console.metrics.shift import LEAST_MOVED, Shift, moved
from console.metrics.subjects import Subjects
from console.telemetry.tile import (
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    TileProject,
    Viewing,
)
from console.web.filters import percent

LISTED = 10
COLUMNS = (
    TableColumn("Value"),
    TableColumn("Of"),
    TableColumn("Share before", "share"),
    TableColumn("Share now", "share"),
    TableColumn("Change", "number", "pt"),
)


@dataclass(frozen=True, slots=True)
class Moved:
    """The shares of a project that moved, the largest move first."""

    project: TileProject
    query: Query
    shifts: Sequence[Shift]
    has_come: bool

    @classmethod
    def of(cls, viewing: Viewing, project: TileProject) -> Moved:
        """Compare the time range with the same time before."""
        shown = viewing.line.shown
        query = Queries.of(viewing.settings, project).parts[0]
        scope = viewing.scope(project).between(shown.since, shown.until)
        before = scope.earlier(shown.shift or shown.length)
        fixed = {*query.where, *(["environment"] if scope.environment else [])}
        shifts = moved(query.metric, scope, before, where=query.where, fixed=fixed)
        samples = query.metric.value(scope, where=query.where).whole.samples
        far = [shift for shift in shifts if shift.by >= LEAST_MOVED]
        return cls(project, query, far, bool(samples))


def what_moved(viewing: Viewing) -> TileContent:
    """The shares in the time range beside those in the same time before, of each project."""
    own = [Moved.of(viewing, project) for project in viewing.projects]
    name = own[0].query.name
    pairs = [(moves, shift) for moves in own for shift in moves.shifts]
    pairs.sort(key=lambda pair: -round(pair[1].by, 6))
    listed = pairs[: viewing.settings.get("limit", LISTED)]
    rows = list(_rows(viewing, listed))
    first = "; ".join(
        f"{row[0].value} ({shift.dimension}) from {percent(shift.before)} to {percent(shift.now)}"
        for row, (_, shift) in zip(rows[:3], listed, strict=False)
    )
    still = f"No share of {name} moved by {percent(LEAST_MOVED)} or more."
    quiet = still if any(moves.has_come for moves in own) else nothing(viewing)
    return TileContent(
        table=Table(COLUMNS, rows),
        words=f"{name}, shares that moved: {first}." if rows else quiet,
        subtitle=f"{name}, shares against the same time before",
        empty="" if rows else quiet,
    )


def _rows(viewing: Viewing, listed: Sequence[tuple[Moved, Shift]]) -> Iterator[list[TableCell]]:
    values: dict[tuple[int, str], list[str]] = defaultdict(list)
    for moves, shift in listed:
        values[moves.project.id, shift.dimension].append(shift.value)
    known = {
        (moves.project.id, shift.dimension): subjects(
            moves.project, shift.dimension, values[moves.project.id, shift.dimension]
        )
        for moves, shift in listed
    }
    for moves, shift in listed:
        yield list(_row(viewing, moves, known[moves.project.id, shift.dimension], shift))


def _row(viewing: Viewing, moves: Moved, names: Subjects, shift: Shift) -> Iterator[TableCell]:
    query, project, shown = moves.query, moves.project, viewing.line.shown
    where = {**query.where, shift.dimension: shift.value}
    url = evidence(viewing, project, query.metric, where, (shown.since, shown.until))
    page = own_page(viewing, project, names, shift.value)
    of = f"{project.name}: " if viewing.is_of_several else ""
    yield TableCell(of + (names.name(shift.value) or "(none)"), page or url)
    yield TableCell(shift.dimension)
    yield TableCell(shift.before)
    yield TableCell(shift.now, url if shift.now else "")
    yield TableCell(round((shift.now - shift.before) * 100, 1))


KINDS = (
    TileKind(
        name="moved",
        title="What moved",
        icon="sort",
        help="Values whose share of a number changed most: a release, an endpoint.",
        takes=("queries", "limit", "project"),
        answer=what_moved,
        least_width=4,
    ),
)
