"""The tile of incidents: which are open, since when, and who has taken them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from console.accounts.models import Project
from console.alerting import queries
from console.alerting.incident_forms import STATES, IncidentFilter
from console.alerting.models import Incident, IncidentState, Severity
from console.telemetry.tile import (
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    TileProject,
    Tone,
    Viewing,
)
from console.web.filters import duration, plural

LISTED = 8
SHOWN = {
    "open": "Open",
    "all": "Open in the time range, or resolved since",
    "resolved": "Resolved",
}
TONES: dict[IncidentState, Tone] = {
    IncidentState.OPEN: "bad",
    IncidentState.ACKNOWLEDGED: "warn",
    IncidentState.RESOLVED: "good",
}
COLUMNS = (
    TableColumn("Incident"),
    TableColumn("State"),
    TableColumn("Severity"),
    TableColumn("Opened", "time"),
    TableColumn("Lasted"),
)


def incidents(viewing: Viewing) -> TileContent:
    """The latest incidents of each project; of the open ones, all that are, whenever they began."""
    state = KINDS[0].chosen(viewing.settings, "state")
    limit = viewing.settings.get("limit", LISTED)
    listed = [
        (project, incident)
        for project in viewing.projects
        for incident in _of(viewing, project, state, limit)
    ]
    listed.sort(key=lambda pair: pair[1].opened_at, reverse=True)
    rows = [list(_row(viewing, project, incident)) for project, incident in listed[:limit]]
    noun = "open incident" if state == "open" else "incident"
    titles = "; ".join(str(row[0].value) for row in rows[:3])
    return TileContent(
        table=Table(COLUMNS, rows),
        words=f"{plural(len(rows), noun)}{': ' if rows else ''}{titles}.",
        subtitle=SHOWN[state].lower(),
        empty="" if rows else _nothing(viewing, state),
    )


def _of(viewing: Viewing, project: TileProject, state: str, limit: int) -> list[Incident]:
    shown = viewing.line.shown
    by = IncidentFilter(
        states=STATES[state],
        environment=shown.environment,
        since=None if state == "open" else shown.since,
        until=None if state == "open" else shown.until,
    )
    page = queries.incidents(cast("Project", project), by, "", limit)
    return [incident for incident in page.rows if not incident.shadow]


def _row(viewing: Viewing, project: TileProject, incident: Incident) -> Iterator[TableCell]:
    of = f"{project.name}: " if viewing.is_of_several else ""
    url = viewing.way(project, "alerting.incident", incident_id=incident.id)
    severity: Tone = "bad" if incident.severity is Severity.HIGH else "mute"
    yield TableCell(f"{of}{incident.title}", url)
    yield TableCell(incident.state.value, tone=TONES[incident.state])
    yield TableCell(incident.severity.value, tone=severity)
    yield TableCell(incident.opened_at)
    yield TableCell(duration(incident.lasted))


def _nothing(viewing: Viewing, state: str) -> str:
    where = f" in {viewing.line.shown.environment}" if viewing.line.shown.environment else ""
    if state == "open":
        return f"No incident is open{where}."
    return f"No incident{where} was {'resolved' if state == 'resolved' else 'open'} in this time."


KINDS = (
    TileKind(
        name="incidents",
        title="Incidents",
        icon="bell",
        help="What alerts found wrong: open incidents, or all of the time range.",
        takes=("state", "limit", "project"),
        answer=incidents,
        choices={"state": SHOWN},
        least_width=4,
    ),
)
