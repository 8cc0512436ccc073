"""What forms ask for: every field of the console by name, with a value that its checks pass."""

import inspect
from collections.abc import Iterator
from typing import Any

from flask import Flask, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, FormField, SelectField
from wtforms.csrf.core import CSRFTokenField

from console.web.forms import FilterForm, faults

# Values for fields that offer no choices, the most common first.
PLAUSIBLE = (
    "Text", "{}", "10", "x@y.test", "123456", "https://x.test", "a long word that nobody has",
    "2026-11-23T08:00Z",
)  # fmt: skip

OF_ROWS = {
    "CompositeForm",
    "CompositePageForm",
    "RecipientForm",
    "RemovalForm",
    "ReportForm",
    "TogetherForm",
}
"""Forms whose values are names of rows: without a project, nothing passes their checks."""
MOST_CHECKS = 3
"""A form that checks its fields together does so after each by itself."""


def fields_of_forms(app: Flask) -> dict[str, str]:
    """A value for every field that a form has; where forms differ, one that most of them accept.

    A field that its form refuses together with the other values is empty.
    """
    named: dict[str, list[tuple[Form, Field]]] = {}
    with app.test_request_context():
        for form in forms():
            for field in _flat(form):
                named.setdefault(field.name, []).append((form, field))
        fields = {name: _best(places) for name, places in named.items()}
    for _ in range(MOST_CHECKS):
        with app.test_request_context(method="POST", data=fields):
            at_odds = [name for form in forms() if not _valid(form) for name, _ in faults(form)]
        fields |= dict.fromkeys(at_odds, "")
    return fields


def refusing(app: Flask, fields: dict[str, str]) -> set[str]:
    """The names of the forms that these fields do not pass."""
    with app.test_request_context(method="POST", data=fields):
        return {type(form).__name__ for form in forms() if not _valid(form)}


def forms() -> Iterator[Form]:
    """Every form that a page may send, filled from the present request.

    Those that are read from an address are filters, and forms of the API.
    """
    kind: Any
    for kind in dict.fromkeys(_kinds(Form)):
        if kind.__name__ in OF_ROWS:
            continue
        if issubclass(kind, FlaskForm):
            names = inspect.signature(kind.__init__).parameters
            about = ["x@y.test" for name in ("about", "name") if name in names]
            yield kind(*about)
        elif kind.__module__.endswith(".forms") and not issubclass(kind, FilterForm):
            yield kind(request.form)


def _kinds(base: type[Form]) -> Iterator[type[Form]]:
    for kind in base.__subclasses__():
        yield from _kinds(kind)
        if kind.__module__.startswith("console."):
            yield kind


def _flat(form: Form) -> Iterator[Field]:
    """The fields of a form, and of its groups."""
    for field in form:
        if isinstance(field, FormField):
            yield from _flat(field.form)
        elif not isinstance(field, CSRFTokenField):
            yield field


def _best(places: list[tuple[Form, Field]]) -> str:
    offered = [value for _, field in places for value in _choices(field)]
    # The first of the best, as `max` returns it.
    return max((*offered, *PLAUSIBLE), key=lambda value: sum(_passes(*p, value) for p in places))


def _choices(field: Field) -> list[str]:
    """What may be chosen; nothing where the view says it, for its request."""
    if not isinstance(field, SelectField) or field.choices is None:
        return []
    offered: Any = field
    return [str(value) for value, *_ in offered.iter_choices() if value]


def _passes(form: Form, field: Field, value: str) -> bool:
    if getattr(field, "choices", ()) is None:
        return True
    check = getattr(type(form), f"validate_{field.name}", None)
    field.process(MultiDict({field.name: value}))
    return bool(field.validate(form, [check] if check else []))


def _valid(form: Form) -> bool:
    """Whether its checks pass, but for choices that a view offers."""
    for field in form:
        if isinstance(field, SelectField) and field.choices is None:
            field.choices = [(field.data, "")]
    return bool(form.validate())
