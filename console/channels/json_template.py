"""Templates of JSON: `{{ name }}` becomes a value, written as its place demands.

Inside a string, a value's characters are escaped; elsewhere it is a whole JSON value. So no value
can end a string or add a member. The time is linear in the template and its values, nothing is
evaluated, and the result is read as JSON before it is sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from console.channels.checks import is_whole

LONGEST_TEMPLATE = 20_000
MOST_PLACES = 200
MOST_BYTES = 256 * 1024
MOST_LEVELS = 50
"""Of lists and objects inside of each other: to draw them takes time for each of their levels."""
TOO_DEEP = f"The result has more than {MOST_LEVELS} levels."
OPENS, CLOSES = "{{", "}}"


class TemplateError(ValueError):
    """A template cannot be used; the text is a sentence that says where and why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value goes: `{{ name }}`, or `{{ name:80 }}` for at most 80 characters of it."""

    name: str
    longest: int | None
    is_inside: bool
    """Whether it stands inside a string."""
    line: int


Piece = str | Place


def filled(template: str, values: Mapping[str, Any]) -> str:
    """The JSON that a template and values make; raises TemplateError."""
    written: list[str] = []
    size = 0
    for piece in pieces(template):
        text = piece if isinstance(piece, str) else _written(piece, values)
        size += len(text.encode())
        if size > MOST_BYTES:
            raise TemplateError(f"The result is larger than {MOST_BYTES // 1024} KB.")
        written.append(text)
    result = "".join(written)
    _require_json(result)
    return result


def pieces(template: str) -> Sequence[Piece]:
    """The texts and places of a template, in order; raises TemplateError."""
    if len(template) > LONGEST_TEMPLATE:
        raise TemplateError(f"A template has at most {LONGEST_TEMPLATE:,} characters.")
    if not is_whole(template):
        raise TemplateError("The template has half a character in it.")
    parts = list(_pieces(template))
    if sum(isinstance(part, Place) for part in parts) > MOST_PLACES:
        raise TemplateError(f"A template has at most {MOST_PLACES} values.")
    return parts


def _pieces(template: str) -> Iterator[Piece]:
    is_inside, start, at, line = False, 0, 0, 1
    while at < len(template):
        character = template[at]
        if template.startswith(OPENS, at):
            end = template.find(CLOSES, at)
            if end < 0:
                raise TemplateError(f"Line {line}: {OPENS} has no {CLOSES}.")
            yield template[start:at]
            yield _place(template[at + 2 : end], is_inside, line)
            line += template.count("\n", at, end)
            start = at = end + 2
            continue
        if character == '"':
            is_inside = not is_inside
        line += character == "\n"
        at += 2 if is_inside and character == "\\" else 1  # what is escaped ends no string
    yield template[start:]


def _place(text: str, is_inside: bool, line: int) -> Place:  # noqa: FBT001 - where, as Place has it
    name, colon, longest = (part.strip() for part in text.partition(":"))
    if not name.replace("_", "a").isalnum():
        raise TemplateError(f"Line {line}: {name[:40]!r} is no name of a value.")
    if not colon:
        return Place(name, None, is_inside, line)
    if not (longest.isascii() and longest.isdigit() and 0 < len(longest) < 6) or not int(longest):
        raise TemplateError(f"Line {line}: {name}:{longest[:20]} does not end with a number.")
    if not is_inside:
        raise TemplateError(f"Line {line}: only inside of quotes can {name} be cut.")
    return Place(name, int(longest), is_inside, line)


def _written(place: Place, values: Mapping[str, Any]) -> str:
    if place.name not in values:
        near = get_close_matches(place.name[:40], list(values), 1)
        hint = f" Do you mean {near[0]}?" if near else ""
        raise TemplateError(f"Line {place.line}: there is no value {place.name[:40]}.{hint}")
    value = values[place.name]
    if not place.is_inside:
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Mapping | list):
        raise TemplateError(
            f"Line {place.line}: {place.name} is a list. Write it without quotes around it."
        )
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    if place.longest and len(text) > place.longest:
        text = text[: place.longest - 1] + "…"
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _require_json(text: str) -> None:
    try:
        _require_flat(json.loads(text, parse_constant=_no_number))
    except json.JSONDecodeError as error:
        around = " ".join(text[max(error.pos - 20, 0) : error.pos + 20].split())
        raise TemplateError(
            f"The result is not JSON: {error.msg}, line {error.lineno}, column {error.colno},"
            f" near {around!r}."
        ) from None
    except RecursionError:
        raise TemplateError(TOO_DEEP) from None
    except TemplateError:
        raise
    except ValueError:  # a number of more digits than are read
        raise TemplateError("The result cannot be used: a number in it is too long.") from None


def _require_flat(document: Any) -> None:
    level = [document]
    for _ in range(MOST_LEVELS + 1):
        lists = [value for value in level if isinstance(value, list)]
        lists += [list(value.values()) for value in level if isinstance(value, dict)]
        if not lists:
            return
        level = [value for values in lists for value in values]
    raise TemplateError(TOO_DEEP)


def _no_number(name: str) -> None:
    raise TemplateError(f"The result is not JSON: {name} is no number.")
