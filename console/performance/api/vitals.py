"""Web vitals for scripts, as docs/api.md says."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from flask import Response, abort, jsonify, request
from wtforms.validators import NumberRange, Optional

from console.accounts.access import api_view
from console.accounts.models import Project
from console.performance import queries
from console.performance.api.blueprint import SCOPE, bp, scope_of
from console.performance.forms.vitals import VitalsFilter, VitalsPageFilter
from console.performance.vitals import cards as vital_cards
from console.telemetry import vital_causes, vitals
from console.telemetry.scope import Scope
from console.telemetry.vital_causes import Cause, WorstLoad
from console.telemetry.vital_splits import SECONDS_OF_A_DAY, VitalsWanted
from console.telemetry.vitals import Vital, Vitals
from console.telemetry.web_vitals import BY_NAME
from console.web.api import Period, period, url
from console.web.forms import IntegerField, valid

MOST_PAGES = 500
MOST_STEPS = 1_000
HOUR = 3600


class Pages(VitalsFilter, Period):
    """Which page loads, and the order of their pages."""


class OnePage(VitalsPageFilter, Period):
    """Which page, and in which steps of time."""

    step = IntegerField("Seconds per step", [Optional(), NumberRange(60, 86_400 * 30)])


@bp.get("/vitals")
@api_view(SCOPE)
def board(project: Project) -> Response:
    form = valid(Pages(request.args))
    scope, wanted = scope_of(project, form, release=form.release.data or ""), form.wanted
    limits = vital_cards.limits(queries.monitoring(project))
    pages = vitals.by(scope, wanted, "page", MOST_PAGES)
    rows = vital_cards.ordered(vital_cards.rows(pages, form.chosen.name), form.sort.data)
    by_name = {page.name: page for page in pages}
    return jsonify(
        period(scope)
        | _all(vitals.overview(scope, wanted), limits)
        | {
            "pages": [
                {"page": row.name, "impact": round(row.impact, 4)}
                | _all(by_name[row.name], limits)
                | {"url": url("performance.vitals_page", page=row.name)}
                for row in rows
            ]
        }
        | _splits(scope, wanted, limits)
    )


@bp.get("/vitals/page")
@api_view(SCOPE)
def one_page(project: Project) -> Response:
    form = valid(OnePage(request.args))
    scope, wanted = scope_of(project, form, release=form.release.data or ""), form.wanted
    limits, step = vital_cards.limits(queries.monitoring(project)), _step(scope, form.step.data)
    overview = vitals.overview(scope, wanted)
    if not overview.loads:
        abort(404, "No load of this page in this time.")
    metric = form.chosen.name
    return jsonify(
        period(scope)
        | {"page": form.page.data, "metric": metric}
        | _all(overview, limits)
        | _splits(scope, wanted, limits)
        | _series(scope, wanted, metric, step)
        | {
            "causes": [asdict(cause) for cause in _causes(scope, wanted, metric)],
            "worst": [_load(load) for load in vital_causes.worst(scope, wanted, metric)],
            "url": url("performance.vitals_page", page=form.page.data),
        }
    )


def _all(group: Vitals, limits: Mapping[str, float]) -> dict[str, Any]:
    metrics = {name: _vital(vital, limits.get(name)) for name, vital in group.metrics.items()}
    return {"loads": group.loads, "metrics": metrics}


def _vital(vital: Vital, limit: float | None) -> dict[str, Any]:
    metric = BY_NAME[vital.metric]
    return {
        "p75": round(vital.p75, 4),
        "rating": metric.rating(vital.p75),
        "loads": vital.loads,
        "good": vital.good,
        "needs_improvement": vital.needs_improvement,
        "poor": vital.poor,
        "threshold": limit,
        "over_threshold": limit is not None and vital.p75 > limit,
        "legacy": metric.is_legacy,
    }


def _splits(scope: Scope, wanted: VitalsWanted, limits: Mapping[str, float]) -> dict[str, Any]:
    devices = vitals.by(scope, wanted, "device")
    releases = vitals.by(scope, wanted, "release", limit=20)
    return {
        "devices": [{"device": device.name} | _all(device, limits) for device in devices],
        "releases": [{"release": release.name} | _all(release, limits) for release in releases],
    }


def _step(scope: Scope, asked: int | None) -> int:
    """The seconds of a step: hours, or whole days, which are fast to query."""
    length = scope.length.total_seconds()
    seconds = asked or (HOUR if length <= 2 * SECONDS_OF_A_DAY else SECONDS_OF_A_DAY)
    if length / seconds > MOST_STEPS:
        abort(400, f"step: at most {MOST_STEPS:,} steps in one answer.")
    return seconds


def _series(scope: Scope, wanted: VitalsWanted, metric: str, step: int) -> dict[str, Any]:
    moments = vitals.trend(scope, wanted, metric, step)
    series = [
        {"at": at.isoformat(), "loads": vital.loads, "p75": round(vital.p75, 4)}
        if vital
        else {"at": at.isoformat(), "loads": 0, "p75": None}
        for at, vital in zip(moments.starts, moments.vitals, strict=True)
    ]
    return {"step": step, "series": series}


def _causes(scope: Scope, wanted: VitalsWanted, metric: str) -> list[Cause]:
    """What made a metric; [] for metrics without attribution."""
    known = metric in vital_causes.PARTS
    return vital_causes.causes(scope, wanted, metric) if known else []


def _load(load: WorstLoad) -> dict[str, Any]:
    at, trace_id = load.timestamp.isoformat(), load.trace_id or None
    address = url("performance.trace", trace_id=trace_id, at=at) if trace_id else None
    return asdict(load) | {"timestamp": at, "trace_id": trace_id, "url": address}
