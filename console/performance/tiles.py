"""Tiles of performance: endpoints, durations, web vitals, pages, and the ways from page to page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from console.accounts.models import Project
from console.performance import metrics
from console.performance.endpoints.listing import SORTS, EndpointRow, listed
from console.performance.vitals.cards import CURRENT, TONES, Rated, Ratings, rated
from console.telemetry import journeys, traces
from console.telemetry import vitals as page_loads
from console.telemetry.journeys import Step
from console.telemetry.metric import values
from console.telemetry.requests import SERVED
from console.telemetry.tile import (
    Settings,
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
from console.telemetry.traces import TracesWanted, edge
from console.telemetry.vital_splits import VitalsWanted
from console.telemetry.vitals import Vital
from console.telemetry.web_vitals import CLS, INP, LCP, WebVital
from console.web import still
from console.web.filters import duration, plural
from console.web.histogram import Histogram

LISTED, UNNAMED = 8, "(page not known)"
ORDERS = {name: sort.label for name, sort in SORTS.items()}
ENDPOINT_COLUMNS = (
    TableColumn("Endpoint"),
    TableColumn("Requests", "number"),
    TableColumn("P95", "milliseconds"),
    TableColumn("Errors", "share"),
    TableColumn("P95 change", "number", "%"),
)
SHOWN = (LCP, INP, CLS)
PERCENTILES = (metrics.P50, metrics.P95, metrics.P99)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A web vital: P75 in words, how loads were rated, and the bounds that they are rated by."""

    name: str
    """As the tile writes it: with the project, where there are several."""
    vital: WebVital
    rated: Rated
    ratings: Ratings
    url: str


def endpoints(viewing: Viewing) -> TileContent:
    """The endpoints of each project that come first in the order of the tile."""
    order = ENDPOINTS.chosen(viewing.settings, "sort")
    limit = viewing.settings.get("limit", LISTED)
    own: list[tuple[TileProject, EndpointRow]] = []
    for project in viewing.projects:
        scope, shift = viewing.scope(project), viewing.line.shown.shift
        rows = listed(cast("Project", project), scope, sort=order, shift=shift).rows
        own += [(project, row) for row in rows[:limit]]
    own.sort(key=lambda pair: SORTS[order].key(pair[1]), reverse=True)
    shown = own[:limit]
    slowest = "; ".join(f"{row.name}: P95 {duration(row.latency.p95)}" for _, row in shown[:3])
    return TileContent(
        table=Table(
            ENDPOINT_COLUMNS,
            [list(_endpoint(viewing, project, row)) for project, row in shown],
        ),
        words=f"First by {_small(ORDERS[order])}: {slowest}." if shown else _nothing(viewing),
        subtitle=f"by {_small(ORDERS[order])}",
        empty="" if shown else _nothing(viewing),
    )


def _endpoint(viewing: Viewing, project: TileProject, row: EndpointRow) -> Iterator[TableCell]:
    of = f"{project.name}: " if viewing.is_of_several else ""
    page = viewing.way(project, "performance.endpoint", name=row.name)
    failed = viewing.way(project, "performance.traces", name=row.name, failed="1")
    slow = viewing.way(project, "performance.traces", name=row.name, sort="duration")
    yield TableCell(f"{of}{row.name}", page)
    yield TableCell(round(row.latency.count))
    yield TableCell(row.latency.p95 / 1000, slow, "bad" if row.is_over else "")
    yield TableCell(row.latency.error_rate, failed if row.latency.failed else "")
    yield _change(row.since_before.percent if row.since_before else None)


def _change(percent: float | None) -> TableCell:
    """How much slower in per cent: with its sign, and red for the worse."""
    if percent is None:
        return TableCell(None)
    tone: Tone = "bad" if percent > 0 else "good" if percent < 0 else ""
    shown = round(percent) if abs(percent) >= 100 else round(percent, 1)
    return TableCell(shown, tone=tone, word=f"{shown:+,g}")


def _nothing(viewing: Viewing) -> str:
    where = f" from {viewing.line.shown.environment}" if viewing.line.shown.environment else ""
    return f"No requests arrived{where} in this time range."


def _small(text: str) -> str:
    """A text inside a sentence; a name such as P95 stays as it is."""
    return text if text[1:2].isdigit() else text[:1].lower() + text[1:]


