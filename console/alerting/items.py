"""A series that a script hands to the back-test, one JSON value for each evaluation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from console.alerting.condition import Evaluated

MOST_ITEMS = 20_000
ERROR = "error"
MEMBERS = {"value", "samples", "base", "at"}


class BadSeries(ValueError):
    """An item of a series is none; the message names its place."""


def evaluations(items: Sequence[Any], interval: float) -> Iterator[Evaluated]:
    """The evaluations that items describe: numbers, null, "error" or objects with more about them.

    An item without `at` comes one interval after the item before it, the first one at one interval.
    Raises BadSeries at the first item that is something else.
    """
    if len(items) > MOST_ITEMS:
        raise BadSeries(f"series: at most {MOST_ITEMS:,} items.")
    at = 0.0
    for number, item in enumerate(items):
        try:
            evaluated = _evaluation(
                item if isinstance(item, dict) else {"value": item}, at + interval
            )
        except ValueError as error:
            raise BadSeries(f"series[{number}]: {error}") from None
        at = evaluated.at
        yield evaluated


def _evaluation(item: dict[str, Any], following: float) -> Evaluated:
    unknown = item.keys() - MEMBERS
    if unknown:
        raise ValueError(f"there is no {', '.join(sorted(unknown))}.")
    at = _number(item, "at")
    moment = following if at is None else at
    if item.get("value") == ERROR:
        return Evaluated(moment, error="the series says so")
    samples = item.get("samples")
    if samples is not None and (type(samples) is not int or samples < 0):
        raise ValueError("samples is a whole number.")
    return Evaluated(moment, _number(item, "value"), samples, _number(item, "base"))


def _number(item: dict[str, Any], name: str) -> float | None:
    number = item.get(name)
    if number is None:
        return None
    # bool is an int in Python, and is none in JSON.
    if type(number) not in (int, float) or not math.isfinite(number):
        raise ValueError(f"{name} is a number.")
    return float(number)
