"""What happens to a request before it is answered: key, bounded inflation, quota, spool."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from gzip import compress
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from console.core import clock
from console.ingest import auth, beacon, cors
from console.ingest.auth import Grant, KeyRing, KeysUnavailable, Refusal
from console.ingest.decode import (
    Item,
    ItemHead,
    TooLarge,
    Undecodable,
    inflate,
    load_json,
    parse_envelope,
    parse_store,
    peek,
)
from console.ingest.otlp import answers, encodings
from console.ingest.outcomes import INVALID, REFUSED, Count, Refusals
from console.ingest.quota import Quotas, Ruling, category
from console.ingest.spool import Spool, SpoolRow, SpoolUnavailable
from console.ingest.web_vitals import ITEM

ENVELOPE, STORE = "sentry.envelope", "sentry.store"

BODY_LIMIT = 20 << 20  # as received
RAW_LIMIT = 100 << 20  # inflated
SMALL = 4 << 20  # what every thread may inflate at once; larger ones take turns
RATIO = 200  # JSON shrinks by 5 to 50; a body that claims more beyond SMALL is a bomb
EVENT_LIMIT = 1 << 20
ITEM_LIMITS = {  # Relay's, where the box that they were chosen for is not larger than ours
    "event": EVENT_LIMIT,
    "transaction": EVENT_LIMIT,
    "span": 12 << 20,
    "log": 12 << 20,
    "trace_metric": 12 << 20,
    "check_in": 100 << 10,
    "client_report": 100 << 10,
    "session": 100 << 10,
    "sessions": 1 << 20,
    "feedback": EVENT_LIMIT,
    "user_report": EVENT_LIMIT,
    "raw_security": 64 << 10,
    "profile": 50 << 20,
    "profile_chunk": 50 << 20,
}
RETRY_SECONDS = 30  # when a sender may try again after 503, or when its share was full

OVER_QUOTA, TOO_LARGE, UNDECODABLE = "over quota", "too large", "undecodable"
SHARE_FULL = "share of the spool full"
CONTENT_TYPE = "content type"
WHOLE = {
    STORE: "event",
    ENVELOPE: "envelope",
    beacon.KIND: ITEM,
}  # what the ledger calls a request refused whole

_large = threading.BoundedSemaphore(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A request, free of the framework that brought it."""

    kind: str
    project_id: int | None
    """The project in the address; None where the key or, at the tunnel, the DSN names it."""
    key: str | None
    """The public key, as it was written, if the request carries one outside its body."""
    body: bytes
    encoding: str = ""
    origin: str = ""
    client: str = ""
    address: str = ""
    hosts: frozenset[str] = frozenset()
    """The names of this server that a DSN at the tunnel may carry."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender gets."""

    status: int
    content: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sorting:
    """Which items of a request stay."""

    kept: list[bool]
    ruling: Ruling

    def nothing_kept(self) -> Answer:
        """The answer when every item was over quota or too large."""
        if all(self.ruling.admitted):
            return refused(413, TOO_LARGE, "every item is larger than its type may be")
        answer = refused(429, OVER_QUOTA, "the key's quota for this minute is used up")
        wait = {"Retry-After": str(self.ruling.retry_after)}
        return Answer(429, answer.content, {**answer.headers, **self.ruling.headers, **wait})


@dataclass(frozen=True, slots=True)
class Doors:
    """What an accept touches: memory, and the spool."""

    spool: Spool
    keys: KeyRing
    quotas: Quotas
    refusals: Refusals


def accept(submission: Submission, doors: Doors) -> Answer:
    """Make what may be stored durable and say so, or say why not; never raises for bad input."""
    try:
        if submission.kind.startswith(encodings.UNKNOWN):
            return _accept_traces(submission, doors)
        ways = {STORE: _accept_store, beacon.KIND: _accept_beacon}
        return ways.get(submission.kind, _accept_envelope)(submission, doors)
    except Refusal as refusal:
        _count_refusal(submission, refusal, doors.refusals)
        answer = refused(refusal.status, refusal.reason, refusal.detail)
        return Answer(answer.status, answer.content, {**answer.headers, **refusal.headers})
    except SpoolUnavailable as full:
        return _later("storage full", str(full))
    except (
        SQLAlchemyError,
        KeysUnavailable,
    ):  # and the key was not seen before: nobody knows whose this is
        return _later("state unavailable", "the database that knows the keys does not answer")


def refused(status: int, reason: str, detail: str) -> Answer:
    """An answer that says why, in the header that SDKs log and in the body."""
    shown = "".join(c if " " <= c <= "~" else "?" for c in detail)[:500]
    return Answer(
        status, {"detail": shown, "causes": [reason]}, cors.ALLOWED | {"X-Sentry-Error": shown}
    )


def _later(reason: str, detail: str) -> Answer:
    answer = refused(503, reason, detail)
    return Answer(503, answer.content, {**answer.headers, "Retry-After": str(RETRY_SECONDS)})


