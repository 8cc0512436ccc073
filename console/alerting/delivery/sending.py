"""Messages are delivered: each is claimed by one process, tried, and what became of it is kept.

The claim is a lease on its row. A process that ends or freezes before it has written what became of
a try loses the lease after a while: then the message is sent again, with the same key. What a
frozen process writes afterwards changes nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from secrets import token_hex
from typing import Any, cast

from flask import Flask, current_app
from sqlalchemy import select, update

from console.accounts.rounds import for_each_organization
from console.alerting.apart import Apart
from console.alerting.delivery import banner, bell, detours, holds, links, order, outcome, storms
from console.alerting.delivery.compose import compose
from console.alerting.delivery.destinations import Destination, destination
from console.alerting.delivery.models import MessageState, MessageThread, OutboxMessage
from console.alerting.delivery.order import Receiver
from console.alerting.delivery.sender import BEGIN_WITHIN, Delivered, Parcel, Sender
from console.channels.kinds import NotDelivered, Receipt
from console.channels.message import Button, Verb
from console.channels.way import way
from console.core import clock
from console.core.alarm import Alarm
from console.core.crypto import hash_of
from console.core.database_errors import concerns_all
from console.core.db import db, hold_alone, reading, writing
from console.core.tenancy import organization_scope

EXTENSION = "pharos.sender"
JOB = "deliver-messages"
NAMED = 12
"""Letters of an instance's name in a lease."""

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Give the app its sender, which begins with the first message, and its alarm."""

    @contextmanager
    def enter(organization_id: int) -> Iterator[None]:
        with app.app_context(), organization_scope(organization_id):
            yield

    app.extensions[EXTENSION] = Sender(enter, record)
    banner.forget(app)
    app.extensions[bell.EXTENSION] = Alarm("messages", partial(_ring, app))


def take_over(served: str) -> None:
    """Try at once what the former process of this instance was trying when it ended.

    `served` names the instance: no other process claims in its name while this one serves.
    """
    current().name = hash_of(served)[:NAMED]
    for_each_organization(_free, job=JOB)


def current() -> Sender:
    """Return the running app's sender."""
    return cast("Sender", current_app.extensions[EXTENSION])


def deliver_due(organization_id: int) -> Mapping[str, int]:
    """Begin to send what is due in the Session's organization, and return at once. Commits.

    Raises RowsFailed at the end if any receiver's or message's turn failed: the others are begun.
    """
    apart = Apart("messages and their receivers")
    begun = _deliver(organization_id, apart)
    apart.end()
    return {"messages tried": begun}


def drain(organization_id: int, seconds: float) -> int:
    """Send what is due until nothing is, or the time is over; returns how many were tried."""
    until, tried, apart = time.monotonic() + seconds, 0, Apart("messages and their receivers")
    while True:
        begun = _deliver(organization_id, apart)
        tried += begun
        left = until - time.monotonic()
        if left <= 0 or not (current().settled(left) and begun):
            return tried


def _deliver(organization_id: int, apart: Apart) -> int:
    """Begin to send what is due; returns how many messages."""
    now = clock.now()
    with reading():
        is_held = holds.present() is not None
        stuck = [] if is_held else detours.due(now)
        db.session.rollback()
    if stuck:
        with apart.row("messages that take another way"), writing():
            hold_alone(f"outbox-{organization_id}")
            detours.take(stuck, now)
            db.session.commit()
    with reading():
        receivers = [] if is_held else order.receivers(clock.now())
        following = None if is_held else order.next_at(now)
        db.session.rollback()
    begun = 0
    for receiver in receivers:
        with apart.row(receiver.recipient):
            begun += _begin(organization_id, receiver, apart)
    if following is not None:
        bell.alarm().note(organization_id, following)
    banner.refresh(organization_id)
    return begun


def record(organization_id: int, tries: Sequence[Delivered]) -> None:
    """Store what became of tries whose leases still hold, and commit."""
    with writing():
        outcome.store(organization_id, tries, current())
        db.session.commit()
    banner.refresh(organization_id)
    bell.alarm().note(organization_id, clock.now())


def _free(organization_id: int) -> Mapping[str, int]:
    del organization_id  # the Session is bound to it
    left = update(OutboxMessage).where(
        OutboxMessage.state == MessageState.WAITING,
        OutboxMessage.lease.startswith(f"{current().name}-"),
    )
    with writing():
        # The lease stays: what was tried may have arrived.
        db.session.execute(left.values(leased_until=None))
        db.session.commit()
    return {}


