"""A protocol that Pharos does not speak: this module and its entry are all of it.

A weather station sends lines such as `key=…; place=…; degrees=…`, each an event.
"""

import re
from typing import Any

from console.ingest import protocols
from console.ingest.arrival import Arrival
from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import INVALID, Context, Decoded
from console.ingest.protocol import (
    Address,
    Category,
    ItemHead,
    ItemType,
    KeyPlace,
    Protocol,
    Sent,
)
from console.ingest.sentry.event_items import normalise
from console.ingest.setups import Setup


def _lines(raw: bytes) -> list[dict[str, str]]:
    try:
        lines = raw.decode().splitlines()
    except UnicodeDecodeError:
        raise Undecodable("the report is no UTF-8") from None
    return [dict(pair.split("=", 1) for pair in line.split("; ")) for line in lines]


def survey(raw: bytes) -> Sent:
    lines = _lines(raw)
    if not lines:
        raise Undecodable("the report is empty")
    heads = [ItemHead("weather", len(raw), len(lines))]
    return Sent(heads=heads, key=lines[0].get("key"), answer={"taken": len(lines)})


def decode(raw: bytes, context: Context) -> Decoded:
    decoded = Decoded(context)
    for line in _lines(raw):
        if "degrees" not in line:
            decoded.count("weather", INVALID, "a report without degrees")
            continue
        scrubbed = context.scrubbed({name: line[name] for name in line if name != "key"})
        decoded.keep_error(scrubbed.then(lambda report: _event(report, context)))
    return decoded


def forgetful(raw: bytes, context: Context) -> Decoded:
    """A decoder that scrubs nothing: neither mypy nor `Decoded` lets it be."""
    decoded = Decoded(context)
    for line in _lines(raw):
        decoded.keep_error(_event(line, context))  # type: ignore[arg-type]
    return decoded


def _event(report: dict[str, Any], context: Context) -> dict[str, Any]:
    said = {"message": f"{report['degrees']} degrees", "extra": report}
    return {**normalise(said, Arrival(context, {})), "event_id": "e" * 32}


WEATHER = Protocol(
    name="made.up",
    whole="weather",
    addresses=(Address(re.compile(r"/weather/(?P<project>\d+)")),),
    items=(ItemType("weather", Category("climate", factor=3), 1000),),
    key=KeyPlace.BODY,
    body_limit=1000,
    raw_limit=1000,
    survey=survey,
    accepted=202,
    encode=lambda _status, content: (repr(dict(content)).encode(), "text/plain"),
    decode=decode,
    setups=(Setup("weather", "Weather station", "", "station.ini", "server=%SERVER%"),),
)


def declare(monkeypatch: Any, protocol: Protocol = WEATHER) -> None:
    """Add the entry."""
    monkeypatch.setattr(protocols, "PROTOCOLS", (*protocols.PROTOCOLS, protocol))
