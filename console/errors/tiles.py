"""The tile of issues: what to look at, what is new, what came back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from sqlalchemy import select

from console.accounts.models import Project
from console.core.db import db
from console.errors import metrics
from console.errors.models import Category, Issue, Status
from console.errors.queries import SORTS, Filter, in_order
from console.errors.ranking import ever, ranking, shown_totals
from console.telemetry.errors import Totals
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
from console.web.filters import plural

LISTED = 8
STATES = {"open": "Open", "new": "First seen in the time range", "regressed": "Came back"}
ORDERS = {name: sort.label for name, sort in SORTS.items()}
TONES: dict[str, Tone] = {"fatal": "bad", "error": "bad", "warning": "warn"}
COLUMNS = (
    TableColumn("Issue"),
    TableColumn("Level"),
    TableColumn("Events", "number"),
    TableColumn("Users", "number"),
    TableColumn("Last seen", "time"),
)
NAMED = {"new": "new issue", "regressed": "issue that came back", "open": "open issue"}
MANY = {"new": "new issues", "regressed": "issues that came back", "open": "open issues"}


def issues(viewing: Viewing) -> TileContent:
    """The first issues of each project, with the events and users of the time range."""
    state = KINDS[0].chosen(viewing.settings, "state")
    limit = viewing.settings.get("limit", LISTED)
    rows: list[list[TableCell]] = []
    for project in viewing.projects:
        listed = _listed if state == "open" else _happened
        rows += listed(viewing, project, state, limit)
    if viewing.is_of_several:
        rows.sort(key=lambda row: [-cast("int", row[place].value) for place in (3, 2)])
    rows = rows[:limit]
    count = plural(len(rows), NAMED[state], MANY[state])
    titles = "; ".join(str(row[0].value) for row in rows[:3])
    return TileContent(
        table=Table(COLUMNS, rows),
        words=f"{count}{': ' if rows else ''}{titles}.",
        subtitle=f"{STATES[state].lower()}{'; counts since then' if state == 'new' else ''}",
        empty="" if rows else _nothing(viewing, state),
    )


def _listed(
    viewing: Viewing, project: TileProject, _state: str, limit: int
) -> list[list[TableCell]]:
    """Open issues in the order of the tile, with their events in the time range."""
    own, scope = cast("Project", project), viewing.scope(project)
    order = KINDS[0].chosen(viewing.settings, "sort")
    by = Filter(environment=scope.environment, since=scope.since, until=scope.until, sort=order)
    ranked = ranking(own, by, scope, limit).rows[:limit]
    shown = in_order(own, [row.issue_id for row in ranked])
    totals = shown_totals(by, scope, ranked, shown)
    return [list(_row(viewing, project, issue, totals[issue.id])) for issue in shown]


def _happened(
    viewing: Viewing, project: TileProject, state: str, limit: int
) -> list[list[TableCell]]:
    """Issues that began or came back in the time range, the ones that most users met first."""
    at = Issue.first_seen if state == "new" else Issue.regressed_at
    mine = metrics.issues_within(viewing.scope(project), at)
    query = select(Issue).where(
        mine, Issue.status != Status.MUTED, Issue.category != Category.REPORT
    )
    query = query.order_by(Issue.users.desc(), Issue.events.desc(), Issue.id).limit(limit)
    happened: Sequence[Issue] = db.session.scalars(query).all()
    return [list(_row(viewing, project, issue, ever(issue))) for issue in happened]


def _row(
    viewing: Viewing, project: TileProject, issue: Issue, totals: Totals
) -> Iterator[TableCell]:
    of = f"{project.name}: " if viewing.is_of_several else ""
    url = viewing.way(project, "errors.issue", issue_id=issue.id)
    yield TableCell(f"{of}{issue.title}", url)
    yield TableCell(issue.level.value, tone=TONES.get(issue.level.value, "mute"))
    yield TableCell(totals.events)
    yield TableCell(totals.users)
    yield TableCell(totals.last)


def _nothing(viewing: Viewing, state: str) -> str:
    where = f" in {viewing.line.shown.environment}" if viewing.line.shown.environment else ""
    sentences = {
        "open": f"No open issue has events{where} in this time range.",
        "new": f"No issue was seen for the first time{where} in this time range.",
        "regressed": f"No resolved issue came back{where} in this time range.",
    }
    return sentences[state]


KINDS = (
    TileKind(
        name="issues",
        title="Issues",
        icon="bug",
        help="Errors and findings to look at: open ones, new ones, or ones that came back.",
        takes=("state", "sort", "limit", "project"),
        answer=issues,
        choices={"state": STATES, "sort": ORDERS},
        least_width=4,
    ),
)
