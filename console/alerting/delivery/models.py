"""Channels, the messages that are owed, what became of each try, and what people prefer."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from console.accounts.models import User
from console.alerting.models import Incident
from console.channels.message import Verb
from console.core import clock
from console.core.db import Model, OrganizationScoped, belongs_to

LONGEST_ANSWER = 2_000
LONGEST_ERROR = 300


class Channel(OrganizationScoped, Model):
    """A way to reach people that an organization has set up.

    A deleted one keeps its row, without secrets: messages name it.
    """

    __tablename__ = "channel"
    __table_args__ = (UniqueConstraint("organization_id", "name"),)
    __bearer__ = "hook"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    """A name in channels/registry.py."""
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sealed: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    """Its secrets as sealed JSON, `core/crypto.py`; the hook's token is among them."""
    hook: Mapped[str] = mapped_column(String(64), unique=True)
    """The hash of the token in the address at which its service reports back."""
    enabled: Mapped[bool] = mapped_column(default=True)
    fallback_id: Mapped[int | None]
    """The channel that gets what this one does not deliver."""
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    deleted_at: Mapped[datetime | None]
    failing_since: Mapped[datetime | None]
    """When the first of the latest tries failed; None while it works."""
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(LONGEST_ERROR), default="")
    last_sent_at: Mapped[datetime | None]
    last_tried_at: Mapped[datetime | None]


class MessageState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    """It was refused, or given up on: a person decides whether it is tried again."""
    DISCARDED = "discarded"
    MERGED = "merged"
    """A later message of the same thread says it, too."""


class OutboxMessage(OrganizationScoped, Model):
    """A message that is owed to one receiver, written in the transaction of what it tells of.

    `key` is the idempotency key by which its receiver knows it when it comes twice. Messages of one
    `incident` to one `recipient` are sent in the order of their ids.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        belongs_to("incident", "incident_id"),
        UniqueConstraint("organization_id", "key"),
        # What is due, the longest waiting first.
        Index("outbox_message_by_due_time", "organization_id", "state", "next_at"),
        # The messages of an incident, and the ones before another to the same receiver.
        Index("outbox_message_of_incident", "organization_id", "incident_id", "recipient", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int | None]
    key: Mapped[str] = mapped_column(String(160))
    recipient: Mapped[str] = mapped_column(String(60))
    """`channel-3`, `user-7-email`, `user-7-slack`."""
    address: Mapped[str] = mapped_column(String(254), default="")
    """Where a mail to somebody outside goes, who is no user and no channel."""
    channel_id: Mapped[int | None]  # no key: a deleted channel leaves its messages
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="SET NULL"))
    verb: Mapped[Verb]
    sequence: Mapped[int] = mapped_column(default=0)
    """The incident's event that it tells of."""
    step: Mapped[int | None]
    """The step of the policy that chose the receiver, from 0; None where none did."""
    payload: Mapped[dict[str, Any]]
    """What was true when it was written (`compose.py` names its members)."""
    state: Mapped[MessageState] = mapped_column(default=MessageState.WAITING)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    next_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    lease: Mapped[str] = mapped_column(String(32), default="")
    """Who tries it now; only they may say what became of it."""
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    """When the receiver took it over."""
    receipt: Mapped[str] = mapped_column(String(200), default="")
    error: Mapped[str] = mapped_column(String(LONGEST_ERROR), default="")
    merged_into_id: Mapped[int | None]
    fallback_of_id: Mapped[int | None]
    """The message that another channel did not deliver."""
    detoured_at: Mapped[datetime | None]
    """When it was owed to another way too, because its own did not deliver it for long."""
    incident: Mapped[Incident | None] = relationship(viewonly=True)
    user: Mapped[User | None] = relationship(viewonly=True)


class AttemptOutcome(StrEnum):
    """What became of a try."""

    SENT = "sent"
    FAILED = "failed"
    """It is tried again."""
    REFUSED = "refused"
    """It is not."""


class DeliveryAttempt(OrganizationScoped, Model):
    """One try to deliver a message: the delivery log."""

    __tablename__ = "delivery_attempt"
    __table_args__ = (
        belongs_to("outbox_message", "message_id"),
        UniqueConstraint("organization_id", "message_id", "number"),
        Index("delivery_attempt_by_time", "organization_id", "at"),  # what retention deletes
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int]
    number: Mapped[int]
    at: Mapped[datetime]
    milliseconds: Mapped[float]
    outcome: Mapped[AttemptOutcome]
    status: Mapped[int | None]
    answer: Mapped[str] = mapped_column(Text, default="")


