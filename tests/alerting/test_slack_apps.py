"""Who presses a button in Slack is who the app says that signed it, and no app but it."""

import json
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from console.alerting.delivery import channels, links
from console.alerting.delivery.models import Channel, SlackAccount
from console.alerting.delivery.threads import thread_of
from console.alerting.models import Incident
from console.channels import outgoing
from console.channels.registry import KINDS
from console.core.crypto import hash_of
from console.core.db import db
from tests.alerting.deliveries import add_incident
from tests.alerting.hooks.signing import SECRET, slack_signed
from tests.fakes.peer import plain
from tests.support.factories import signed_in, the_person

MADE_UP = "made-up"


@pytest.fixture
def settings(settings, peer):
    return replace(settings, private_addresses=True, slack_url=peer.url())


@pytest.fixture
def genuine(inside, acme):
    """The channel whose app has linked Alice."""
    with inside(acme):
        channel = add_channel("genuine", SECRET)
        person = {"slack_user": "UALICE", "user_id": the_person("alice@acme.test").id}
        own = {"app": hash_of(SECRET), "channel_id": channel.id}
        db.session.add(SlackAccount(team="T1", **own, **person))
        db.session.commit()
        return channel.id


def add_channel(name: str, secret: str) -> Channel:
    given = {"token": "xoxb-1", "channel": "#ops", "signing_secret": secret}
    return channels.create(KINDS["slack"], name, given)


@pytest.fixture
def press(client, inside, acme, genuine, peer, app):
    """Acknowledge a new incident by a button; its state, who did it, and the private answer."""
    peer.answers["/answer"] = plain(b"ok")

    def press(channel_id: int, secret: str, user: str = "UALICE", url: str = ""):
        with inside(acme):
            incident_id = add_incident(acme).id
            db.session.commit()
            place = channels.hook_url(channels.channel_or_404(channel_id), "slack")
        payload = {
            "type": "block_actions",
            "team": {"id": "T1"},
            "user": {"id": user},
            "response_url": url or peer.url("/answer"),
            "actions": [
                {
                    "action_id": "acknowledge",
                    "value": thread_of(acme.organization, incident_id),
                }
            ],
        }
        body = urlencode({"payload": json.dumps(payload)}).encode()
        headers = slack_signed(body, secret)
        assert client.post(place[place.index("/hooks/") :], data=body, headers=headers).status_code
        with app.app_context():
            outgoing.current().drain()
        answers = [request.partition(b"\r\n\r\n")[2] for request in peer.requests]
        peer.requests.clear()
        with inside(acme):
            own = db.session.get_one(Incident, incident_id)
            by = own.acknowledged_by.email if own.acknowledged_by else ""
            return own.state.value, by, "".join(json.loads(body)["text"] for body in answers)

    return press


@pytest.mark.usefixtures("both_databases")
def test_whoever_makes_up_a_secret_presses_no_button_in_the_name_of_others(
    press, genuine, inside, acme
):
    with inside(acme):
        made_up = add_channel("made up", MADE_UP).id
        db.session.commit()
    state, by, answer = press(made_up, MADE_UP)
    assert (state, by) == ("open", "")
    assert "does not know yet who you are" in answer
    assert press(genuine, SECRET) == ("acknowledged", "alice@acme.test", "")


def test_a_channel_that_gets_another_secret_keeps_no_links(press, genuine, inside, acme):
    with inside(acme):
        given = {"channel": "#ops", "signing_secret": MADE_UP}
        channels.change(channels.channel_or_404(genuine), KINDS["slack"], "genuine", given)
        db.session.commit()
    assert press(genuine, MADE_UP)[:2] == ("open", "")


def test_channels_of_the_same_app_share_its_links(press, genuine, inside, acme):
    with inside(acme):
        sibling = add_channel("sibling", SECRET).id
        db.session.commit()
    assert press(sibling, SECRET)[:2] == ("acknowledged", "alice@acme.test")


def test_to_link_again_after_a_change_of_the_secret_replaces_the_former_link(
    genuine, inside, acme, app
):
    with inside(acme):
        channel = channels.channel_or_404(genuine)
        url = links.slack_link_url(channel, "of another secret", "T1", "UALICE")
        db.session.commit()
    path = url[url.index("/slack/") :]
    assert signed_in(app, "alice@acme.test").post(path).status_code == 303
    with inside(acme):
        own = select(SlackAccount.app).where(SlackAccount.slack_user == "UALICE")
        assert db.session.scalars(own).all() == ["of another secret"]


@pytest.mark.parametrize(
    "url",
    ["http://elsewhere.test/", "https://127.0.0.1.elsewhere.test/", "file://elsewhere", "http://["],
)
def test_an_answer_to_a_button_goes_to_slack_alone(press, genuine, caplog, url):
    assert press(genuine, SECRET, "UNEW", url) == ("open", "", "")
    assert "was to go elsewhere than to Slack" in caplog.text
