"""A rule's numbers in the unit that they are compared in."""

from collections.abc import Callable
from functools import partial

from console.alerting.condition import Comparison
from console.metrics.catalogue import CATALOGUE
from console.telemetry.metric import Format
from console.web.filters import measured

LARGE = 1e15
"""From here on a number is shown by its power of ten."""


def words(metric_id: str, compare: Comparison | None) -> Callable[[float], str]:
    """What writes a number that is compared with levels: "5.07%", "1.20 s", "470%".

    It is plain text: reasons are kept with incidents, sent in messages and read by scripts.
    """
    if compare == "percent":
        return _percent
    if compare == "deviation":
        return _deviations
    metric = CATALOGUE.get(metric_id)
    return partial(_measured, metric.format) if metric else _digits


def _percent(number: float) -> str:
    return f"{_digits(number)}%"


def _deviations(number: float) -> str:
    return f"{_digits(number, 3)} deviation{'' if abs(number) == 1 else 's'}"


def _measured(kind: Format, number: float) -> str:
    return _digits(number) if kind == "number" else str(measured(number, kind))


def _digits(number: float, significant: int = 4) -> str:
    """A few digits of a small number, all whole digits of a larger one, and never markup."""
    if 1000 <= abs(number) < LARGE:
        return f"{number:,.0f}"
    return f"{number:.{significant}g}"
