"""Cursors: where a page of a list ended, as a text; all lists use the same format."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import orjson


class BadCursor(ValueError):
    """A cursor that no page of this list gave out."""

    def __init__(self) -> None:
        super().__init__("cursor: no page of this list gave it out.")


def written(*key: object) -> str:
    """The cursor of a row by its key in the order of its list: texts, whole numbers, moments."""
    return urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def read(cursor: str, *readers: Callable[[Any], Any]) -> list[Any]:
    """The key in a cursor, each part as its reader takes it; raises BadCursor.

    A reader raises ValueError or TypeError for what cannot stand there.
    """
    try:
        key = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [reader(part) for reader, part in zip(readers, key, strict=True)]
    except (ValueError, TypeError) as error:  # binascii.Error is a ValueError
        raise BadCursor from error


def whole(bits: int = 63) -> Callable[[Any], int]:
    """A reader of whole numbers that a column of so many bits holds."""

    def reader(part: object) -> int:
        if type(part) is not int or abs(part) >= 1 << bits:
            raise TypeError("not a whole number")
        return part

    return reader


def hexadecimal(digits: int) -> Callable[[Any], str]:
    """A reader of ids of so many hexadecimal digits in lower case."""

    def reader(part: object) -> str:
        if not isinstance(part, str) or len(part) != digits or set(part) - set("0123456789abcdef"):
            raise TypeError("no id")
        return part

    return reader


def one_of(*texts: str) -> Callable[[Any], str]:
    """A reader of one of these texts."""

    def reader(part: object) -> str:
        if part not in texts:
            raise ValueError("not one of them")
        return str(part)

    return reader
