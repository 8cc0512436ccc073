"""Messages are written where what they tell of is decided; `sending.py` delivers them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.alerting.delivery import bell
from console.alerting.delivery.models import OutboxMessage
from console.alerting.models import Incident
from console.channels.message import Verb
from console.core import clock
from console.core.db import db


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a message goes: a channel, or one of the ways to a person."""

    key: str
    """`channel-3`, `user-7-email`, `user-7-slack`."""
    name: str
    """As a history names it: "#ops", "Alice by e-mail"."""
    channel_id: int | None = None
    user_id: int | None = None
    at: datetime | None = None
    """When it may be sent, if not at once: a person's quiet hours end then."""
    digest: bool = False
    """It is kept until then, and sent in one with others."""
    address: str = ""
    """Of somebody outside, who is no user."""


def owe(
    incident: Incident,
    recipient: Recipient,
    verb: Verb,
    sequence: int,
    payload: Mapping[str, Any],
    *,
    step: int | None = None,
) -> OutboxMessage:
    """Add a message of an incident's event to a recipient. The caller commits.

    The same event goes to the same recipient once: its key is unique.
    """
    message = OutboxMessage(
        incident_id=incident.id,
        key=f"incident-{incident.id}-{sequence}-{recipient.key}",
        recipient=recipient.key,
        channel_id=recipient.channel_id,
        user_id=recipient.user_id,
        verb=verb,
        sequence=sequence,
        step=step,
        payload={**payload, **_kept(recipient)},
        next_at=recipient.at or clock.now(),
    )
    db.session.add(message)
    bell.poke(message.next_at)
    return message


def owe_news(
    recipient: Recipient, verb: Verb, key: str, payload: Mapping[str, Any]
) -> OutboxMessage:
    """Add a message that concerns no incident, under a key of its own. The caller commits."""
    message = OutboxMessage(
        key=key,
        recipient=recipient.key,
        address=recipient.address,
        channel_id=recipient.channel_id,
        user_id=recipient.user_id,
        verb=verb,
        payload=dict(payload),
        next_at=recipient.at or clock.now(),
    )
    db.session.add(message)
    bell.poke(message.next_at)
    return message


def _kept(recipient: Recipient) -> dict[str, Any]:
    """What a message says of its own time."""
    if recipient.at is None:
        return {}
    return {"planned_at": recipient.at.isoformat(), "digest": recipient.digest}
