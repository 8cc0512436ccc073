"""Reports in chats: Slack by token, Slack by webhook, and any webhook, as each checks them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from console.alerting.delivery import channels
from console.alerting.delivery.models import MessageState, OutboxMessage
from console.channels.registry import KINDS
from console.core.db import db
from console.reports import recipients
from console.reports.models import Report, ReportEdition, Subject
from tests.alerting.deliveries import deliver
from tests.fakes import hook as hook_server
from tests.fakes import slack as slack_server
from tests.support.databases import ROOT
from tests.support.scheduled import perform


@pytest.fixture
def slack():
    with slack_server.serving() as server:
        yield server


@pytest.fixture
def hook():
    with hook_server.serving() as server:
        yield server


@pytest.fixture
def settings(settings, slack):
    return replace(settings, slack_url=slack.api, private_addresses=True)


@pytest.fixture
def send(app, acme, inside, make_report, clock):
    """`send(kind, values)`: let a report go out to a channel; returns its message."""

    def send(kind: str, values: dict[str, str], **columns: object) -> OutboxMessage:
        report_id = make_report(**columns)
        with inside(acme):
            report = db.session.get_one(Report, report_id)
            recipients.add(report, channel=channels.create(KINDS[kind], kind, values))
            db.session.commit()
        clock.move(days=1)
        with app.app_context():
            perform("send-reports")
        with inside(acme):
            deliver(acme)
            message = db.session.scalars(select(OutboxMessage)).one()
            db.session.expunge(message)
            return message

    return send


@pytest.mark.usefixtures("stored", "both_databases")
def test_slack_shows_a_report_with_its_numbers_its_chart_and_one_button(send, slack):
    given = {"token": slack_server.TOKEN, "channel": "#ops"}
    message = send("slack", given)
    assert message.state is MessageState.SENT, message.error
    (shown,) = slack.messages
    assert shown["text"].startswith("*Report:*")
    assert "Morning: What changed is not known yet" in shown["text"]
    blocks = slack_server.blocks_of(shown)
    texts = [field["text"] for block in blocks for field in block.get("fields", ())]
    number = next(text for text in texts if text.startswith("*Requests*"))
    assert "<http://pharos.test/acme/shop/" in number
    (picture,) = [block for block in blocks if block["type"] == "image"]
    assert slack.files[picture["slack_file"]["id"]].startswith(b"\x89PNG")
    assert picture["alt_text"].startswith("Requests: P95, ")
    assert slack_server.buttons_of(shown) == ["Open the report"]
    (button,) = slack_server.elements_of(shown)
    assert "/editions/" in button["url"]


@pytest.mark.usefixtures("stored")
def test_a_webhook_of_slack_takes_a_report(send, slack):
    message = send("slack_webhook", {"url": slack.webhook})
    assert message.state is MessageState.SENT, message.error
    (shown,) = slack.messages
    assert slack_server.buttons_of(shown) == ["Open the report"]
    assert "Requests" in json.dumps(shown)


@pytest.mark.usefixtures("stored")
def test_a_webhook_gets_the_documented_body_and_leads_to_the_edition(
    send, hook, as_alice, acme, inside
):
    message = send("webhook", {"url": f"{hook.url}/in", "method": "POST"})
    assert message.state is MessageState.SENT, message.error
    (body,) = hook.messages
    written = (ROOT / "docs/webhooks.md").read_text()
    assert all(f"`{name}`" in written for name in body)
    assert (body["version"], body["verb"]) == (1, "report")
    assert [fact["label"] for fact in body["facts"]] == ["Requests", "P95"]
    assert body["chart"].startswith("Requests: P95, ")
    assert list(hook.by_key.values()) == [1]
    with inside(acme):
        edition = db.session.scalars(select(ReportEdition)).one()
        path = f"/acme/shop/reports/{edition.report_id}/editions/{edition.id}"
    assert body["url"] == f"http://pharos.test{path}"
    assert as_alice.get(path).status_code == 200


def test_what_got_worse_is_said_in_a_chat_as_well(send, hook):
    message = send("webhook", {"url": f"{hook.url}/in", "method": "POST"}, subject=Subject.WORSE)
    assert message.state is MessageState.SENT, message.error
    (body,) = hook.messages
    assert "Morning: What changed is not known yet" in body["incident"]["headline"]
    assert body["facts"] == []
