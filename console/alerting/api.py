"""Alert rules for scripts, as docs/api.md describes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urljoin

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest
from wtforms import Form

from console.accounts.access import api_view
from console.accounts.models import Project
from console.accounts.projects import console_url
from console.alerting import items, queries, signal, units
from console.alerting import rules as domain
from console.alerting.backtest import Replay, replay
from console.alerting.definition import Definition
from console.alerting.editor.trial import tried_out
from console.alerting.explain import explain
from console.alerting.forms import (
    CompositeForm,
    ConditionForm,
    ExplainFilter,
    RuleForm,
    TogetherForm,
    WatchForm,
)
from console.alerting.leads import rows_explained
from console.alerting.models import Rule, RuleSeries
from console.alerting.wording import sentence
from console.core import clock
from console.core.db import begin_to_write, db, reading_first
from console.telemetry.measures import CannotAskError
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "alerting_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/rules"
)
Moment = Callable[[float | None], Any]
F = TypeVar("F", bound=Form)


@bp.get("")
@api_view("rules:read")
def rules(project: Project) -> Response:
    rules = queries.rules(project)
    series = queries.series_of(rules)
    return jsonify({"rules": [_rule(rule, series[rule.id]) for rule in rules]})


@bp.get("/<id:rule_id>")
@api_view("rules:read")
def rule(project: Project, rule_id: int) -> Response:
    return _answer(queries.rule_or_404(project, rule_id))


@bp.post("")
@reading_first
@api_view("rules:write")
def create(project: Project) -> Response:
    form = _rule_form(project, api.document())
    _refuse_taken(project, form)
    kind = "composite" if form.definition.members else "threshold"
    backtest = _tried_out(project, form.definition)
    begin_to_write()
    _refuse_taken(project, form)
    rule = domain.create(
        project, form.name.data or "", form.definition, kind=kind, backtest=backtest, **form.fields
    )
    db.session.commit()
    return _answer(rule, status=201)


@bp.put("/<id:rule_id>")
@reading_first
@api_view("rules:write")
def change(project: Project, rule_id: int) -> Response:
    """Put the whole rule as the document says; members that are left out get their defaults."""
    rule = queries.rule_or_404(project, rule_id)
    form = _rule_form(project, api.document(), rule)
    _refuse_taken(project, form, rule)
    is_another = form.definition.document != rule.document
    backtest = _tried_out(project, form.definition) if is_another else None
    begin_to_write()
    rule = queries.rule_or_404(project, rule_id)
    _refuse_taken(project, form, rule)
    rule.name = form.name.data or ""
    for name in ("severity", "tags", "shadow"):
        setattr(rule, name, form.fields[name])
    domain.change(rule, form.definition, by=None, backtest=backtest)
    domain.switch(rule, on=form.fields["enabled"])
    db.session.commit()
    return _answer(rule)


@bp.delete("/<id:rule_id>")
@api_view("rules:write")
def delete(project: Project, rule_id: int) -> Response:
    domain.delete(queries.rule_or_404(project, rule_id))
    db.session.commit()
    return Response(status=204)


@bp.get("/<id:rule_id>/explanation")
@api_view("rules:read")
def explanation(project: Project, rule_id: int) -> Response:
    """Why the rule fired, or did not, at `at`; by default now."""
    rule = queries.rule_or_404(project, rule_id)
    form = valid(ExplainFilter(request.args))
    explained = explain(rule, form.at.data or clock.now(), form.value.data or "")
    steps = [
        {
            "name": step.name,
            "text": step.text,
            "passed": step.passed,
            "member": str(step.member) if step.member else None,
        }
        for step in explained.steps
    ]
    evaluation, rows = explained.evaluation, rows_explained(explained)
    answer: dict[str, Any] = {
        "at": api.time(explained.at),
        "conclusion": explained.conclusion,
        "steps": steps,
        "since": api.time(explained.since),
        "until": api.time(evaluation.at if evaluation else None),
        "number": evaluation.number if evaluation else None,
        "verdict": evaluation.verdict if evaluation else None,
        "state": evaluation.state if evaluation else None,
        "rows": urljoin(console_url(), rows.url) if rows else None,
    }
    return jsonify(answer)


@bp.post("/backtest")
@reading_first
@api_view("rules:read")
def backtest(project: Project) -> Response:
    """What a rule would have done, over a series of the request or over a range of the project."""
    document = api.document()
    rule = document.get("rule")
    if not isinstance(rule, dict):
        raise BadRequest("rule: an object that describes the rule.")
    if "series" in document:
        return _over_series(rule, document["series"])
    if "range" in document:
        return _over_range(project, rule, document["range"])
    raise BadRequest("Give a range, or a series.")


def _over_series(rule: dict[str, Any], series: Any) -> Response:
    if not isinstance(series, list):
        raise BadRequest("series: a list with an item for each evaluation.")
    form = valid(_form(ConditionForm, rule))
    condition = units.in_units(form.condition(), str(rule.get("metric", "")))
    try:
        evaluations = list(items.evaluations(series, condition.interval_seconds))
    except items.BadSeries as error:
        raise BadRequest(str(error)) from None
    return jsonify(_as_json(replay(condition, evaluations), _seconds))


def _over_range(project: Project, rule: dict[str, Any], given: Any) -> Response:
    if not isinstance(given, dict):
        raise BadRequest("range: an object with since and until.")
    definition = _definition(project, rule)
    period = valid(api.Period(api.members_of(given, "A range", api.Period()))).shown
    try:
        asked = signal.over(definition, project, period.start, period.until)
    except signal.RangeTooLong as error:
        raise BadRequest(str(error)) from None
    series = [
        {"value": value, **_as_json(replay(definition.condition, evaluations), _time)}
        for value, evaluations in asked.by_value.items()
    ]
    whole = series[0] if definition.by is None else {"series": series}
    bounds = {"since": api.time(period.start), "until": api.time(period.until)}
    return jsonify(bounds | {"evaluations": len(asked.absent)} | whole)


def _rule_form(
    project: Project, document: dict[str, Any], rule: Rule | None = None
) -> RuleForm | CompositeForm:
    """The valid form of a rule, or of a composite rule if the document names members."""
    if "members" not in document:
        return valid(_form(RuleForm, document))
    return valid(_form(CompositeForm, document).is_for(project, rule))


def _definition(project: Project, rule: dict[str, Any]) -> Definition:
    """What a rule of the back-test watches."""
    if "members" not in rule:
        return valid(_form(WatchForm, rule)).definition
    form = _form(TogetherForm, rule)
    form.project_id = project.id
    return valid(form).definition


def _tried_out(project: Project, definition: Definition) -> dict[str, Any]:
    """The back-test that is kept with the version; aborts for what cannot be asked for."""
    try:
        return tried_out(project, definition)
    except CannotAskError as error:
        raise BadRequest(f"metric: {error}.") from None


def _form(form: type[F], rule: dict[str, Any]) -> F:
    """The form with what a rule says; aborts for members that no rule has."""
    return form(api.members_of(rule, "A rule", RuleForm(), CompositeForm()))


def _refuse_taken(
    project: Project, form: RuleForm | CompositeForm, rule: Rule | None = None
) -> None:
    if fault := queries.fault_of(project, form.name.data or "", rule):
        raise BadRequest(f"name: {fault}")


def _answer(rule: Rule, status: int = 200) -> Response:
    answer = jsonify(_rule(rule, queries.series_of([rule])[rule.id]))
    answer.status_code = status
    return answer


def _rule(rule: Rule, series: Sequence[RuleSeries]) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "enabled": rule.enabled,
        "shadow": rule.shadow,
        "severity": rule.severity,
        "tags": rule.tags,
        "version": rule.version,
        "sentence": sentence(rule.definition),
        "evaluated_until": api.time(rule.evaluated_until),
        "series": [{"value": row.value, "state": row.state} for row in series],
        "url": api.url("alerting.rule", rule_id=rule.id),
        **rule.document,
        **_level_of_composite(rule),
    }


def _level_of_composite(rule: Rule) -> dict[str, Any]:
    """The level of a composite rule, as its document names it to whoever makes or changes it."""
    condition = rule.definition.condition
    return {"level": condition.ordered[-1]} if rule.document.get("members") else {}


def _as_json(replayed: Replay, moment: Moment) -> dict[str, Any]:
    """Transitions and incidents, with their moments as the request counts them."""
    return {
        "transitions": [
            {
                "at": moment(change.at),
                "from": change.before,
                "to": change.after,
                "why": change.why,
            }
            for change in replayed.transitions
        ],
        "incidents": [
            {
                "opened": moment(episode.opened),
                "resolved": moment(episode.resolved),
                "level": episode.worst,
                "seconds": episode.seconds(replayed.until),
            }
            for episode in replayed.episodes
        ],
    }


def _seconds(at: float | None) -> float | int | None:
    """Seconds from the start of a series, whole ones as they were given."""
    return int(at) if at is not None and at.is_integer() else at


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
