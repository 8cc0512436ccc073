"""A rule's numbers in the unit that they are compared in."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from console.alerting.condition import Comparison, Condition
from console.metrics.catalogue import CATALOGUE
from console.telemetry.metric import Format
from console.web.filters import measured

LARGE = 1e15
"""From here on a number is shown by its power of ten."""
MEMBERS = ("firing rule", "firing rules")
"""What the number of a composite rule counts."""
Words = Callable[[float], str]


def in_units(condition: Condition, metric_id: str, *, is_composite: bool = False) -> Condition:
    """The condition whose reasons say what its numbers are of."""
    if is_composite:
        named = partial(_counted, _digits, MEMBERS)
        return replace(condition, words=_digits, subject=named)
    compare = condition.compare
    return replace(condition, words=words(metric_id, compare), subject=subject(metric_id, compare))


def words(metric_id: str, compare: Comparison | None) -> Words:
    """What writes a level: "5.07%", "1.20 s", "470%", "300" of error events.

    It is plain text: reasons are kept with incidents, sent in messages and read by scripts.
    """
    if compare == "percent":
        return _percent
    if compare == "deviation":
        return _deviations
    metric = CATALOGUE.get(metric_id)
    if metric is None:
        return _digits
    if metric.format == "number" and not metric.noun:
        return partial(_in_unit, metric.unit)
    return partial(_measured, metric.format)


def subject(metric_id: str, compare: Comparison | None) -> Words:
    """What writes the number that is compared with levels, and says what it is: "1 error event"."""
    metric, own = CATALOGUE.get(metric_id), words(metric_id, compare)
    if compare == "percent":
        return lambda number: f"{own(number)} of the earlier period"
    if metric is None or compare == "deviation":
        return own
    named = partial(_counted, own, metric.nouns) if metric.noun else own
    if compare == "absolute":
        return lambda number: f"a difference of {named(number)}"
    return named


def _percent(number: float) -> str:
    return f"{_digits(number)}%"


def _deviations(number: float) -> str:
    return f"{_digits(number, 3)} deviation{'' if abs(number) == 1 else 's'}"


def _counted(words: Words, nouns: tuple[str, str], number: float) -> str:
    text = words(number)
    return f"{text} {nouns[text != '1']}"


def _measured(kind: Format, number: float) -> str:
    return _digits(number) if kind == "number" else str(measured(number, kind))


def _in_unit(unit: str, number: float) -> str:
    return f"{_digits(number)} {unit}"


def _digits(number: float, significant: int = 4) -> str:
    """A few digits of a small number, all whole digits of a larger one, and never markup."""
    if 1000 <= abs(number) < LARGE:
        return f"{number:,.0f}"
    return f"{number:.{significant}g}"
