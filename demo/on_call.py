"""Who is notified of the shop's incidents, and how they answered in the past days.

It runs before the console does. Its clock goes through the past, in which incidents are opened,
escalated and answered by the console's own code; only the messages were never really sent.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import cycle
from random import Random

from sqlalchemy import select

from console.accounts.models import Membership, Organization, Project, Role, User
from console.alerting import incidents, rules
from console.alerting.chronicle import Actor, write
from console.alerting.decide import State
from console.alerting.delivery import channels
from console.alerting.delivery.models import (
    AttemptOutcome,
    Channel,
    DeliveryAttempt,
    MessageState,
    OutboxMessage,
)
from console.alerting.escalation import advance, policies, running
from console.alerting.escalation.models import Policy
from console.alerting.incidents import Moved
from console.alerting.models import Incident, IncidentVerb, Rule
from console.app import create_app
from console.channels.registry import KINDS
from console.core import clock
from console.core.db import db
from console.core.tenancy import organization_scope
from console.telemetry import store

POLICY, CHAT = "Shop on call", "#ops"
TEMPLATE = '{"text": "{{ state }}: {{ headline }}\\n{{ incident_url }}"}'
NEXT = timedelta(minutes=5)
FATES = ("in time", "in time", "late", "heals", "in time", "closed", "heals", "in time", "late")
HANDED_OVER = timedelta(seconds=2)
QUIET = timedelta(hours=3)
"""The last hours have no past: the shop opens soon."""


def main() -> None:
    """Give the demo's project its policy, and its incidents a past unless it has incidents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--organization", required=True)
    parser.add_argument("--on-call", required=True, help="the e-mail address of who hears first")
    parser.add_argument("--chat", required=True, help="the address that takes messages for #ops")
    parser.add_argument("--days", type=int, default=0)
    arguments = parser.parse_args()
    app = create_app()
    with app.app_context():
        home = Organization.slug == arguments.organization
        organization_id = db.session.scalars(select(Organization.id).where(home)).one()
        with organization_scope(organization_id):
            set_up(organization_id, arguments.on_call, arguments.chat)
            if arguments.days and db.session.scalar(select(Incident.id).limit(1)) is None:
                past = timedelta(days=arguments.days)
                live_through(organization_id, arguments.on_call, past)
        store.current().close()


def set_up(organization_id: int, on_call: str, chat: str) -> None:
    """Notify who is on call and the chat at once, and the owners five minutes later. Commits."""
    rules.keep_standard(organization_id)
    policies.keep_default(organization_id)
    channel = _channel(chat)
    if db.session.scalar(select(Policy.id).where(Policy.name == POLICY)) is None:
        first = {"delay_minutes": 0, "targets": [{"user": _person(on_call)}, {"channel": channel}]}
        second = {"delay_minutes": NEXT.seconds // 60, "targets": [{"owners": True}]}
        terms = {"repeats": 1, "repeat_minutes": 30, "stale_minutes": 240, "unresolved_minutes": 0}
        policy = policies.create(POLICY, {"steps": [first, second], **terms})
        policies.choose(policy, project_id=_project())
    db.session.commit()


def live_through(organization_id: int, on_call: str, time: timedelta) -> None:
    """Let incidents be opened and answered from so long ago until now. Commits."""
    now, random = clock.now(), Random(11)
    alice, owner = Actor(_user(on_call), via="email"), Actor(_owner())
    named = db.session.scalars(select(Rule).order_by(Rule.id)).all()
    kinds, at = cycle(named), now - time
    for fate in cycle(FATES):
        at += timedelta(hours=random.uniform(5, 19))
        if at > now - QUIET:
            break
        with _then():
            _live(organization_id, next(kinds), at, fate, random, (alice, owner))


@contextmanager
def _then() -> Iterator[None]:
    try:
        yield
    finally:
        clock.release()


def _live(
    organization_id: int,
    rule: Rule,
    at: datetime,
    fate: str,
    random: Random,
    people: tuple[Actor, Actor],
) -> None:
    """One incident from its beginning to its end."""
    alice, owner = people
    incident = _opened(rule, at, timedelta(seconds=random.uniform(30, 150)))
    moment = at + timedelta(minutes=random.uniform(1.5, 4.5))
    if fate == "late":
        clock.freeze(at + NEXT + timedelta(seconds=45))
        advance.advance(organization_id)
        _sent()
        moment = at + timedelta(minutes=random.uniform(8, 40))
    clock.freeze(moment)
    if fate == "closed":
        incidents.resolve(incident, by=alice)
    elif fate != "heals":
        incidents.acknowledge(incident, by=owner if fate == "late" else alice)
        _sent()
        clock.freeze(moment + timedelta(minutes=random.uniform(6, 80)))
    if fate != "closed":
        _healed(incident)
    _sent()


def _opened(rule: Rule, at: datetime, pending: timedelta) -> Incident:
    clock.freeze(at + timedelta(seconds=40))
    incident = incidents.add(rule, "", at, State.CRITICAL, breached_at=at - pending)
    incident.why = "It was beyond its threshold."
    event = write(incident, IncidentVerb.OPENED, at, details={"why": incident.why})
    incidents.owe(rule, Moved(incident, [event]), delayed=timedelta(0))
    _sent()
    return incident


def _healed(incident: Incident) -> None:
    rule = db.session.get_one(Rule, incident.rule_id)
    incidents.close(incident, clock.now())
    event = write(incident, IncidentVerb.RESOLVED, clock.now(), details={"why": "It is ok again."})
    if running.of(incident) is not None:
        incidents.owe(rule, Moved(incident, [event]), delayed=timedelta(0))


def _sent() -> None:
    """Write down that what was owed has been delivered. Commits."""
    db.session.flush()
    own = select(OutboxMessage).where(OutboxMessage.state == MessageState.WAITING)
    for message in db.session.scalars(own.order_by(OutboxMessage.id)):
        at = clock.now() + HANDED_OVER
        message.state, message.sent_at, message.attempts = MessageState.SENT, at, 1
        answer = "HTTP 200" if message.channel_id else "250 taken"
        attempt = DeliveryAttempt(
            message_id=message.id, number=1, at=at, milliseconds=24.0,
            outcome=AttemptOutcome.SENT, status=200 if message.channel_id else 250, answer=answer,
        )  # fmt: skip
        db.session.add(attempt)
        incident = db.session.get_one(Incident, message.incident_id)
        incident.notified_at = incident.notified_at or at
    db.session.commit()


def _channel(chat: str) -> int:
    """The id of the chat's channel, which leads to where the chat is now."""
    kind = next(kind for kind in KINDS.values() if kind.name == "webhook")
    values = {"url": chat, "method": "POST", "template": TEMPLATE}
    known = db.session.scalar(select(Channel).where(Channel.name == CHAT))
    if known is None:
        return channels.create(kind, CHAT, values).id
    channels.change(known, kind, CHAT, values)
    return known.id


def _project() -> int:
    return db.session.scalars(select(Project.id).order_by(Project.id).limit(1)).one()


def _person(email: str) -> int:
    return _user(email).id


def _user(email: str) -> User:
    return db.session.scalars(select(User).where(User.email == email)).one()


def _owner() -> User:
    own = select(User).join(Membership, Membership.user_id == User.id)
    return db.session.scalars(own.where(Membership.role == Role.OWNER).limit(1)).one()


if __name__ == "__main__":
    main()
