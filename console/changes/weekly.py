"""What the weekly mail "slightly worse" says: what crept while no rule of alerting fired for it.

It is a value that reports render and send. Alerting stands above changes, so its tables are named
here, as `metrics/incidents.py` names them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import column as sql_column
from sqlalchemy import or_, select
from sqlalchemy import table as sql_table
from sqlalchemy.types import JSON, Boolean, Integer, String

from console.accounts.models import Project
from console.changes import queries, words
from console.changes.models import Change
from console.changes.sentence import Sentence, changed_most, page_of
from console.core.db import UtcDateTime, db
from console.core.tenancy import current_organization_id

MOST = 20
BEFORE = timedelta(days=1)
"""An incident shortly before the week has its messages as well."""
INCIDENT = sql_table(
    "incident",
    sql_column("organization_id", Integer),
    sql_column("project_id", Integer),
    sql_column("rule_id", Integer),
    sql_column("value", String),
    sql_column("shadow", Boolean),
    sql_column("opened_at", UtcDateTime()),
    sql_column("resolved_at", UtcDateTime()),
)
RULE = sql_table(
    "rule",
    sql_column("organization_id", Integer),
    sql_column("id", Integer),
    sql_column("document", JSON),
)


@dataclass(frozen=True, slots=True)
class Crept:
    """A change for the worse as a line of the mail: all that it shows, as text."""

    project: str
    name: str
    effect: str
    noun: str
    before: str
    after: str
    comparison: str
    since: str
    url: str
    change: Change


@dataclass(frozen=True, slots=True)
class SlightlyWorse:
    """The content of the mail; without lines there is nothing to send."""

    since: datetime
    until: datetime
    sentence: Sentence
    lines: Sequence[Crept]
    left_out: int
    """How many more there are on the page."""
    fired: int
    """How many changes are left out because a rule of alerting fired for them."""

    @property
    def subject(self) -> str:
        """The mail's subject: what crept most, and how many more did."""
        if not self.lines:
            return "Nothing got worse"
        most = self.lines[0]
        rest = len(self.lines) + self.left_out - 1
        more = f", and {rest} more" if rest else ""
        return f"{most.name} {most.effect}{more}"


def slightly_worse(
    projects: Sequence[Project], since: datetime, until: datetime, environment: str = ""
) -> SlightlyWorse:
    """What got worse in a time without an incident, the largest first.

    The Session must be bound to the organization of the projects; a few statements, whatever the
    number of changes.
    """
    names = {project.id: project.name for project in projects}
    moved = queries.moved(names, since, until, environment)
    worse = [change for change in moved if change.is_good is False]
    fired = _fired(names, since - BEFORE, until)
    crept = [change for change in worse if not _is_known(change, fired)]
    return SlightlyWorse(
        since=since,
        until=until,
        sentence=changed_most(projects, since, until, environment),
        lines=[_line(change, names[change.project_id]) for change in crept[:MOST]],
        left_out=max(len(crept) - MOST, 0),
        fired=len(worse) - len(crept),
    )


def _line(change: Change, project: str) -> Crept:
    return Crept(
        project=project,
        name=change.name,
        effect=words.effect(change),
        noun=change.rule.noun,
        before=words.written(change.metric, change.before),
        after=words.written(change.metric, words.reached(change)),
        comparison=words.comparison(change),
        since=words.since(change),
        url=page_of(change),
        change=change,
    )


def _fired(
    projects: Mapping[int, str], since: datetime, until: datetime
) -> Sequence[tuple[int, Mapping[str, Any], str]]:
    """The project, rule and value of each incident that was open in a time and notified people."""
    query = (
        select(INCIDENT.c.project_id, RULE.c.document, INCIDENT.c.value)
        .join(RULE, RULE.c.id == INCIDENT.c.rule_id)
        .where(
            INCIDENT.c.organization_id == current_organization_id(),
            RULE.c.organization_id == current_organization_id(),
            INCIDENT.c.project_id.in_(projects),
            ~INCIDENT.c.shadow,
            INCIDENT.c.opened_at < until,
            or_(INCIDENT.c.resolved_at.is_(None), INCIDENT.c.resolved_at >= since),
        )
    )
    return [(project, document, value) for project, document, value in db.session.execute(query)]


def _is_known(change: Change, fired: Sequence[tuple[int, Mapping[str, Any], str]]) -> bool:
    """Whether an incident of the same metric was about the change's subject, or about all."""
    for project_id, document, value in fired:
        if project_id != change.project_id or document.get("metric") != change.metric.id:
            continue
        if document.get("environment", "") not in ("", change.environment):
            continue
        by = document.get("by") or ""
        named = document.get("where", {}).get(change.rule.by, [])
        about = [value] if by and by == change.rule.by else named
        if change.subject in about or not (about or by):
            return True
    return False