def histogram(viewing: Viewing) -> TileContent:
    """How long requests took: bars of equal ratio.

    It is of one project, since percentiles of several do not add up; it names the project.
    """
    project, name = viewing.projects[0], str(viewing.settings.get("endpoint", ""))
    scope = viewing.scope(project)
    counts = traces.durations(scope, TracesWanted(categories=SERVED, endpoint=name))
    if not counts:
        return _no_histogram(viewing)
    numbers = range(min(counts), max(counts) + 1)
    urls = {
        number: viewing.way(
            project,
            "performance.traces",
            name=name or None,
            over=int(edge(number) / 1000),
            under=int(edge(number + 1) / 1000) + 1,
        )
        for number in counts
    }
    where = {"endpoint": name} if name else {}
    readings = values(PERCENTILES, scope, where=where)
    marks = {own.title: (readings[own.id].whole.number or 0) * 1000 for own in PERCENTILES}
    drawn = Histogram(
        name or "Durations of requests",
        edges_us=[edge(number) for number in (*numbers, numbers[-1] + 1)],
        counts=[round(counts.get(number, 0)) for number in numbers],
        marks=marks,
        hrefs=[urls.get(number, "") for number in numbers],
    )
    rows = [
        [
            TableCell(edge(number) / 1000),
            TableCell(edge(number + 1) / 1000),
            TableCell(round(counts.get(number, 0)), urls.get(number, "")),
        ]
        for number in numbers
    ]
    return TileContent(
        table=Table(_HISTOGRAM_COLUMNS, rows),
        words=drawn.sentence(),
        subtitle=f"{'requests of ' + name if name else 'requests'} by duration, log scale"
        + _first(viewing),
        own=drawn,
    )


_HISTOGRAM_COLUMNS = (
    TableColumn("From", "milliseconds"),
    TableColumn("To", "milliseconds"),
    TableColumn("Requests", "number"),
)


def _no_histogram(viewing: Viewing) -> TileContent:
    return TileContent(
        table=Table(_HISTOGRAM_COLUMNS, []), words=_nothing(viewing), empty=_nothing(viewing)
    )


def vitals(viewing: Viewing) -> TileContent:
    """The web vitals of each project at P75, rated as web.dev does."""
    wanted = _wanted(viewing.settings)
    overviews = [(project, page_loads.overview(viewing.scope(project), wanted))
                 for project in viewing.projects]  # fmt: skip
    own = [
        (_gauge(viewing, project, vital, measured), measured)
        for project, overview in overviews
        for vital in CURRENT
        if (measured := overview.metrics.get(vital.name))
    ]
    rows = [
        [
            TableCell(gauge.name, gauge.url),
            TableCell(measured.p75, tone=_tone(gauge.rated), word=gauge.rated.text),
            TableCell(gauge.rated.word),
            TableCell(measured.loads),
        ]
        for gauge, measured in own
    ]
    columns = (
        TableColumn("Vital"),
        TableColumn("P75", "number"),
        TableColumn("Rating"),
        TableColumn("Page loads", "number"),
    )
    rated_ = "; ".join(f"{gauge.name} {gauge.rated.text}, {gauge.rated.word}" for gauge, _ in own)
    loads = sum(overview.loads for _, overview in overviews)
    return TileContent(
        table=Table(columns, rows),
        words=f"At P75: {rated_}." if own else _no_loads(viewing),
        subtitle=f"P75 of {plural(loads, 'page load')}" + _of(viewing),
        own=[gauge for gauge, _ in own],
        empty="" if own else _no_loads(viewing),
    )


def _gauge(viewing: Viewing, project: TileProject, vital: WebVital, measured: Vital) -> Gauge:
    wanted = _wanted(viewing.settings)
    return Gauge(
        name=f"{project.name}: {vital.name}" if viewing.is_of_several else vital.name,
        vital=vital,
        rated=rated(vital, measured.p75),
        ratings=Ratings(measured.good, measured.needs_improvement, measured.poor),
        url=viewing.way(
            project,
            "performance.vitals",
            metric=vital.name,
            q=wanted.page,
            device=wanted.device or None,
        ),
    )


def pages(viewing: Viewing) -> TileContent:
    """The pages of each project with most page loads, and how fast they are."""
    limit = viewing.settings.get("limit", LISTED)
    wanted = _wanted(viewing.settings)
    rows: list[list[TableCell]] = []
    for project in viewing.projects:
        parts = page_loads.by(viewing.scope(project), wanted, "page", limit)
        for part in parts:
            url = viewing.way(project, "performance.vitals_page", page=part.name)
            of = f"{project.name}: " if viewing.is_of_several else ""
            cells = [TableCell(f"{of}{part.name or UNNAMED}", url if part.name else "")]
            cells.append(TableCell(part.loads))
            rows.append([*cells, *(_vital(own, part.metrics.get(own.name)) for own in SHOWN)])
    rows.sort(key=lambda cells: -cast("int", cells[1].value))
    most = "; ".join(f"{cells[0].value}: {cells[1].value}" for cells in rows[:3])
    return TileContent(
        table=Table(
            [
                TableColumn("Page"),
                TableColumn("Page loads", "number"),
                *(TableColumn(own.name, "number") for own in SHOWN),
            ],
            rows[:limit],
        ),
        words=f"Most page loads: {most}." if rows else _no_loads(viewing),
        subtitle="by page loads, vitals at P75",
        empty="" if rows else _no_loads(viewing),
    )


