"""Webhooks are signed and documented, or written by a template; what is answered is kept."""

import json
import socket
from contextlib import closing
from dataclasses import replace
from datetime import datetime

import pytest

from console.channels.kinds import NotDelivered
from console.channels.message import Verb
from console.channels.ready_templates import READY
from console.channels.webhook import BARE, KIND, SAMPLE, render, template_fault
from console.channels.webhook_body import values_of
from console.core import clock, http
from tests.channels.messages import DIGEST, RESOLVE, TEST, TRIGGER, WAY, delivered, picture
from tests.fakes import hook as hook_server
from tests.fakes.hook import is_genuine
from tests.fakes.peer import Peer, redirect
from tests.fakes.web import Answer
from tests.support.databases import ROOT


@pytest.fixture
def hook():
    with hook_server.serving() as hook:
        yield hook


@pytest.fixture
def given(hook):
    return {
        "url": f"{hook.url}/hooks/the-secret-part?key=another-secret",
        "method": "POST",
        "secret": "the signing secret",
        "headers": "Authorization: Bearer the-bearer\nX-Team: payments",
        "template": "",
    }


def test_the_documented_body_is_signed_and_has_a_key(hook, given):
    receipt = delivered(KIND, given, replace(TRIGGER, picture=picture()))
    request = hook.requests[0]
    assert (request.method, request.path) == ("POST", "/hooks/the-secret-part?key=another-secret")
    assert request.headers["Idempotency-Key"] == TRIGGER.key
    assert request.headers["Authorization"] == "Bearer the-bearer"
    signature = request.headers["Pharos-Signature"]
    assert is_genuine("the signing secret", signature, request.body, clock.now())
    body = hook.messages[0]
    assert (body["version"], body["verb"]) == (1, "trigger")
    assert body["incident"]["headline"] == TRIGGER.headline
    assert datetime.fromisoformat(body["incident"]["since"]) == TRIGGER.since
    assert body["chart"] == picture().alt
    assert json.loads(receipt.answer) == {"received": TRIGGER.key}


def test_every_member_of_the_body_is_documented():
    written = (ROOT / "docs/webhooks.md").read_text()
    body = json.loads(render("", DIGEST))
    for name in [*body, *body["incident"], *body["entries"][0]]:
        assert f"`{name}`" in written


def test_every_value_of_templates_is_documented():
    written = (ROOT / "docs/webhooks.md").read_text()
    for name in json.loads(render('{"names": {{ facts }}}', TRIGGER))["names"][0]:
        assert f"`{name}`" in written
    for name in values_of(TRIGGER, ""):
        assert f"`{name}`" in written


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_another_method(hook, given, method):
    delivered(KIND, {**given, "method": method}, TRIGGER)
    assert hook.requests[0].method == method


def test_without_a_secret_nothing_is_signed(hook, given):
    delivered(KIND, {**given, "secret": ""}, TRIGGER)
    assert "Pharos-Signature" not in hook.requests[0].headers


def test_what_the_preview_shows_is_what_is_sent(hook, given):
    template = '{"text": "{{ subject }}", "facts": {{ facts }}}'
    delivered(KIND, {**given, "template": template}, TRIGGER)
    assert hook.requests[0].body.decode() == render(template, TRIGGER)


@pytest.mark.parametrize("ready", READY, ids=lambda ready: ready.name)
@pytest.mark.parametrize("message", [TRIGGER, RESOLVE, TEST, DIGEST, SAMPLE, BARE])
def test_a_ready_template_takes_every_message(ready, message):
    assert template_fault(ready.template) == ""
    body = render(ready.template, message, "https://pharos.acme.test")
    assert json.dumps(message.headline)[1:-1] in body
    long = json.loads(render(ready.template, replace(message, headline='"é\\' * 2_000)))
    if ready.name == "discord":
        assert len(long["embeds"][0]["title"]) <= 256
        assert long["allowed_mentions"] == {"parse": []}


