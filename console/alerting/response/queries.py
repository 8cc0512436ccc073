"""What the page of response times asks the state database for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from console.accounts.models import Project, User
from console.alerting import queries
from console.alerting.escalation.models import Escalation
from console.alerting.models import Incident, IncidentEvent, IncidentVerb
from console.alerting.response.fates import NONE, member_key, policy_key, rule_key
from console.alerting.response.forms import NO_POLICY, NO_RULE, ResponseFilter
from console.alerting.response.report import LeftOut, Report, apart, report
from console.alerting.response.sheet import TableNames
from console.core import clock
from console.core.db import db
from console.metrics import incidents
from console.metrics.incidents import Listed
from console.metrics.response_times import ACKNOWLEDGE, PAGERDUTY, Clock, Response, seconds
from console.telemetry.scope import Scope
from console.web import clocks

MOST_POLICIES = 100
PER_PART = 1_000
"""Rows of a table that are held at a time."""
Part = tuple[str, str, Sequence[Response]]


def whole_report(
    project: Project, scope: Scope, form: ResponseFilter, shift: timedelta | None = None
) -> Report:
    """The figures of a scope that a valid form asks for; `shift` earlier is compared with."""
    every = incidents.responses(scope)
    chosen = form.choose(every)
    earlier = incidents.responses(scope.earlier(shift)) if shift else []
    return report(
        chosen,
        weeks(scope),
        _shares(project, scope, form, chosen),
        form.clock,
        scope.until,
        form.choose(earlier),
        _left_out(scope, every, chosen, form.clock),
    )


def behind(scope: Scope, form: ResponseFilter) -> list[Response]:
    """The incidents behind a figure, in the order that the form asks for."""
    return _of_week(form.choose(incidents.responses(scope)), form)


def rows_behind(
    project: Project, scope: Scope, form: ResponseFilter
) -> Iterator[tuple[Sequence[Listed], TableNames]]:
    """The same with what a table says of them, the latest first, a part of them at a time."""
    names = TableNames({}, {}, project.slug)
    for part in incidents.listed(scope, PER_PART):
        chosen = _of_week(form.choose([row.response for row in part]), form)
        _learn(names, project, chosen)
        ids = {response.id for response in chosen}
        yield [row for row in part if row.response.id in ids], names


def _of_week(own: list[Response], form: ResponseFilter) -> list[Response]:
    if form.monday is None:
        return own
    since, until = _week_of(form.monday)
    return [response for response in own if since <= response.opened_at < until]


def weeks(scope: Scope) -> list[tuple[datetime, datetime]]:
    """The weeks that a scope touches, from Monday to Monday on the person's clock."""
    first = clocks.local(scope.since).date()
    monday = first - timedelta(days=first.weekday())
    bounds = [_midnight(monday)]
    while bounds[-1] < scope.until:
        monday += timedelta(days=7)
        bounds.append(_midnight(monday))
    return list(pairwise(bounds))


def rows_of(responses: Iterable[Response]) -> Mapping[int, Incident]:
    """The incidents themselves, with whoever answered them, by id."""
    rows: dict[int, Incident] = {}
    for part in _batched([response.id for response in responses]):
        own = select(Incident).where(Incident.id.in_(part))
        people = joinedload(Incident.acknowledged_by), joinedload(Incident.resolved_by)
        rows |= {row.id: row for row in db.session.scalars(own.options(*people))}
    return rows


def _learn(names: TableNames, project: Project, responses: Sequence[Response]) -> None:
    """Add the rules and people of these incidents to the names that are known."""
    people = {r.acknowledged_by_id for r in responses} | {r.resolved_by_id for r in responses}
    for part in _batched(sorted(filter(None, people - names.emails.keys()))):
        rows = db.session.execute(select(User.id, User.email).where(User.id.in_(part)))
        names.emails.update(dict(rows.all()))
    rules = {r.rule_id for r in responses if r.rule_id} - names.rules.keys()
    if rules:
        names.rules.update(queries.names_of_rules(project, rules))


def policies() -> Sequence[str]:
    """The names of the policies by which incidents were escalated."""
    names = select(Escalation.policy_name).distinct().order_by(Escalation.policy_name)
    return db.session.scalars(names.limit(MOST_POLICIES)).all()