def _accept_envelope(submission: Submission, doors: Doors) -> Answer:
    grant = None
    if submission.key and submission.project_id is not None:
        grant = _grant(submission, doors, submission.key)
    with _inflated(submission, grant) as raw:
        header, heads = _peeked(raw, grant)
        if grant is None:
            grant = _grant_by_dsn(submission, doors, header)
        sorting = _sort(heads, grant, doors)
        if not any(sorting.kept):
            return sorting.nothing_kept()
        body, encoding = submission.body, submission.encoding
        if not all(sorting.kept):
            body, encoding = compress(_without_dropped(raw, sorting.kept), 1), "gzip"
    items = [head.type for head, kept in zip(heads, sorting.kept, strict=True) if kept]
    doors.spool.append(_row(submission, grant, body, encoding, items))
    return _accepted(header.get("event_id"), sorting)


def _accept_store(submission: Submission, doors: Doors) -> Answer:
    grant = _grant(submission, doors, submission.key)
    with _inflated(submission, grant) as raw:
        try:
            (item,) = parse_store(raw, limit=EVENT_LIMIT + 1).items
            fits = len(item.payload) <= EVENT_LIMIT  # what does not is not worth its memory
            event = load_json(item.payload) if fits else None
        except Undecodable as error:
            raise _undecodable(error, grant) from error
        sorting = _sort([ItemHead("event", len(item.payload), 1)], grant, doors)
    if not any(sorting.kept):
        return sorting.nothing_kept()
    doors.spool.append(_row(submission, grant, submission.body, submission.encoding, ["event"]))
    return _accepted(event.get("event_id") if isinstance(event, dict) else None, sorting)


def _accept_traces(submission: Submission, doors: Doors) -> Answer:
    """OTLP: what is no span is told to the sender here, and counted in the ledger by digest."""
    grant = _grant(submission, doors, submission.key)
    if submission.kind == encodings.UNKNOWN:
        detail = f"the content type is none of {', '.join(encodings.KINDS)}"
        raise Refusal(415, CONTENT_TYPE, detail, grant=grant)
    # JSON takes up to 24 times its size in memory, and here it must be read to be judged.
    with _inflated(submission, grant, small=EVENT_LIMIT, limit=ITEM_LIMITS["span"]) as raw:
        found = encodings.survey(raw, submission.kind)
        if not found.spans:
            return Answer(200, {}, cors.ALLOWED)
        sorting = _sort([ItemHead("span", len(raw), found.spans)], grant, doors)
    if not any(sorting.kept):
        return sorting.nothing_kept()
    doors.spool.append(_row(submission, grant, submission.body, submission.encoding, ["span"]))
    return Answer(200, answers.stored(found.flaws), cors.ALLOWED | sorting.ruling.headers)


def _accept_beacon(submission: Submission, doors: Doors) -> Answer:
    """A beacon carries its key in the body: a page that is being left cannot set headers."""
    try:
        raw = inflate(submission.body, submission.encoding, limit=beacon.BODY_LIMIT)
        sent = beacon.parse(raw)
    except TooLarge as error:
        raise Refusal(413, TOO_LARGE, str(error)) from error
    except Undecodable as error:
        raise _undecodable(error, None) from error
    key = sent.get("key")
    grant = _grant(submission, doors, key if isinstance(key, str) else None)
    sorting = _sort([ItemHead(ITEM, len(raw), len(sent["m"]))], grant, doors)
    if not any(sorting.kept):
        return sorting.nothing_kept()
    doors.spool.append(_row(submission, grant, submission.body, submission.encoding, [ITEM]))
    return Answer(204, {}, cors.ALLOWED)


def _grant(
    submission: Submission, doors: Doors, key: str | None, project_id: int | None = None
) -> Grant:
    named = submission.project_id if submission.project_id is not None else project_id
    grant = auth.authorized(doors.keys, key, named, origin=submission.origin)
    if doors.spool.share_is_full(grant.organization_id):
        raise _share_full(grant)
    return grant


def _share_full(grant: Grant) -> Refusal:
    """No category is named, so SDKs hold back everything: develop.sentry.dev, "Rate Limiting"."""
    return Refusal(
        429,
        SHARE_FULL,
        "this organization has as much waiting as is free for the others: try again later",
        grant=grant,
        headers={
            "Retry-After": str(RETRY_SECONDS),
            "X-Sentry-Rate-Limits": f"{RETRY_SECONDS}::organization:spool_share",
        },
    )


def _grant_by_dsn(submission: Submission, doors: Doors, header: Mapping[str, Any]) -> Grant:
    """Envelopes carry their DSN where the request has no key: at a tunnel, or from old clients."""
    dsn = auth.parse_dsn(header.get("dsn"))
    if dsn is None:
        return _grant(submission, doors, None)
    if submission.project_id is None and dsn.host not in submission.hosts:
        detail = f"the tunnel passes on only what is for this server, not for {dsn.host[:100]}"
        raise Refusal(403, auth.OTHER_SERVER, detail)
    return _grant(submission, doors, dsn.public_key, dsn.project_id)


