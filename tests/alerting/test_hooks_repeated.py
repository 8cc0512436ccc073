"""Whoever overhears a button's request and sends it again changes nothing."""

import json
from urllib.parse import urlencode

import pytest

from console.alerting.delivery import channels
from console.alerting.delivery.models import SlackAccount
from console.alerting.delivery.threads import thread_of
from console.alerting.models import Incident, IncidentState
from console.channels.registry import KINDS
from console.core import clock as console_clock
from console.core.crypto import hash_of
from console.core.db import db
from tests.alerting.deliveries import add_incident
from tests.alerting.hooks.signing import SECRET, slack_signed
from tests.support.factories import the_person


@pytest.fixture
def pressed(inside, acme):
    """The path of a channel's hook, its incident, and the body of a button that acknowledges."""
    with inside(acme):
        settings = {"token": "xoxb-1", "channel": "#ops", "signing_secret": SECRET}
        channel = channels.create(KINDS["slack"], "slack", settings)
        person = {"slack_user": "UALICE", "user_id": the_person("alice@acme.test").id}
        db.session.add(
            SlackAccount(app=hash_of(SECRET), team="T1", channel_id=channel.id, **person)
        )
        incident = add_incident(acme)
        db.session.commit()
        path = channels.hook_url(channel, "slack")
        thread = thread_of(acme.organization, incident.id)
        payload = {
            "type": "block_actions",
            "team": {"id": "T1"},
            "user": {"id": "UALICE"},
            "actions": [{"action_id": "acknowledge", "value": thread}],
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return path[path.index("/hooks/") :], incident.id, body


@pytest.mark.usefixtures("both_databases")
def test_a_request_that_is_repeated_acts_no_second_time(client, pressed, inside, acme):
    path, incident_id, body = pressed
    headers = slack_signed(body)
    assert client.post(path, data=body, headers=headers).status_code == 200
    with inside(acme):
        own = db.session.get_one(Incident, incident_id)
        assert own.state is IncidentState.ACKNOWLEDGED
        own.state = IncidentState.OPEN
        db.session.commit()
    repeated = client.post(path, data=body, headers=headers)
    assert (repeated.status_code, repeated.text) == (409, "The request was taken before.\n")
    with inside(acme):
        assert db.session.get_one(Incident, incident_id).state is IncidentState.OPEN
    later = slack_signed(body, at=console_clock.now().timestamp() + 1)
    assert client.post(path, data=body, headers=later).status_code == 200
    with inside(acme):
        assert db.session.get_one(Incident, incident_id).state is IncidentState.ACKNOWLEDGED
