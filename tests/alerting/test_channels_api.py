"""Channels for scripts, as docs/api.md describes them."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from console.alerting.delivery import channels as domain
from console.alerting.delivery.models import Channel
from console.core.audit import AuditEntry
from console.core.db import db
from tests.fakes import hook
from tests.fakes.web import Answer
from tests.support.at_once import at_once

URL = "/api/v1/acme/shop/channels"
SETTINGS = {"method": "PUT", "secret": "s3cr3t-of-it"}
OWN = {"kind": "webhook", "name": "hook", "settings": SETTINGS}


@pytest.fixture
def settings(settings):
    return replace(settings, private_addresses=True)


@pytest.fixture
def receiver():
    with hook.serving() as receiver:
        yield receiver


@pytest.fixture
def script(as_script, acme):
    return as_script(acme, "channels:read", "channels:write")


@pytest.fixture
def made(script, receiver):
    settings = {**SETTINGS, "url": receiver.url}
    answer = script.post(URL, json={**OWN, "settings": settings})
    assert answer.status_code == 201, answer.text
    return answer.json


def test_a_channel_is_made_read_changed_and_deleted(script, made, receiver, inside, acme):
    assert made["secrets"] == ["secret", "url"]
    assert "s3cr3t" not in script.get(URL).text
    assert receiver.url not in script.get(f"{URL}/{made['id']}").text
    changed = script.put(
        f"{URL}/{made['id']}",
        json={"name": "other", "settings": {"method": "POST"}, "removed": ["secret", "url"]},
    )
    assert changed.status_code == 200, changed.text
    assert (changed.json["name"], changed.json["secrets"]) == ("other", ["url"])
    assert changed.json["enabled"] is True
    with inside(acme):
        given = domain.given(db.session.get_one(Channel, made["id"]))
        assert given == {"method": "POST", "template": "", "url": receiver.url}
    assert script.delete(f"{URL}/{made['id']}").status_code == 204
    assert script.get(URL).json == {"channels": []}
    assert script.get(f"{URL}/{made['id']}").status_code == 404
    with inside(acme):
        entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action.like("channel%")))
        assert [(e.actor, e.action) for e in entries] == [
            ("ci", "channel.created"),
            ("ci", "channel.changed"),
            ("ci", "channel.deleted"),
        ]


def test_a_test_message_is_sent_and_its_answer_answered(script, made, receiver):
    answer = script.post(f"{URL}/{made['id']}/test").json
    assert (answer["delivered"], answer["status"]) == (True, 200)
    assert "received" in answer["answer"]
    assert len(receiver.messages) == 1
    receiver.answers(Answer(500, {"error": "on fire"}), always=True)
    answer = script.post(f"{URL}/{made['id']}/test").json
    assert (answer["delivered"], answer["status"]) == (False, 500)
    assert "on fire" in answer["answer"]
    assert script.get(f"{URL}/{made['id']}").json["failures"] == 1


@at_once(
    ("document", "detail"),
    [
        ({"name": "x"}, "kind: one of email, "),
        ({**OWN, "kind": "fax"}, "kind: one of email, "),
        ({**OWN, "name": ""}, "name: Give it a name"),
        ({**OWN, "settings": {}}, "settings.url: "),
        ({**OWN, "settings": {"url": "ftp://x.test"}}, "settings.url: "),
        ({**OWN, "settings": {"url": "https://x.test", "template": "{"}}, "settings.template: "),
        ({**OWN, "settings": {"url": "https://x.test", "secret": "env:SECRET_KEY"}}, "CHANNEL_"),
        ({**OWN, "settings": {"adress": "x"}}, "settings.adress"),
        ({**OWN, "fallback": 99}, "fallback: "),
        ({**OWN, "settings": "x"}, ""),
        ([], ""),
    ],
)
def test_what_is_wrong_is_named(script, document, detail):
    answer = script.post(URL, json=document)
    assert answer.status_code == 400
    assert detail in answer.json["detail"]
    assert "SECRET_KEY" not in answer.json["detail"]


def test_a_channel_keeps_its_kind(script, made):
    answer = script.put(f"{URL}/{made['id']}", json={**OWN, "kind": "email"})
    assert "keeps its kind" in answer.json["detail"]


def test_a_token_needs_the_permission_and_its_own_organization(as_script, acme, globex, made):
    reader = as_script(acme, "channels:read")
    assert reader.get(URL).status_code == 200
    for answer in (
        reader.post(URL, json=OWN),
        reader.put(f"{URL}/{made['id']}", json=OWN),
        reader.delete(f"{URL}/{made['id']}"),
        reader.post(f"{URL}/{made['id']}/test"),
    ):
        assert answer.status_code == 403
    stranger = as_script(globex, "channels:read", "channels:write")
    own = "/api/v1/globex/shop/channels"
    assert stranger.get(URL).status_code == 404
    assert stranger.get(own).json == {"channels": []}
    for answer in (
        stranger.get(f"{own}/{made['id']}"),
        stranger.put(f"{own}/{made['id']}", json=OWN),
        stranger.delete(f"{own}/{made['id']}"),
        stranger.post(f"{own}/{made['id']}/test"),
    ):
        assert answer.status_code == 404
