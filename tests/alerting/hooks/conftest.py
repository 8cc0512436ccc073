"""A channel's hook, an incident, and what its service sends about it."""

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from console.accounts.models import Organization
from console.alerting import incidents
from console.alerting.decide import State
from console.alerting.delivery import channels
from console.alerting.delivery.models import ReceivedEvent, SlackAccount
from console.alerting.delivery.threads import thread_of
from console.alerting.models import Incident, Rule
from console.channels.registry import KINDS
from console.core import clock as console_clock
from console.core.crypto import hash_of
from console.core.db import db
from tests.alerting.hooks.signing import FORMER, PERSON, SECRET, send, slack_signed
from tests.fakes.peer import plain
from tests.support.factories import the_person


@pytest.fixture
def settings(settings, peer):
    return replace(settings, private_addresses=True, slack_url=peer.url())


@pytest.fixture
def incident(make_rule, acme, inside):
    rule_id = make_rule(acme)
    with inside(acme):
        rule = db.session.get_one(Rule, rule_id)
        own = incidents.add(rule, "", console_clock.now(), State.CRITICAL)
        db.session.commit()
        return own.id


@pytest.fixture
def thread(acme, incident):
    return thread_of(acme.organization, incident)


@pytest.fixture
def hook(inside, acme):
    """The path at which a new channel's service reports back."""

    def hook(kind: str, **values: str) -> str:
        with inside(acme):
            channel = channels.create(KINDS[kind], kind, values)
            db.session.commit()
            url = channels.hook_url(channel, kind)
            return url[url.index("/hooks/") :]

    return hook


@pytest.fixture
def slack(hook):
    return hook("slack", token="xoxb-1", channel="#ops", signing_secret=SECRET)


@pytest.fixture
def pagerduty(hook):
    return hook("pagerduty", routing_key="a" * 32, webhook_secrets=f"{FORMER}\n{SECRET}")


@pytest.fixture
def linked(inside, acme, slack):
    with inside(acme):
        channel = channels.channels()[0]
        for name, email in (("UALICE", "alice@acme.test"), ("UVIC", "vic@acme.test")):
            user_id = the_person(email).id
            own = {"app": hash_of(SECRET), "channel_id": channel.id, "user_id": user_id}
            db.session.add(SlackAccount(team="T1", slack_user=name, **own))
        db.session.commit()


@pytest.fixture
def state(inside, acme, incident):
    def state() -> tuple[str, str, str]:
        with inside(acme):
            own = db.session.get_one(Incident, incident)
            by = own.acknowledged_by.email if own.acknowledged_by else ""
            return own.state.value, by, own.acknowledged_via

    return state


MOMENT = timedelta(microseconds=1)


@pytest.fixture
def elsewhere(acme, incident):
    """The thread of an incident whose ids are the same in another console."""
    twin = Organization(id=acme.organization_id, created_at=acme.organization.created_at + MOMENT)
    return thread_of(twin, incident)


@pytest.fixture
def press(client, slack, thread, peer):
    """Press a button in Slack; what a person would see of it."""
    peer.answers["/answer"] = plain(b"ok")

    def press(user="UALICE", action="acknowledge", value="", *, at=0.0, secret=SECRET, **changes):
        payload = {
            "type": "block_actions",
            "trigger_id": str(console_clock.monotonic()),
            "team": {"id": "T1"},
            "user": {"id": user},
            "response_url": peer.url("/answer"),
            "actions": [{"action_id": action, "value": value or thread}],
            **changes,
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return client.post(slack, data=body, headers=slack_signed(body, secret, at))

    return press


@pytest.fixture
def event(client, pagerduty, thread):
    """Send an event of PagerDuty; its answer's status."""

    def event(kind="acknowledged", *, secret=SECRET, id_="01", agent=PERSON, key="", at=""):
        document = {
            "event": {
                "id": id_,
                "event_type": f"incident.{kind}",
                "resource_type": "incident",
                "occurred_at": at or console_clock.now().isoformat(),
                "agent": agent,
                "data": {
                    "id": "PGR0VU2",
                    "type": "incident",
                    "incident_key": key or thread,
                },
            }
        }
        status: int = send(client, pagerduty, json.dumps(document).encode(), secret).status_code
        return status

    return event


@pytest.fixture
def received(inside, acme):
    def received() -> list[tuple[bool, str]]:
        with inside(acme):
            rows = db.session.scalars(select(ReceivedEvent).order_by(ReceivedEvent.id))
            return [(row.done_at is not None, row.error) for row in rows]

    return received
