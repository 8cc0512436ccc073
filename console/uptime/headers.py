"""What is secret of HTTP checks: headers, sealed in the database; the query of an address.

Both are shown without values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from console.core.config import config
from console.core.crypto import seal, unseal

MOST, LONGEST = 30, 4_000
HIDDEN = "••••••"
"""Stands for a value that is stored; sent back, it keeps the value."""
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_VALUE = re.compile(r"(?<==)[^&;#]+|(?<![^&;#])[^=&;#]+(?=[&;#]|$)")
"""Also a part without a name, which is a value by itself."""
OWN = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect", "upgrade"})
"""Headers that the client of the console writes itself."""


def read(text: str) -> dict[str, str]:
    """The headers of lines such as `Accept: text/html`; ValueError says what is wrong."""
    headers: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or not NAME.fullmatch(name):
            raise ValueError(f"“{line[:40]}” is no header such as Accept: text/html.")
        if name.lower() in OWN:
            raise ValueError(f"{name} is written by the console itself.")
        if not value.replace("\t", " ").isprintable():
            raise ValueError(f"The value of {name} has characters that no header may have.")
        headers[name] = value
    if len(headers) > MOST:
        raise ValueError(f"At most {MOST} headers.")
    return headers


def merged(given: Mapping[str, str], former: Mapping[str, str]) -> dict[str, str]:
    """The headers that were given, with the former values of those that are hidden.

    Raises ValueError for a hidden value that there never was.
    """
    known = {name.lower(): value for name, value in former.items()}
    if unknown := [n for n, v in given.items() if v == HIDDEN and n.lower() not in known]:
        raise ValueError(f"{unknown[0]} has no value yet: enter it.")
    return {
        name: known[name.lower()] if value == HIDDEN else value for name, value in given.items()
    }


def shown(headers: Mapping[str, str]) -> str:
    """The lines of headers without their values."""
    return "\n".join(f"{name}: {HIDDEN}" for name in headers)


def openly(url: str) -> str:
    """An address without the values of its query: keys and tokens stand in many."""
    place, mark, query = url.partition("?")
    return place + mark + _VALUE.sub(HIDDEN, query)


def sealed(headers: Mapping[str, str]) -> bytes | None:
    """The headers as the database has them."""
    return seal(config().secret_key, orjson.dumps(dict(headers))) if headers else None


def unsealed(stored: bytes | None) -> dict[str, str]:
    """The headers of a check; raises SealBrokenError if they were sealed under a lost key."""
    if stored is None:
        return {}
    keys = (config().secret_key, *config().secret_key_fallbacks)
    headers: dict[str, str] = orjson.loads(unseal(keys, stored))
    return headers
