"""Decodes the sessions of Sentry's clients: updates of single ones, and counts of many.

develop.sentry.dev, "Sessions". Release health is made of them.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from console.ingest.arrival import Arrival, hex_id, label, number, parse_time
from console.ingest.client_json import load_json
from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import INVALID, STORED, Decoded
from console.ingest.people import AUTO
from console.ingest.sentry.envelope import Item
from console.telemetry.records import SESSION_STATUSES, Session

BUCKET_LIMIT = 1000  # of one item; servers send one a minute
QUANTITY_LIMIT = 1_000_000  # of sessions that a count may stand for
COUNTED = ("exited", "errored", "unhandled", "abnormal", "crashed")
_MILLISECOND = timedelta(milliseconds=1)
_LONGEST = 366 * 24 * 3600


def keep(item: Item, arrival: Arrival, decoded: Decoded) -> None:
    """Keep the sessions of an item, and count it. Raises Undecodable."""
    sent = load_json(item.payload)
    if not isinstance(sent, dict):
        raise Undecodable("the payload is no JSON object")
    if item.type == "session":
        _keep_update(sent, arrival, decoded)
    else:
        _keep_counts(sent, arrival, decoded)
    decoded.count(item.type, STORED, "")


def _keep_update(sent: Mapping[str, Any], arrival: Arrival, decoded: Decoded) -> None:
    # The scrubber knows "sid" as the name of a secret; nothing but an id passes here.
    session_id, status = hex_id(sent.get("sid"), 32), sent.get("status", "ok")
    if not session_id:
        raise Undecodable("a session without an id")
    if status not in SESSION_STATUSES:
        raise Undecodable("a session whose status is not known")
    if parse_time(sent.get("started")) is None:
        raise Undecodable("a session without a start")
    user_key = _user(sent, _mapping(sent.get("attrs")), arrival)
    make = partial(_update, arrival=arrival, id_=session_id, status=status, user_key=user_key)
    scrubbed = arrival.context.scrubbed(dict(sent))
    decoded.keep(scrubbed.then(make))


def _update(
    fields: Mapping[str, Any], *, arrival: Arrival, id_: str, status: str, user_key: str
) -> Session:
    attributes = _mapping(fields.get("attrs"))
    duration = fields.get("duration")
    return Session(
        **_shared(fields.get("started"), attributes, arrival),
        session_id=id_,
        status=status,
        errors=_count(fields.get("errors")),
        seq=_seq(fields, arrival),
        duration_ms=None if duration is None else _milliseconds(duration),
        user_key=user_key,
    )


def _keep_counts(sent: Mapping[str, Any], arrival: Arrival, decoded: Decoded) -> None:
    listed = sent.get("aggregates")
    if not isinstance(listed, list):
        raise Undecodable("counts of sessions that are no list")
    if len(listed) > BUCKET_LIMIT:
        reason = f"more than {BUCKET_LIMIT:,} counts of sessions in one item"
        decoded.count("sessions", INVALID, reason, len(listed) - BUCKET_LIMIT)
    dated = [bucket for bucket in listed[:BUCKET_LIMIT] if _is_dated(bucket)]
    if listed and not dated:
        raise Undecodable("counts of sessions without a start")
    users = [_user(bucket, {}, arrival) for bucket in dated]
    scrubbed = arrival.context.scrubbed({**sent, "aggregates": dated})
    before = len(decoded.of(Session))
    decoded.keep_all(scrubbed.then(lambda fields: list(_counts(fields, arrival, before, users))))


def _counts(
    fields: Mapping[str, Any], arrival: Arrival, last: int, users: Sequence[str]
) -> Iterator[Session]:
    """A record for each minute and status; `last` is the last number given in this request."""
    attributes = _mapping(fields.get("attrs"))
    for bucket, user in zip(fields["aggregates"], users, strict=True):
        if not _is_dated(bucket):
            continue
        shared = _shared(bucket["started"], attributes, arrival)
        for status in COUNTED:
            if quantity := _count(bucket.get(status)):
                last += 1
                yield Session(
                    **shared,
                    session_id=_count_id(arrival, last),
                    status=status,
                    quantity=quantity,
                    user_key=user,
                )


def _shared(started: Any, attributes: Mapping[str, Any], arrival: Arrival) -> dict[str, Any]:
    context = arrival.context
    return {
        "organization_id": context.organization_id,
        "project_id": context.project_id,
        "position": context.position,
        "received_at": context.received_at,
        "timestamp": arrival.time(started) or context.received_at,
        "client_timestamp": arrival.stated(started),
        "environment": label(attributes.get("environment"), 64),
        "release": label(attributes.get("release"), 200),
    }


def _seq(fields: Mapping[str, Any], arrival: Arrival) -> int:
    """The number of an update; without one, its time in milliseconds, and 0 for the first."""
    seq = number(fields.get("seq"))
    if isinstance(seq, int) and 0 <= seq < 1 << 62:
        return seq
    if fields.get("init") is True:
        return 0
    at = parse_time(fields.get("timestamp")) or arrival.context.received_at
    return max((at - datetime.fromtimestamp(0, at.tzinfo)) // _MILLISECOND, 1)


def _user(fields: Mapping[str, Any], attributes: Mapping[str, Any], arrival: Arrival) -> str:
    """The same key as error events have; visitors without an id count by their address."""
    address = attributes.get("ip_address")
    if address == AUTO:
        address = arrival.context.address
    return arrival.context.people.key_of_any(fields.get("did"), address)


def _count_id(arrival: Arrival, place: int) -> str:
    context = arrival.context
    seed = f"{context.project_id}:{context.position}:{place}"
    return hashlib.sha256(seed.encode()).hexdigest()[:32]


def _is_dated(bucket: Any) -> bool:
    return isinstance(bucket, dict) and parse_time(bucket.get("started")) is not None


def _count(value: Any) -> int:
    quantity = number(value)
    return min(max(quantity, 0), QUANTITY_LIMIT) if isinstance(quantity, int) else 0


def _milliseconds(seconds: Any) -> int | None:
    taken = number(seconds)
    return round(taken * 1000) if taken is not None and 0 <= taken <= _LONGEST else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
