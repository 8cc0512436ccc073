"""Values of a JSON file that may hold anything: each is read as a type, or as nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.web.incoming import clean

Json = Mapping[str, Any]


def mapping(value: object) -> Json:
    """An object; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def mappings(value: object) -> list[Json]:
    """The objects of a list."""
    return [own for own in value if isinstance(own, Mapping)] if isinstance(value, list) else []


def text_of(value: object) -> str:
    """A text that can be stored; "" for anything else."""
    return clean(value) if isinstance(value, str) else ""


def integer(value: object, least: int, most: int, default: int) -> int:
    """A whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:  # noqa: PLR0124 - not a number
        return default
    return int(min(max(value, least), most))


def short(text: str, longest: int) -> str:
    """A text on one line, cut with an ellipsis."""
    plain = " ".join(text.split())
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
