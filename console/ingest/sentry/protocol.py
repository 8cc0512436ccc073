"""The protocol of Sentry's clients: envelopes, and the single events of the oldest clients."""

import json
import re
from collections.abc import Mapping, Sequence

from console.ingest.client_json import load_json
from console.ingest.content_encodings import Undecodable, beginning
from console.ingest.decoded import Context, Decoded
from console.ingest.protocol import (
    RAW_LIMIT,
    SPAN,
    Address,
    Category,
    ItemHead,
    ItemType,
    KeyPlace,
    NotTaken,
    Protocol,
    Sent,
)
from console.ingest.sentry import items, setups
from console.ingest.sentry.envelope import (
    HEADER_LIMIT,
    Item,
    kind_of,
    parse_envelope,
    parse_store,
    peek,
)

EVENT_LIMIT = items.EVENT_BYTES  # of which 1 MiB is kept: Relay refuses recursions beyond that
REPORT_LIMIT = 1 << 20
_CHECK_IN, _FEEDBACK, _PROFILE = Category("monitor"), Category("feedback"), Category("profile")
_REPLAY, _SESSION = Category("replay"), Category("session")
_SECURITY = Category("security")
_PROFILE_CHUNK = Category("profile_chunk")
# The limits are Relay's, as far as one machine can bear them.
ITEMS = (
    ItemType("event", Category("error"), EVENT_LIMIT),
    ItemType("transaction", Category("transaction"), EVENT_LIMIT),
    SPAN,
    ItemType("log", Category("log_item", factor=10), 12 << 20),
    ItemType("trace_metric", Category("trace_metric", factor=10), 12 << 20),
    ItemType("check_in", _CHECK_IN, 100 << 10),
    # A client report says what was lost elsewhere: it must always get through.
    ItemType("client_report", Category("internal", is_limited=False), 100 << 10),
    ItemType("session", _SESSION, 100 << 10),
    ItemType("sessions", _SESSION, 1 << 20),
    ItemType("feedback", _FEEDBACK, REPORT_LIMIT),
    ItemType("user_report", _FEEDBACK, REPORT_LIMIT),
    ItemType("raw_security", _SECURITY, REPORT_LIMIT),
    ItemType("nel", _SECURITY, REPORT_LIMIT),
    ItemType("profile", _PROFILE, 50 << 20),
    ItemType("profile_chunk", _PROFILE_CHUNK, 50 << 20),
    ItemType("attachment", Category("attachment")),
    ItemType("replay_event", _REPLAY),
    ItemType("replay_recording", _REPLAY),
    ItemType("replay_video", _REPLAY),
)
# A DSN may have a path before the project; SDKs put it before /api/ and some leave the last slash.
# Clients of 2012 name no project: the key says which one it is.
_ENVELOPE = re.compile(r"\A(?:/.*)?/api/(?P<project>\d{1,9})/envelope/?|/tunnel/?")
_STORE = re.compile(r"\A(?:/.*)?/api/(?:(?P<project>\d{1,9})/)?store/?")
_CRON = re.compile(
    r"\A(?:/.*)?/api/(?P<project>\d{1,9})/cron/(?P<slug>[^/]{1,200})(?:/(?P<key>[^/]{1,100}))?/?"
)
_ENVELOPE_TYPE = "application/x-sentry-envelope"
_ELSEWHERE = (
    NotTaken(
        Address(
            re.compile(
                r"/api/[^/]*/(?:envelope|store|beacon|minidump|security|csp-report|nel|unreal/[^/]*)/?"
            )
        ),
        "the address names no project: a DSN ends in the project's number, as its Connect page"
        " shows it",
    ),
    NotTaken(
        Address(re.compile(r"/api/0/.*", re.DOTALL)),
        "this is no Sentry server: what sentry-cli uploads (releases, source maps) is not taken",
        gets=True,
    ),
)


def opening(prefix: bytes, encoding: str) -> Sent:
    """The DSN in an envelope's header, by the first bytes of its body. Raises Undecodable."""
    line, end, _ = beginning(prefix, encoding, limit=HEADER_LIMIT).partition(b"\n")
    try:
        header = load_json(line) if end else None
    except Undecodable:
        header = None
    if not isinstance(header, dict):
        raise Undecodable("the envelope's header cannot be read")
    return Sent(heads=(), dsn=header.get("dsn"))


