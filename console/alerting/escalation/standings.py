"""Where escalations stand: who was notified, whether it arrived, and what is next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from console.accounts.models import User
from console.alerting.delivery.models import Channel, MessageState, OutboxMessage
from console.alerting.escalation.models import Escalation, EscalationState, Policy
from console.alerting.escalation.plan import Plan
from console.alerting.escalation.recipients import Directory
from console.alerting.models import Incident
from console.channels.message import Verb
from console.core.db import db

ABOUT_IT = (Verb.TRIGGER, Verb.ESCALATE, Verb.UPDATE, Verb.UNACKNOWLEDGE)
"""Messages that ask for an answer."""
STATES: Mapping[MessageState, tuple[str, str]] = {
    MessageState.WAITING: ("on its way", "info"),
    MessageState.SENT: ("delivered", "good"),
    MessageState.MERGED: ("in a later message", "mute"),
    MessageState.FAILED: ("not delivered", "bad"),
    MessageState.DISCARDED: ("discarded", "mute"),
}
"""How a message's state is shown: its word and tone."""


@dataclass(frozen=True, slots=True)
class Notified:
    """A recipient of an incident's messages: when the first was owed, and how the last fared."""

    name: str
    since: datetime
    state: MessageState
    sent_at: datetime | None
    next_at: datetime
    error: str

    @property
    def word(self) -> str:
        """Whether its last message arrived."""
        return STATES[self.state][0]

    @property
    def tone(self) -> str:
        """The tone of a badge that says so."""
        return STATES[self.state][1]


@dataclass(frozen=True, slots=True)
class EscalationStanding:
    """Where an incident's escalation stands."""

    incident: Incident
    escalation: Escalation | None
    notified: Sequence[Notified]
    following: str
    """What comes next, as a sentence."""
    next_at: datetime | None
    latest: Policy | None = None
    """Its policy as it is now; None for one that was deleted."""

    @property
    def is_outdated(self) -> bool:
        """Whether its policy has another version since it began."""
        own, latest = self.escalation, self.latest
        return own is not None and latest is not None and own.policy_version != latest.version


def standings(incidents: Iterable[Incident]) -> Mapping[int, EscalationStanding]:
    """Where the escalation of each incident stands, by its id: some questions for all of them."""
    by_id = {incident.id: incident for incident in incidents}
    own = select(Escalation).where(Escalation.incident_id.in_(by_id))
    escalations = {row.incident_id: row for row in db.session.scalars(own)}
    latest = {policy.id: policy for policy in db.session.scalars(select(Policy))}
    notified, directory = _notified(by_id), Directory.read()
    return {
        id_: _standing(
            incident,
            escalations.get(id_),
            notified.get(id_, ()),
            latest=latest,
            directory=directory,
        )
        for id_, incident in by_id.items()
    }


def _standing(
    incident: Incident,
    escalation: Escalation | None,
    notified: Sequence[Notified],
    *,
    latest: Mapping[int, Policy],
    directory: Directory,
) -> EscalationStanding:
    next_at = escalation.next_at if escalation and incident.snoozed_until is None else None
    return EscalationStanding(
        incident=incident,
        escalation=escalation,
        notified=notified,
        following=_following(incident, escalation, directory),
        next_at=next_at or incident.snoozed_until,
        latest=latest.get(escalation.policy_id or 0) if escalation else None,
    )


def _following(incident: Incident, escalation: Escalation | None, directory: Directory) -> str:
    """What comes next, if nobody does anything."""
    if incident.snoozed_until is not None:
        return "The snooze ends"
    if escalation is None:
        return "No one is notified: its rule is in shadow mode" if incident.shadow else (
            "No one was notified: something holds its messages back"
        )  # fmt: skip
    if escalation.state is EscalationState.RUNNING:
        steps = Plan.of(escalation.document).steps
        names = [directory.name(target) for target in steps[escalation.step].targets]
        turn = f", round {escalation.round + 1}" if escalation.round else ""
        return f"Step {escalation.step + 1}{turn}: {', '.join(names)}"
    if escalation.state is EscalationState.ACKNOWLEDGED:
        return "The acknowledgement goes stale" if escalation.next_at else "Someone is on it"
    if escalation.state is EscalationState.EXHAUSTED:
        return "The policy starts over" if escalation.next_at else "No one else is notified"
    return "Its group is escalated" if incident.parent_id else "It is over"


def _notified(incident_ids: Iterable[int]) -> Mapping[int, Sequence[Notified]]:
    """Whom messages that ask for an answer went to, by incident, in the order of the first."""
    about = (
        OutboxMessage.incident_id.in_(list(incident_ids)),
        OutboxMessage.verb.in_(ABOUT_IT),
    )
    ends = (
        select(
            func.max(OutboxMessage.id).label("last"), func.min(OutboxMessage.created_at).label("at")
        )
        .where(*about)
        .group_by(OutboxMessage.incident_id, OutboxMessage.recipient)
        .subquery()
    )
    query = (
        select(OutboxMessage, ends.c.at, Channel.name, User.name)
        .join(ends, ends.c.last == OutboxMessage.id)
        .outerjoin(Channel, Channel.id == OutboxMessage.channel_id)
        .outerjoin(User, User.id == OutboxMessage.user_id)
        .where(*about)
        .order_by(ends.c.at, OutboxMessage.id)
    )
    notified: dict[int, list[Notified]] = defaultdict(list)
    for message, since, channel, person in db.session.execute(query):
        notified[message.incident_id].append(
            Notified(
                name=_name(message, channel, person),
                since=since,
                state=message.state,
                sent_at=message.sent_at,
                next_at=message.next_at,
                error=message.error,
            )
        )
    return notified


def _name(message: OutboxMessage, channel: str | None, person: str | None) -> str:
    """A recipient as people know it: "Alice by e-mail", "#ops"."""
    if message.user_id is None:
        return channel or message.recipient
    way = "in Slack" if message.channel_id else "by e-mail"
    return f"{person or 'a former member'} {way}"
