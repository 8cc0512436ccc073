"""What is wrong with a question to a metric, and how its parameters are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from console.telemetry.metric import Metric, Parameter
from console.web.forms import number_of

Given = Mapping[str, Sequence[str]]


def dimension_faults(
    metric: Metric, by: str | None, where: Collection[str]
) -> Iterator[tuple[str, str]]:
    """The fields that name a dimension that the metric does not have, and what is wrong."""
    known = ", ".join(metric.dimensions)
    if by and by not in metric.dimensions:
        yield "by", f"{metric.title} can be broken down by {known}."
    for name in sorted(set(where) - set(metric.dimensions)):
        yield "where", f"{metric.title} cannot be filtered by {name}, but by {known}."


def place_faults(metric: Metric, environment: str, release: str) -> Iterator[tuple[str, str]]:
    """The fields that narrow a metric to a place that its rows do not name."""
    given = {"environment": environment, "release": release}
    for name in sorted(name for name, value in given.items() if value):
        if name not in metric.measured.source.heeds:
            yield name, f"{metric.title} is counted for all {name}s together."


def parameter_faults(metric: Metric, given: Given) -> Iterator[tuple[str, str]]:
    """What is wrong with the parameters of a metric: one too few, one too many, not in bounds."""
    needed = {parameter.name: parameter for parameter in metric.parameters}
    for name in sorted(needed.keys() ^ given.keys()):
        verb = "needs" if name in needed else "has no"
        yield "parameters", f"{metric.title} {verb} {name}."
    for name, values in given.items():
        number = number_of(values[0]) if len(values) == 1 else None
        if number is None:
            yield "parameters", f"{name} is a number."
        elif name in needed and (bounds := fault_of(needed[name], number)):
            yield "parameters", f"{name}: {bounds}"


def fault_of(parameter: Parameter, number: float) -> str:
    """Why a parameter cannot be a number, "" if it can."""
    if 0 < number <= parameter.most:
        return ""
    return f"Above 0, and at most {parameter.most:,}."


def numbers_of(given: Given) -> dict[str, float]:
    """The parameters as numbers. Only for parameters without a fault."""
    return {name: float(values[0]) for name, values in given.items()}