class MessageThread(OrganizationScoped, Model):
    """What later messages of an incident to a receiver need of the former ones."""

    __tablename__ = "message_thread"
    __table_args__ = (
        belongs_to("incident", "incident_id"),
        UniqueConstraint("organization_id", "incident_id", "recipient"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int]
    recipient: Mapped[str] = mapped_column(String(60))
    reference: Mapped[dict[str, Any]]
    """A Receipt's `thread`."""
    at: Mapped[datetime] = mapped_column(default=clock.now)


class Purpose(StrEnum):
    """What a link in a message may do."""

    ACT = "act"
    """Acknowledge or resolve its incident."""
    UNSUBSCRIBE = "unsubscribe"
    LINK_SLACK = "link-slack"
    """Tie a Slack user to the person who follows it."""


class MessageLink(OrganizationScoped, Model):
    """A link with a token of one delivery: what it opens, for whom, and until when."""

    __tablename__ = "message_link"
    __table_args__ = (
        belongs_to("incident", "incident_id"),
        UniqueConstraint("hash"),
        Index("message_link_by_end", "organization_id", "expires_at"),  # what retention deletes
    )
    __bearer__ = "hash"

    id: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[str] = mapped_column(String(64))
    purpose: Mapped[Purpose]
    incident_id: Mapped[int | None]
    message_id: Mapped[int | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    """The person whom the message went to; None for an address that several may read."""
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    user: Mapped[User | None] = relationship(viewonly=True)


class ContactPreference(OrganizationScoped, Model):
    """How a person wants to be notified of an organization's incidents."""

    __tablename__ = "contact_preference"
    __table_args__ = (UniqueConstraint("organization_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    document: Mapped[dict[str, Any]]
    """The ways by severity, quiet hours, the digest (`preferences.py` reads it)."""
    changed_at: Mapped[datetime] = mapped_column(default=clock.now)


class SlackAccount(OrganizationScoped, Model):
    """A user of a Slack workspace who is a member of the organization, as one app knows them."""

    __tablename__ = "slack_account"
    __table_args__ = (
        belongs_to("channel", "channel_id"),
        UniqueConstraint("organization_id", "app", "team", "slack_user"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    app: Mapped[str] = mapped_column(String(64))
    """The hash of the signing secret of the app in which they were linked: whoever sets up a
    channel with a secret of their own presses no button in their name.
    """
    team: Mapped[str] = mapped_column(String(30))
    slack_user: Mapped[str] = mapped_column(String(30))
    channel_id: Mapped[int]
    """The channel in which they were first met: its bot writes to them."""
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"))
    linked_at: Mapped[datetime] = mapped_column(default=clock.now)
    user: Mapped[User] = relationship(viewonly=True)


class ReceivedEvent(OrganizationScoped, Model):
    """What a channel's service reported back, as it came; its id makes a repetition harmless."""

    __tablename__ = "received_event"
    __table_args__ = (
        belongs_to("channel", "channel_id"),
        UniqueConstraint("organization_id", "channel_id", "event_key"),
        Index("received_event_by_time", "organization_id", "received_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel_id: Mapped[int]
    event_key: Mapped[str] = mapped_column(String(100))
    body: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(default=clock.now)
    done_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(String(LONGEST_ERROR), default="")


class HoldReason(StrEnum):
    """Why nothing of an organization is delivered."""

    RESTORED = "restored"
    """A backup was restored: what it owes may have been sent since."""
    BY_HAND = "by hand"


class DeliveryHold(OrganizationScoped, Model):
    """A time in which messages are owed, and none is sent; it lasts until somebody ends it."""

    __tablename__ = "delivery_hold"
    __table_args__ = (Index("delivery_hold_by_end", "organization_id", "released_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[HoldReason]
    since: Mapped[datetime] = mapped_column(default=clock.now)
    """Messages that were written before are the old ones when it ends."""
    backup_at: Mapped[datetime | None]
    """The moment that the restored backup was made."""
    released_at: Mapped[datetime | None]
