"""Rules, incidents and silences as pages and scripts list them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import abort
from sqlalchemy import ColumnElement, Select, case, exists, func, or_, select
from sqlalchemy.orm import joinedload

from console.accounts.models import Project
from console.alerting.condition import Verdict
from console.alerting.decide import State
from console.alerting.incident_forms import IncidentFilter
from console.alerting.models import (
    Evaluation,
    Incident,
    IncidentEvent,
    IncidentState,
    Rule,
    RuleSeries,
    RuleVersion,
)
from console.alerting.rules_filter import RuleFilter
from console.alerting.watching import incidents_about
from console.core.db import db
from console.core.leases import JobRun
from console.core.paging import Page, page
from console.web.charts import Marker
from console.web.ids import LARGEST_ID
from console.web.timeline import About

MOST_RULES = 2_000
"""Of a project: twice as many as are known to be evaluated in time."""

MOST_MARKERS = 50
MOST_NAMES = 100
"""So many rules are offered by name; a search finds the others."""
LONGEST_ID = 10
MOST_OFFERED = 300
"""So many rules are offered as a filter of incidents."""
WORST_FIRST = (
    State.CRITICAL, State.WARNING, State.BROKEN, State.NO_DATA, State.RECOVERING, State.PENDING,
    State.OK,
)  # fmt: skip
DAY, LATE = timedelta(days=1), timedelta(minutes=2)
"""A rule is late when its next window could have been decided so long ago."""
MOST_EVENTS = 50
CHECK = "check"


def rules(project: Project) -> Sequence[Rule]:
    """The project's rules by name."""
    own = select(Rule).where(Rule.project_id == project.id)
    return db.session.scalars(own.order_by(Rule.name)).all()


@dataclass(frozen=True, slots=True)
class Names:
    """Rules as the options of a select, by name, and how many there are to choose from."""

    options: Sequence[tuple[str, str]]
    count: int


def names(project: Project, chosen: str, text: str = "") -> Names:
    """The project's rules with a text in their names, at most MOST_NAMES, and the chosen one."""
    matching = select(Rule.id, Rule.name).where(Rule.project_id == project.id)
    if text:
        matching = matching.where(Rule.name.icontains(text, autoescape=True))
    count = db.session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    return Names(_options(project, matching.limit(MOST_NAMES), chosen), count)


def names_with_incidents(project: Project, chosen: str) -> Sequence[tuple[str, str]]:
    """The same for the rules that had an incident, and for the one that is chosen."""
    had_one = exists().where(Incident.rule_id == Rule.id)
    own = select(Rule.id, Rule.name).where(Rule.project_id == project.id, had_one)
    return _options(project, own.limit(MOST_OFFERED), chosen)


def _options(project: Project, rules: Select[int, str], chosen: str) -> Sequence[tuple[str, str]]:
    """Rules by name as the options of a select, and the chosen one."""
    rows = db.session.execute(rules.order_by(Rule.name))
    options = {str(rule_id): name for rule_id, name in rows}
    if chosen.isascii() and chosen.isdecimal() and chosen not in options:
        wanted = [min(int(chosen[:LONGEST_ID]), LARGEST_ID)]
        options |= {str(rule_id): name for rule_id, name in names_of_rules(project, wanted).items()}
    return list(options.items())


def listed_rules(
    project: Project, by: RuleFilter, first: int, count: int
) -> tuple[Sequence[Rule], int]:
    """Some of the project's rules that match, the worst state first, and how many there are."""
    rank = case({state: number for number, state in enumerate(WORST_FIRST)}, value=RuleSeries.state)
    worst = select(func.min(rank)).where(RuleSeries.rule_id == Rule.id).scalar_subquery()
    own = select(Rule).where(Rule.project_id == project.id, *_rule_conditions(by))
    order = Rule.enabled.desc(), func.coalesce(worst, len(WORST_FIRST)), Rule.name
    rows = db.session.scalars(own.order_by(*order).offset(first).limit(count)).all()
    return rows, db.session.scalar(select(func.count()).select_from(own.subquery())) or 0


def _rule_conditions(by: RuleFilter) -> Iterator[ColumnElement[bool]]:
    if by.text:
        yield Rule.name.icontains(by.text, autoescape=True)
    if by.states:
        yield Rule.enabled.is_(True)
        yield Rule.id.in_(select(RuleSeries.rule_id).where(RuleSeries.state.in_(by.states)))
    if by.only_off:
        yield Rule.enabled.is_(False)


def rule_or_404(project: Project, rule_id: int) -> Rule:
    own = select(Rule).where(Rule.project_id == project.id, Rule.id == rule_id)
    return db.session.scalar(own) or abort(404)


def fault_of(project: Project, name: str, rule: Rule | None = None) -> str:
    """Why a new rule, or this one, cannot have this name; "" if it can."""
    if is_taken(project, name, by_other_than=rule):
        return "Another rule has this name."
    own = select(func.count(Rule.id)).where(Rule.project_id == project.id)
    is_full = rule is None and (db.session.scalar(own) or 0) >= MOST_RULES
    return f"A project has at most {MOST_RULES:,} rules." if is_full else ""


def is_taken(project: Project, name: str, *, by_other_than: Rule | None = None) -> bool:
    """Whether another rule of the project has this name."""
    own = select(Rule.id).where(Rule.project_id == project.id, Rule.name == name)
    if by_other_than is not None:
        own = own.where(Rule.id != by_other_than.id)
    return db.session.scalar(own.limit(1)) is not None


def series_of(rules: Sequence[Rule]) -> dict[int, list[RuleSeries]]:
    """Where the series of rules stand, by the rule's id."""
    ids = [rule.id for rule in rules]
    rows = db.session.scalars(select(RuleSeries).where(RuleSeries.rule_id.in_(ids)))
    by_rule: dict[int, list[RuleSeries]] = {rule_id: [] for rule_id in ids}
    for series in rows:
        by_rule[series.rule_id].append(series)
    return by_rule