@contextmanager
def _inflated(
    submission: Submission, grant: Grant | None, *, small: int = SMALL, limit: int = RAW_LIMIT
) -> Iterator[bytes]:
    """The body inflated; of those larger than `small` only one is in memory at a time."""
    raw = None
    try:
        with suppress(TooLarge):
            raw = inflate(submission.body, submission.encoding, limit=small)
        if raw is not None:
            yield raw
            return
        with _large:
            limit = min(limit, max(SMALL, RATIO * len(submission.body)))
            yield inflate(submission.body, submission.encoding, limit=limit)
    except TooLarge as error:
        raise Refusal(413, TOO_LARGE, str(error), grant=grant) from error
    except Undecodable as error:
        raise _undecodable(error, grant) from error


def _peeked(raw: bytes, grant: Grant | None) -> tuple[dict[str, Any], list[ItemHead]]:
    """The envelope's header and its items; a cut envelope keeps what is whole before the cut."""
    try:
        header, heads = peek(raw)
    except Undecodable as error:
        raise _undecodable(error, grant) from error
    if not heads:
        cut = Undecodable(parse_envelope(raw).cut or "the envelope has no items")
        raise _undecodable(cut, grant)
    return header, heads


def _undecodable(error: Undecodable, grant: Grant | None) -> Refusal:
    return Refusal(400, UNDECODABLE, str(error), grant=grant)


def _sort(heads: Sequence[ItemHead], grant: Grant, doors: Doors) -> Sorting:
    """Which items may stay; the others are counted as refused."""
    fits = [head.size <= ITEM_LIMITS.get(head.type, BODY_LIMIT) for head in heads]
    fitting = [head for head, fit in zip(heads, fits, strict=True) if fit]
    ruling = doors.quotas.rule(grant.key_id, grant.quota_per_minute, fitting)
    if not all(ruling.admitted):
        doors.quotas.refused(grant.organization_id)
    admitted = iter(ruling.admitted)
    kept = [fit and next(admitted) for fit in fits]
    for head, fit, keep in zip(heads, fits, kept, strict=True):
        if not keep:
            _count_dropped(head, grant, OVER_QUOTA if fit else TOO_LARGE, doors)
    return Sorting(kept, ruling)


def _without_dropped(raw: bytes, kept: Sequence[bool]) -> bytes:
    lines = [raw[: raw.find(b"\n")]]
    for item, keep in zip(parse_envelope(raw).items, kept, strict=True):
        if keep:
            lines += [_item_header(item), item.payload]
    return b"\n".join(lines) + b"\n"


def _item_header(item: Item) -> bytes:
    """An item's header with its length: the values that mean something are plain ones."""
    plain = {k: v for k, v in item.header.items() if not isinstance(v, dict | list)}
    # Not orjson, which refuses half of a surrogate pair.
    return json.dumps({**plain, "length": len(item.payload)}).encode()


def _row(
    submission: Submission, grant: Grant, body: bytes, encoding: str, items: Sequence[str]
) -> SpoolRow:
    return SpoolRow(
        organization_id=grant.organization_id,
        project_id=grant.project_id,
        key_id=grant.key_id,
        received_at=clock.now(),
        kind=submission.kind,
        encoding=encoding,
        header={
            "items": ", ".join(items)[:200],
            "address": submission.address,
        },
        body=body,
    )


def _accepted(event_id: object, sorting: Sorting) -> Answer:
    content = {"id": event_id} if isinstance(event_id, str) and event_id.isascii() else {}
    return Answer(200, content, cors.ALLOWED | sorting.ruling.headers)


def _count_dropped(head: ItemHead, grant: Grant, reason: str, doors: Doors) -> None:
    if reason == OVER_QUOTA:
        limit = doors.quotas.limit(grant.quota_per_minute, category(head.type))
        whose = "the default for every key" if grant.quota_per_minute is None else "its own limit"
        detail = f"the key may send {limit:,} of a kind a minute: {whose}"
    else:
        detail = f"{head.size:,} bytes, of {ITEM_LIMITS.get(head.type, BODY_LIMIT):,} allowed"
    count = Count(grant.project_id, head.type, REFUSED, reason, head.quantity, clock.now(), detail)
    doors.refusals.add(grant.organization_id, count)


def _count_refusal(submission: Submission, refusal: Refusal, refusals: Refusals) -> None:
    """Into the ledger of the key's project; of a stranger only that there was a request."""
    grant = refusal.grant
    item_type = WHOLE.get(submission.kind, "traces")
    outcome = INVALID if refusal.reason == UNDECODABLE else REFUSED
    if grant is None or grant.disabled:
        project_id = grant.project_id if grant else submission.project_id
        if project_id is not None:
            refusals.add_stranger((project_id, item_type, outcome, refusal.reason))
        return
    detail = (
        f"{refusal.detail} (sent by {submission.client})" if submission.client else refusal.detail
    )
    count = Count(grant.project_id, item_type, outcome, refusal.reason, 1, clock.now(), detail)
    refusals.add(grant.organization_id, count)
