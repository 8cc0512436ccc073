"""A rule in words: what fires it, for its page, its list and its messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from console.alerting import composite, units
from console.alerting.condition import Gap
from console.alerting.definition import Definition
from console.metrics.catalogue import CATALOGUE, full_title
from console.web.timerange import in_words

MISSING = {
    Gap.OK: "counts as ok",
    Gap.FIRING: "counts as a breach",
    Gap.NO_DATA: "is a state of its own",
}
"""What becomes of missing numbers where it is not nothing."""
ABOVE = {">": "above", ">=": "at or above", "<": "below", "<=": "at or below"}
RECOVERS = {">": "at or below", ">=": "below", "<": "at or above", "<=": "above"}


def sentence(definition: Definition) -> str:
    """The whole rule: what fires it; then when it recovers, and what it makes of missing numbers.

    "Requests: P95 above 300 ms (warning) over the last 5 minutes for 5 minutes. It recovers at
    or below 250 ms; fewer than 20 samples change nothing." What is the same for every rule that
    keeps the defaults is left out.
    """
    fires = _together(definition) if definition.members else _alone(definition)
    clauses = "; ".join(_otherwise(definition))
    return f"{fires}. {clauses[0].upper()}{clauses[1:]}." if clauses else fires


def _alone(definition: Definition) -> str:
    """What fires a rule: "Requests: P95 above 1.00 s (critical) or 500 ms (warning) …"."""
    metric, condition = CATALOGUE.get(definition.metric), definition.condition
    title = full_title(metric) if metric else definition.metric
    levels = " or ".join(
        f"{condition.words(condition.levels[level])} ({level})"
        for level in reversed(condition.ordered)
    )
    parts = [f"{title} {ABOVE[condition.op]} {levels}{_compared(definition)}"]
    parts.append(f"over the last {in_words(definition.window)}")
    if condition.of > 1:
        every = in_words(timedelta(seconds=condition.interval_seconds))
        parts.append(f"in {condition.breaches} of {condition.of} evaluations, one every {every},")
    if condition.pending_seconds:
        parts.append(f"for {_long(condition.pending_seconds)}")
    parts += _where(definition)
    return " ".join(parts).removesuffix(",")


def _together(definition: Definition) -> str:
    """What fires a composite rule: "API latency and Failing requests fire together"."""
    *names, last = composite.names(definition)
    parts = [f"{', '.join(names)} and {last} fire together"]
    if definition.condition.pending_seconds:
        parts.append(f"for {_long(definition.condition.pending_seconds)}")
    return " ".join(parts)


def _otherwise(definition: Definition) -> Iterator[str]:
    """What a rule does beside firing, each a clause; nothing for what rules do by default."""
    condition = definition.condition
    if condition.recovery is not None:
        yield f"it recovers {RECOVERS[condition.op]} {condition.words(condition.recovery)}"
    if condition.keep_firing_seconds:
        yield f"it fires on until all was well for {_long(condition.keep_firing_seconds)}"
    if condition.minimum_samples > 1:
        yield f"fewer than {condition.minimum_samples:,} samples change nothing"
    if condition.no_data in MISSING:
        yield f"missing data {MISSING[condition.no_data]}"
    if condition.on_error in MISSING:
        yield f"an error of its question {MISSING[condition.on_error]}"


def _compared(definition: Definition) -> str:
    compare = definition.condition.compare
    if compare == "deviation":
        return f" from what is usual at this hour of the week{_floor(definition)}"
    if compare is None or definition.shift is None:
        return ""
    than = f"the same time {_long(definition.shift.total_seconds())} earlier"
    of_it = "of" if compare == "percent" else "more than"
    return f" {of_it} {than}{_floor(definition)}"


def _floor(definition: Definition) -> str:
    """The least that a rule compares with: " (counted as at least 10 events)"; "" without one."""
    floor = definition.condition.floor
    if floor is None:
        return ""
    return f" (counted as at least {units.subject(definition.metric, None)(floor)})"


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
