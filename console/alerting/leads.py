"""Where a rule's number leads: the pages that list the rows behind it, with its filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import current_app

from console.alerting.definition import Definition
from console.alerting.explain import Explanation
from console.web.timerange import scoped_url


@dataclass(frozen=True, slots=True)
class Lead:
    """A link with its text."""

    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A page that lists rows: the parameters that take a dimension, and the ones that stay."""

    endpoint: str
    text: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)


_ISSUES = _Place(
    endpoint="errors.inbox",
    text="The issues of this time",
    parameters={"release": "release", "level": "level", "kind": "q", "transaction": "q"},
    fixed={"status": "all", "sort": "events"},
)
_PLACES = {
    "requests": _Place(
        endpoint="performance.traces",
        text="The requests of this time",
        parameters={"endpoint": "name", "release": "release"},
        fixed={"sort": "duration"},
    ),
    "statements": _Place(
        endpoint="performance.statements", text="The database statements of this time"
    ),
    "vitals": _Place(
        endpoint="performance.vitals",
        text="The page loads of this time",
        parameters={"release": "release", "page": "q", "device": "device"},
    ),
    "errors": _ISSUES,
    "issues": _ISSUES,
    "intake": _Place(endpoint="intake.intake", text="What arrived in this time"),
    "checks": _Place(endpoint="uptime.checks", text="The checks"),
}
"""By the first part of a metric's id."""


def rows_behind(
    definition: Definition, value: str, since: datetime, until: datetime
) -> Lead | None:
    """The page with the rows of a window, filtered as the rule filters; None if there is none."""
    place = _PLACES.get(definition.metric.split(".")[0])
    if place is None or place.endpoint not in current_app.view_functions:
        return None
    chosen = _chosen(definition, value)
    named = {
        parameter: chosen[dimension]
        for dimension, parameter in place.parameters.items()
        if dimension in chosen
    }
    return Lead(
        place.text,
        scoped_url(place.endpoint, **_time(definition, since, until), **place.fixed, **named),
    )


def rows_explained(explanation: Explanation) -> Lead | None:
    """The rows behind an explanation; None where nothing was evaluated."""
    definition, evaluation = explanation.definition, explanation.evaluation
    if definition is None or evaluation is None or explanation.since is None:
        return None
    return rows_behind(definition, explanation.value, explanation.since, evaluation.at)


def number_over(
    definition: Definition,
    since: datetime,
    until: datetime,
    *,
    only: tuple[str, str] | None = None,
    by: str | None = None,
) -> str:
    """The page of the rule's metric over a time; `only` filters by the value of a dimension."""
    arguments: dict[str, Any] = {"metric": definition.metric, "by": by}
    if only:
        arguments |= {"only": only[0], "value": only[1]}
    return scoped_url("metrics.metrics", **_time(definition, since, until), **arguments)


def _chosen(definition: Definition, value: str) -> dict[str, str]:
    """The values that dimensions have in the rule's rows, where it is one value."""
    chosen = {name: values[0] for name, values in definition.where.items() if len(values) == 1}
    if definition.release:
        chosen["release"] = definition.release
    if definition.by and value:
        chosen[definition.by] = value
    return chosen


def _time(definition: Definition, since: datetime, until: datetime) -> dict[str, str | None]:
    """The top bar's parameters: exactly this time, whatever the present page shows."""
    return {
        "since": since.isoformat(timespec="seconds"),
        "until": until.isoformat(timespec="seconds"),
        "range": None,
        "compare": None,
        "zone": None,
        "environment": definition.environment or None,
    }
