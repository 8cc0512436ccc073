"""Addresses that clients know from other servers and that are not supported: the answer says so."""

import re
from collections.abc import Iterator

from console.ingest import protocols
from console.ingest.judging import Answer, refused
from console.ingest.protocol import Address, Encode, NotTaken, as_json

REASON = "not taken here"
SENDS = frozenset({"POST", "OPTIONS"})
# Of a protocol that is not spoken here.
_POSTHOG = NotTaken(
    Address(
        re.compile(r"/(?:batch|capture|e|i/v0/e|i/v0/ai|s|decide|flags|engage|track)/?"),
    ),
    "product events, flags and recordings of PostHog's clients are not taken yet",
)


def answer(method: str, path: str, content_type: str) -> tuple[Answer, Encode] | None:
    """The answer to a client at such an address, and its encoding; None for all other requests.

    A plain 404 or 405 page would not reach it: browsers hide answers without CORS headers from
    scripts, which then retry as if the network had failed.
    """
    prefix = max(path.rfind("/api/"), 0)  # a DSN may have a path before the project
    for place, encode in _places():
        sends = method in SENDS or (place.gets and method == "GET" and not prefix)
        if sends and place.address.match(path[prefix:], content_type):
            return refused(404, REASON, place.detail), encode
    return None


def _places() -> Iterator[tuple[NotTaken, Encode]]:
    for protocol in protocols.PROTOCOLS:
        for place in protocol.not_taken:
            yield place, protocol.encode
    yield _POSTHOG, as_json