def ways(viewing: Viewing) -> TileContent:
    """Which page people open after which."""
    page = str(viewing.settings.get("page", ""))
    limit = viewing.settings.get("limit", LISTED)
    steps = [
        (project, step)
        for project in viewing.projects
        for step in journeys.steps(viewing.scope(project), page, limit)
    ]
    steps.sort(key=lambda pair: -pair[1].times)
    rows = [list(_step(viewing, project, step)) for project, step in steps[:limit]]
    columns = (
        TableColumn("From"),
        TableColumn("To"),
        TableColumn("Times", "number"),
        TableColumn("Share of next pages", "share"),
    )
    first = "; ".join(f"{row[0].value} to {row[1].value}: {row[2].value}" for row in rows[:3])
    nothing = (
        "No page load in this time range names a person, so that nothing says which page came "
        "after which. Set the user in the browser's SDK."
    )
    return TileContent(
        table=Table(columns, rows),
        words=f"Most often: {first}." if rows else nothing,
        subtitle="within 30 minutes, of people that page loads name",
        empty="" if rows else nothing,
    )


def _step(viewing: Viewing, project: TileProject, step: Step) -> Iterator[TableCell]:
    for page, of in ((step.page, f"{project.name}: " if viewing.is_of_several else ""),
                     (step.following, "")):  # fmt: skip
        yield TableCell(of + page, viewing.way(project, "performance.vitals_page", page=page))
    yield TableCell(step.times)
    yield TableCell(step.share)


def _wanted(settings: Settings) -> VitalsWanted:
    return VitalsWanted(page=settings.get("page") or None, device=settings.get("device", ""))


def _of(viewing: Viewing) -> str:
    named = [viewing.settings.get("page"), viewing.settings.get("device")]
    return "".join(f", {text}" for text in named if text)


def _first(viewing: Viewing) -> str:
    """Which project a tile of one shows, where the dashboard has several."""
    if not viewing.is_of_several:
        return ""
    return f"; of {viewing.projects[0].name} alone: the tile can name another project"


def _no_loads(viewing: Viewing) -> str:
    where = f" in {viewing.line.shown.environment}" if viewing.line.shown.environment else ""
    return f"No browser reported a page load{where}{_of(viewing)} in this time range."


def _vital(vital: WebVital, measured: Vital | None) -> TableCell:
    if measured is None:
        return TableCell(None)
    own = rated(vital, measured.p75)
    return TableCell(measured.p75, tone=_tone(own), word=own.text)


def _tone(own: Rated) -> Tone:
    return cast("Tone", TONES[own.word])


def still_histogram(content: TileContent) -> Still:
    """The histogram itself."""
    return Still(whole=still.histogram(content.own))


def still_gauges(content: TileContent) -> Still:
    """How many page loads were good or poor, of each vital."""
    return Still(
        rows=[
            still.shares((tone, share) for _, tone, _, share in gauge.ratings.parts)
            for gauge in content.own
        ]
    )


ENDPOINTS = TileKind(
    name="endpoints",
    title="Endpoints",
    icon="globe",
    help="The endpoints that cost most time, are slowest, or fail most.",
    takes=("sort", "limit", "project"),
    answer=endpoints,
    choices={"sort": ORDERS},
    least_width=4,
)
KINDS = (
    ENDPOINTS,
    TileKind(
        name="histogram",
        title="Histogram",
        icon="layers",
        help="How requests spread over durations, with P50, P95 and P99.",
        takes=("endpoint", "project"),
        answer=histogram,
        part="dashboards/tiles/_histogram.html",
        still=still_histogram,
        is_drawing=True,
        least_width=4,
        least_height=3,
    ),
    TileKind(
        name="vitals",
        title="Web vitals",
        icon="monitor",
        help="LCP, INP, CLS, FCP and TTFB at P75, and how many page loads were good or poor.",
        takes=("page", "device", "project"),
        answer=vitals,
        part="dashboards/tiles/_vitals.html",
        still=still_gauges,
    ),
    TileKind(
        name="pages",
        title="Pages",
        icon="list",
        help="The pages with most visits, each with its web vitals.",
        takes=("page", "device", "limit", "project"),
        answer=pages,
        least_width=4,
    ),
    TileKind(
        name="journeys",
        title="Journeys",
        icon="link",
        help="Which page people open after which.",
        takes=("page", "limit", "project"),
        answer=ways,
        least_width=4,
    ),
)