@pytest.mark.parametrize(
    ("answer", "sentence", "permanent"),
    [
        (Answer(400, "no"), "answered 400", True),
        (Answer(404, "no"), "answered 404", True),
        (Answer(408, "slow"), "answered 408", False),
        (Answer(429, "", {"Retry-After": "12"}), "fewer messages", False),
        (Answer(500, "oops"), "answered 500", False),
    ],
)
def test_a_refusal_is_tried_again_where_it_may_help(hook, given, answer, sentence, permanent):
    hook.answers(answer)
    with pytest.raises(NotDelivered, match=sentence) as error:
        delivered(KIND, given, TRIGGER)
    assert error.value.permanent is permanent
    assert error.value.answer == answer.body
    assert error.value.retry_after == (12 if answer.status == 429 else None)


@pytest.mark.parametrize("to", ["http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/"])
def test_a_redirect_to_a_private_address_is_refused(given, monkeypatch, to):
    monkeypatch.setattr(http, "is_public", lambda address: address == "127.0.0.1")
    peer = Peer()
    peer.answers["/start"] = redirect(to, "307 Temporary Redirect")
    way = replace(WAY, allow_private=False)
    with closing(peer), pytest.raises(NotDelivered, match="private network") as error:
        delivered(KIND, {**given, "url": peer.url("/start")}, TRIGGER, way)
    assert error.value.permanent
    assert len(peer.requests) == 1


def test_a_refusal_does_not_say_which_names_a_private_network_has(given, monkeypatch):
    def nowhere():
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    inner = [(2, 1, 6, "", ("10.0.0.1", 80))]
    way = replace(WAY, allow_private=False)
    answers = []
    for resolve in (lambda *_, **__: inner, lambda *_, **__: nowhere()):
        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(NotDelivered) as error:
            delivered(KIND, {**given, "url": "http://db.intern.test/"}, TRIGGER, way)
        answers.append((str(error.value), error.value.permanent))
    assert answers[0] == answers[1]
    assert "private network" in answers[0][0]


def test_a_redirect_to_another_server_takes_no_secret_along(hook, given):
    peer = Peer()
    peer.answers["/start"] = redirect(f"{hook.url}/moved", "307 Temporary Redirect")
    with closing(peer):
        delivered(KIND, {**given, "url": peer.url("/start")}, TRIGGER)
    assert "Authorization" not in hook.requests[0].headers


def test_an_answer_that_repeats_secrets_is_kept_without_them(hook, given):
    echo = f"{given['url']} Bearer the-bearer the signing secret another-secret the-secret-part"
    for answer in (Answer(400, echo), Answer(200, echo)):
        hook.answers(answer)
        try:
            kept = delivered(KIND, given, TRIGGER).answer
        except NotDelivered as error:
            kept = error.answer + str(error)
        for secret in ("the-bearer", "the signing secret", "another-secret", "the-secret-part"):
            assert secret not in kept


def test_a_receiver_that_is_not_there_names_no_secret(given):
    url = "http://127.0.0.1:9/hooks/the-secret-part"
    with pytest.raises(NotDelivered, match="does not take connections") as error:
        delivered(KIND, {**given, "url": url}, TRIGGER)
    assert not error.value.permanent
    assert "the-secret-part" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": ""}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "http://user:pass@hooks.test/"}, "url"),
        ({"method": "DELETE"}, "method"),
        ({"headers": "no colon"}, "headers"),
        ({"headers": "Host: elsewhere"}, "headers"),
        ({"headers": "Transfer-Encoding: chunked"}, "headers"),
        ({"headers": "X-A: b\x0bc"}, "headers"),
        ({"headers": "X A: b"}, "headers"),
        ({"headers": "X: ü"}, "headers"),
        ({"template": "{"}, "template"),
        ({"template": '{"a": "{{ nothing }}"}'}, "template"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(hook, given, change, field):
    assert set(KIND.faults({**given, **change}, WAY)) == {field}
    with pytest.raises(NotDelivered) as error:
        delivered(KIND, {**given, **change}, TRIGGER)
    assert error.value.permanent
    assert hook.requests == []


def test_everything_is_worth_a_webhook():
    assert KIND.takes == frozenset(Verb)
