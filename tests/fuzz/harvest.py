"""What each view asks for: the fields of its forms and the names it looks up in the query."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import getsource, isfunction, unwrap
from pathlib import Path
from typing import Any

from flask import Flask
from wtforms import Form
from wtforms.fields.core import UnboundField

import console

CONSOLE = Path(console.__file__).parent
LOOKED_UP = re.compile(
    r"""(?:args|form|values|cookies)(?:\.get|\.getlist|\.pop)?[\[(]\s*["'](\w+)["']|counted\(["'](\w+)"""
)
NAMED = re.compile(r"""\bname="([a-z_]{1,30})\"""")
DEPTH = 3


@dataclass(frozen=True)
class Asked:
    """A field by its name; `offers` are values that it takes, if it has a list of them."""

    name: str
    kind: str = "StringField"
    offers: tuple[str, ...] = ()


def asked_by(app: Flask, endpoint: str) -> list[Asked]:
    """The fields that a view's code, and the functions that it calls, may read."""
    view = unwrap(app.view_functions[endpoint])
    fields: dict[str, Asked] = {}
    for function in _called(view, DEPTH):
        for name in _constants(function):
            fields.setdefault(name, Asked(name))
        for form in _forms(function):
            fields.update((field.name, field) for field in _fields(form))
    return list(fields.values())


def names_of_templates() -> list[str]:
    """Every name of an input in the pages."""
    pages = CONSOLE.joinpath("templates").rglob("*.html")
    return sorted({name for page in pages for name in NAMED.findall(page.read_text())})


def _called(function: Callable[..., Any], depth: int) -> Iterator[Callable[..., Any]]:
    yield function
    if depth == 0:
        return
    for name in _names(function):
        called = function.__globals__.get(name)
        if isfunction(called) and called.__module__.startswith("console."):
            yield from _called(unwrap(called), depth - 1)


def _names(function: Callable[..., Any]) -> set[str]:
    code = function.__code__
    inner = [constant for constant in code.co_consts if hasattr(constant, "co_names")]
    return set(code.co_names).union(*(set(part.co_names) for part in inner))


def _constants(function: Callable[..., Any]) -> list[str]:
    return [one or other for one, other in LOOKED_UP.findall(getsource(function))]


def _forms(function: Callable[..., Any]) -> Iterator[type[Form]]:
    for name in _names(function):
        value = function.__globals__.get(name)
        if isinstance(value, type) and issubclass(value, Form):
            yield value


def _fields(form: type[Form]) -> Iterator[Asked]:
    for name in dir(form):
        field = getattr(form, name, None)
        if isinstance(field, UnboundField):
            given = field.kwargs.get("choices") or ()
            pairs = given() if callable(given) else given
            offers = tuple(str(getattr(choice, "value", choice)) for choice in pairs)
            named = str(field.kwargs.get("name", name))
            yield Asked(named, field.field_class.__name__, offers)
