"""The catalogue and its series for scripts, as docs/api.md says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from console.accounts.access import api_view
from console.accounts.models import Project
from console.metrics.catalogue import CATALOGUE, group_of
from console.metrics.forms import MetricQuestion
from console.telemetry.metric import Course, Metric
from console.telemetry.scope import Scope
from console.web import api
from console.web.forms import valid

STEPS = 96
bp = Blueprint(
    "metrics_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/metrics"
)


@bp.get("")
@api_view("metrics:read")
def metrics(project: Project) -> Response:
    del project  # every project has the same metrics
    return jsonify({"metrics": [_described(metric) for metric in CATALOGUE.values()]})


@bp.get("/<metric_name>")
@api_view("metrics:read")
def series(project: Project, metric_name: str) -> Response:
    metric = CATALOGUE.get(metric_name)
    if metric is None:
        abort(404, f"Unknown metric {metric_name[:100]}.")
    form = valid(MetricQuestion(request.args, metric=metric))
    scope = Scope.of(project, form.shown, release=form.release.data or "")
    step = form.step.data or max(60, int(scope.length.total_seconds()) // STEPS)
    parts = form.given.series(scope, step, form.by.data or None, where=form.where.data)
    answer: dict[str, Any] = {
        "metric": _described(metric),
        "step": step,
        "series": [
            {"value": value, "points": _points(scope, step, course)}
            for value, course in parts.by_value.items()
        ],
        "rest": _points(scope, step, parts.rest) if parts.rest else None,
    }
    return jsonify(api.period(scope) | answer)


def _points(scope: Scope, step: int, course: Course) -> list[dict[str, Any]]:
    numbers = zip(course.numbers, course.samples, strict=True)
    return [
        {"at": api.time(scope.since + timedelta(seconds=step * place)), "number": n, "samples": s}
        for place, (n, s) in enumerate(numbers)
    ]


def _described(metric: Metric) -> dict[str, Any]:
    return {
        "id": metric.id,
        "title": metric.title,
        "group": group_of(metric),
        "unit": metric.unit,
        "format": metric.format,
        "better": metric.better,
        "minimum_samples": metric.least,
        "without_rows": metric.empty,
        "dimensions": list(metric.dimensions),
        "parameters": [
            {"name": parameter.name, "title": parameter.title, "unit": parameter.unit}
            for parameter in metric.parameters
        ],
    }
