"""The protocols that the console speaks, each declared once: everything else loops over them."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from console.ingest.beacon.protocol import BEACON
from console.ingest.otlp import protocol as otlp
from console.ingest.protocol import Category, ItemType, Protocol
from console.ingest.sentry import other_requests as sentry
from console.ingest.sentry.protocol import CRON, ENVELOPE, STORE

# The first protocol that matches gets the request; set-ups are offered in this order.
PROTOCOLS: Sequence[Protocol] = (
    ENVELOPE,
    otlp.PROTOBUF,
    otlp.JSON,
    otlp.UNKNOWN_TYPE,
    BEACON,
    STORE,
    CRON,
    sentry.REPORTS,
    sentry.CRASHES,
    sentry.UNREAL,
    sentry.ATTACHMENTS,
    sentry.DIALOGUE,
    sentry.FEEDBACK,
)


def named(name: str) -> Protocol:
    """The protocol of this name; raises KeyError if there is none."""
    for protocol in PROTOCOLS:
        if protocol.name == name:
            return protocol
    raise KeyError(name)


def at(path: str, content_type: str) -> tuple[Protocol, re.Match[str]] | None:
    """The protocol of an address, and the match; None if no protocol has it."""
    for protocol in PROTOCOLS:
        for address in protocol.addresses:
            match = address.match(path, content_type)
            if match is not None:
                return protocol, match
    return None


def item_type(name: str) -> ItemType:
    """The declaration of an item type; a plain one for types that no protocol knows."""
    return _item_types(tuple(PROTOCOLS)).get(name) or ItemType(name)


def category(name: str) -> Category:
    """The declaration of a category; a plain one if no protocol knows it."""
    return _categories(tuple(PROTOCOLS)).get(name) or Category(name)


@lru_cache(maxsize=2)
def _item_types(protocols: tuple[Protocol, ...]) -> Mapping[str, ItemType]:
    return {item.name: item for protocol in protocols for item in protocol.items}


@lru_cache(maxsize=2)
def _categories(protocols: tuple[Protocol, ...]) -> Mapping[str, Category]:
    return {item.category.name: item.category for item in _item_types(protocols).values()}
