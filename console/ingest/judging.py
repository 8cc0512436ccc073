"""Judges a request by its key, before its body is read where that can be, and counts refusals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from console.core import clock
from console.ingest import auth, cors
from console.ingest.auth import Grant, KeyRing, KeysUnavailable, Refusal
from console.ingest.content_encodings import Undecodable
from console.ingest.protocol import Encode, ItemHead, KeyPlace, Protocol, Sent, as_json
from console.ingest.quota import Quotas
from console.ingest.refusals import Refusals
from console.ingest.spool import Spool, SpoolRow, SpoolUnavailable
from console.intake.ledger import INVALID, REFUSED, Count

UNKNOWN_NOW = (
    "the database that knows the keys does not answer, and this key was not seen since the console"
    " started: send again later, nothing of this was kept"
)
RETRY_SECONDS = 30  # when a sender may try again after 503, or when its share was full

OVER_QUOTA, TOO_LARGE, UNDECODABLE = "over quota", "too large", "undecodable"
SHARE_FULL, STORAGE_FULL = "share of the spool full", "storage full"
TOO_SLOW, NO_PLACE = "too slow", "no place"
STATE_UNAVAILABLE, STOPPING = "state unavailable", "the console stopped"
CONTENT_TYPE = "content type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A request, independent of the web framework."""

    protocol: Protocol
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
    encode: Encode = as_json
    """How its sender reads an answer."""

    def with_body(self, body: bytes) -> "Submission":
        """The same with the body that followed its address."""
        if self.protocol.in_address:
            return replace(self, body=self.body + body)
        return replace(self, body=body or self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the client."""

    status: int
    content: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)
    row: SpoolRow | None = None
    """The row that has to be durable before the client gets the answer."""
    heads: Sequence[ItemHead] = ()
    """The items of that row, which are counted if it cannot be made durable."""


@dataclass(frozen=True, slots=True)
class Doors:
    """Everything that accept touches: memory, and the spool."""

    spool: Spool
    keys: KeyRing
    quotas: Quotas
    refusals: Refusals


def judge(submission: Submission, doors: Doors) -> Answer | None:
    """The refusal of a request by its header; None if its body should be read.

    It reads the database for keys that were not presented lately.
    """
    return _refusal(_check_key, submission, doors)


def judge_beginning(submission: Submission, doors: Doors) -> Answer | None:
    """The same for keys in the body, by its first bytes."""
    return _refusal(_check_beginning, submission, doors)


def turned_away(submission: Submission, refusal: Refusal, doors: Doors) -> Answer:
    """The answer to a refused request, which is counted in the ledger of its key's project.

    It does not raise the refusal again: that would make a circle of it and this frame, and keep the
    body, and with it the connection, until garbage is collected, however long that takes.
    """

    def refuse(submission: Submission, doors: Doors) -> Answer:
        refusal.grant = doors.keys.at_hand(submission.key)
        return _refused(submission, refusal, doors)

    return answered(refuse, submission, doors)


def has_key(submission: Submission) -> bool:
    """Whether the key of a request is known before its body is read."""
    place = submission.protocol.key
    if place is KeyPlace.BODY or (place is KeyPlace.HEAD_OR_BODY and submission.project_id is None):
        return False
    return bool(submission.key)


def answered(
    way: Callable[[Submission, Doors], Answer], submission: Submission, doors: Doors
) -> Answer:
    """The answer of `way`, or the answer to the exception that it raises."""
    try:
        return way(submission, doors)
    except Refusal as refusal:
        return _refused(submission, refusal, doors)
    except (SQLAlchemyError, KeysUnavailable):  # the key was not seen before: whose is this?
        return unknown_now(submission, doors)


def unknown_now(submission: Submission, doors: Doors) -> Answer:
    """The answer while nobody can say what a key opens; counted for the project in the address."""
    if submission.project_id is not None:
        case = submission.project_id, submission.protocol.whole, REFUSED, STATE_UNAVAILABLE
        doors.refusals.add_stranger(case)
    return later(STATE_UNAVAILABLE, UNKNOWN_NOW)


def _refused(submission: Submission, refusal: Refusal, doors: Doors) -> Answer:
    _count_refusal(submission, refusal, doors.refusals)
    answer = refused(refusal.status, refusal.reason, refusal.detail)
    return Answer(answer.status, answer.content, {**answer.headers, **refusal.headers})


def refused(status: int, reason: str, detail: str) -> Answer:
    """An answer that says why, in the header that SDKs log and in the body."""
    shown = "".join(c if " " <= c <= "~" else "?" for c in detail.replace("…", "..."))[:500]
    return Answer(
        status, {"detail": shown, "causes": [reason]}, cors.ALLOWED | {"X-Sentry-Error": shown}
    )


def not_durable(sound: Answer, full: SpoolUnavailable, refusals: Refusals) -> Answer:
    """The answer where a row cannot be made durable; its items are counted as refused."""
    row = sound.row
    if row is not None:
        for head in sound.heads:
            count = Count(
                row.project_id, head.type, REFUSED, STORAGE_FULL, head.quantity, clock.now(),
                str(full),
            )  # fmt: skip
            refusals.add(row.organization_id, count)
    return later(STORAGE_FULL, str(full))


def stopping() -> Refusal:
    """The refusal of a body that was on its way when the console stopped."""
    detail = "the console stopped before the body had come: send it again"
    return Refusal(503, STOPPING, detail, headers=_later())


def later(reason: str, detail: str) -> Answer:
    answer = refused(503, reason, detail)
    return Answer(503, answer.content, {**answer.headers, **_later()})


def _later() -> dict[str, str]:
    return {"Retry-After": str(RETRY_SECONDS)}


def granted(
    submission: Submission, doors: Doors, key: str | None, project_id: int | None = None
) -> Grant:
    named = submission.project_id if submission.project_id is not None else project_id
    grant = auth.authorized(doors.keys, key, named, origin=submission.origin)
    try:
        share_is_full = doors.spool.share_is_full(grant.organization_id)
    except SpoolUnavailable as full:
        raise Refusal(503, STORAGE_FULL, str(full), grant=grant, headers=_later()) from full
    if share_is_full:
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


def granted_inside(submission: Submission, doors: Doors, sent: Sent) -> Grant:
    """The grant of the key or DSN in a body, for requests without a key in the header."""
    dsn = auth.parse_dsn(sent.dsn)
    if dsn is None:
        return granted(submission, doors, sent.key if isinstance(sent.key, str) else None)
    if submission.project_id is None and dsn.host not in submission.hosts:
        detail = f"the tunnel passes on only what is for this server, not for {dsn.host[:100]}"
        raise Refusal(403, auth.OTHER_SERVER, detail)
    return granted(submission, doors, dsn.public_key, dsn.project_id)


_PASSED = Answer(200, {})


def _refusal(
    check: Callable[[Submission, Doors], Answer], submission: Submission, doors: Doors
) -> Answer | None:
    answer = answered(check, submission, doors)
    return None if answer is _PASSED else answer


def _check_key(submission: Submission, doors: Doors) -> Answer:
    if has_key(submission):
        granted(submission, doors, submission.key)
    return _PASSED


def _check_beginning(submission: Submission, doors: Doors) -> Answer:
    opening = submission.protocol.opening
    if opening is None:
        granted(submission, doors, submission.key)
        return _PASSED
    try:
        sent = opening(submission.body, submission.encoding)
    except Undecodable as error:
        raise Refusal(400, UNDECODABLE, str(error)) from error
    granted_inside(submission, doors, sent)
    return _PASSED


def _count_refusal(submission: Submission, refusal: Refusal, refusals: Refusals) -> None:
    """Count a refusal in the ledger of the key's project; for strangers, only the request."""
    grant = refusal.grant
    item_type = submission.protocol.whole
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
