"""What became of tries: the log, the state of messages, threads, and whether channels work."""

from __future__ import annotations

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update

from console.alerting.delivery import bell, fallback, health
from console.alerting.delivery.models import (
    LONGEST_ANSWER,
    LONGEST_ERROR,
    AttemptOutcome,
    DeliveryAttempt,
    MessageState,
    MessageThread,
    OutboxMessage,
)
from console.alerting.delivery.order import owed_at
from console.alerting.delivery.sender import Delivered, Sender
from console.alerting.models import Incident
from console.channels.kinds import NotDelivered, Receipt
from console.core import clock
from console.core.db import db

FIRST, LONGEST = timedelta(seconds=5), timedelta(hours=1)
GIVE_UP = timedelta(hours=24)
"""A message that cannot be delivered for so long is given up, and goes to the fallback."""

log = logging.getLogger(__name__)


def store(organization_id: int, tries: Sequence[Delivered], sender: Sender) -> None:
    """Write what became of an organization's tries whose leases still hold. The caller commits."""
    del organization_id  # the Session is bound to it
    by_id = {done.of.message_id: done for done in tries}
    own = select(OutboxMessage).where(OutboxMessage.id.in_(by_id)).order_by(OutboxMessage.id)
    locked = own.with_for_update().execution_options(populate_existing=True)
    rows = []
    for row in db.session.scalars(locked).all():
        done = by_id[row.id]
        if row.lease != done.of.lease or row.state is not MessageState.WAITING:
            log.warning("message %d was claimed by another process meanwhile", row.id)
            continue
        rows.append(row)
        row.lease, row.leased_until, row.attempts = "", None, row.attempts + 1
        if isinstance(done.result, NotDelivered):
            _failed(row, done, done.result, sender)
        else:
            _sent(row, done, done.result, sender)
    # Channels and incidents in the order of their ids, in which everybody locks them.
    for row in sorted(rows, key=lambda row: row.channel_id or 0):
        if not _is_of_console(by_id[row.id]):
            _note_health(row)
    _note_notified([row for row in rows if row.state is MessageState.SENT])


