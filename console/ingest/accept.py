"""What happens to a request before it is answered: key, bounded inflation, quota, spool."""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from gzip import compress
from typing import Any

from console.core import clock
from console.ingest import cors
from console.ingest.auth import Grant, Refusal
from console.ingest.beacon import page_load as beacon
from console.ingest.judging import (
    CONTENT_TYPE,
    ENVELOPE,
    OVER_QUOTA,
    STORE,
    TOO_LARGE,
    UNDECODABLE,
    Answer,
    Doors,
    Submission,
    answered,
    granted,
    granted_by_dsn,
    has_key,
    refused,
)
from console.ingest.otlp import answers, encodings
from console.ingest.quota import Ruling, category
from console.ingest.sentry.envelope import (
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
from console.ingest.spool import SpoolRow
from console.ingest.web_vitals import ITEM
from console.intake.ledger import REFUSED, Count

BODY_LIMIT = 20 << 20  # as received
RAW_LIMIT = 100 << 20  # inflated
SMALL = 4 << 20  # what every thread may inflate at once; larger ones take turns
LIGHT = 1 << 20  # what the event loop inflates by itself, in 3 ms at most
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
_large = threading.BoundedSemaphore(1)


class Heavy(Exception):
    """This takes longer than the event loop should be held up."""


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


def accept(submission: Submission, doors: Doors) -> Answer:
    """Make what may be stored durable and say so, or say why not; never raises for bad input."""
    return answered(_accept, submission, doors)


def sifted(submission: Submission, doors: Doors) -> Answer:
    """The same without the wait for the disk: the answer holds once its row is durable."""
    return answered(_sifted, submission, doors)


def sifted_at_once(submission: Submission, doors: Doors) -> Answer | None:
    """The same where it takes a fraction of a millisecond; None where it may take longer."""
    if submission.kind != ENVELOPE or not doors.keys.is_fresh(submission.key):
        return None
    try:
        return answered(_sifted_light, submission, doors)
    except Heavy:
        return None


def _accept(submission: Submission, doors: Doors) -> Answer:
    answer = _sifted(submission, doors)
    if answer.row is not None:
        doors.spool.append(answer.row)
    return answer


def _sifted(submission: Submission, doors: Doors) -> Answer:
    if submission.kind.startswith(encodings.UNKNOWN):
        return _sifted_traces(submission, doors)
    ways = {STORE: _sifted_store, beacon.KIND: _sifted_beacon}
    return ways.get(submission.kind, _sifted_envelope)(submission, doors)


def _sifted_light(submission: Submission, doors: Doors) -> Answer:
    grant = granted(submission, doors, submission.key)
    try:
        raw = inflate(submission.body, submission.encoding, limit=LIGHT)
    except TooLarge:
        raise Heavy from None
    except Undecodable as error:
        raise _undecodable(error, grant) from error
    return _sifted_items(submission, doors, raw, grant)


def _sifted_envelope(submission: Submission, doors: Doors) -> Answer:
    grant = None
    if has_key(submission):
        grant = granted(submission, doors, submission.key)
    with _inflated(submission, grant) as raw:
        return _sifted_items(submission, doors, raw, grant)


def _sifted_items(submission: Submission, doors: Doors, raw: bytes, grant: Grant | None) -> Answer:
    header, heads = _peeked(raw, grant)
    if grant is None:
        grant = granted_by_dsn(submission, doors, header)
    sorting = _sort(heads, grant, doors)
    if not any(sorting.kept):
        return sorting.nothing_kept()
    body, encoding = submission.body, submission.encoding
    if not all(sorting.kept):
        body, encoding = compress(_without_dropped(raw, sorting.kept), 1), "gzip"
    items = [head.type for head, kept in zip(heads, sorting.kept, strict=True) if kept]
    row = _row(submission, grant, body, encoding, items)
    return _accepted(header.get("event_id"), sorting, row)


def _sifted_store(submission: Submission, doors: Doors) -> Answer:
    grant = granted(submission, doors, submission.key)
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
    row = _row(submission, grant, submission.body, submission.encoding, ["event"])
    return _accepted(event.get("event_id") if isinstance(event, dict) else None, sorting, row)


def _sifted_traces(submission: Submission, doors: Doors) -> Answer:
    """OTLP: what is no span is told to the sender here, and counted in the ledger by digest."""
    grant = granted(submission, doors, submission.key)
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
    row = _row(submission, grant, submission.body, submission.encoding, ["span"])
    headers = cors.ALLOWED | sorting.ruling.headers
    return Answer(200, answers.stored(found.flaws), headers, row)


def _sifted_beacon(submission: Submission, doors: Doors) -> Answer:
    """A beacon carries its key in the body: a page that is being left cannot set headers."""
    try:
        raw = inflate(submission.body, submission.encoding, limit=beacon.BODY_LIMIT)
        sent = beacon.parse(raw)
    except TooLarge as error:
        raise Refusal(413, TOO_LARGE, str(error)) from error
    except Undecodable as error:
        raise _undecodable(error, None) from error
    key = sent.get("key")
    grant = granted(submission, doors, key if isinstance(key, str) else None)
    sorting = _sort([ItemHead(ITEM, len(raw), len(sent["m"]))], grant, doors)
    if not any(sorting.kept):
        return sorting.nothing_kept()
    row = _row(submission, grant, submission.body, submission.encoding, [ITEM])
    return Answer(204, {}, cors.ALLOWED, row)


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


def _accepted(event_id: object, sorting: Sorting, row: SpoolRow) -> Answer:
    content = {"id": event_id} if isinstance(event_id, str) and event_id.isascii() else {}
    return Answer(200, content, cors.ALLOWED | sorting.ruling.headers, row)


def _count_dropped(head: ItemHead, grant: Grant, reason: str, doors: Doors) -> None:
    if reason == OVER_QUOTA:
        limit = doors.quotas.limit(grant.quota_per_minute, category(head.type))
        whose = "the default for every key" if grant.quota_per_minute is None else "its own limit"
        detail = f"the key may send {limit:,} of a kind a minute: {whose}"
    else:
        detail = f"{head.size:,} bytes, of {ITEM_LIMITS.get(head.type, BODY_LIMIT):,} allowed"
    count = Count(grant.project_id, head.type, REFUSED, reason, head.quantity, clock.now(), detail)
    doors.refusals.add(grant.organization_id, count)
