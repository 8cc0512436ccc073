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
from console.telemetry.vitals import DAY_SECONDS, Vital, Vitals, VitalsWanted
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
    by_name = {one.name: one for one in pages}
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
    found = vitals.overview(scope, wanted)
    if not found.loads:
        abort(404, "No load of this page in this time.")
    metric = form.chosen.name
    return jsonify(
        period(scope)
        | {"page": form.page.data, "metric": metric}
        | _all(found, limits)
        | _splits(scope, wanted, limits)
        | _series(scope, wanted, metric, step)
        | {
            "causes": [asdict(one) for one in _causes(scope, wanted, metric)],
            "worst": [_load(one) for one in vital_causes.worst(scope, wanted, metric)],
            "url": url("performance.vitals_page", page=form.page.data),
        }
    )


def _all(found: Vitals, limits: Mapping[str, float]) -> dict[str, Any]:
    metrics = {name: _vital(one, limits.get(name)) for name, one in found.metrics.items()}
    return {"loads": found.loads, "metrics": metrics}


def _vital(one: Vital, limit: float | None) -> dict[str, Any]:
    metric = BY_NAME[one.metric]
    return {
        "p75": round(one.p75, 4),
        "rating": metric.rating(one.p75),
        "loads": one.loads,
        "good": one.good,
        "needs_improvement": one.needs_improvement,
        "poor": one.poor,
        "threshold": limit,
        "over_threshold": limit is not None and one.p75 > limit,
        "legacy": metric.is_legacy,
    }


def _splits(scope: Scope, wanted: VitalsWanted, limits: Mapping[str, float]) -> dict[str, Any]:
    devices = vitals.by(scope, wanted, "device")
    releases = vitals.by(scope, wanted, "release", limit=20)
    return {
        "devices": [{"device": one.name} | _all(one, limits) for one in devices],
        "releases": [{"release": one.name} | _all(one, limits) for one in releases],
    }


def _step(scope: Scope, asked: int | None) -> int:
    """The seconds of a step: hours, or whole days, which are quick to ask for."""
    length = scope.length.total_seconds()
    seconds = asked or (HOUR if length <= 2 * DAY_SECONDS else DAY_SECONDS)
    if length / seconds > MOST_STEPS:
        abort(400, f"step: at most {MOST_STEPS:,} steps in one answer.")
    return seconds


def _series(scope: Scope, wanted: VitalsWanted, metric: str, step: int) -> dict[str, Any]:
    found = vitals.trend(scope, wanted, metric, step)
    series = [
        {"at": at.isoformat(), "loads": one.loads, "p75": round(one.p75, 4)}
        if one
        else {"at": at.isoformat(), "loads": 0, "p75": None}
        for at, one in zip(found.starts, found.vitals, strict=True)
    ]
    return {"step": step, "series": series}


def _causes(scope: Scope, wanted: VitalsWanted, metric: str) -> list[Cause]:
    """What made a metric; nobody says it of those that have no attribution."""
    known = metric in vital_causes.PARTS
    return vital_causes.causes(scope, wanted, metric) if known else []


def _load(one: WorstLoad) -> dict[str, Any]:
    at, trace_id = one.timestamp.isoformat(), one.trace_id or None
    address = url("performance.trace", trace_id=trace_id, at=at) if trace_id else None
    return asdict(one) | {"timestamp": at, "trace_id": trace_id, "url": address}
