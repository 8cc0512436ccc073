"""Lists, objects and numbers as Sentry's clients mean them, whatever their languages write."""

from collections.abc import Mapping
from typing import Any

NUMBER_DIGITS = 10  # of a line or a level; longer numbers are dropped


def objects(raw: Any) -> list[dict[str, Any]]:
    """The objects of an interface that is a list, or an object with the list under "values"."""
    listed = raw["values"] if isinstance(raw, dict) and "values" in raw else raw
    return [element for element in elements(listed) if isinstance(element, dict)]


def elements(raw: Any) -> list[Any]:
    """The elements that are set; of an object, too, as which PHP writes an array with gaps."""
    if isinstance(raw, dict) and all(map(str.isdecimal, raw)):
        raw = list(raw.values())
    return [element for element in raw if element is not None] if isinstance(raw, list) else []


def named(raw: Any) -> dict[str, Any]:
    """Values by name; what came as a list has its numbers as names: getsentry/sentry-php#1649."""
    if isinstance(raw, list):
        return {str(number): value for number, value in enumerate(raw)}
    return raw if isinstance(raw, dict) else {} if raw in (None, "") else {"value": raw}


def whole(number: Any) -> Any:
    """A number as one, from clients whose language writes "12" or 12.0."""
    if isinstance(number, str) and number.isdecimal() and len(number) < NUMBER_DIGITS:
        return int(number)
    if isinstance(number, float) and number.is_integer() and abs(number) < 10**NUMBER_DIGITS:
        return int(number)
    return number


def mapping(raw: Any) -> Mapping[str, Any]:
    """The object, or an empty one for anything else."""
    return raw if isinstance(raw, dict) else {}
