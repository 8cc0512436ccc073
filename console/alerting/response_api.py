"""Response times for scripts, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, request
from flask import Response as Answer

from console.accounts.access import api_view
from console.accounts.models import Project
from console.alerting import queries as alerting
from console.alerting.response import queries
from console.alerting.response.forms import ResponseQuestion
from console.alerting.response.report import Share, Week
from console.metrics.response_times import Summary
from console.telemetry.scope import Scope
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "response_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/response-times"
)


@bp.get("")
@api_view("incidents:read")
def response_times(project: Project) -> Answer:
    """How fast the incidents that opened in a time were noticed and answered, in seconds."""
    form = ResponseQuestion(request.args)
    form.offer(
        alerting.names_with_incidents(project, request.args.get("rule", "")), queries.policies()
    )
    scope = Scope.of(project, valid(form).shown)
    report = queries.whole_report(project, scope, form)
    left_out = report.left_out
    return jsonify(
        api.period(scope)
        | {
            "opened": report.opened,
            "outcomes": report.fates,
            "times": {own.time.name: _summary(own.summary) for own in report.figures},
            "weeks": [_week(week) for week in report.weeks],
            "by": form.by.data,
            "parts": [_part(share) for share in report.shares],
            "working_hours": form.working_hours.document if form.working_hours else None,
            "left_out": {
                "members": left_out.members,
                "shadow": left_out.shadow,
                "outside_hours": left_out.outside,
            },
            "snoozed": {
                "incidents": left_out.snoozed,
                "seconds": left_out.snoozed_for.total_seconds(),
            },
        }
    )


def _week(week: Week) -> dict[str, Any]:
    return {
        "since": api.time(week.since),
        "until": api.time(week.until),
        "opened": week.count,
        "self_healed": week.healed,
        "acknowledge": _summary(week.acknowledge),
        "resolve": _summary(week.resolve),
    }


def _part(share: Share) -> dict[str, Any]:
    return {
        "value": share.key,
        "name": share.name,
        "opened": share.count,
        "self_healed": share.healed,
        "acknowledge": _summary(share.acknowledge),
        "resolve": _summary(share.resolve),
    }


def _summary(own: Summary) -> dict[str, float | int | None]:
    return {"n": own.count, "median": own.median, "p90": own.p90, "mean": own.mean}
