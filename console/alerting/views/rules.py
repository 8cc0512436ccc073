"""The list of rules, the page of one, and what people do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from flask import Response, abort, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.alerting import queries, troubles
from console.alerting import rules as domain
from console.alerting.course import Course, course
from console.alerting.decide import State
from console.alerting.explain import Explanation, explain
from console.alerting.forms import ExplainFilter, ExplainForm
from console.alerting.leads import Lead, rows_explained
from console.alerting.models import Rule, RuleSeries, RuleVersion
from console.alerting.queries import Unsent
from console.alerting.rules_filter import RulesFilter
from console.alerting.versions import in_short
from console.alerting.views.blueprint import bp
from console.alerting.wording import sentence
from console.core import clock
from console.core.db import db
from console.web.clocks import zoned
from console.web.forms import valid
from console.web.htmx import go_to, panel, part_or_redirect, polled_part
from console.web.paging import Numbered, first_row
from console.web.timerange import current_range, scoped_url

STALE, HOUR = timedelta(minutes=1), timedelta(hours=1)
PER_PAGE = 50
MOST_VALUES = 3
"""So many values that fire stand in a row of the list."""


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule in the list: when it fires, and where it stands."""

    rule: Rule
    series: Sequence[RuleSeries]

    @property
    def sentence(self) -> str:
        """When it fires, in words."""
        return sentence(self.rule.definition)

    @property
    def state(self) -> State | None:
        """The worst state of its series; None before its first evaluation."""
        states = [row.state for row in self.series]
        return min(states, key=queries.WORST_FIRST.index, default=None)

    @property
    def without_state(self) -> str:
        """Why it stands nowhere: no window was decided, or none had a value of its breakdown."""
        was_decided = self.rule.evaluated_until > self.rule.created_at
        return "Nothing to watch yet" if was_decided else "Not evaluated yet"

    @property
    def is_broken(self) -> bool:
        """Whether the question of one of its series failed too often in a row."""
        return any(row.state is State.BROKEN for row in self.series)

    @property
    def is_late(self) -> bool:
        """Whether a window should have been decided for a while."""
        return self.rule.enabled and clock.now() - self.rule.next_due > troubles.LATE

    @property
    def firing(self) -> Mapping[str, State]:
        """The values of the breakdown that fire, with their level."""
        levels = (State.WARNING, State.CRITICAL)
        return {row.value: row.state for row in self.series if row.state in levels}

    @property
    def in_short(self) -> str:
        """The first values that fire, and how many more do."""
        values = [value for value in self.firing if value]
        more = len(values) - MOST_VALUES
        return ", ".join([*values[:MOST_VALUES], *([f"{more} more"] if more > 0 else [])])

    @property
    def worst(self) -> str:
        """The value of its breakdown that is worst now; "" without a breakdown."""
        first = queries.WORST_FIRST.index
        by_state = sorted(self.series, key=lambda row: (first(row.state), row.value))
        return by_state[0].value if by_state else ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """Whether alerting is alive: when rules were looked at last, and how many are late."""

    looked_at: datetime | None
    late: int

    @property
    def is_alive(self) -> bool:
        """Whether somebody has looked lately."""
        return self.looked_at is not None and clock.now() - self.looked_at < STALE

    @classmethod
    def of(cls, project: Project) -> Self:
        """The pulse of a project's rules."""
        return cls(queries.last_run(), troubles.late_rules(project))


@dataclass(frozen=True, slots=True)
class RuleListing:
    """One page of the list of rules."""

    form: RulesFilter
    page: Numbered[RuleRow]
    pulse: Pulse


@dataclass(frozen=True, slots=True)
class RuleDetails:
    """A rule with its course, its versions, and what it says of a moment."""

    row: RuleRow
    course: Course | None
    versions: Sequence[RuleVersion]
    explanation: Explanation | None
    rows: Lead | None
    """Where the rows behind the explained number are."""
    form: ExplainForm
    value: str
    """Whose course is shown: of its breakdown, "" without one."""
    unsent: Sequence[Unsent] = ()
    """What a rule in shadow mode would have sent."""
    fault: str = ""
    """Why the question of a broken rule failed last."""

    def in_short(self, version: RuleVersion) -> str:
        """What the back-test of a version said."""
        return in_short(version)


