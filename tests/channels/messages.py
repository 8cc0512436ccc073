"""Messages of an incident as delivery composes them, and how a test sends one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import resvg_py

from console.channels.kinds import Kind, Receipt, Way
from console.channels.message import Button, Fact, Message, Picture, Verb
from console.core.loops import finished

AT = datetime(2026, 11, 27, 14, 4, tzinfo=UTC)
WAY = Way(
    smtp_url="",
    mail_from="Pharos <pharos@acme.test>",
    slack_url="",
    pagerduty_url="",
    allow_private=True,
    base_url="https://pharos.acme.test",
)
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="550" height="180">'
    '<rect width="550" height="180" fill="#ffffff"/>'
    '<path d="M40 50H530" stroke="#b9222f" stroke-dasharray="4 4"/>'
    '<path d="M40 140L200 132L300 136L380 90L460 30L530 26" stroke="#3563dd" fill="none"'
    ' stroke-width="2"/></svg>'
)

ACTION = Button("Acknowledge", "https://pharos.acme.test/a/pha_token")

TRIGGER = Message(
    key="incident-7-1-channel-3",
    thread="incident-7-channel-3",
    verb=Verb.TRIGGER,
    at=AT,
    title="Share of failed requests of POST /checkout",
    headline="12.4 % of requests to POST /checkout fail, above 5 %",
    severity="high",
    level="critical",
    organization="Acme",
    project="shop",
    since=AT - timedelta(minutes=6),
    hits="217 people in 4 countries, most of them on checkout",
    changes=[
        Fact("9 minutes before", "Release shop 2.4.1", "https://pharos.acme.test/acme/shop/r/9")
    ],
    facts=[Fact("Threshold", "5 % for 5 minutes")],
    evidence=Button("See the failed requests", "https://pharos.acme.test/acme/shop/endpoints/4"),
    action=ACTION,
    incident_url="https://pharos.acme.test/acme/shop/incidents/7",
    why="Step 1 of the policy Checkout, at once.",
    settings_url="https://pharos.acme.test/account",
    unsubscribe_url="https://pharos.acme.test/u/phn_token",
    zone="Europe/Berlin",
    tags=["team:payments"],
)
ESCALATE = replace(
    TRIGGER,
    key="incident-7-2-channel-3",
    verb=Verb.ESCALATE,
    at=AT + timedelta(minutes=10),
    why="Step 2 of the policy Checkout, after 10 minutes.",
)
ACKNOWLEDGE = replace(
    TRIGGER,
    key="incident-7-3-channel-3",
    verb=Verb.ACKNOWLEDGE,
    at=AT + timedelta(minutes=12),
    state="acknowledged",
    facts=[*TRIGGER.facts, Fact("Acknowledged", "by Alice, 12 minutes after it began")],
)
RESOLVE = replace(
    TRIGGER,
    key="incident-7-4-channel-3",
    verb=Verb.RESOLVE,
    at=AT + timedelta(minutes=38),
    until=AT + timedelta(minutes=38),
    state="resolved",
)
TEST = Message(
    key="test-3-1",
    thread="test-3-1",
    verb=Verb.TEST,
    at=AT,
    title="Test of the channel Checkout",
    headline="This is a test: incidents of Acme will arrive like this",
    organization="Acme",
)
DIGEST = Message(
    key="digest-5-1",
    thread="digest-5-1",
    verb=Verb.DIGEST,
    at=AT,
    title="Incidents of little urgency",
    headline="2 incidents since yesterday, 08:00",
    organization="Acme",
    entries=[TRIGGER, RESOLVE],
)


def picture() -> Picture:
    """A small chart."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=DRAWING))
    return Picture(png, "The share rose from 1 % to 12.4 % since 14:58.", 550, 180)


def delivered(
    kind: Kind,
    given: Mapping[str, Any],
    message: Message,
    way: Way = WAY,
    thread: Mapping[str, Any] | None = None,
) -> Receipt:
    """The receipt of a message that is delivered now; raises NotDelivered."""

    async def delivery() -> Receipt:
        return await kind.deliver(given, message, thread or {}, way)

    return finished(delivery())
