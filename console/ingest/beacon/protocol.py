"""What the console's own script in a page sends (static/beacon/beacon.js)."""

import re

from console.ingest.beacon import page_load, setups
from console.ingest.protocol import (
    Address,
    Category,
    ItemHead,
    ItemType,
    KeyPlace,
    Protocol,
    Sent,
)
from console.ingest.web_vitals import ITEM

BODY_LIMIT = 16 << 10


def survey(raw: bytes) -> Sent:
    """How many metrics a beacon brings, and its key. Raises Undecodable."""
    body = page_load.parse(raw)
    return Sent(heads=[ItemHead(ITEM, len(raw), len(body["m"]))], key=body.get("key"))


BEACON = Protocol(
    name="pharos.beacon",
    whole=ITEM,
    addresses=(Address(re.compile(r"\A(?:/.*)?/api/(?P<project>\d{1,9})/beacon/?")),),
    items=(ItemType(ITEM, Category(ITEM, factor=10), BODY_LIMIT),),
    key=KeyPlace.BODY,  # a page that is being left cannot set headers
    body_limit=BODY_LIMIT,
    raw_limit=BODY_LIMIT,
    survey=survey,
    accepted=204,
    decode=page_load.decode,
    setups=setups.SETUPS,
)
