"""Whatever kind of channel carries a message: the same facts are in it, and no secret gets out."""

import json
import logging
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

from console.channels.kinds import NotDelivered
from console.channels.message import Verb
from console.channels.registry import KINDS
from console.channels.way import way_of
from console.core.config import Config
from tests.channels.messages import ESCALATE, TRIGGER, WAY, delivered, picture
from tests.fakes import hook, pagerduty, slack
from tests.fakes.web import Answer
from tests.support.databases import ROOT

FACTS = (
    "12.4 % of requests to POST /checkout fail, above 5 %",  # what is wrong
    "Share of failed requests of POST /checkout",  # which rule
    "217 people in 4 countries",  # whom it hits
    "Release shop 2.4.1",  # what changed
    "9 minutes before",
    "5 % for 5 minutes",  # the threshold
    "team:payments",
    "Step 1 of the policy Checkout",  # why it comes here
    "https://pharos.acme.test/acme/shop/endpoints/4",  # the evidence
    "https://pharos.acme.test/a/pha_token",  # where to acknowledge
    "https://pharos.acme.test/acme/shop/incidents/7",
)
SECRETS = {
    "slack": {"token": "xoxb-the-secret-token", "signing_secret": "the-secret-signing"},
    "slack_webhook": {"url": "{url}/services/the-secret-path"},
    "pagerduty": {"routing_key": "0123456789abcdef0123456789abcdef"},
    "webhook": {
        "url": "{url}/the-secret-path?k=the-secret-query",
        "secret": "the-secret-secret",
        "headers": "Authorization: Bearer the-secret-bearer",
    },
    "apprise": {"url": "json://u:the-secret-password@127.0.0.1:{port}/"},
}
OPEN = {"slack": {"channel": "#ops"}}


@pytest.fixture
def servers(smtp):
    with ExitStack() as stack:
        workspace = stack.enter_context(slack.serving())
        pager = stack.enter_context(pagerduty.serving())
        receiver = stack.enter_context(hook.serving())
        way = replace(
            WAY,
            smtp_url=smtp.url,
            slack_url=workspace.api,
            pagerduty_url=pager.url,
            apprise=True,
        )
        yield {
            "slack": workspace,
            "pagerduty": pager,
            "hook": receiver,
            "smtp": smtp,
            "way": way,
        }


def settings_of(kind: str, servers: Any) -> dict[str, str]:
    """Settings that work on this machine."""
    return {
        "email": {"to": "ops@acme.test"},
        "slack": {"token": slack.TOKEN, "channel": "#ops"},
        "slack_webhook": {"url": servers["slack"].webhook},
        "pagerduty": {"routing_key": pagerduty.ROUTING_KEY, "region": "us"},
        "webhook": {"url": servers["hook"].url},
        "apprise": {"url": f"json://127.0.0.1:{servers['hook'].server_port}/"},
    }[kind]


def arrived(kind: str, servers: Any) -> str:
    """Everything that a service was sent, as text."""
    if kind == "email":
        mail = servers["smtp"].messages[0]
        return str(mail.get_body(("html",)).get_content()) + str(mail["Subject"])
    if kind.startswith("slack"):
        return json.dumps(servers["slack"].messages, ensure_ascii=False)
    if kind == "pagerduty":
        pager = servers["pagerduty"]
        return json.dumps([*pager.messages, *pager.changes], ensure_ascii=False)
    return json.dumps(servers["hook"].messages, ensure_ascii=False)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_facts_are_in_every_kind_of_message(servers, kind):
    message = replace(TRIGGER, picture=picture())
    delivered(KINDS[kind], settings_of(kind, servers), message, servers["way"])
    written = arrived(kind, servers)
    assert [fact for fact in FACTS if fact not in written] == []
    assert "14:58 CET" in written or "2026-11-27T13:58:00+00:00" in written  # since when
    assert picture().alt in written or kind == "slack_webhook"  # which can show no file


def test_a_mail_in_plain_text_says_the_same(servers):
    delivered(KINDS["email"], settings_of("email", servers), TRIGGER, servers["way"])
    text = servers["smtp"].messages[0].get_body(("plain",)).get_content()
    assert [fact for fact in FACTS if fact not in text] == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", list(Verb))
def test_every_kind_takes_what_it_says_it_takes(servers, kind, verb):
    if verb in KINDS[kind].takes:
        message = replace(ESCALATE, verb=verb)
        delivered(KINDS[kind], settings_of(kind, servers), message, servers["way"])
        assert ESCALATE.headline in arrived(kind, servers)


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("status", [200, 202, 400, 500])
def test_no_secret_stands_in_answers_errors_or_logs(kind, status, caplog):
    caplog.set_level(logging.WARNING)  # as a console writes
    with hook.serving() as echo:
        place = {"url": echo.url, "port": echo.server_port}
        secrets = {name: text.format(**place) for name, text in SECRETS[kind].items()}
        echo.answers(Answer(status, json.dumps(secrets)), always=True)
        way = replace(WAY, slack_url=echo.url, pagerduty_url=echo.url, apprise=True)
        try:
            kept = repr(delivered(KINDS[kind], {**secrets, **OPEN.get(kind, {})}, TRIGGER, way))
        except NotDelivered as error:
            kept = f"{error} {error.answer} {error!r}"
        assert echo.requests
    bare = [part for part in kept.replace("/", " ").split() if "the-secret" in part]
    assert bare == []
    assert "0123456789abcdef0123456789abcdef" not in kept
    assert "the-secret" not in caplog.text


def test_every_kind_has_its_icon_and_words_for_its_fields():
    icons = (ROOT / "console/static/img/icons.svg").read_text()
    for kind in KINDS.values():
        assert f'id="{kind.icon}"' in icons
        assert all(field.label and (field.help or field.choices) for field in kind.fields)


def test_the_operators_settings_say_where_services_are():
    settings = Config(slack_url="http://slack.test/api/", base_url="https://pharos.acme.test")
    way = way_of(settings)
    assert way.slack_url == "http://slack.test/api"
    assert way.pagerduty_url == "https://events.pagerduty.com"
    assert (way.allow_private, way.apprise) == (False, False)
