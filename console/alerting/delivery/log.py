"""The delivery log: what was sent, what was not and why, and what people do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import abort
from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import aliased, joinedload

from console.accounts.models import Project
from console.alerting.delivery import bell
from console.alerting.delivery.models import (
    Channel,
    DeliveryAttempt,
    MessageState,
    OutboxMessage,
    SlackAccount,
)
from console.alerting.escalation.uses import channel_uses
from console.alerting.models import Incident
from console.channels.message import Verb
from console.core import absences, clock
from console.core.db import db, writing
from console.core.paging import Page, page

KEPT = timedelta(days=90)
LONG = timedelta(minutes=10)
"""A message that was due so long ago and has been tried counts as undelivered."""
MOST_DELETED = 5_000
MOST_OF_INCIDENT = 200
MOST_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Undelivered:
    """What has not reached its receiver."""

    failed: int = 0
    stuck: int = 0
    """They are tried again, but have waited for long."""
    error: str = ""
    """What the latest of them was answered."""

    @property
    def count(self) -> int:
        """How many there are."""
        return self.failed + self.stuck


@dataclass(frozen=True, slots=True)
class MessagesAsked:
    """Which messages are listed."""

    state: str = ""
    """A MessageState, "undelivered", or "" for all."""
    channel_id: int | None = None
    incident_id: int | None = None
    list_id: int | None = None
    """A list of incidents: the messages that it says."""
    is_short: bool = False
    """Whether what a list of incidents says stands on the list's line alone."""


def listed(asked: MessagesAsked, cursor: str, limit: int) -> Page[OutboxMessage]:
    """Messages of the organization, the latest first, with whom and what they are about."""
    own = select(OutboxMessage)
    if asked.state == "undelivered":
        own = own.where(is_undelivered(clock.now()))
    elif asked.state:
        own = own.where(OutboxMessage.state == MessageState(asked.state))
    if asked.channel_id is not None:
        own = own.where(OutboxMessage.channel_id == asked.channel_id)
    if asked.incident_id is not None:
        own = own.where(OutboxMessage.incident_id == asked.incident_id)
    if asked.list_id is not None:
        own = own.where(OutboxMessage.merged_into_id == asked.list_id)
    elif asked.is_short and not asked.state and asked.incident_id is None:
        own = own.where(~_is_listed())
    about = joinedload(OutboxMessage.incident), joinedload(OutboxMessage.user)
    return page(own, [OutboxMessage.id], cursor, limit, options=about)


def sizes_of_lists(messages: Sequence[OutboxMessage]) -> Mapping[int, int]:
    """How many messages each list of incidents among these says, by its id."""
    ids = [message.id for message in messages if message.verb is Verb.DIGEST]
    if not ids:
        return {}
    own = select(OutboxMessage.merged_into_id, func.count(OutboxMessage.id)).where(
        OutboxMessage.merged_into_id.in_(ids)
    )
    counted = db.session.execute(own.group_by(OutboxMessage.merged_into_id))
    return {id_: count for id_, count in counted if id_ is not None}


def of_incident(incident: Incident) -> Sequence[OutboxMessage]:
    """What was sent about an incident, and about its group's members where it is one, in order."""
    own = select(OutboxMessage).where(OutboxMessage.incident_id == incident.id)
    own = own.options(joinedload(OutboxMessage.user)).order_by(OutboxMessage.id)
    return db.session.scalars(own.limit(MOST_OF_INCIDENT)).all()


def message_or_404(message_id: int) -> OutboxMessage:
    """A message of the organization."""
    own = select(OutboxMessage).where(OutboxMessage.id == message_id)
    about = joinedload(OutboxMessage.incident), joinedload(OutboxMessage.user)
    return db.session.scalar(own.options(*about)) or abort(404)


def copies(message: OutboxMessage) -> Sequence[OutboxMessage]:
    """The messages that others got because this one was not delivered."""
    own = select(OutboxMessage).where(OutboxMessage.fallback_of_id == message.id)
    own = own.options(joinedload(OutboxMessage.user)).order_by(OutboxMessage.id)
    return db.session.scalars(own.limit(MOST_OF_INCIDENT)).all()


def attempts(messages: Sequence[OutboxMessage]) -> Mapping[int, Sequence[DeliveryAttempt]]:
    """The tries of messages, by the id of each, in order."""
    ids = [message.id for message in messages]
    own = select(DeliveryAttempt).where(DeliveryAttempt.message_id.in_(ids))
    tries: dict[int, list[DeliveryAttempt]] = {id_: [] for id_ in ids}
    ordered = own.order_by(DeliveryAttempt.message_id, DeliveryAttempt.number)
    for attempt in db.session.scalars(ordered) if ids else ():
        tries[attempt.message_id].append(attempt)
    return tries


def channel_names() -> Mapping[int, str]:
    """The names of the organization's channels, deleted ones too, by id."""
    own = select(Channel.id, Channel.name).order_by(Channel.name)
    return dict(db.session.execute(own).all())


def projects(messages: Sequence[OutboxMessage]) -> Mapping[int, str]:
    """The slugs of the projects that messages' incidents belong to, by the project's id."""
    ids = {message.incident.project_id for message in messages if message.incident}
    own = select(Project.id, Project.slug).where(Project.id.in_(ids))
    return dict(db.session.execute(own).all()) if ids else {}


def owed(limit: int) -> Sequence[OutboxMessage]:
    """The messages that have not reached anybody, the ones that are due first before the others."""
    own = select(OutboxMessage).where(
        OutboxMessage.state.in_([MessageState.WAITING, MessageState.FAILED])
    )
    ordered = own.order_by(OutboxMessage.state.desc(), OutboxMessage.next_at, OutboxMessage.id)
    return db.session.scalars(ordered.limit(limit)).all()


