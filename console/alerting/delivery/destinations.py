"""How a message gets to its receiver: the kind of channel, and its settings as they are now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from console.accounts.models import Membership, User
from console.alerting.delivery import channels
from console.alerting.delivery.models import Channel, SlackAccount
from console.channels.kinds import Kind, NotDelivered
from console.channels.registry import KINDS
from console.core.db import db

MAIL = "email"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where messages to a recipient go; `fault` says why nothing can be sent there."""

    kind: Kind
    given: Mapping[str, Any] = field(default_factory=dict)
    channel: Channel | None = None
    user: User | None = None
    fault: NotDelivered | None = None


def destination(channel_id: int | None, user_id: int | None, address: str = "") -> Destination:
    """The way to a channel, to a person by mail or by a channel such as Slack, or to an address."""
    if address and channel_id is None and user_id is None:
        return Destination(KINDS[MAIL], {"to": address})
    channel = db.session.get(Channel, channel_id) if channel_id is not None else None
    user = _member(user_id) if user_id is not None else None
    kind = KINDS.get(channel.kind if channel else MAIL) or KINDS[MAIL]
    try:
        given = _given(channel, channel_id, user, user_id)
    except NotDelivered as fault:
        return Destination(kind, channel=channel, user=user, fault=fault)
    return Destination(kind, given, channel, user)


def _given(
    channel: Channel | None, channel_id: int | None, user: User | None, user_id: int | None
) -> dict[str, Any]:
    if user_id is not None and user is None:
        raise NotDelivered("The person has left the organization.", permanent=True)
    if channel is None:
        if channel_id is not None or user is None:
            raise NotDelivered("The receiver no longer exists.", permanent=True)
        return {"to": user.email}
    if channel.kind not in KINDS:
        raise NotDelivered(f"There is no kind of channel {channel.kind}.", permanent=True)
    given = channels.given(channel)
    if not channel.enabled:
        raise NotDelivered("The channel is switched off.", permanent=True)
    return given if user is None else {**given, "channel": _slack_user(user, channel)}


def _member(user_id: int) -> User | None:
    own = select(User).join(Membership, Membership.user_id == User.id)
    return db.session.scalar(own.where(User.id == user_id))


def _slack_user(user: User, channel: Channel) -> str:
    """The person's id where the channel's app is at home, rather than in another workspace."""
    own = select(SlackAccount.slack_user).where(SlackAccount.user_id == user.id)
    nearest = own.order_by((SlackAccount.channel_id == channel.id).desc(), SlackAccount.id.desc())
    slack_user = db.session.scalar(nearest.limit(1))
    if slack_user is None:
        raise NotDelivered("The person's Slack account is no longer linked.", permanent=True)
    return slack_user
