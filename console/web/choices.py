"""The options of a select, as WTForms takes them."""

from collections.abc import Iterable
from typing import Any

from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]


def choices(pairs: Iterable[tuple[Any, str]]) -> list[Any]:
    """Options from (value, label) pairs; WTForms 3.3 warns about plain pairs, 4 refuses them."""
    return [SelectChoice(value, label) for value, label in pairs]