def survey_envelope(raw: bytes) -> Sent:
    """An envelope's items; one that is cut keeps what is whole before the cut."""
    header, heads = peek(raw)
    if not heads:
        raise Undecodable(parse_envelope(raw).cut or "the envelope has no items")
    return Sent(heads=heads, answer=_answer(header.get("event_id")), dsn=header.get("dsn"))


def survey_store(raw: bytes) -> Sent:
    """The one event of a request to the legacy store endpoint."""
    (item,) = parse_store(raw, limit=EVENT_LIMIT + 1).items
    fits = len(item.payload) <= EVENT_LIMIT  # what does not is not worth its memory
    event = load_json(item.payload) if fits else {}
    if not isinstance(event, dict):
        raise Undecodable(f"the body is {kind_of(event)}, and an event is a JSON object")
    head = ItemHead("event", len(item.payload))
    return Sent(heads=[head], answer=_answer(event.get("event_id")))


def without_dropped(raw: bytes, kept: Sequence[bool]) -> bytes:
    """The envelope with only the items that are kept."""
    lines = [raw[: raw.find(b"\n")]]
    for item, keep in zip(parse_envelope(raw).items, kept, strict=True):
        if keep:
            lines += [_item_header(item), item.payload]
    return b"\n".join(lines) + b"\n"


def decode_envelope(raw: bytes, context: Context) -> Decoded:
    """Decode an envelope. Raises Undecodable if its header cannot be read."""
    return items.decode(parse_envelope(raw), context)


def decode_store(raw: bytes, context: Context) -> Decoded:
    """Decode a request to the legacy store endpoint. Raises Undecodable."""
    return items.decode(parse_store(raw, limit=RAW_LIMIT), context)


def cron_address(address: re.Match[str], query: Mapping[str, str], _agent: str) -> bytes:
    """A check-in as the address of a plain request says it (docs.sentry.io, "HTTP Check-Ins")."""
    names = ("status", "environment", "check_in_id", "duration")
    fields = {name: query[name][:200] for name in names if name in query}
    return json.dumps({"status": "ok", **fields, "monitor_slug": address["slug"]}).encode() + b"\n"


def survey_cron(raw: bytes) -> Sent:
    """The one check-in of a plain request."""
    return Sent(heads=[ItemHead("check_in", len(raw))])


def decode_cron(raw: bytes, context: Context) -> Decoded:
    """Decode a plain request's check-in. Raises Undecodable.

    Its body may say more than its address, such as a `monitor_config`.
    """
    line, _, body = raw.partition(b"\n")
    fields, more = load_json(line), load_json(body) if body.strip() else {}
    if not isinstance(fields, dict) or not isinstance(more, dict):
        raise Undecodable("the body is no JSON object")
    return items.decode_check_in(
        {**fields, **more, "monitor_slug": fields["monitor_slug"]}, context
    )


def _answer(event_id: object) -> dict[str, str]:
    return {"id": event_id} if isinstance(event_id, str) and event_id.isascii() else {}


def _item_header(item: Item) -> bytes:
    """An item's header with its length: the values that mean something are plain ones."""
    plain = {k: v for k, v in item.header.items() if not isinstance(v, dict | list)}
    # Not orjson, which refuses half of a surrogate pair.
    return json.dumps({**plain, "length": len(item.payload)}).encode()


ENVELOPE = Protocol(
    name="sentry.envelope",
    whole="envelope",
    addresses=(
        Address(_ENVELOPE),
        # The first clients with envelopes sent them to the old address.
        Address(_STORE, frozenset({_ENVELOPE_TYPE})),
    ),
    not_taken=_ELSEWHERE,
    items=ITEMS,
    key=KeyPlace.HEAD_OR_BODY,
    opening=opening,
    light=1 << 20,
    survey=survey_envelope,
    without=without_dropped,
    decode=decode_envelope,
    setups=setups.CLIENTS,
)
STORE = Protocol(
    name="sentry.store",
    whole="event",
    addresses=(Address(_STORE),),
    items=ITEMS,
    in_query="sentry_data",  # where pages of 2014 put an event, loading an "image"
    survey=survey_store,
    decode=decode_store,
    setups=setups.PLAIN_REQUEST,
)
CRON = Protocol(
    name="sentry.cron",
    whole="check_in",
    addresses=(Address(_CRON),),
    items=ITEMS,
    in_address=cron_address,
    gets=True,
    body_limit=64 << 10,
    raw_limit=100 << 10,
    survey=survey_cron,
    accepted=202,
    decode=decode_cron,
)
