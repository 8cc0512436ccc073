"""What a command refuses is what the form of the pages refuses."""

from collections.abc import Sequence
from typing import TypeVar

import click
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict

F = TypeVar("F", bound=FlaskForm)


def checked(form: type[F], **fields: str | Sequence[str]) -> F:
    """The form of the pages with these fields, so that a command refuses what a page would."""
    given = MultiDict({name: value for name, value in fields.items() if value})
    filled: F = form(formdata=given, meta={"csrf": False})
    if not filled.validate():
        name, problems = next(iter(filled.errors.items()))
        raise click.ClickException(f"{name}: {problems[0]}")
    return filled
