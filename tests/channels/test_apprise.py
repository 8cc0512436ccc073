"""Apprise's services are channels where the operator allows them."""

import logging
from dataclasses import replace

import pytest

from console.channels import apprise_urls
from console.channels.apprise_urls import KIND, OF_ORGANIZATION
from console.channels.kinds import NotDelivered
from tests.channels.messages import TRIGGER, WAY, delivered
from tests.fakes import hook as hook_server
from tests.fakes.web import Answer
from tests.support.waiting import until

ALLOWED = replace(WAY, apprise=True)


@pytest.fixture
def hook():
    with hook_server.serving() as hook:
        yield hook


@pytest.fixture
def given(hook):
    return {"url": f"json://user:the-password@127.0.0.1:{hook.server_port}/"}


def test_a_message_goes_out_as_text(hook, given):
    delivered(KIND, given, TRIGGER, ALLOWED)
    sent = hook.messages[0]
    assert sent["title"] == f"Critical: {TRIGGER.headline}"
    assert TRIGGER.hits in sent["message"]
    assert TRIGGER.incident_url in sent["message"]
    assert sent["type"] == "failure"


def test_what_is_refused_is_tried_again_and_names_no_password(hook, given, caplog):
    hook.answers(Answer(500, "the-password"), always=True)
    with caplog.at_level(logging.WARNING), pytest.raises(NotDelivered) as error:
        delivered(KIND, given, TRIGGER, ALLOWED)
    assert not error.value.permanent
    assert error.value.answer
    assert "the-password" not in str(error.value) + error.value.answer + caplog.text


def test_a_service_that_hangs_ends_in_time(hook, given, monkeypatch):
    monkeypatch.setattr(apprise_urls, "SECONDS", 0.3)
    hook.delay = 2
    with pytest.raises(NotDelivered, match="did not answer within") as error:
        delivered(KIND, given, TRIGGER, ALLOWED)
    assert error.value.may_have_arrived


def test_services_that_never_end_keep_only_their_own_organization_waiting(hook, given, monkeypatch):
    monkeypatch.setattr(apprise_urls, "SECONDS", 0.2)
    until(lambda: not apprise_urls._under_way.total(), "the ends of former tests")
    hook.delay = 3.0
    for _ in range(OF_ORGANIZATION):
        with pytest.raises(NotDelivered, match="did not answer within"):
            delivered(KIND, given, TRIGGER, ALLOWED)
    with pytest.raises(NotDelivered, match="have not been answered yet") as refusal:
        delivered(KIND, given, TRIGGER, ALLOWED)
    assert not refusal.value.permanent
    hook.delay = 0.0
    monkeypatch.setattr(apprise_urls, "SECONDS", 10)
    assert delivered(KIND, given, replace(TRIGGER, organization="Globex"), ALLOWED).answer
    until(lambda: not apprise_urls._under_way.total(), "the ends of all")
    assert delivered(KIND, given, TRIGGER, ALLOWED).answer


def test_it_is_off_until_the_operator_allows_it(hook, given):
    assert "PHAROS_APPRISE" in KIND.obstacle(WAY)
    assert set(KIND.faults(given, WAY)) == {"url"}
    with pytest.raises(NotDelivered, match="PHAROS_APPRISE") as error:
        delivered(KIND, given, TRIGGER, WAY)
    assert error.value.permanent
    assert hook.requests == []


def test_without_the_extra_it_says_what_to_install(given, monkeypatch):
    monkeypatch.setattr(apprise_urls, "find_spec", lambda _: None)
    assert "pip install" in KIND.obstacle(ALLOWED)
    assert "pip install" in KIND.faults(given, ALLOWED)["url"]


@pytest.mark.parametrize(
    "url", ["", "nonsense", "syslog://", "DBUS://", "json://a json://b", "json://a\njson://b"]
)
def test_urls_that_cannot_be_used_are_refused(url):
    assert set(KIND.faults({"url": url}, ALLOWED)) == {"url"}


def test_a_service_that_apprise_does_not_know_is_no_delivery():
    with pytest.raises(NotDelivered) as error:
        delivered(KIND, {"url": "nosuch://service"}, TRIGGER, ALLOWED)
    assert "no such service" in error.value.answer