def due_ids(now: datetime) -> Sequence[int]:
    """The messages whose time has come."""
    own = select(OutboxMessage.id).where(
        OutboxMessage.state == MessageState.WAITING, OutboxMessage.next_at <= now
    )
    return db.session.scalars(own).all()


def states(ids: Sequence[int]) -> Counter[str]:
    """How many of these messages are in each state."""
    own = select(OutboxMessage.state, func.count(OutboxMessage.id))
    counted = db.session.execute(own.where(OutboxMessage.id.in_(ids)).group_by(OutboxMessage.state))
    return Counter({state.value: count for state, count in counted})


def is_undelivered(now: datetime) -> ColumnElement[bool]:
    """A message that failed, or that has been tried in vain for long."""
    return or_(
        OutboxMessage.state == MessageState.FAILED,
        (OutboxMessage.state == MessageState.WAITING)
        & (OutboxMessage.attempts > 0)
        & (OutboxMessage.created_at < now - LONG),
    )


def undelivered() -> Undelivered:
    """How many messages of the organization have not been delivered, and why the latest was not."""
    now = clock.now()
    counts = select(OutboxMessage.state, func.count(OutboxMessage.id), func.max(OutboxMessage.id))
    rows = db.session.execute(counts.where(is_undelivered(now)).group_by(OutboxMessage.state)).all()
    if not rows:
        return Undelivered()
    counted = {state: count for state, count, _ in rows}
    latest = db.session.scalar(
        select(OutboxMessage.error).where(OutboxMessage.id == max(last for *_, last in rows))
    )
    return Undelivered(
        counted.get(MessageState.FAILED, 0), counted.get(MessageState.WAITING, 0), latest or ""
    )


def failing_channels() -> Sequence[Channel]:
    """The channels that messages depend on and that do not work, the longest failing first.

    What failed a test and is used nowhere is no trouble yet: its own page says so.
    """
    own = select(Channel).where(Channel.failing_since.is_not(None), Channel.deleted_at.is_(None))
    failing = db.session.scalars(own.order_by(Channel.failing_since, Channel.id)).all()
    needed = _needed() if failing else frozenset()
    return [channel for channel in failing if channel.id in needed]


def retry(message: OutboxMessage) -> bool:
    """Try a message again at once, with the same key; False where it has been delivered.

    The caller commits.
    """
    _lock(message)
    if message.state not in {MessageState.FAILED, MessageState.DISCARDED, MessageState.WAITING}:
        return False
    message.state, message.next_at = MessageState.WAITING, clock.now()
    bell.poke(message.next_at)
    return True


def retry_all() -> int:
    """Try everything again that failed; returns how many messages. The caller commits."""
    now = clock.now()
    own = select(OutboxMessage.id).where(is_undelivered(now)).order_by(OutboxMessage.id)
    ids = db.session.scalars(own.with_for_update()).all()
    for start in range(0, len(ids), MOST_AT_ONCE):
        owed = update(OutboxMessage).where(OutboxMessage.id.in_(ids[start : start + MOST_AT_ONCE]))
        db.session.execute(owed.values(state=MessageState.WAITING, next_at=now))
    if ids:
        bell.poke(now)
    return len(ids)


def discard(message: OutboxMessage) -> bool:
    """Give a message up; False where it has been delivered. The caller commits."""
    _lock(message)
    if message.state not in {MessageState.FAILED, MessageState.WAITING}:
        return False
    message.state, message.lease, message.leased_until = MessageState.DISCARDED, "", None
    return True


def forget_old(organization_id: int) -> Mapping[str, int]:
    """Delete messages, with their tries, that are old and owed to nobody any more. Commits."""
    del organization_id  # the Session is bound to it
    old = select(OutboxMessage.id).where(
        OutboxMessage.created_at < absences.certain_now() - KEPT,
        OutboxMessage.state.not_in([MessageState.WAITING, MessageState.FAILED]),
    )
    with writing():
        ids = db.session.scalars(old.order_by(OutboxMessage.id).limit(MOST_DELETED)).all()
        if ids:
            db.session.execute(delete(OutboxMessage).where(OutboxMessage.id.in_(ids)))
        db.session.commit()
    return {"messages forgotten": len(ids)}


def _needed() -> Collection[int]:
    """The channels that a policy, a person or a message depends on, and what stands in for them."""
    used = set(channel_uses())
    used |= set(db.session.scalars(select(SlackAccount.channel_id).distinct()))
    unsent = OutboxMessage.state.in_([MessageState.WAITING, MessageState.FAILED])
    owed = select(OutboxMessage.channel_id).where(unsent, OutboxMessage.channel_id.is_not(None))
    used |= {id_ for id_ in db.session.scalars(owed.distinct()) if id_ is not None}
    spare = select(Channel.fallback_id).where(Channel.id.in_(used))
    return used | {id_ for id_ in db.session.scalars(spare) if id_ is not None}


def _is_listed() -> ColumnElement[bool]:
    """A message that a list of incidents says."""
    listing = aliased(OutboxMessage)
    own = select(listing.id).where(
        listing.id == OutboxMessage.merged_into_id,
        listing.organization_id == OutboxMessage.organization_id,
        listing.verb == Verb.DIGEST,
    )
    return own.exists()


def _lock(message: OutboxMessage) -> None:
    # of it alone: PostgreSQL locks no row that an outer join may leave out
    db.session.refresh(message, with_for_update={"of": OutboxMessage})