@bp.get("/rules/", endpoint="rules")
@project_view("viewer")
def listing(project: Project) -> Response:
    form, first = valid(RulesFilter(request.args)), first_row(PER_PAGE)
    rules, count = queries.listed_rules(project, form.filter, first, PER_PAGE)
    series = queries.series_of(rules)
    rows = [RuleRow(rule, series[rule.id]) for rule in rules]
    page = Numbered(rows, first // PER_PAGE + 1, count, PER_PAGE)
    listing = RuleListing(form, page, Pulse.of(project))
    return polled_part("alerting/rules.html", "alerting/_rules.html", listing=listing)


@bp.get("/rules/<id:rule_id>", endpoint="rule")
@project_view("viewer")
def rule(project: Project, rule_id: int) -> Response:
    rule_ = queries.rule_or_404(project, rule_id)
    current_range(_usual_range(rule_))
    form = valid(ExplainForm(request.args))
    return polled_part(
        "alerting/rule.html", "alerting/_rule.html", details=_details(project, rule_, form)
    )


@bp.get("/rules/<id:rule_id>/evaluations")
@project_view("viewer")
def evaluations(project: Project, rule_id: int) -> Response:
    """The last evaluations of a rule, each with the way to its explanation."""
    rule_ = queries.rule_or_404(project, rule_id)
    value = valid(ExplainFilter(request.args)).value.data or ""
    return panel(
        "alerting/_evaluations.html",
        rule_.name,
        (scoped_url("alerting.rule", rule_id=rule_.id), "Back to the rule"),
        rule=rule_,
        value=value,
        evaluations=queries.evaluations(rule_, value),
    )


@bp.post("/rules/<id:rule_id>/activation")
@project_view("member")
def activate(project: Project, rule_id: int) -> Response:
    return _switched(project, queries.rule_or_404(project, rule_id), on=True)


@bp.post("/rules/<id:rule_id>/deactivation")
@project_view("member")
def deactivate(project: Project, rule_id: int) -> Response:
    return _switched(project, queries.rule_or_404(project, rule_id), on=False)


@bp.post("/rules/<id:rule_id>/versions/<id:number>/return")
@project_view("member")
def bring_back(project: Project, rule_id: int, number: int) -> Response:
    rule_ = queries.rule_or_404(project, rule_id)
    try:
        domain.bring_back(rule_, number, by=me())
    except LookupError:
        abort(404)
    db.session.commit()
    return _answer(project, rule_)


@bp.post("/rules/<id:rule_id>/deletion", endpoint="delete_rule")
@project_view("member")
def delete(project: Project, rule_id: int) -> Response:
    rule_ = queries.rule_or_404(project, rule_id)
    domain.delete(rule_)
    db.session.commit()
    return go_to(scoped_url("alerting.rules"))


def _switched(project: Project, rule_: Rule, *, on: bool) -> Response:
    domain.switch(rule_, on=on, by=me())
    db.session.commit()
    return _answer(project, rule_)


def _usual_range(rule_: Rule) -> str:
    """The range that the page of a rule opens with: one that its evaluations fill."""
    return "24h" if clock.now() - rule_.created_at > HOUR else "1h"


def _details(project: Project, rule_: Rule, form: ExplainForm) -> RuleDetails:
    row = RuleRow(rule_, queries.series_of([rule_])[rule_.id])
    form.value.offer((series.value, series.value) for series in row.series if series.value)
    value = form.value.data or row.worst
    explanation = explain(rule_, form.at.data, value) if form.at.data else None
    return RuleDetails(
        row=row,
        course=_course(project, rule_, value),
        versions=queries.versions(rule_),
        explanation=explanation,
        rows=rows_explained(explanation) if explanation else None,
        form=form,
        value=value,
        unsent=queries.unsent(rule_) if rule_.shadow else (),
        fault=queries.fault(rule_) if row.is_broken else "",
    )


def _course(project: Project, rule_: Rule, value: str) -> Course | None:
    """The course of a series over the page's range, which it names."""
    shown = current_range(_usual_range(rule_))
    own = course(project, rule_, shown.start, shown.until, value)
    if own is None:
        return None
    first = own.evaluations[0].at
    is_partial = first - shown.start > shown.length / 10
    if is_partial and not (request.args.get("range") or request.args.get("since")):
        # Nobody has chosen the range: the page is about the time in which the rule was evaluated.
        interval = timedelta(seconds=rule_.definition.condition.interval_seconds)
        own = course(project, rule_, first - interval, shown.until, value) or own
    label = shown.in_words
    over = f"since {zoned(first, '%-d %b %H:%M')}" if is_partial else label
    words = [value, over, own.chart.subtitle]
    return replace(own, chart=replace(own.chart, subtitle=", ".join(filter(None, words))))


def _answer(project: Project, rule_: Rule) -> Response:
    values = {"rule_id": rule_.id}
    details = _details(project, rule_, ExplainForm())
    return part_or_redirect("alerting/_rule.html", "alerting.rule", values, details=details)
