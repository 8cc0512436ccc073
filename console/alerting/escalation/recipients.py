"""Whom the targets of a step reach now, and which of them cannot be notified and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import and_, func, or_, select

from console.accounts.models import Membership, Role, User
from console.alerting.delivery import preferences
from console.alerting.delivery.models import Channel, OutboxMessage
from console.alerting.delivery.outbox import Recipient
from console.alerting.delivery.preferences import Choices
from console.alerting.escalation.plan import Target
from console.alerting.models import Incident, Severity
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


@dataclass(frozen=True, slots=True)
class Directory:
    """Who and what can be notified in the organization now: read once, for many steps."""

    members: Mapping[int, User]
    """By name."""
    owners: Sequence[User]
    channels: Mapping[int, Channel]
    """By name; deleted ones, too."""
    choices: Choices
    only_working: bool = False
    """Whether channels that do not deliver are left out: what is wrong may be one of them."""

    @classmethod
    def read(cls, *, only_working: bool = False) -> Self:
        """The directory as it is now."""
        own = select(User, Membership.role).join(Membership, Membership.user_id == User.id)
        members = db.session.execute(own.order_by(User.name, User.id)).all()
        channels = db.session.scalars(select(Channel).order_by(Channel.name))
        return cls(
            members={user.id: user for user, _ in members},
            owners=[user for user, role in members if role is Role.OWNER],
            channels={channel.id: channel for channel in channels},
            choices=Choices.read(),
            only_working=only_working,
        )

    def name(self, target: Target) -> str:
        """A target as people know it."""
        if target.reach == "owners":
            return "the owners"
        if target.reach == "user":
            member = self.members.get(target.id or 0)
            return (member.name or member.email) if member else "a former member"
        channel = self.channels.get(target.id or 0)
        return channel.name if channel else "a channel that was deleted"

    def fault(self, target: Target) -> str:
        """Why a target reaches nobody at any time, as what is wrong with it; "" if it does."""
        if target.reach == "owners":
            return "" if self.owners else "are not there: the organization has none"
        if target.reach == "user":
            return "" if target.id in self.members else "left the organization"
        channel = self.channels.get(target.id or 0)
        if channel is None or channel.deleted_at is not None:
            return "was deleted"
        return "" if channel.enabled else "is switched off"

    def reached(self, targets: Sequence[Target], severity: Severity, at: datetime) -> Reached:
        """The recipients behind targets at a moment, for an incident of a severity."""
        recipients: dict[str, Recipient] = {}
        skipped = []
        for target in targets:
            for answer in self._behind(target, severity, at):
                if isinstance(answer, Skipped):
                    skipped.append(answer)
                else:
                    recipients.setdefault(answer.key, answer)
        return Reached(list(recipients.values()), skipped)

    def _behind(
        self, target: Target, severity: Severity, at: datetime
    ) -> Iterator[Recipient | Skipped]:
        if fault := self.fault(target):
            yield Skipped(self.name(target), fault)
        elif target.reach == "channel":
            channel = self.channels[target.id or 0]
            if self.only_working and channel.failing_since is not None:
                yield Skipped(channel.name, "does not deliver now")
                return
            yield Recipient(f"channel-{channel.id}", channel.name, channel_id=channel.id)
        else:
            people = self.owners if target.reach == "owners" else [self.members[target.id or 0]]
            for person in people:
                yield from self._ways(person, severity, at)

    def _ways(self, user: User, severity: Severity, at: datetime) -> Iterator[Recipient | Skipped]:
        """How a person is notified at a moment, and why not in the ways that they chose."""
        ways = preferences.ways(user, severity, at, self.choices)
        yield from ways.recipients
        yield from (Skipped(name, why) for name, why in ways.skipped)


def all_notified(incident: Incident) -> Sequence[Recipient]:
    """Everybody who was notified of an incident, or is about to be, and can still be."""
    membership = and_(
        Membership.user_id == OutboxMessage.user_id,
        Membership.organization_id == OutboxMessage.organization_id,
    )
    is_open = and_(Channel.enabled, Channel.deleted_at.is_(None))
    own = (
        select(
            OutboxMessage.recipient,
            func.coalesce(Channel.name, User.name, ""),
            OutboxMessage.channel_id,
            OutboxMessage.user_id,
        )
        .outerjoin(Channel, Channel.id == OutboxMessage.channel_id)
        .outerjoin(Membership, membership)
        .outerjoin(User, User.id == Membership.user_id)
        .where(
            OutboxMessage.incident_id == incident.id,
            or_(OutboxMessage.channel_id.is_(None), is_open),
            or_(OutboxMessage.user_id.is_(None), User.id.is_not(None)),
            or_(OutboxMessage.channel_id.is_not(None), OutboxMessage.user_id.is_not(None)),
        )
        .order_by(OutboxMessage.id)
    )
    notified = (Recipient(*row) for row in db.session.execute(own))
    return list({recipient.key: recipient for recipient in notified}.values())


def is_known(incident: Incident) -> bool:
    """Whether anybody was notified of an incident, or is about to be."""
    own = select(OutboxMessage.id).where(OutboxMessage.incident_id == incident.id)
    return db.session.scalar(own.limit(1)) is not None
