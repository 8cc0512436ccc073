"""Which messages may go now: what goes to one receiver about one incident keeps its order.

A message waits for the fate of the one before it. What has not been sent when the next is due is
said by that one: an incident that begins and ends while its receiver cannot be reached is one
message.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import aliased

from console.alerting.delivery.models import MessageState, OutboxMessage
from console.channels.message import Verb
from console.core import repeated
from console.core.db import db

MOST, MOST_APART = 2_000, 100
"""So many messages to one receiver are looked at in one round; fewer where each goes by itself."""
BEGINS = frozenset({Verb.TRIGGER, Verb.ESCALATE, Verb.UNACKNOWLEDGE})
"""What tells a receiver that something is wrong, if it is the first that arrives."""
CALM = frozenset({Verb.RESOLVE, Verb.ACKNOWLEDGE})
NOT_TAKEN = "Channels of this kind carry no such message."

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Receiver:
    """A receiver with messages that are due."""

    recipient: str
    channel_id: int | None
    user_id: int | None
    address: str = ""


def is_due(now: datetime) -> ColumnElement[bool]:
    """A message that waits, whose time has come, and that nobody is trying."""
    return (
        (OutboxMessage.state == MessageState.WAITING)
        & (OutboxMessage.next_at <= now)
        & or_(OutboxMessage.leased_until.is_(None), OutboxMessage.leased_until < now)
    )


def receivers(now: datetime) -> Sequence[Receiver]:
    """Everybody whom a message is due to, the longest waiting first."""
    own = (
        select(
            OutboxMessage.recipient,
            func.max(OutboxMessage.channel_id),
            func.max(OutboxMessage.user_id),
            func.max(OutboxMessage.address),
        )
        .where(is_due(now))
        .group_by(OutboxMessage.recipient)
        .order_by(func.min(OutboxMessage.next_at))
    )
    return [Receiver(*row) for row in db.session.execute(own)]


def next_at(now: datetime) -> datetime | None:
    """When something is due next that is not yet."""
    coming = select(func.min(OutboxMessage.next_at)).where(
        OutboxMessage.state == MessageState.WAITING, OutboxMessage.next_at > now
    )
    return db.session.scalar(coming)


def ready(recipient: str, takes: frozenset[Verb] | None, now: datetime) -> list[OutboxMessage]:
    """The messages to a receiver that may go now, the longest waiting first.

    Messages that a later one says too are merged into it. `takes` is what its kind of channel
    carries, None for everything. To be called in a transaction that writes, alone.
    """
    due = select(OutboxMessage.id, OutboxMessage.incident_id, OutboxMessage.verb).where(
        is_due(now), OutboxMessage.recipient == recipient
    )
    most = MOST if takes is None or Verb.DIGEST in takes else MOST_APART
    rows = db.session.execute(due.order_by(OutboxMessage.next_at).limit(most)).all()
    apart = [id_ for id_, incident_id, _ in rows if incident_id is None]
    incident_ids = {incident_id for _, incident_id, _ in rows if incident_id is not None}
    free = list(_locked(OutboxMessage.id.in_(apart))) if apart else []
    free += _first_of_threads(recipient, incident_ids, takes, now)
    return sorted((row for row in free if row.next_at <= now), key=lambda row: row.next_at)


def is_leased(row: OutboxMessage, now: datetime) -> bool:
    """Whether somebody tries it at this moment."""
    return row.leased_until is not None and row.leased_until >= now


def _first_of_threads(
    recipient: str, incident_ids: set[int], takes: frozenset[Verb] | None, now: datetime
) -> Iterable[OutboxMessage]:
    if not incident_ids:
        return
    of_threads = (OutboxMessage.recipient == recipient) & OutboxMessage.incident_id.in_(
        incident_ids
    )
    waiting: dict[int, list[OutboxMessage]] = defaultdict(list)
    for row in _locked(of_threads & (OutboxMessage.state == MessageState.WAITING)):
        waiting[row.incident_id or 0].append(row)
    reached, blocked = _past(of_threads)
    for incident_id, thread in waiting.items():
        if incident_id in blocked or any(is_leased(row, now) for row in thread):
            continue
        known = ("merge", thread[0].id)
        try:
            last = _merged(thread, takes, is_reached=incident_id in reached)
        except Exception as error:  # they stay stuck, which the watchdog sees; others go on
            if times := repeated.current().failed(known, type(error).__name__):
                sentence = "the messages of incident %d to %s were not merged; in a row: %d"
                log.exception(sentence, incident_id, recipient, times)
            for row in thread:
                db.session.expire(row)
            continue
        if last is not None:
            yield last


def _past(of_threads: ColumnElement[bool]) -> tuple[set[int | None], set[int | None]]:
    """The incidents that the receiver knows of, and those which a waiting digest is about."""
    digest = aliased(OutboxMessage)
    sent = select(OutboxMessage.incident_id).where(
        of_threads, OutboxMessage.state == MessageState.SENT
    )
    merged = (
        select(OutboxMessage.incident_id, digest.state)
        .join(
            digest,
            (digest.id == OutboxMessage.merged_into_id)
            & (digest.organization_id == OutboxMessage.organization_id),
        )
        .where(of_threads, OutboxMessage.state == MessageState.MERGED, digest.verb == Verb.DIGEST)
    )
    reached, blocked = set(db.session.scalars(sent)), set[int | None]()
    for incident_id, state in db.session.execute(merged):
        if state is MessageState.SENT:
            reached.add(incident_id)
        elif state is MessageState.WAITING:
            blocked.add(incident_id)
    return reached, blocked


def _locked(condition: ColumnElement[bool]) -> Sequence[OutboxMessage]:
    """Rows in the order of their ids, in which everybody locks them."""
    own = select(OutboxMessage).where(condition).order_by(OutboxMessage.id)
    return db.session.scalars(own.with_for_update().execution_options(populate_existing=True)).all()


def _merged(
    thread: Sequence[OutboxMessage], takes: frozenset[Verb] | None, *, is_reached: bool
) -> OutboxMessage | None:
    """The one message that says what all waiting ones of a thread do; None if none is carried."""
    carried = [row for row in thread if takes is None or row.verb in takes]
    if not carried:
        for row in thread:
            row.state, row.error = MessageState.DISCARDED, NOT_TAKEN
        return None
    latest, last = thread[-1], carried[-1]
    begins = any(row.verb in BEGINS for row in thread)
    changes: dict[str, Any] = {}
    if not is_reached and begins and last.verb in CALM:
        changes["unheard"] = True
    if len(thread) > 1:
        reasons = [row.payload["because"] for row in thread if "because" in row.payload]
        changes["owed_at"] = min(owed_at(row) for row in thread).isoformat()
        changes |= {"because": reasons[-1]} if reasons else {}
        last.payload = {**latest.payload, **changes}
        last.sequence = latest.sequence
        if not is_reached and begins and last.verb not in CALM:
            last.verb = Verb.TRIGGER
        if last.verb in CALM and not is_reached:  # nobody is woken to hear that all is well
            untried = [row.next_at for row in thread if not row.attempts]
            last.next_at = max([last.next_at, *untried])
        for row in thread:
            if row is not last:
                row.state, row.merged_into_id = MessageState.MERGED, last.id
    elif changes and not last.payload.get("unheard"):
        last.payload = {**last.payload, **changes}
    return last


def owed_at(row: OutboxMessage) -> datetime:
    """When it was meant to be sent; for merged messages, when the first of them was."""
    text = row.payload.get("owed_at")
    return datetime.fromisoformat(text) if text else row.created_at
