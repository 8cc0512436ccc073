"""The declaration of a protocol; `protocols.PROTOCOLS` lists all that the console speaks."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any

import orjson

from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import Context, Decoded
from console.ingest.setups import Setup

PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002014c003b"
)
BODY_LIMIT = 20 << 20  # as received
RAW_LIMIT = 100 << 20  # inflated
SMALL = 4 << 20  # what every thread may inflate at once; larger ones take turns


class KeyPlace(Enum):
    """Where a request carries its key."""

    HEAD = "in its address or its headers"
    HEAD_OR_BODY = "there, or in its body; always in its body where the address names no project"
    BODY = "in its body"


@dataclass(frozen=True, slots=True)
class Address:
    """An address, and the content types that it takes: any if none are named."""

    path: re.Pattern[str]
    """A group `project` holds the project's number."""
    content_types: frozenset[str] = frozenset()

    def match(self, path: str, content_type: str) -> re.Match[str] | None:
        """The match of a request's path, if its content type is right, too."""
        match = self.path.fullmatch(path)
        if match is None or not self.content_types:
            return match
        return match if media_type(content_type) in self.content_types else None


@dataclass(frozen=True, slots=True)
class NotTaken:
    """An address that clients of a protocol use and that takes nothing, with its answer."""

    address: Address
    detail: str
    gets: bool = False
    """Whether clients use GET, too; never where an organization's page might stand."""


@dataclass(frozen=True, slots=True)
class Category:
    """The category under which a quota counts items and clients hold them back.

    The names come from develop.sentry.dev, "Rate Limiting", which clients know.
    """

    name: str
    factor: int = 1
    """Multiplies the default quota: small records come by the dozen for each event."""
    is_limited: bool = True


@dataclass(frozen=True, slots=True)
class ItemType:
    """A type of item, under the loss ledger's name for it."""

    name: str
    category: Category = Category("default")
    limit: int = BODY_LIMIT
    """The bytes that an item of this type may have."""


SPAN = ItemType("span", Category("span", factor=10), 12 << 20)
"""The type that more than one protocol has."""


@dataclass(frozen=True, slots=True)
class ItemHead:
    """What accept needs of an item: its type, its bytes, and how many records it contains."""

    type: str
    size: int
    quantity: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What a body contains, as far as accept needs it."""

    heads: Sequence[ItemHead]
    answer: Mapping[str, Any] = field(default_factory=dict)
    """The content of the answer to what is accepted."""
    key: object = None
    """The key in the body, whatever was sent as one."""
    dsn: object = None
    """The DSN in the body, likewise."""


Survey = Callable[[bytes], Sent]
Encode = Callable[[int, Mapping[str, Any]], tuple[bytes, str]]


def as_json(_status: int, content: Mapping[str, Any]) -> tuple[bytes, str]:
    """The body of an answer and its content type, for senders that read JSON."""
    return orjson.dumps(content), "application/json"


def as_pixel(status: int, content: Mapping[str, Any]) -> tuple[bytes, str]:
    """The smallest picture, for pages that send by loading one; what is refused as JSON."""
    return as_json(status, content) if status >= HTTPStatus.BAD_REQUEST else (PIXEL, "image/gif")


def not_decoded(_raw: bytes, _context: Context) -> Decoded:
    """Of what is never kept, nothing can be decoded. Raises Undecodable."""
    raise Undecodable("nothing of this kind is stored")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Protocol:
    """A protocol that clients speak; its functions are pure, so that any process can call them.

    A new one is a package with such a value and an entry in `protocols.PROTOCOLS`.
    """

    name: str
    """The kind of its rows in the spool, which wait there also across releases."""
    whole: str
    """The ledger's word for a request that was refused whole or cannot be read."""
    addresses: Sequence[Address]
    not_taken: Sequence[NotTaken] = ()
    items: Sequence[ItemType]
    """What its requests bring."""

    key: KeyPlace = KeyPlace.HEAD
    bearer: bool = False
    """Whether a key may come as `Authorization: Bearer`."""
    in_query: str = ""
    """The parameter that holds the body of a GET request; "" where GET sends nothing."""
    in_address: Callable[[re.Match[str], Mapping[str, str], str], bytes] | None = None
    """What the address, its query and the User-Agent say, as a line before the body."""
    gets: bool = False
    """Whether a GET request, which has no body, is enough."""
    ignores: str = ""
    """Why nothing of it is kept: requests with a key are counted, and their bodies dropped."""
    opening: Callable[[bytes, str], Sent] | None = None
    """Reads key or DSN from the first bytes of a body and its content encoding; raises Undecodable.

    None where no key is in the body, or the body has few bytes.
    """

    body_limit: int = BODY_LIMIT
    raw_limit: int = RAW_LIMIT
    """The bytes of a body when it is inflated."""
    small: int = SMALL
    """Inflated bodies up to so many bytes are surveyed in parallel; larger ones take turns."""
    light: int = 0
    """Up to so many inflated bytes, a survey takes less than 3 ms."""
    refuses: str = ""
    """Why this form is refused (415); "" for forms that are accepted."""
    survey: Survey
    """Counts the items of an inflated body. Raises Undecodable, or TooLarge."""
    without: Callable[[bytes, Sequence[bool]], bytes] | None = None
    """A body with only the items that are kept, for protocols with several items in one."""
    accepted: int = 200
    """The status of the answer to what is accepted."""
    encode: Encode = as_json

    decode: Callable[[bytes, Context], Decoded] = not_decoded
    """Decodes an inflated body to records, which the context scrubs. Raises Undecodable."""
    setups: Sequence[Setup] = ()
    """How an application is connected, for the Connect page."""


def media_type(content_type: str) -> str:
    """A Content-Type header without its parameters."""
    return content_type.partition(";")[0].strip().lower()