def _ring(app: Flask, organization_ids: Sequence[int]) -> None:
    with app.app_context():
        for_each_organization(deliver_due, job=JOB, among=organization_ids)


def _begin(organization_id: int, receiver: Receiver, apart: Apart) -> int:
    """Claim what may go to a receiver, and hand it to the sender; returns how many messages."""
    sender, lane = current(), (organization_id, receiver.recipient)
    with reading():
        target = destination(receiver.channel_id, receiver.user_id, receiver.address)
        db.session.rollback()
    room = sender.room(lane, target.kind.per_second)
    if room <= 0:
        return 0
    claimed = _claimed(organization_id, receiver.recipient, target, room)
    parcels: list[Parcel] = []
    try:
        for claim in claimed:
            with apart.row(f"message {claim.message_id}"):
                parcels += _parcel(organization_id, claim, target)
    finally:  # what is claimed is sent, whatever becomes of the rest
        sender.submit(parcels)
    return len(parcels)


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this process has claimed, and the links in it that act."""

    message_id: int
    lease: str
    at: float
    """On the monotonic clock of the process."""
    act_url: str
    unsubscribe_url: str
    again: bool
    """Whether it was tried before, and may have arrived."""


def _claimed(organization_id: int, recipient: str, target: Destination, room: int) -> list[Claim]:
    """Claim messages to a receiver that may go now, so many at most."""
    with writing():
        hold_alone(f"outbox-{organization_id}")  # what is merged is looked at by one process
        db.session.connection()  # it may wait for its turn: what is written meanwhile is due, too
        if holds.present() is not None:
            db.session.rollback()
            return []
        now, under_way = clock.now(), current().under_way
        takes = target.kind.takes if target.fault is None else None
        free = order.ready(recipient, takes, now)
        if takes is not None and Verb.DIGEST in takes:
            free = storms.bundled(recipient, free, now)
        mine = [row for row in free if row.id not in under_way][:room]
        until = now + timedelta(seconds=target.kind.seconds + 2 * BEGIN_WITHIN)
        claimed = [_claim(row, until) for row in mine]
        db.session.commit()
    return claimed


def _claim(row: OutboxMessage, until: datetime) -> Claim:
    again = bool(row.lease) or row.attempts > 0  # a try that has not ended has its lease
    row.lease, row.leased_until = f"{current().name}-{token_hex(8)}", until
    act_url = links.act_url(row) if row.verb is not Verb.RESOLVE else ""
    return Claim(
        row.id, row.lease, time.monotonic(), act_url, links.unsubscribe_url(row), again=again
    )


def _parcel(organization_id: int, claim: Claim, target: Destination) -> Sequence[Parcel]:
    """A claimed message, composed as it now is; none if it was deleted meanwhile."""
    with reading():
        own = select(OutboxMessage).where(OutboxMessage.id == claim.message_id)
        row = db.session.scalar(own)
        if row is None:
            return []
        parcel = Parcel(
            organization_id=organization_id,
            message_id=row.id,
            recipient=row.recipient,
            lease=claim.lease,
            send=_sending(row, claim, target),
            seconds=target.kind.seconds,
            per_second=target.kind.per_second,
            claimed_at=claim.at,
        )
        db.session.rollback()
    return [parcel]


def _sending(
    row: OutboxMessage, claim: Claim, target: Destination
) -> Callable[[], Awaitable[Receipt]]:
    """What sends a message, away from the database."""
    if target.fault is not None:
        return partial(_refuse, target.fault)
    try:
        thread = _thread(row)
        message = compose(row, clock.now())
    except Exception as error:  # it is tried again, and the page of deliveries shows it
        if concerns_all(error):
            raise
        log.exception("message %d was not composed", row.id)
        why = f"The console failed to compose it: {type(error).__name__}."
        return partial(_refuse, NotDelivered(why, of_console=True))
    message = replace(
        message,
        action=Button("Acknowledge", claim.act_url) if claim.act_url else None,
        unsubscribe_url=claim.unsubscribe_url or message.unsubscribe_url,
        again=claim.again,
    )
    return partial(target.kind.deliver, target.given, message, thread, way())


def _thread(row: OutboxMessage) -> Mapping[str, Any]:
    """What the former message of an incident to its receiver has left for the next."""
    own = select(MessageThread.reference).where(
        MessageThread.incident_id == row.incident_id, MessageThread.recipient == row.recipient
    )
    return db.session.scalar(own) or {} if row.incident_id is not None else {}


async def _refuse(fault: NotDelivered) -> Receipt:
    raise fault
