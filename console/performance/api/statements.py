"""Database statements for scripts, as docs/api.md says."""

from typing import Any

from flask import Response, abort, jsonify, request
from wtforms.validators import NumberRange, Optional

from console.accounts.access import api_view
from console.accounts.models import Project
from console.performance.api.blueprint import SCOPE, bp, earlier, milliseconds, scope_of
from console.performance.forms.statements import StatementsFilter
from console.performance.statements import listing as domain
from console.performance.statements.listing import StatementRow
from console.telemetry import statements as telemetry
from console.telemetry.latency import Latency
from console.telemetry.statements import Call, Caller, Location, Statement
from console.web.api import Period, period, url
from console.web.forms import IntegerField, valid

MOST = 500
MOST_STEPS = 1_000


class Statements(StatementsFilter, Period):
    """Which statements, and how many of them."""

    limit = IntegerField("Limit", [Optional(), NumberRange(1, MOST, "Between 1 and 500.")])


class OneStatement(Period):
    """In which steps of time."""

    step = IntegerField("Seconds per step", [Optional(), NumberRange(60, 86_400 * 30)])


@bp.get("/statements")
@api_view(SCOPE)
def statements(project: Project) -> Response:
    form = valid(Statements(request.args))
    scope = scope_of(project, form)
    count = form.limit.data or MOST
    listed = domain.listed(scope, form.wanted, sort=form.sort.data, first=0, count=count)
    return jsonify(
        period(scope)
        | {
            "statements": [_statement(row) for row in listed.rows],
            "count": listed.count,
            "total": _usage(listed.total) if listed.total else None,
        }
    )


@bp.get("/statements/<span:fingerprint>")
@api_view(SCOPE)
def statement(project: Project, fingerprint: str) -> Response:
    form = valid(OneStatement(request.args))
    scope = scope_of(project, form)
    row = domain.statement_row(scope, fingerprint)
    if row is None:
        abort(404, "No call of this statement in this time.")
    step = form.step.data or max(60, int(scope.length.total_seconds()) // 96)
    if scope.length.total_seconds() / step > MOST_STEPS:
        abort(400, "step: at most 1,000 steps in one answer.")
    releases = telemetry.by_release(scope, fingerprint)
    verdict = domain.verdict(project, scope, row, releases)
    moments = telemetry.moments(scope, step, fingerprint)
    more = {
        "regressed": verdict.has_regressed,
        "p95_newest_release_ms": milliseconds(verdict.since_release.now)
        if verdict.since_release
        else None,
        "p95_former_release_ms": earlier(verdict.since_release),
        "step": step,
        "series": [
            {"at": at.isoformat(), **(_latency(latency) if latency else {"calls": 0})}
            for at, latency in zip(moments.starts, moments.latencies, strict=True)
        ],
        "callers": [_caller(caller) for caller in telemetry.callers(scope, fingerprint)],
        "code": [_location(location) for location in telemetry.locations(scope, fingerprint)],
        "releases": [
            {
                "release": release.release,
                "received": release.received,
                "p95_ms": milliseconds(release.p95),
            }
            for release in releases
        ],
        "slowest": [_call(call) for call in telemetry.slowest(scope, fingerprint)],
    }
    return jsonify(period(scope) | _statement(row) | more)


def _statement(row: StatementRow) -> dict[str, Any]:
    return {
        "fingerprint": row.fingerprint,
        "text": row.text.text,
        "verb": row.verb,
        "tables": row.tables,
        "system": row.text.system or None,
        **_usage(row.statement),
        "time_share": round(row.share, 4),
        "slow": row.is_slow,
        "regressed": row.has_regressed,
        "p95_before_ms": earlier(row.since_before),
        "url": url("performance.statement", fingerprint=row.fingerprint),
    }


def _usage(statement: Statement) -> dict[str, Any]:
    return {**_latency(statement.usage), "calls_per_request": round(statement.per_request, 2)}


def _latency(latency: Latency) -> dict[str, Any]:
    return {
        "calls": round(latency.count, 1),
        "estimated": latency.estimated,
        "failed": round(latency.failed, 1),
        "total_ms": milliseconds(latency.total_us),
        "p50_ms": milliseconds(latency.p50),
        "p95_ms": milliseconds(latency.p95),
        "p99_ms": milliseconds(latency.p99),
    }


def _caller(caller: Caller) -> dict[str, Any]:
    return {
        "endpoint": caller.endpoint,
        "category": caller.category,
        "calls": round(caller.calls, 1),
        "estimated": caller.estimated,
        "calls_per_request": round(caller.per_request, 2),
        "total_ms": milliseconds(caller.total_us),
        "time_share": round(caller.time_share, 4),
        "url": url("performance.endpoint", name=caller.endpoint),
    }


def _location(location: Location) -> dict[str, Any]:
    return {
        "path": location.path,
        "line": int(location.line) if location.line.isdecimal() else None,
        "function": location.function or None,
        "calls": location.calls,
        "slowest_ms": milliseconds(location.slowest_us),
    }


def _call(call: Call) -> dict[str, Any]:
    at = call.timestamp.isoformat()
    return {
        "trace_id": call.trace_id,
        "span_id": call.span_id,
        "timestamp": at,
        "duration_ms": milliseconds(call.duration_us),
        "status": call.status,
        "failed": call.failed,
        "environment": call.environment,
        "release": call.release,
        "url": url("performance.trace", trace_id=call.trace_id, at=at),
    }
