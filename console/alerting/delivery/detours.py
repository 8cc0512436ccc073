"""What a way does not deliver for long goes another way too, while its own is still tried."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from console.accounts.models import User
from console.alerting.chronicle import write
from console.alerting.delivery import fallback
from console.alerting.delivery.models import (
    Channel,
    DeliveryAttempt,
    MessageState,
    OutboxMessage,
)
from console.alerting.delivery.order import CALM
from console.alerting.models import Incident, IncidentVerb
from console.core.db import db

AFTER = timedelta(minutes=15)
"""A receiver that has failed for so long is no way for what is urgent."""
MOST = 500
"""So many messages take another way in one round."""


def due(now: datetime) -> Sequence[int]:
    """The messages that should go another way: tried for long, or behind one that was.

    What tells that all is well wakes nobody by another way. A person's quiet hours hold.
    """
    since = _tried_for_long(now)
    if not since:
        return []
    own = select(OutboxMessage.id, OutboxMessage.recipient).where(
        OutboxMessage.recipient.in_({recipient for recipient, _ in since.values()}),
        OutboxMessage.state == MessageState.WAITING,
        OutboxMessage.verb.not_in(CALM),
        OutboxMessage.detoured_at.is_(None),
        or_(OutboxMessage.next_at <= now, OutboxMessage.attempts > 0),
        or_(OutboxMessage.leased_until.is_(None), OutboxMessage.leased_until < now),
    )
    rows = db.session.execute(own.order_by(OutboxMessage.id)).all()
    failing = _failing(since.values())
    return [id_ for id_, recipient in rows if id_ in since or recipient in failing][:MOST]


def take(ids: Collection[int], now: datetime) -> int:
    """Owe messages to another way, and note it in their incidents' histories. The caller commits.

    Each is looked at once: where nobody else can be reached, it waits for its own way.
    """
    own = select(OutboxMessage).where(
        OutboxMessage.id.in_(ids),
        OutboxMessage.state == MessageState.WAITING,
        OutboxMessage.detoured_at.is_(None),
    )
    locked = own.order_by(OutboxMessage.id).with_for_update()
    ways: dict[int, set[tuple[str, str]]] = {}
    taken = 0
    for row in db.session.scalars(locked.execution_options(populate_existing=True)).all():
        row.detoured_at = now
        copies = fallback.owe(row, given_up=True)
        taken += bool(copies)
        if copies and row.incident_id is not None:
            names = ", ".join(_name(copy) for copy in copies)
            ways.setdefault(row.incident_id, set()).add((_name(row), names))
    for incident_id in sorted(ways):
        incident = db.session.get_one(Incident, incident_id)
        for former, names in sorted(ways[incident_id]):
            text = f"{former} has taken no message for a while: {names} gets it too."
            write(incident, IncidentVerb.NOTED, now, text=text, details={"console": True})
    return taken


def _tried_for_long(now: datetime) -> Mapping[int, tuple[str, datetime]]:
    """Waiting messages whose first try, or that of one they say too, is long ago: to whom, when."""
    tried = aliased(OutboxMessage)
    first = (
        select(func.min(DeliveryAttempt.at))
        .join(
            tried,
            (tried.id == DeliveryAttempt.message_id)
            & (tried.organization_id == DeliveryAttempt.organization_id),
        )
        .where(or_(tried.id == OutboxMessage.id, tried.merged_into_id == OutboxMessage.id))
        .scalar_subquery()
    )
    own = select(OutboxMessage.id, OutboxMessage.recipient, first).where(
        OutboxMessage.state == MessageState.WAITING,
        OutboxMessage.attempts > 0,
        OutboxMessage.error != "",
    )
    tries = db.session.execute(own.where(first <= now - AFTER)).all()
    return {id_: (recipient, at) for id_, recipient, at in tries}


def _failing(tried: Collection[tuple[str, datetime]]) -> set[str]:
    """The receivers that have taken nothing since: what waits behind goes another way as well."""
    oldest: dict[str, datetime] = {}
    for recipient, at in tried:
        oldest[recipient] = min(at, oldest.get(recipient, at))
    own = select(OutboxMessage.recipient, func.max(OutboxMessage.sent_at)).where(
        OutboxMessage.recipient.in_(oldest), OutboxMessage.sent_at.is_not(None)
    )
    latest = dict(db.session.execute(own.group_by(OutboxMessage.recipient)).all())
    return {recipient for recipient, at in oldest.items() if not _is_after(latest, recipient, at)}


def _is_after(latest: Mapping[str, datetime | None], recipient: str, at: datetime) -> bool:
    """Whether a receiver has taken a message after a moment."""
    taken_at = latest.get(recipient)
    return taken_at is not None and taken_at > at


def _name(row: OutboxMessage) -> str:
    """A receiver as a history names it."""
    channel = db.session.get(Channel, row.channel_id) if row.channel_id is not None else None
    user = db.session.get(User, row.user_id) if row.user_id is not None else None
    way = channel.name if channel else "e-mail"
    return f"{user.name or user.email} by {way}" if user else way
