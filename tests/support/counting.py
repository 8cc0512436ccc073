"""What numbers that are counted in plain Python are made with."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil, floor
from typing import Any

Row = Mapping[str, Any]
Number = tuple[float | None, int]


def quantile(numbers: Sequence[float], share: float) -> float:
    """Between the two nearest ranks interpolated, as the lists and charts do."""
    ordered, place = sorted(numbers), (len(numbers) - 1) * share
    low, high = ordered[floor(place)], ordered[ceil(place)]
    return low + (high - low) * (place - floor(place))


def of_all(number: Callable[[Sequence[Row]], float]) -> Callable[[Sequence[Row]], Number]:
    return lambda rows: (number(rows), len(rows))
