"""Processes that open incidents and deliver their messages, to be killed while they do."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from console.accounts.models import Organization, Project
from console.alerting.chronicle import write
from console.alerting.delivery import bell, channels, sending
from console.alerting.delivery.models import MessageState, OutboxMessage
from console.alerting.delivery.payload import snapshot
from console.alerting.delivery.threads import key_of
from console.alerting.escalation import policies, running
from console.alerting.escalation.models import PolicyUse
from console.alerting.evaluation import begin
from console.alerting.models import Incident, IncidentState, IncidentVerb, Rule
from console.app import create_app
from console.channels.registry import KINDS
from console.core import clock
from console.core.config import Config
from console.core.db import db, writing
from tests.alerting.conftest import RULE
from tests.alerting.deliveries import add_incident
from tests.support.factories import inside
from tests.support.forks import FORKS

PAUSE = 0.03
LONGEST_LIFE = 1.5
BEGIN = 90


def add_hook(name: str, url: str, **columns: Any) -> int:
    """Add a webhook channel to the Session's organization; returns its id."""
    channel = channels.create(KINDS["webhook"], name, {"url": url})
    for column, value in columns.items():
        setattr(channel, column, value)
    db.session.flush()
    return channel.id


def notify(
    project: Project, channel_ids: Sequence[int], *, name: str = "Hooks", owners: bool = False
) -> None:
    """Let new incidents of a project go to channels at once, and commit."""
    targets: list[dict[str, Any]] = [{"channel": id_} for id_ in channel_ids]
    targets += [{"owners": True}] if owners else []
    document = {"steps": [{"delay_minutes": 0, "targets": targets}], "repeats": 0}
    policy = policies.create(name, document)
    db.session.add(PolicyUse(policy_id=policy.id, project_id=project.id))
    db.session.commit()


def break_it(project: Project, title: str) -> Incident:
    """Open an incident with all that it owes, in one transaction."""
    with writing():
        incident = open_incident(project, title)
        db.session.commit()
    return incident


def open_incident(project: Project, title: str) -> Incident:
    """Open an incident with all that it owes. The caller commits."""
    incident = add_incident(project, title, rule_id=_rule(project).id)
    event = write(incident, IncidentVerb.OPENED, clock.now())
    running.follow(incident, event, snapshot(incident, [event]))
    return incident


def _rule(project: Project) -> Rule:
    """A rule that is switched off: nothing ends its incidents but the test."""
    rule = db.session.scalar(select(Rule).where(Rule.project_id == project.id, ~Rule.enabled))
    if rule is None:
        rule = Rule(project_id=project.id, name="Switched off", document=RULE, enabled=False)
        begin(rule)
        db.session.add(rule)
        db.session.flush()
    return rule


def heal(incident: Incident) -> None:
    """Let an incident recover, with all that it owes."""
    with writing():
        db.session.refresh(incident)
        incident.state, incident.resolved_at = IncidentState.RESOLVED, clock.now()
        event = write(incident, IncidentVerb.RESOLVED, clock.now())
        running.follow(incident, event, snapshot(incident, [event]))
        db.session.commit()


def break_without_end(settings: Config, organization_id: int, name: str, began: Any) -> None:
    """Open an incident and let it recover, again and again, while messages are delivered."""
    app = create_app(settings)
    with app.app_context():
        bell.alarm().start()
    with inside(app, organization_id):
        project = db.session.scalars(select(Project)).first()
        assert project is not None
        db.session.rollback()
        for number in range(10_000):
            incident = break_it(project, f"{name} {number}")
            began.set()
            time.sleep(PAUSE)
            heal(incident)
            time.sleep(PAUSE)


def deliver_beside(settings: Config, organization_id: int, begin: Any) -> None:
    """Deliver what is due as another process of the console."""
    app = create_app(settings)
    with inside(app, organization_id):
        begin.wait(BEGIN)
        sending.drain(organization_id, 30)


def notify_fresh_hooks(project_id: int, url: str, name: str, count: int) -> None:
    """Let new incidents go to channels that have had no message yet, and commit.

    Many messages to the same channel would become few.
    """
    project = db.session.get_one(Project, project_id)
    ids = [add_hook(f"{name}, hook {number}", f"{url}/{number}") for number in range(count)]
    notify(project, ids, name=name)


def kill_while_it_delivers(settings: Config, organization_id: int, name: str) -> None:
    """Start a process that breaks things and delivers, and kill it at some moment."""
    began = FORKS.Event()
    given = (settings, organization_id, name, began)
    process = FORKS.Process(target=break_without_end, args=given, daemon=True)
    process.start()
    assert began.wait(BEGIN)
    process.join(random.uniform(0, LONGEST_LIFE))
    assert process.exitcode is None
    process.kill()
    process.join()


@dataclass(frozen=True)
class Account:
    """What became of everything that was owed."""

    incidents: int
    messages: int
    received: int
    merged: int
    lost: int
    """Incidents that owe nothing, and messages that nobody has got."""
    duplicates: int
    """Messages that came again, each with the key that it had before."""
    strange: int
    """Keys that came although no message of theirs was ever tried."""


def settle(organization_id: int, wait: Any) -> None:
    """Deliver what the killed processes have left; `wait` lets their leases run out."""
    for _ in range(100):
        sending.drain(organization_id, 60)
        waiting = select(OutboxMessage.id).where(OutboxMessage.state == MessageState.WAITING)
        if not db.session.scalars(waiting).all():
            db.session.rollback()
            return
        db.session.rollback()
        wait()
    raise AssertionError("messages wait for ever")


def account(by_key: Mapping[str, int]) -> Account:
    """Compare what is owed in the Session's organization with the keys that receivers have got."""
    rows = db.session.scalars(select(OutboxMessage)).all()
    by_id = {row.id: row for row in rows}
    incident_ids = set(db.session.scalars(select(Incident.id)))
    silent = incident_ids - {row.incident_id for row in rows}
    organization = db.session.get_one(Organization, rows[0].organization_id)
    lost = [row for row in rows if key_of(_last(row, by_id), organization) not in by_key]
    # A message may have come before its process was killed, and be merged into the next of its
    # incident then: the lease of the try stays with it.
    tried = {key_of(row, organization) for row in rows if row.sent_at or row.lease or row.attempts}
    return Account(
        incidents=len(incident_ids),
        messages=len(rows),
        received=sum(by_key.values()),
        merged=sum(row.state is MessageState.MERGED for row in rows),
        lost=len(silent) + len(lost),
        duplicates=sum(count - 1 for count in by_key.values()),
        strange=len(by_key.keys() - tried),
    )


def _last(row: OutboxMessage, by_id: Mapping[int, OutboxMessage]) -> OutboxMessage:
    """The message that says what this one does."""
    while row.merged_into_id is not None:
        row = by_id[row.merged_into_id]
    return row
