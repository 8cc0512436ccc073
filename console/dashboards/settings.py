"""The settings that tiles have, each declared once: how it is checked, for documents and forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from console.dashboards import formula
from console.metrics.asking import fault_of
from console.metrics.catalogue import CATALOGUE

MOST_QUERIES, MOST_FILTERS, MOST_PARTS = 6, 8, 20
LONGEST_VALUE, LONGEST_MARKDOWN = 200, 20_000
A_VARIABLE = re.compile(r"\$([a-z][a-z0-9_]{0,29})", re.ASCII)
Faults = Iterator[tuple[str, str]]
Check = Callable[[Any, Collection[str]], Faults]
"""What is wrong with a value, by name; the collection has the names of variables."""


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """A setting of tiles, by the name that documents write."""

    name: str
    title: str
    faults: Check
    help: str = ""
    is_needed: bool = False


def is_text(value: object, longest: int) -> bool:
    """Whether it is a text without characters that no database takes, and not too long."""
    return isinstance(value, str) and len(value) <= longest and "\0" not in value


def _queries(value: Any, variables: Collection[str]) -> Faults:
    """The metrics of a tile, each with its filters: a, b, c … in formulas."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_QUERIES:
        yield "queries", f"A list of 1 to {MOST_QUERIES} metrics."
        return
    for place, query in enumerate(value):
        path = f"queries.{place}"
        if not isinstance(query, Mapping):
            yield path, "An object with a metric."
            continue
        for name in sorted(set(map(str, query)) - {"metric", "where", "parameters", "name"}):
            yield f"{path}.{name[:50]}", "Unknown field."
        metric = CATALOGUE.get(query["metric"]) if is_text(query.get("metric"), 100) else None
        if metric is None:
            yield f"{path}.metric", "Unknown metric."
            continue
        if not is_text(query.get("name", ""), 100):
            yield f"{path}.name", "A text of at most 100 characters."
        yield from _where(query.get("where", {}), f"{path}.where", metric.dimensions, variables)
        yield from _parameters(query.get("parameters", {}), path, metric.id)


def _where(
    value: Any, path: str, dimensions: Collection[str], variables: Collection[str]
) -> Faults:
    if not isinstance(value, Mapping) or len(value) > MOST_FILTERS:
        yield path, f"An object with at most {MOST_FILTERS} dimensions and their values."
        return
    for name, own in value.items():
        if name not in dimensions:
            yield f"{path}.{str(name)[:50]}", f"One of {', '.join(dimensions)}."
        elif not is_text(own, LONGEST_VALUE):
            yield f"{path}.{name}", f"A text of at most {LONGEST_VALUE} characters."
        elif (used := A_VARIABLE.fullmatch(own)) and used.group(1) not in variables:
            yield f"{path}.{name}", f"The dashboard has no variable {used.group(1)}."


def _parameters(value: Any, path: str, metric_id: str) -> Faults:
    metric = CATALOGUE[metric_id]
    needed = {parameter.name: parameter for parameter in metric.parameters}
    if not isinstance(value, Mapping) or set(value) - set(needed):
        yield f"{path}.parameters", f"Of {metric.title}: {', '.join(needed) or 'none'}."
        return
    for name, own in value.items():
        if isinstance(own, bool) or not isinstance(own, int | float):
            yield f"{path}.parameters.{name}", "A number."
        elif wrong := fault_of(needed[name], float(own)):
            yield f"{path}.parameters.{name}", wrong


def _formula(value: Any, _variables: Collection[str]) -> Faults:
    if not is_text(value, formula.LONGEST):
        yield "formula", f"A text of at most {formula.LONGEST} characters."
    elif value and (wrong := formula.fault(value)):
        yield "formula", wrong


def _by(value: Any, _variables: Collection[str]) -> Faults:
    if not is_text(value, 60):
        yield "by", "The name of a dimension."


def _limit(value: Any, _variables: Collection[str]) -> Faults:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_PARTS:
        yield "limit", f"A whole number from 1 to {MOST_PARTS}."


def _compare(value: Any, _variables: Collection[str]) -> Faults:
    if not isinstance(value, bool):
        yield "compare", "true or false."


def _threshold(value: Any, _variables: Collection[str]) -> Faults:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e15:
        yield "threshold", "A number, or null."


def _text(value: Any, _variables: Collection[str]) -> Faults:
    if not is_text(value, LONGEST_MARKDOWN):
        yield "text", f"Markdown of at most {LONGEST_MARKDOWN:,} characters."


def _project(value: Any, _variables: Collection[str]) -> Faults:
    if not is_text(value, 100):
        yield "project", "The slug of a project, or empty for all projects of the dashboard."


def _chosen(name: str) -> Check:
    """A value of those that the kind offers."""

    def faults(value: Any, _variables: Collection[str]) -> Faults:
        if not is_text(value, 40):
            yield name, "A text."

    return faults


def _narrowing(name: str) -> Check:
    """A value that a list is narrowed to, or a variable that stands for one."""

    def faults(value: Any, variables: Collection[str]) -> Faults:
        if not is_text(value, LONGEST_VALUE):
            yield name, f"A text of at most {LONGEST_VALUE} characters."
        elif (used := A_VARIABLE.fullmatch(value)) and used.group(1) not in variables:
            yield name, f"The dashboard has no variable {used.group(1)}."

    return faults


SETTINGS: Mapping[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("queries", "Metrics", _queries, is_needed=True),
        Setting("formula", "Formula", _formula, "Over the metrics a, b, c …, as in a / b * 100."),
        Setting("by", "Broken down by", _by),
        Setting("limit", "Most parts", _limit, f"At most {MOST_PARTS}; 6 by default."),
        Setting("window", "Time", _chosen("window"), "Instead of the dashboard's time range."),
        Setting("grain", "Each bucket at least", _chosen("grain")),
        Setting("compare", "Draw the period that the dashboard compares with", _compare),
        Setting("threshold", "Threshold", _threshold, "A line at this number."),
        Setting("state", "Which ones", _chosen("state")),
        Setting("sort", "First the ones with most", _chosen("sort")),
        Setting("endpoint", "Endpoint", _narrowing("endpoint"), "Method and route; or empty."),
        Setting("page", "Page", _narrowing("page"), "Empty for all."),
        Setting("device", "Device", _narrowing("device"), "desktop, mobile or tablet; or empty."),
        Setting("text", "Text", _text, "Markdown. $name stands for the value of a variable."),
        Setting("project", "Project", _project, "Its slug; empty for all of the dashboard."),
    )
}
