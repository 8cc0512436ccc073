"""Accept: what happens before a request is answered (key, bounded inflation, quota, spool)."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import compress
from uuid import uuid4

from console.core import clock
from console.ingest import cors, protocols
from console.ingest.auth import Grant, Refusal
from console.ingest.content_encodings import TooLarge, Undecodable, inflate
from console.ingest.judging import (
    CONTENT_TYPE,
    OVER_QUOTA,
    TOO_LARGE,
    UNDECODABLE,
    Answer,
    Doors,
    Submission,
    answered,
    granted,
    granted_inside,
    has_key,
    not_durable,
    refused,
)
from console.ingest.protocol import SMALL, ItemHead, KeyPlace, Protocol, Sent
from console.ingest.quota import Ruling
from console.ingest.spool import SpoolRow, SpoolUnavailable
from console.intake.ledger import IGNORED, REFUSED, Count

RATIO = 200  # JSON shrinks by 5 to 50; a body that claims more beyond SMALL is a bomb
_large = threading.BoundedSemaphore(1)


class Heavy(Exception):
    """The work would block the event loop for too long."""


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
    """Make a request durable and acknowledge it, or say why not; never raises for bad input."""
    return answered(_accept, submission, doors)


def sifted(submission: Submission, doors: Doors) -> Answer:
    """The same without the wait for the disk: the answer holds once its row is durable."""
    return answered(_sifted, submission, doors)


def sifted_at_once(submission: Submission, doors: Doors) -> Answer | None:
    """The same where it takes a fraction of a millisecond; None where it may take longer."""
    if not submission.protocol.light or not doors.keys.is_fresh(submission.key):
        return None
    try:
        return answered(_sifted_light, submission, doors)
    except Heavy:
        return None


def _accept(submission: Submission, doors: Doors) -> Answer:
    answer = _sifted(submission, doors)
    if answer.row is not None:
        try:
            doors.spool.append(answer.row)
        except SpoolUnavailable as full:
            return not_durable(answer, full, doors.refusals)
    return answer


def _sifted_light(submission: Submission, doors: Doors) -> Answer:
    grant = granted(submission, doors, submission.key)
    try:
        raw = inflate(submission.body, submission.encoding, limit=submission.protocol.light)
    except TooLarge:
        raise Heavy from None
    except Undecodable as error:
        raise _undecodable(error, grant) from error
    return _sifted_items(submission, doors, raw, grant)


def _sifted(submission: Submission, doors: Doors) -> Answer:
    protocol, grant = submission.protocol, None
    if has_key(submission) or protocol.key is KeyPlace.HEAD:
        grant = granted(submission, doors, submission.key)
    if protocol.refuses:
        raise Refusal(415, CONTENT_TYPE, protocol.refuses, grant=grant)
    if protocol.ignores and grant is not None:
        return _ignored(protocol, grant, doors)
    with _inflated(submission, grant) as raw:
        return _sifted_items(submission, doors, raw, grant)


def _ignored(protocol: Protocol, grant: Grant, doors: Doors) -> Answer:
    """The answer that the client expects, whose request is counted and not kept.

    It keeps to no quota: clients that send crashes send again what is refused.
    """
    count = Count(grant.project_id, protocol.whole, IGNORED, protocol.ignores, 1, clock.now())
    doors.refusals.add(grant.organization_id, count)
    return Answer(protocol.accepted, {"id": uuid4().hex}, cors.ALLOWED)


def _sifted_items(submission: Submission, doors: Doors, raw: bytes, grant: Grant | None) -> Answer:
    protocol = submission.protocol
    sent = _surveyed(submission, raw, grant)
    if grant is None:
        grant = granted_inside(submission, doors, sent)
    if not sent.heads:
        return Answer(protocol.accepted, sent.answer, cors.ALLOWED)
    sorting = _sort(sent.heads, grant, doors)
    if not any(sorting.kept):
        return sorting.nothing_kept()
    body, encoding = submission.body, submission.encoding
    if protocol.without and not all(sorting.kept):
        body, encoding = compress(protocol.without(raw, sorting.kept), 1), "gzip"
    heads = [head for head, kept in zip(sent.heads, sorting.kept, strict=True) if kept]
    row = _row(submission, grant, body, encoding, [head.type for head in heads])
    headers = cors.ALLOWED | sorting.ruling.headers
    return Answer(protocol.accepted, sent.answer, headers, row, heads)


def _surveyed(submission: Submission, raw: bytes, grant: Grant | None) -> Sent:
    try:
        return submission.protocol.survey(raw)
    except TooLarge as error:
        raise Refusal(413, TOO_LARGE, str(error), grant=grant) from error
    except Undecodable as error:
        raise _undecodable(error, grant) from error


@contextmanager
def _inflated(submission: Submission, grant: Grant | None) -> Iterator[bytes]:
    """The inflated body; only one large body is in memory at a time."""
    protocol = submission.protocol
    small = min(protocol.small, protocol.raw_limit)
    raw = None
    try:
        try:
            raw = inflate(submission.body, submission.encoding, limit=small)
        except TooLarge:
            if small == protocol.raw_limit:
                raise
        if raw is not None:
            yield raw
            return
        with _large:
            limit = min(protocol.raw_limit, max(SMALL, RATIO * len(submission.body)))
            yield inflate(submission.body, submission.encoding, limit=limit)
    except TooLarge as error:
        raise Refusal(413, TOO_LARGE, str(error), grant=grant) from error
    except Undecodable as error:
        raise _undecodable(error, grant) from error


def _undecodable(error: Undecodable, grant: Grant | None) -> Refusal:
    return Refusal(400, UNDECODABLE, str(error), grant=grant)


def _sort(heads: Sequence[ItemHead], grant: Grant, doors: Doors) -> Sorting:
    """Which items may stay; the others are counted as refused."""
    fits = [head.size <= protocols.item_type(head.type).limit for head in heads]
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


def _row(
    submission: Submission, grant: Grant, body: bytes, encoding: str, items: Sequence[str]
) -> SpoolRow:
    return SpoolRow(
        organization_id=grant.organization_id,
        project_id=grant.project_id,
        key_id=grant.key_id,
        received_at=clock.now(),
        kind=submission.protocol.name,
        encoding=encoding,
        header={
            "items": ", ".join(items)[:200],
            "address": submission.address,
        },
        body=body,
    )


def _count_dropped(head: ItemHead, grant: Grant, reason: str, doors: Doors) -> None:
    item_type = protocols.item_type(head.type)
    if reason == OVER_QUOTA:
        limit = doors.quotas.limit(grant.quota_per_minute, item_type.category.name)
        whose = "the default for every key" if grant.quota_per_minute is None else "its own limit"
        detail = f"the key may send {limit:,} of a kind a minute: {whose}"
    else:
        detail = f"{head.size:,} bytes, of {item_type.limit:,} allowed"
    count = Count(grant.project_id, head.type, REFUSED, reason, head.quantity, clock.now(), detail)
    doors.refusals.add(grant.organization_id, count)