def _batched(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """The ids in parts that a statement takes as parameters."""
    return (ids[first : first + 500] for first in range(0, len(ids), 500))


def _shares(
    project: Project, scope: Scope, form: ResponseFilter, chosen: Sequence[Response]
) -> list[Part]:
    """The parts of the breakdown that the form names; projects are all of the organization."""
    by = form.by.data
    if by == "project":
        return _by_project(scope, form)
    parts = apart(chosen, KEYS[by])
    names = NAMES[by](project, parts.keys()) if by in NAMES else {}
    return [(key, names.get(key, key.capitalize()), part) for key, part in parts.items()]


def _by_project(scope: Scope, form: ResponseFilter) -> list[Part]:
    everywhere = form.choose(incidents.responses(scope, everywhere=True))
    parts = apart(everywhere, lambda response: str(response.project_id))
    rows = db.session.execute(select(Project.id, Project.slug, Project.name))
    return [(slug, name, parts[str(id_)]) for id_, slug, name in rows if str(id_) in parts]


def _names_of_rules(project: Project, keys: Iterable[str]) -> Mapping[str, str]:
    names = queries.names_of_rules(project, [int(key) for key in keys if key != NONE])
    return {NONE: NO_RULE, **{str(rule_id): name for rule_id, name in names.items()}}


def _names_of_policies(_: Project, keys: Iterable[str]) -> Mapping[str, str]:
    return {**{key: key for key in keys}, NONE: NO_POLICY}


def _names_of_members(_: Project, keys: Iterable[str]) -> Mapping[str, str]:
    ids = [int(key) for key in keys if key != PAGERDUTY]
    own = select(User.id, User.name).where(User.id.in_(ids))
    names = {str(user_id): name for user_id, name in db.session.execute(own)}
    return {PAGERDUTY: "Someone in PagerDuty", **names}


KEYS: Mapping[str, Callable[[Response], str | None]] = {
    "rule": rule_key,
    "policy": policy_key,
    "severity": lambda response: response.severity,
    "member": member_key,
}
"""What a breakdown puts together."""
NAMES: Mapping[str, Callable[[Project, Iterable[str]], Mapping[str, str]]] = {
    "rule": _names_of_rules,
    "policy": _names_of_policies,
    "member": _names_of_members,
}


def _left_out(
    scope: Scope, every: Sequence[Response], chosen: Sequence[Response], working: Clock | None
) -> LeftOut:
    shadow = select(func.count(Incident.id)).where(
        Incident.project_id == scope.project_id,
        Incident.opened_at >= scope.since,
        Incident.opened_at < scope.until,
        Incident.shadow,
    )
    snoozes = _snoozes({response.id: response for response in chosen}, scope)
    return LeftOut(
        members=sum(response.is_member for response in every),
        shadow=db.session.scalar(shadow) or 0,
        snoozed=len(snoozes),
        snoozed_for=sum(snoozes.values(), timedelta(0)),
        outside=len(seconds(chosen, ACKNOWLEDGE)) - len(seconds(chosen, ACKNOWLEDGE, working)),
    )


def _snoozes(chosen: Mapping[int, Response], scope: Scope) -> Mapping[int, timedelta]:
    """For how long each of the incidents was snoozed."""
    own = (
        select(IncidentEvent)
        .join(Incident, Incident.id == IncidentEvent.incident_id)
        .where(
            Incident.project_id == scope.project_id,
            Incident.opened_at >= scope.since,
            Incident.opened_at < scope.until,
            IncidentEvent.verb == IncidentVerb.SNOOZED,
        )
        .order_by(IncidentEvent.incident_id, IncidentEvent.sequence)
    )
    quiet: dict[int, list[tuple[datetime, datetime]]] = {}
    for event in db.session.scalars(own):
        response = chosen.get(event.incident_id)
        if response is None or event.until is None:
            continue
        spells = quiet.setdefault(event.incident_id, [])
        if spells:  # a later snooze takes the place of the former
            spells[-1] = spells[-1][0], min(spells[-1][1], event.at)
        spells.append((event.at, min(event.until, response.resolved_at or clock.now())))
    return {
        incident_id: sum((max(end - begin, timedelta(0)) for begin, end in spells), timedelta(0))
        for incident_id, spells in quiet.items()
    }


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), clocks.zone())


def _week_of(monday: date) -> tuple[datetime, datetime]:
    return _midnight(monday), _midnight(monday + timedelta(days=7))
