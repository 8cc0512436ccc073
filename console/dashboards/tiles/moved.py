"""What moved: the values of all dimensions whose share of a number changed most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from console.dashboards.tiles.evidence import evidence, own_page, subjects
from console.dashboards.tiles.queries import Queries, nothing
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


def what_moved(viewing: Viewing) -> TileContent:
    """The shares in the time range beside those in the same time before, of one project."""
    project, shown = viewing.projects[0], viewing.line.shown
    queries = Queries.of(viewing.settings, project)
    query, scope = queries.parts[0], viewing.scope(project)
    scope = scope.between(shown.since, shown.until)
    before = scope.earlier(shown.shift or shown.length)
    fixed = {*query.where, *(["environment"] if scope.environment else [])}
    shifts = moved(query.metric, scope, before, where=query.where, fixed=fixed)
    shifts = [shift for shift in shifts if shift.by >= LEAST_MOVED]
    listed = shifts[: viewing.settings.get("limit", LISTED)]
    known = _known(project, listed)
    rows = [list(_row(viewing, project, queries, known, shift)) for shift in listed]
    first = "; ".join(
        f"{row[0].value} ({shift.dimension}) from {percent(shift.before)} to {percent(shift.now)}"
        for row, shift in zip(rows[:3], listed, strict=False)
    )
    has_come = query.metric.value(scope, where=query.where).whole.samples
    still = f"No share of {query.name} moved by {percent(LEAST_MOVED)} or more."
    quiet = still if has_come else nothing(viewing)
    return TileContent(
        table=Table(COLUMNS, rows),
        words=f"{query.name}, shares that moved: {first}." if rows else quiet,
        subtitle=f"{query.name}, shares against the same time before",
        empty="" if rows else quiet,
    )


def _known(project: TileProject, shifts: Sequence[Shift]) -> dict[str, Subjects]:
    values: dict[str, list[str]] = defaultdict(list)
    for shift in shifts:
        values[shift.dimension].append(shift.value)
    return {name: subjects(project, name, own) for name, own in values.items()}


def _row(
    viewing: Viewing,
    project: TileProject,
    queries: Queries,
    known: dict[str, Subjects],
    shift: Shift,
) -> Iterator[TableCell]:
    query, names, shown = queries.parts[0], known[shift.dimension], viewing.line.shown
    where = {**query.where, shift.dimension: shift.value}
    url = evidence(viewing, project, query.metric, where, (shown.since, shown.until))
    page = own_page(viewing, project, names, shift.value)
    yield TableCell(names.name(shift.value) or "(none)", page or url)
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
