"""A rule in words: what fires it, for its page, its list and its messages."""

from __future__ import annotations

from datetime import timedelta

from console.alerting import composite
from console.alerting.definition import Definition
from console.metrics.catalogue import CATALOGUE, full_title
from console.web.timerange import in_words

ABOVE = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}


def sentence(definition: Definition) -> str:
    """When the rule fires: "Requests: P95 above 1.00 s (critical) or 500 ms (warning) …"."""
    metric, condition = CATALOGUE.get(definition.metric), definition.condition
    if definition.members:
        return _together(definition)
    title = full_title(metric) if metric else definition.metric
    levels = " or ".join(
        f"{condition.words(condition.levels[level])} ({level})"
        for level in reversed(condition.ordered)
    )
    parts = [f"{title} {ABOVE[condition.op]} {levels}{_compared(definition)}"]
    parts.append(f"over the last {in_words(definition.window)}")
    if condition.of > 1:
        parts.append(f"in {condition.breaches} of {condition.of} evaluations")
    if condition.pending_seconds:
        parts.append(f"for {_long(condition.pending_seconds)}")
    parts += _where(definition)
    return " ".join(parts)


def _together(definition: Definition) -> str:
    """A composite rule: "API latency and Failing requests (GET /a) fire together for 5 minutes"."""
    *names, last = composite.names(definition)
    parts = [f"{', '.join(names)} and {last} fire together"]
    if definition.condition.pending_seconds:
        parts.append(f"for {_long(definition.condition.pending_seconds)}")
    return " ".join(parts)


def _compared(definition: Definition) -> str:
    compare = definition.condition.compare
    if compare == "deviation":
        return " from what is usual at this hour of the week"
    if compare is None or definition.shift is None:
        return ""
    than = f"the same time {_long(definition.shift.total_seconds())} earlier"
    return f" of {than}" if compare == "percent" else f" more than {than}"


def _long(seconds: float) -> str:
    """A length of time with its number: "5 minutes", "an hour"."""
    words = in_words(timedelta(seconds=seconds))
    if words[0].isdigit():
        return words
    return f"an {words}" if words == "hour" else f"a {words}"


def _where(definition: Definition) -> list[str]:
    parts = [f"for each {definition.by.replace('_', ' ')}"] if definition.by else []
    parts += [
        f"where {name.replace('_', ' ')} is {' or '.join(values)}"
        for name, values in definition.where.items()
    ]
    if definition.environment:
        parts.append(f"in {definition.environment}")
    if definition.release:
        parts.append(f"of release {definition.release}")
    return parts
