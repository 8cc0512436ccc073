"""Who gets a message that its receiver did not get: never the broken way itself, and no circles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from console.accounts import queries
from console.accounts.models import User
from console.alerting.delivery import bell, preferences
from console.alerting.delivery.models import Channel, OutboxMessage
from console.channels.message import Verb
from console.core import clock
from console.core.db import db

MAIL = "email"
LONGEST_CHAIN = 10


def owe(message: OutboxMessage, *, given_up: bool) -> Sequence[OutboxMessage]:
    """Owe a failed message to its channel's fallback, or to the owners by mail. The caller commits.

    It is called again for one that took another way before: whoever has it gets nothing more.
    `given_up`: it was tried for long, so that the same way would not work for others either. Where
    nobody is left, the page of undelivered messages has it. News of a release is nobody else's, and
    a report goes to whom it was made for.
    """
    if message.verb in {Verb.DEPLOY, Verb.REPORT}:
        return []
    tried = _tried(message)
    channel = _channel(message.channel_id)
    following = _channel(channel.fallback_id) if channel else None
    if following is not None and _is_usable(following, tried):
        return _copies(message, [(f"channel-{following.id}", following.id, None)])
    is_mail = channel is None or channel.kind == MAIL
    if is_mail and given_up:
        spare = (channel for channel in _working_channels() if _is_usable(channel, tried))
        copies = [(f"channel-{usable.id}", usable.id, None) for usable in spare][:1]
        return _copies(message, copies)
    owners = [(f"user-{user.id}-email", None, user.id) for user in _owners()]
    return _copies(message, [owner for owner in owners if owner[0] not in tried])


def _copies(
    message: OutboxMessage, receivers: Sequence[tuple[str, int | None, int | None]]
) -> Sequence[OutboxMessage]:
    """The same message for other receivers, without those whom it is owed to already."""
    copies = []
    for recipient, channel_id, user_id in receivers:
        if _knows(recipient, message):
            continue
        copies.append(
            OutboxMessage(
                incident_id=message.incident_id,
                key=_key(recipient, message),
                recipient=recipient,
                channel_id=channel_id,
                user_id=user_id,
                verb=message.verb,
                sequence=message.sequence,
                step=message.step,
                payload=message.payload,
                next_at=clock.now(),
                fallback_of_id=message.id,
            )
        )
    db.session.add_all(copies)
    if copies:
        bell.poke(clock.now())
    return copies


def _key(recipient: str, message: OutboxMessage) -> str:
    """The key that a message has to another receiver: of an incident's event, the usual one."""
    if message.incident_id is None:
        return f"fallback-{message.id}-{recipient}"
    return f"incident-{message.incident_id}-{message.sequence}-{recipient}"


def _knows(recipient: str, message: OutboxMessage) -> bool:
    """Whether a receiver is owed the same already; of a list, all that stands in it."""
    own = OutboxMessage.recipient == recipient
    same = select(OutboxMessage.id).where(OutboxMessage.key == _key(recipient, message))
    is_owed = db.session.scalar(same) is not None
    if is_owed or message.incident_id is not None:
        return is_owed
    events = select(OutboxMessage.incident_id, OutboxMessage.sequence)
    listed = db.session.execute(events.where(OutboxMessage.merged_into_id == message.id)).all()
    ids = {incident_id for incident_id, _ in listed}
    known = db.session.execute(events.where(own, OutboxMessage.incident_id.in_(ids))).all()
    return bool(listed) and {tuple(row) for row in listed} <= {tuple(row) for row in known}


def _tried(message: OutboxMessage) -> set[str]:
    """The receivers that a message was meant for, from the first that failed on."""
    tried, at = {message.recipient}, message.fallback_of_id
    for _ in range(LONGEST_CHAIN):
        former = db.session.get(OutboxMessage, at) if at is not None else None
        if former is None:
            break
        tried.add(former.recipient)
        at = former.fallback_of_id
    return tried


def _is_usable(channel: Channel, tried: set[str]) -> bool:
    is_there = channel.deleted_at is None and channel.enabled
    return is_there and f"channel-{channel.id}" not in tried


def _channel(channel_id: int | None) -> Channel | None:
    return db.session.get(Channel, channel_id) if channel_id is not None else None


def _working_channels() -> Iterator[Channel]:
    """Channels that do not send mail and work, as far as is known."""
    own = select(Channel).where(Channel.kind != MAIL, Channel.failing_since.is_(None))
    yield from db.session.scalars(own.order_by(Channel.id))


def _owners() -> Sequence[User]:
    """The owners who get mails of the organization."""
    return [owner for owner in queries.owners() if preferences.of(owner.id).unsubscribed_at is None]
