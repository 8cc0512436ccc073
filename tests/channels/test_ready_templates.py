"""Ready templates against what their services take, and what those do with names of people's."""

import json
from dataclasses import replace

import pytest

from console.channels.message import Fact
from console.channels.ready_templates import READY
from console.channels.slack_blocks import body_of
from console.channels.webhook import render
from tests.channels.messages import TRIGGER

WIDE = "😀" * 2_000
"""Each character is four bytes, and two halves of UTF-16."""
LONGEST = replace(
    TRIGGER,
    headline=WIDE[:500],
    hits=WIDE,
    facts=[Fact(WIDE[:100], WIDE)] * 50,
    tags=[WIDE[:100]] * 50,
    entries=[TRIGGER] * 100,
    incident_url=f"http://pharos/{'a' * 250}",
)
HOSTILE = replace(
    TRIGGER,
    headline="GET /<int:id>/__init__/*a* @channel <!here> <users/all> an_old_name ada@acme.test",
)


def rendered(name, message):
    [template] = [ready.template for ready in READY if ready.name == name]
    return json.loads(render(template, message, "http://pharos"))


def halves(text):
    return len(text.encode("utf-16-le")) // 2


def test_the_longest_message_is_within_what_each_service_takes():
    [embed] = rendered("discord", LONGEST)["embeds"]
    assert halves(embed["title"]) <= 256
    assert halves(embed["description"]) <= 4_096
    ntfy = rendered("ntfy", LONGEST)
    assert len(ntfy["message"].encode()) <= 4_096
    assert len(json.dumps(ntfy, ensure_ascii=False).encode()) <= 8_192
    assert halves(rendered("telegram", LONGEST)["text"]) <= 4_096
    assert halves(rendered("google-chat", LONGEST)["text"]) <= 4_096
    card = rendered("teams", LONGEST)
    assert len(json.dumps(card, ensure_ascii=False).encode()) <= 28 * 1024


def test_discord_gets_no_address_that_it_refuses():
    [embed] = rendered("discord", LONGEST)["embeds"]
    assert "url" not in embed
    assert embed["description"].endswith(LONGEST.incident_url)


@pytest.mark.parametrize("ready", READY, ids=lambda ready: ready.name)
def test_a_name_mentions_nobody(ready):
    body = json.dumps(rendered(ready.name, HOSTILE), ensure_ascii=False)
    assert not {mention for mention in ("@channel", "<!here", "<users/all") if mention in body}
    assert "ada@acme.test" in body


def test_a_name_mentions_nobody_where_a_chat_takes_messages_of_slack():
    body = json.dumps(body_of(HOSTILE, acts=False), ensure_ascii=False)
    assert "@channel" not in body
    assert "ada@acme.test" in body


def test_services_that_read_markdown_show_a_name_as_it_is():
    [attachment] = rendered("mattermost", HOSTILE)["attachments"]
    assert r"GET /\<int:id\>/\_\_init\_\_/\*a\*" in attachment["title"]
    assert "an_old_name" in attachment["text"]


def test_a_card_of_teams_has_a_row_for_each_fact():
    body = rendered("teams", TRIGGER)["attachments"][0]["content"]["body"]
    assert {"title": "Threshold", "value": "5 % for 5 minutes"} in body[1]["facts"]
    assert all(row["title"] and row["value"] for row in body[1]["facts"])
