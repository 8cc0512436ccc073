"""Numbers in addresses, queries and forms, held to what a column or a page can take."""

import re

from flask import Flask, request
from werkzeug.routing import BaseConverter, ValidationError

LARGEST_ID = 2**31 - 1  # of PostgreSQL's integer
LARGEST_POSITION = 2**63 - 1
_ID = re.compile("[1-9][0-9]{0,18}")


class IdConverter(BaseConverter):
    """A row's id in an address, as `<id:issue_id>`: plain digits that the column can hold.

    Werkzeug's own `int` takes any size, leading zeros and the digits of every script.
    """

    regex = _ID.pattern
    largest = LARGEST_ID

    def to_python(self, value: str) -> int:
        """Answer 404 for a number that no row can have."""
        number = int(value)
        if number > self.largest:
            raise ValidationError
        return number


class TileConverter(BaseConverter):
    """A tile's id in an address, as `<tile:tile_id>`: twelve hexadecimal digits."""

    regex = "[0-9a-f]{12}"


class PositionConverter(IdConverter):
    """A position in the spool, as `<position:position>`."""

    largest = LARGEST_POSITION


def init_app(app: Flask) -> None:
    """Let rules say `<id:…>`, `<position:…>`, `<tile:…>`; before blueprints are registered."""
    app.url_map.converters.update(id=IdConverter, position=PositionConverter, tile=TileConverter)


def row_id(text: str) -> int:
    """The id in a field of a query or a form; ValueError for what no row can have."""
    if not _ID.fullmatch(text) or int(text) > LARGEST_ID:
        raise ValueError("no id")
    return int(text)


def counted(name: str, least: int = 1, most: int = 10_000) -> int:
    """A number of the query, such as that of a page: `least` without one, and within both."""
    text = request.args.get(name, "")
    if not re.fullmatch("[0-9]{1,18}", text):
        return least
    return min(max(int(text), least), most)
