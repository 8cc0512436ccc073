"""Whom the targets of a step reach now, and which of them cannot be notified and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from console.accounts.models import Membership, Role, User
from console.alerting.delivery.models import Channel, OutboxMessage
from console.alerting.delivery.outbox import Recipient
from console.alerting.escalation.plan import Target
from console.alerting.models import Incident
from console.core.db import db


@dataclass(frozen=True, slots=True)
class Skipped:
    """A target that is not notified."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom a step notifies, each once, and whom not."""

    recipients: Sequence[Recipient]
    skipped: Sequence[Skipped]


def reached(targets: Sequence[Target]) -> Reached:
    """The recipients behind targets, as the organization is now."""
    recipients: dict[str, Recipient] = {}
    skipped = []
    for target in targets:
        for answer in _behind(target):
            if isinstance(answer, Skipped):
                skipped.append(answer)
            else:
                recipients.setdefault(answer.key, answer)
    return Reached(list(recipients.values()), skipped)


def all_notified(incident: Incident) -> Sequence[Recipient]:
    """Everybody who was notified of an incident, or is about to be."""
    own = (
        select(OutboxMessage.recipient, OutboxMessage.channel_id, OutboxMessage.user_id)
        .where(OutboxMessage.incident_id == incident.id)
        .distinct()
        .order_by(OutboxMessage.recipient)
    )
    return [
        Recipient(key, key, channel_id, user_id)
        for key, channel_id, user_id in db.session.execute(own)
    ]


def by_mail(user: User) -> Recipient:
    """A person's mail."""
    return Recipient(f"user-{user.id}-email", f"{user.name} by e-mail", user_id=user.id)


def _behind(target: Target) -> Iterator[Recipient | Skipped]:
    if target.reach == "owners":
        yield from map(by_mail, owners())
    elif target.reach == "user":
        yield _person(target.id or 0)
    else:
        yield _channel(target.id or 0)


def owners() -> Sequence[User]:
    """The organization's owners, by name."""
    own = select(User).join(Membership, Membership.user_id == User.id)
    return db.session.scalars(
        own.where(Membership.role == Role.OWNER).order_by(User.name, User.id)
    ).all()


def _person(user_id: int) -> Recipient | Skipped:
    own = select(User).join(Membership, Membership.user_id == User.id).where(User.id == user_id)
    user = db.session.scalar(own)
    return by_mail(user) if user else Skipped("a former member", "left the organization")


def _channel(channel_id: int) -> Recipient | Skipped:
    channel = db.session.get(Channel, channel_id)
    if channel is None or channel.deleted_at is not None:
        return Skipped(channel.name if channel else "a channel", "was deleted")
    if not channel.enabled:
        return Skipped(channel.name, "is switched off")
    return Recipient(f"channel-{channel.id}", channel.name, channel_id=channel.id)