def storable(text: str) -> str:
    """A receiver's words without what a database refuses: NUL, and halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def backoff(tries: int) -> timedelta:
    """How long to wait after so many failed tries: twice as long each time."""
    return min(LONGEST, FIRST * (1 << min(tries - 1, 20)))


def _sent(row: OutboxMessage, done: Delivered, receipt: Receipt, sender: Sender) -> None:
    now = clock.now()
    handed_over = done.at + timedelta(milliseconds=done.milliseconds)
    row.state, row.sent_at, row.error = MessageState.SENT, handed_over, ""
    row.receipt = storable(receipt.reference)[:200]
    _log(row, done, AttemptOutcome.SENT, receipt.status, receipt.answer)
    if receipt.thread and row.incident_id is not None:
        _keep_thread(row, receipt)
    if sender.works(done.of.lane):
        _bring_forward(row.recipient, now)


def _failed(row: OutboxMessage, done: Delivered, failure: NotDelivered, sender: Sender) -> None:
    now = clock.now()
    is_over = failure.permanent or _is_given_up(row, now)
    row.error = storable(str(failure))[:LONGEST_ERROR]
    outcome = AttemptOutcome.REFUSED if failure.permanent else AttemptOutcome.FAILED
    _log(row, done, outcome, failure.status, failure.answer or str(failure))
    if is_over:
        row.state = MessageState.FAILED
        if not failure.of_console:
            sender.failed(done.of.lane, None)
        fallback.owe(row, given_up=not failure.permanent)
        return
    jitter = random.uniform(0.75, 1.25)  # noqa: S311 - it spreads tries, and hides nothing
    if failure.of_console:  # other messages may well go there
        row.next_at = now + backoff(row.attempts) * jitter
        bell.poke(row.next_at)
        return
    in_a_row = sender.failures(done.of.lane) + 1
    row.next_at = now + _wait(failure, max(row.attempts, in_a_row), jitter)
    sender.failed(done.of.lane, _wait(failure, in_a_row, jitter))
    bell.poke(row.next_at)


def _is_given_up(row: OutboxMessage, now: datetime) -> bool:
    """Whether it was tried for so long; a time in which nobody could try does not count."""
    if now - owed_at(row) < GIVE_UP:
        return False
    own = select(func.min(DeliveryAttempt.at)).join(
        OutboxMessage,
        (OutboxMessage.id == DeliveryAttempt.message_id)
        & (OutboxMessage.organization_id == DeliveryAttempt.organization_id),
    )
    first = db.session.scalar(
        own.where(or_(OutboxMessage.id == row.id, OutboxMessage.merged_into_id == row.id))
    )
    return first is not None and now - first >= GIVE_UP


def _is_of_console(done: Delivered) -> bool:
    return isinstance(done.result, NotDelivered) and done.result.of_console


def _wait(failure: NotDelivered, tries: int, jitter: float) -> timedelta:
    """How long a receiver is left alone: as long as it wants, within reason."""
    if failure.retry_after is None:
        return backoff(tries) * jitter
    return min(timedelta(seconds=max(failure.retry_after, 1.0)), LONGEST)


def _log(
    row: OutboxMessage, done: Delivered, outcome: AttemptOutcome, status: int | None, answer: str
) -> None:
    db.session.add(
        DeliveryAttempt(
            message_id=row.id,
            number=row.attempts,
            at=done.at,
            milliseconds=done.milliseconds,
            outcome=outcome,
            status=status,
            answer=storable(answer)[:LONGEST_ANSWER],
        )
    )


def _keep_thread(row: OutboxMessage, receipt: Receipt) -> None:
    own = select(MessageThread).where(
        MessageThread.incident_id == row.incident_id, MessageThread.recipient == row.recipient
    )
    thread = db.session.scalar(own)
    if thread is None:
        assert row.incident_id is not None
        thread = MessageThread(incident_id=row.incident_id, recipient=row.recipient)
        db.session.add(thread)
    kept = {
        name: storable(value) if isinstance(value, str) else value
        for name, value in receipt.thread.items()
    }
    thread.reference, thread.at = kept, clock.now()


def _note_health(row: OutboxMessage) -> None:
    if row.channel_id is None:
        return
    if row.sent_at is not None:
        health.works(row.channel_id, row.sent_at)
    else:
        health.fails(row.channel_id, clock.now(), row.error)


def _note_notified(rows: Sequence[OutboxMessage]) -> None:
    """Note on the incidents that messages are about when somebody was first notified of them."""
    first: dict[int, datetime] = {}
    for row in rows:
        assert row.sent_at is not None
        for id_ in [row.incident_id] if row.incident_id is not None else _listed(row):
            first[id_] = min(row.sent_at, first.get(id_, row.sent_at))
    if not first:
        return
    fresh = select(Incident.id).where(Incident.id.in_(first), Incident.notified_at.is_(None))
    for id_ in db.session.scalars(fresh.order_by(Incident.id).with_for_update()).all():
        own = update(Incident).where(Incident.id == id_).values(notified_at=first[id_])
        db.session.execute(own.execution_options(synchronize_session=False))


def _listed(digest: OutboxMessage) -> Sequence[int]:
    own = select(OutboxMessage.incident_id).where(OutboxMessage.merged_into_id == digest.id)
    return [id_ for id_ in db.session.scalars(own) if id_ is not None]


def _bring_forward(recipient: str, now: datetime) -> None:
    """Send at once what waits for a receiver that works again."""
    waiting = update(OutboxMessage).where(
        OutboxMessage.recipient == recipient,
        OutboxMessage.state == MessageState.WAITING,
        OutboxMessage.attempts > 0,
        OutboxMessage.leased_until.is_(None),
    )
    db.session.execute(waiting.values(next_at=now).execution_options(synchronize_session=False))
    bell.poke(now)