def versions(rule: Rule) -> Sequence[RuleVersion]:
    """The versions of a rule, the latest first."""
    own = select(RuleVersion).where(RuleVersion.rule_id == rule.id)
    return db.session.scalars(own.order_by(RuleVersion.number.desc())).all()


def document_then(rule: Rule, number: int) -> Mapping[str, Any]:
    """What a version of a rule said; what the rule says now, if that version is not kept."""
    own = select(RuleVersion.document).where(
        RuleVersion.rule_id == rule.id, RuleVersion.number == number
    )
    return db.session.scalar(own) or rule.document


def names_of_rules(project: Project, ids: Collection[int]) -> dict[int, str]:
    """The names of some rules by their ids."""
    if not ids:
        return {}
    own = select(Rule.id, Rule.name).where(Rule.project_id == project.id, Rule.id.in_(ids))
    return dict(db.session.execute(own).all())


def evaluations(rule: Rule, value: str = "", limit: int = 20) -> Sequence[Evaluation]:
    """What a series of a rule was evaluated to, the latest first."""
    own = select(Evaluation).where(Evaluation.rule_id == rule.id, Evaluation.value == value)
    return db.session.scalars(own.order_by(Evaluation.at.desc()).limit(limit)).all()


def incidents(project: Project, by: IncidentFilter, cursor: str, limit: int) -> Page[Incident]:
    """The project's incidents that match, the latest first; raises cursors.BadCursor."""
    own = select(Incident).where(Incident.project_id == project.id, *_conditions(by))
    options = [joinedload(Incident.acknowledged_by), joinedload(Incident.resolved_by)]
    return page(own, [Incident.opened_at, Incident.id], cursor, limit, options=options)


def _conditions(by: IncidentFilter) -> Iterator[ColumnElement[bool]]:
    yield Incident.state.in_(by.states)
    if by.level:
        yield Incident.worst == by.level
    if by.rule_id is not None:
        yield Incident.rule_id == by.rule_id
    if by.text:
        yield or_(
            Incident.title.icontains(by.text, autoescape=True),
            Incident.why.icontains(by.text, autoescape=True),
        )
    if by.environment:
        where = Rule.document["environment"].as_string()
        covering = select(Rule.id).where(where.in_(["", by.environment]))
        yield Incident.rule_id.in_(covering)
    if by.since:
        yield or_(Incident.resolved_at.is_(None), Incident.resolved_at >= by.since)
    if by.until:
        yield Incident.opened_at < by.until


def incident_or_404(project: Project, incident_id: int) -> Incident:
    own = select(Incident).where(Incident.project_id == project.id, Incident.id == incident_id)
    return db.session.scalar(own) or abort(404)


def history(incident: Incident) -> Sequence[IncidentEvent]:
    """What happened to an incident, in order."""
    own = select(IncidentEvent).where(IncidentEvent.incident_id == incident.id)
    return db.session.scalars(own.order_by(IncidentEvent.sequence)).all()


def markers(
    project: Project, since: datetime, until: datetime, environment: str = "", about: About = None
) -> list[Marker]:
    """When each incident of a time range was opened, for charts.

    A chart `about` a check marks the incidents of rules that watch it in particular; one about an
    endpoint, say, leaves out only the incidents of other endpoints.
    """
    by = IncidentFilter(environment=environment)
    query = (
        select(Incident.opened_at, Incident.title, Incident.id)
        .where(Incident.project_id == project.id, *_conditions(by), ~Incident.shadow)
        .where(Incident.opened_at >= since, Incident.opened_at < until)
        .order_by(Incident.opened_at)
    )
    if about is not None:
        query = query.where(incidents_about(project, *about, or_all=about[0] != CHECK))
    rows = db.session.execute(query.limit(MOST_MARKERS))
    return [
        Marker(at, title, "bad", "alerting.incident", {"incident_id": id_})
        for at, title, id_ in rows
    ]


def fault(rule: Rule) -> str:
    """Why the question of a rule failed last, of a rule that is broken."""
    own = select(Evaluation.why).where(
        Evaluation.rule_id == rule.id,
        Evaluation.verdict == Verdict.ERROR,
        Evaluation.at > rule.evaluated_until - DAY,
    )
    return db.session.scalar(own.order_by(Evaluation.at.desc()).limit(1)) or ""


def last_run() -> datetime | None:
    """When rules were looked at last, as the jobs of this console say."""
    runs = select(func.max(JobRun.started_at)).where(JobRun.job == "evaluate")
    return db.session.scalar(runs)


def open_incidents(project: Project) -> int:
    """How many incidents nobody has taken and that are not in shadow mode."""
    own = select(func.count(Incident.id)).where(
        Incident.project_id == project.id,
        Incident.state == IncidentState.OPEN,
        ~Incident.shadow,
    )
    return db.session.scalar(own) or 0


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message that shadow mode held back: the event that it would have been about."""

    incident: Incident
    event: IncidentEvent


def unsent(rule: Rule) -> list[Unsent]:
    """What a rule in shadow mode would have sent, the latest first."""
    own = (
        select(Incident, IncidentEvent)
        .join(IncidentEvent, IncidentEvent.incident_id == Incident.id)
        .where(Incident.rule_id == rule.id, Incident.shadow)
    )
    latest = own.order_by(IncidentEvent.at.desc(), IncidentEvent.id.desc()).limit(MOST_EVENTS)
    rows = db.session.execute(latest).all()
    return [Unsent(incident, event) for incident, event in rows if event.details.get("unsent")]
