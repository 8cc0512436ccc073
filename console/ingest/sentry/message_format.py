"""A message with its parameters in it: the forms that clients use, in bounded time and room."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

Params: TypeAlias = list[Any] | dict[str, Any]

# Python's own forms but two: "%*d" takes its width from the sender, and the flag of a space is in
# "100% sure" more often than it is meant. Possessive: nothing is tried twice.
_PERCENT = re.compile(
    r"%(?:\((?P<name>[^()%]*+)\))?+[#0\-+]*+\d*+(?:\.\d*+)?+[hlL]?+(?P<kind>.?)", re.DOTALL
)
_BRACES = re.compile(
    r"(?P<twice>\{\{|\}\})"
    r"|\{(?P<name>\w*+)(?:!(?P<kind>[rsa]))?+(?::[^{}]*+)?+\}"
    r"|(?P<odd>[{}])"
)
_NUMBER_KINDS = frozenset("diufFeEgGxXo")
_TEXT_KINDS: dict[str, Callable[[Any], str]] = {"s": str, "r": repr, "a": ascii}
_LARGEST = 1 << 64  # what JSON brings is smaller; digits of more take time by their square


class _Odd(Exception):
    """The template does not go with the parameters."""


def formatted(template: str, params: Any, *, limit: int) -> str:
    """The template with its placeholders filled as Python's `%` or else `str.format` would do it.

    Flags, width and precision are ignored: a sender may ask for gigabytes of them. The result is
    cut at `limit` characters while it grows. Whatever does not go together leaves the template.
    `params` are scrubbed JSON.
    """
    if isinstance(params, list | dict) and params:
        for pieces in (_by_percent, _by_braces):
            try:
                return _joined(pieces(template, params), limit)
            except _Odd:
                continue
    return template[:limit]


def _joined(pieces: Iterator[str], limit: int) -> str:
    parts: list[str] = []
    room = limit
    for piece in pieces:
        parts.append(piece[:room])
        room -= len(parts[-1])
        if not room:
            break
    return "".join(parts)


def _by_percent(template: str, params: Params) -> Iterator[str]:
    done = used = 0
    for match in _PERCENT.finditer(template):
        yield template[done : match.start()]
        done = match.end()
        name, kind = match["name"], match["kind"]
        if match[0] == "%%":
            yield "%"
            continue
        if isinstance(params, dict) and name is None and not used:
            yield _shown(params, kind)  # Python's "%s" takes a mapping whole
        elif isinstance(params, dict):
            yield _shown(_named(params, name), kind)
        elif name is None:
            yield _shown(_numbered(params, used), kind)
        else:
            raise _Odd
        used += 1
    if not used or (isinstance(params, list) and used < len(params)):
        raise _Odd
    yield template[done:]


def _by_braces(template: str, params: Params) -> Iterator[str]:
    done = in_turn = 0
    by_number = False
    for match in _BRACES.finditer(template):
        yield template[done : match.start()]
        done = match.end()
        name = match["name"]
        if match["odd"]:
            raise _Odd
        if match["twice"]:
            yield match["twice"][0]
            continue
        if isinstance(params, dict):
            value = _named(params, name)
        elif name:
            by_number = True
            value = _numbered(params, name)
        else:
            value = _numbered(params, in_turn)
            in_turn += 1
        if by_number and in_turn:
            raise _Odd
        yield _shown(value, match["kind"] or "s")
    yield template[done:]


def _named(params: dict[str, Any], name: str | None) -> Any:
    if name not in params:
        raise _Odd
    return params[name]


def _numbered(params: list[Any], number: int | str) -> Any:
    plain = isinstance(number, int) or (number.isascii() and number.isdigit() and len(number) < 9)
    if not plain or int(number) >= len(params):
        raise _Odd
    return params[int(number)]


def _shown(value: Any, kind: str) -> str:
    """The value as text; whole, as its size is that of what was sent."""
    if isinstance(value, int) and not -_LARGEST < value < _LARGEST:
        raise _Odd
    if kind in _TEXT_KINDS:
        return _TEXT_KINDS[kind](value)
    if kind in _NUMBER_KINDS and isinstance(value, str):
        return value  # raven-python sends all values as texts, later clients decimals
    if kind not in _NUMBER_KINDS or not isinstance(value, int | float):
        raise _Odd
    try:
        return f"%{kind}" % value
    except (TypeError, ValueError, OverflowError) as error:  # %x of a fraction, %d of infinity
        raise _Odd from error
