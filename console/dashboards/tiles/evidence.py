"""Where the evidence of a number is: the page that lists what it counts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from console.accounts.models import Project
from console.metrics.subjects import Subjects, named
from console.telemetry.metric import Metric
from console.telemetry.tile import TileProject, Viewing

HERE = {"environment": "environment", "release": "release"}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A page, its fields by the dimensions that they filter by, and what it is asked anyway."""

    endpoint: str
    fields: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)


TRACES = Evidence("performance.traces", {**HERE, "endpoint": "name", "category": "category"})
ISSUES = Evidence(
    "errors.inbox", {**HERE, "level": "level", "kind": "q", "transaction": "q"}, {"status": "all"}
)
BY_GROUP = {
    "requests": TRACES,
    "statements": Evidence("performance.statements", HERE),
    "vitals": Evidence("performance.vitals", {**HERE, "page": "q", "device": "device"}),
    "errors": ISSUES,
    "issues": ISSUES,
    "findings": Evidence(
        "errors.inbox", ISSUES.fields, {"status": "all", "category": "performance"}
    ),
    "sessions": ISSUES,
    "checks": Evidence("uptime.checks"),
    "intake": Evidence("intake.intake"),
    "rules": Evidence("alerting.rules"),
    "incidents": Evidence("alerting.incidents", {"rule": "rule"}, {"state": "all"}),
    "people": TRACES,
}
BY_METRIC = {
    "requests.failures": {"failed": "1"},
    "requests.error_rate": {"failed": "1"},
    **{f"requests.{name}": {"sort": "duration"} for name in ("p50", "p95", "p99", "time")},
    "incidents.unanswered": {"state": "open"},
}
"""What the page of some numbers is asked beside: only what failed, the slowest first."""


def evidence(
    viewing: Viewing,
    project: TileProject,
    metric: Metric,
    where: Mapping[str, str],
    bounds: tuple[datetime, datetime] | None = None,
) -> str:
    """The page with what a number counts, of part of the time if `bounds` says so; "" for none."""
    place = BY_GROUP.get(metric.id.split(".")[0])
    if place is None:
        return ""
    asked: dict[str, Any] = {**place.fixed, **BY_METRIC.get(metric.id, {})}
    asked |= {place.fields[name]: own for name, own in where.items() if name in place.fields}
    if bounds is not None:
        since, until = bounds
        asked |= {"range": None, "since": since.isoformat(), "until": until.isoformat()}
    return viewing.way(project, place.endpoint, **asked)


def subjects(project: TileProject, by: str | None, values: Collection[str]) -> Subjects:
    """What people call the values of a breakdown, and where the pages about them are."""
    return named(cast("Project", project), by, values) if by else Subjects()


def own_page(viewing: Viewing, project: TileProject, known: Subjects, value: str) -> str:
    """The page about a value of a breakdown, "" if there is none."""
    endpoint, asked = known.pages.get(value, ("", {}))
    return viewing.way(project, endpoint, **asked) if endpoint else ""
