"""What happens in PagerDuty comes back: kept as it came, then done here as well.

https://developer.pagerduty.com/docs/webhooks-overview: a webhook that is refused a few times is
switched off there, so that whatever is genuine is taken, and looked at afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import delete, select

from console.accounts.models import Membership, Role, User
from console.alerting import incidents
from console.alerting.chronicle import Actor
from console.alerting.delivery.channels import given
from console.alerting.delivery.models import LONGEST_ERROR, Channel, ReceivedEvent
from console.alerting.delivery.slack_in import NotGenuine, text_of
from console.alerting.delivery.threads import incident_of
from console.alerting.escalation import running
from console.alerting.models import Incident, IncidentState
from console.channels.signatures import pagerduty_is_genuine
from console.core import absences, clock
from console.core.db import Clash, db, noticing_clashes, reading, writing
from console.metrics.response_times import PAGERDUTY
from console.web.incoming import JsonReader, clean

KEPT_FOR = timedelta(days=30)
TRIED_FOR = timedelta(hours=24)
LONGEST_NAME = 100
MOST = 200
"""Events that a round of the job tries again."""
ACTS = {"acknowledged": incidents.acknowledge, "resolved": incidents.resolve}
ALREADY = "It was so already."
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Happening:
    """What an event says: what happened to the incident of a key, when and by whom."""

    kind: str
    key: str
    at: datetime
    agent: Mapping[str, Any]

    @property
    def by_person(self) -> bool:
        """Whether a person did it there; what the console or a timer did is no news."""
        return text_of(self.agent.get("type")).startswith("user")


def check(channel: Channel, header: str, body: bytes) -> None:
    """Raise NotGenuine unless PagerDuty signed a body with one of the channel's secrets.

    Raises NotDelivered where the secrets cannot be read.
    """
    secrets = text_of(given(channel).get("webhook_secrets")).split()
    if not pagerduty_is_genuine(secrets, header, body):
        raise NotGenuine


def keep(channel: Channel, body: bytes) -> int | None:
    """Keep an event as it came, and commit; its row's id, None for one that was kept before."""
    text = clean(body.decode(errors="replace"))
    event = ReceivedEvent(channel_id=channel.id, event_key=_key(text, body), body=text)
    try:
        with noticing_clashes():
            db.session.add(event)
            db.session.commit()
    except Clash:
        return None
    return event.id


def settle(event_id: int) -> None:
    """Do what an event says, once, and commit; what fails is noted, and tried again later."""
    try:
        with writing():
            own = select(ReceivedEvent).where(ReceivedEvent.id == event_id)
            event = db.session.scalar(own.with_for_update())
            if event is not None and event.done_at is None:
                event.error = _follow(event)[:LONGEST_ERROR]
                event.done_at = clock.now()
            db.session.commit()
    except Exception as error:
        db.session.rollback()
        log.exception("an event of PagerDuty was not settled")
        with writing():
            event = db.session.get(ReceivedEvent, event_id)
            if event is not None:
                event.error = type(error).__name__
            db.session.commit()


def settle_waiting(organization_id: int) -> Mapping[str, int]:
    """Try again what was kept and has not been done; commits each."""
    del organization_id  # the Session is bound to it
    with reading():
        own = select(ReceivedEvent.id).where(
            ReceivedEvent.done_at.is_(None), ReceivedEvent.received_at > clock.now() - TRIED_FOR
        )
        waiting = db.session.scalars(own.order_by(ReceivedEvent.id).limit(MOST)).all()
        db.session.rollback()
    for event_id in waiting:
        settle(event_id)
    return {"events settled": len(waiting)}


def forget_old(organization_id: int) -> Mapping[str, int]:
    """Delete events that came long ago. Commits."""
    del organization_id
    old = ReceivedEvent.received_at < absences.certain_now() - KEPT_FOR
    gone = db.session.scalars(delete(ReceivedEvent).where(old).returning(ReceivedEvent.id)).all()
    db.session.commit()
    return {"received events deleted": len(gone)}


def _key(text: str, body: bytes) -> str:
    """The event's own id; of one that has none, the hash of all of it."""
    event = _document(text).get("event")
    own = text_of(event.get("id")) if isinstance(event, dict) else ""
    return own[:100] or sha256(body).hexdigest()


def _follow(event: ReceivedEvent) -> str:
    """Do what an event says; why nothing was done, if nothing was."""
    report = _report(event.body)
    if report is None:
        return "It is no event of an incident."
    incident = incident_of(report.key, event.organization_id)
    if incident is None:
        return "Its incident does not come from this organization, or was deleted."
    if report.at < incident.opened_at:
        return "It is older than the incident."
    return _do(report, incident)


def _do(report: Happening, incident: Incident) -> str:
    if report.kind == "unacknowledged":
        db.session.refresh(incident, with_for_update=True)
        if incident.state is not IncidentState.ACKNOWLEDGED:
            return ALREADY
        running.take_back(incident, "It was unacknowledged in PagerDuty")
        return ""
    act = ACTS.get(report.kind)
    if act is None:
        return f"{report.kind} changes nothing here."
    if not report.by_person:
        return "No person did it: it repeats what happened here, or a timer ran out."
    return "" if act(incident, by=_actor(report.agent)) else ALREADY


def _report(text: str) -> Happening | None:
    event = _document(text).get("event")
    if not isinstance(event, dict) or not isinstance(event.get("data"), dict):
        return None
    thing, _, kind = text_of(event.get("event_type")).partition(".")
    agent = event.get("agent")
    try:
        at = clock.instant(text_of(event.get("occurred_at")))
    except ValueError:
        at = clock.now()
    if thing != "incident":
        return None
    key = text_of(event["data"].get("incident_key"))
    return Happening(kind, key, at, agent if isinstance(agent, dict) else {})


def _document(text: str) -> dict[str, Any]:
    try:
        document = JsonReader.loads(text.encode())
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _actor(agent: Mapping[str, Any]) -> Actor:
    """Who did it: the member whose address PagerDuty gives, else whatever name it gives.

    A name alone is nobody: anybody may bear it, there and here.
    """
    name = text_of(agent.get("summary"))[:LONGEST_NAME]
    email = text_of(agent.get("email")) or (name if "@" in name else "")
    own = select(User, Membership.role).join(Membership, Membership.user_id == User.id)
    match = db.session.execute(own.where(User.email == email.lower())).one_or_none()
    if match is not None and match[1].may(Role.MEMBER):
        return Actor(user=match[0], via=PAGERDUTY)
    return Actor(name=f"{name or 'Someone'} in PagerDuty", via=PAGERDUTY)
