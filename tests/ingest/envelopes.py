"""Envelopes and bodies as clients make them."""

import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import brotli
import zstandard

ENCODE: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def event(**more: Any) -> dict[str, Any]:
    """An error event with an id of its own."""
    return {"event_id": uuid4().hex, "level": "error", "message": "it broke", **more}


def item(kind: str, payload: object, *, length: bool = True, **header: Any) -> bytes:
    """One item of an envelope; a payload that is no bytes becomes JSON."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    head = {"type": kind, **({"length": len(body)} if length else {}), **header}
    return json.dumps(head).encode() + b"\n" + body + b"\n"


def envelope(*items: bytes, **header: Any) -> bytes:
    """The envelope around items; one error event if none are given."""
    if not items:
        sent = event()
        header.setdefault("event_id", sent["event_id"])
        items = (item("event", sent),)
    return json.dumps(header).encode() + b"\n" + b"".join(items)
