"""Checks for scripts, as docs/api.md describes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from console.accounts.access import api_view, script_may
from console.accounts.models import Project
from console.core import clock
from console.core.db import db
from console.telemetry import checks as telemetry
from console.telemetry.scope import Scope
from console.uptime import checks as domain
from console.uptime import headers, heartbeats, metrics, queries
from console.uptime.forms import CheckForm
from console.uptime.models import Check, CheckKind
from console.uptime.silent_form import SilentForm
from console.uptime.views.checks import former_headers, name_is_free
from console.web import api
from console.web.forms import valid

MOST_RESULTS = 100
bp = Blueprint(
    "uptime_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/checks"
)


class ResultsQuestion(api.Period, api.Paging):
    """Which results of a check a script wants."""


@bp.get("")
@api_view("checks:read")
def checks(project: Project) -> Response:
    return jsonify({"checks": [described(check) for check in queries.checks(project)]})


@bp.get("/<id:check_id>")
@api_view("checks:read")
def check(project: Project, check_id: int) -> Response:
    shown = queries.check_or_404(project, check_id)
    where = {"check": shown.slug}
    uptime = {
        name.replace(" ", ""): metrics.UPTIME.value(
            queries.lately(project, period), where=where
        ).whole.number
        for name, period in queries.PERIODS.items()
    }
    return jsonify(described(shown) | {"uptime": uptime} | ping_url(shown))


@bp.post("")
@api_view("checks:write")
def create(project: Project) -> Response:
    form = _form(project)
    made = domain.create(project, form.name.data or "", form.request, **form.columns)
    db.session.commit()
    answer = jsonify(described(made))
    answer.status_code = 201
    return answer


@bp.put("/<id:check_id>")
@api_view("checks:write")
def change(project: Project, check_id: int) -> Response:
    """Put the whole check as the document says; members that are left out get their defaults."""
    changed = queries.check_or_404(project, check_id)
    if changed.kind is not CheckKind.HTTP:
        raise BadRequest("Only HTTP checks are changed here; heartbeats are at …/heartbeats/<id>.")
    form = _form(project, changed)
    domain.change(changed, form.name.data or "", form.request, **form.columns)
    db.session.commit()
    return jsonify(described(changed))


@bp.post("/<id:check_id>/pause")
@api_view("checks:write")
def pause(project: Project, check_id: int) -> Response:
    paused = queries.check_or_404(project, check_id)
    domain.pause(paused)
    db.session.commit()
    return jsonify(described(paused))


@bp.post("/<id:check_id>/resumption")
@api_view("checks:write")
def resume(project: Project, check_id: int) -> Response:
    resumed = queries.check_or_404(project, check_id)
    domain.resume(resumed)
    db.session.commit()
    return jsonify(described(resumed))


@bp.delete("/<id:check_id>")
@api_view("checks:write")
def delete(project: Project, check_id: int) -> Response:
    domain.delete(queries.check_or_404(project, check_id))
    db.session.commit()
    return Response(status=204)


@bp.post("/silent-monitors/deletion")
@api_view("checks:write")
def delete_silent_monitors(project: Project) -> Response:
    """Delete the monitors that nobody was heard of for so many days: `{"days": 30}`."""
    form = valid(SilentForm(api.members(SilentForm, "The document")))
    deleted = domain.delete_silent_monitors(project, form.days.data or 0)
    db.session.commit()
    return jsonify({"deleted": deleted})


@bp.get("/<id:check_id>/results")
@api_view("checks:read")
def results(project: Project, check_id: int) -> Response:
    """The results of a check, the latest first; `until` of the next page is in its address."""
    shown = queries.check_or_404(project, check_id)
    form = valid(ResultsQuestion(request.args))
    period = form.shown
    until = period.until
    if form.cursor.data:
        until = min(until, _before(form.cursor.data))
    scope = Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=min(period.start, until),
        until=until,
        environment=period.environment,
    )
    rows = telemetry.results(scope, shown.id, form.length)
    listed = [_result(row) for row in rows]
    cursor = listed[-1]["at"] if len(rows) == form.length else ""
    whole = scope.between(period.start, period.until)
    return api.page("results", listed, cursor, whole)


def ping_url(check: Check) -> dict[str, str]:
    """The address of a heartbeat, which speaks for its job: for scripts that may change checks."""
    if check.kind is not CheckKind.HEARTBEAT or not script_may("checks:write"):
        return {}
    return {"ping_url": heartbeats.address_of(check)}


def _before(cursor: str) -> datetime:
    try:
        return clock.instant(cursor)
    except ValueError:
        raise BadRequest("cursor: not one that an answer gave.") from None


def _form(project: Project, check: Check | None = None) -> CheckForm:
    """The form with what a document says; aborts for what is wrong, and for strange members."""
    document = api.document()
    given_headers = document.get("headers")
    if isinstance(given_headers, dict):
        document = {**document, "headers": _lines(given_headers)}
    given = api.members_of(document, "A check", CheckForm())
    form = valid(CheckForm(given, former=former_headers(check) if check else None))
    if not name_is_free(project, form, check):
        raise BadRequest(f"name: {form.name.errors[-1]}")
    return form


def _lines(given: dict[str, Any]) -> str:
    """Headers as the form takes them; aborts for what would be several lines, or no text."""
    for name, value in given.items():
        if not isinstance(value, str) or {"\r", "\n"} & {*name, *value}:
            raise BadRequest(f"headers: {name[:100]} has a text of one line.")
    return "\n".join(f"{name}: {value}" for name, value in given.items())


def described(check: Check) -> dict[str, Any]:
    """A check as all answers show it."""
    hidden = dict.fromkeys(former_headers(check), headers.HIDDEN)
    return {
        "id": check.id,
        "kind": check.kind,
        "slug": check.slug,
        "name": check.name,
        "environment": check.environment,
        "interval_seconds": check.interval_seconds,
        "failures_needed": check.failures_needed,
        "successes_needed": check.successes_needed,
        **check.settings,
        "headers": hidden,
        **_hidden(check),
        "state": check.state,
        "since": api.time(check.since),
        "next_due": api.time(check.next_due),
        "last_at": api.time(check.last_at),
        "last_outcome": check.last_outcome,
        "last_why": check.last_why,
        "certificate_until": api.time(check.certificate_until),
        "domain_until": api.time(check.domain_until),
        "url_of_page": api.url("uptime.check", check_id=check.id),
    }


def _hidden(check: Check) -> dict[str, str]:
    """What may hold a secret, without it: scripts that only read have no use for it."""
    if check.kind is not CheckKind.HTTP or script_may("checks:write"):
        return {}
    body = headers.HIDDEN if check.settings.get("body") else ""
    return {"url": check.address, "body": body}


def _result(row: telemetry.Listed) -> dict[str, Any]:
    return {
        "at": api.time(row.at),
        "outcome": row.outcome,
        "state": row.state,
        "counts": row.counts,
        "maintenance": row.maintenance,
        "milliseconds": row.milliseconds,
        "status": row.status,
        "why": row.why,
        "answered": row.answered,
    }
