"""Webhooks: a signed JSON body that is documented, or one by a template of the channel's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from console.channels.checks import faults_of, text_of
from console.channels.json_template import LONGEST_TEMPLATE, TemplateError, filled
from console.channels.kinds import Field, Given, Kind, NotDelivered, Receipt, Way
from console.channels.message import Button, Fact, Message, Verb
from console.channels.posting import answer_of, post, redacted, refused, secrets_of
from console.channels.ready_templates import READY
from console.channels.signatures import OWN_HEADER, signed
from console.channels.webhook_body import body_of, values_of
from console.core import clock, http
from console.core.http import Call

MOST_HEADERS = 20
# Whoever sets these makes two requests of one, or says what the console says itself.
RESERVED = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "idempotency-key",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        OWN_HEADER.lower(),
    }
)
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_BEGAN = datetime(2026, 3, 4, 9, 5, tzinfo=UTC)

SAMPLE = Message(
    key="incident-1-1-channel-1",
    thread="incident-1-channel-1",
    verb=Verb.TRIGGER,
    at=_BEGAN + timedelta(minutes=5),
    title='Share of failed requests of "POST /checkout"',
    headline='12.4 % of requests to "POST /checkout" fail, above 5 %',
    severity="high",
    level="critical",
    organization="Acme",
    project="shop",
    since=_BEGAN,
    hits="217 people in 4 countries",
    changes=(Fact("9 minutes before", "Release shop 2.4.1", "https://pharos.example.com/r/9"),),
    facts=(Fact("Threshold", "5 % for 5 minutes"),),
    evidence=Button("See the failed requests", "https://pharos.example.com/endpoints/4"),
    action=Button("Acknowledge", "https://pharos.example.com/a/token"),
    incident_url="https://pharos.example.com/acme/shop/incidents/1",
    why="Step 1 of the policy Checkout, at once.",
    tags=("team:payments",),
)
"""What previews show: a text has quotes in it, as it may have later."""
BARE = Message(
    key="test-1",
    thread="test-1",
    verb=Verb.TEST,
    at=_BEGAN,
    title="Test message",
    headline="This is a test",
)
"""A message of which little is known: a template must do without the rest."""


def render(template: str, message: Message, base_url: str = "") -> str:
    """The body of a message: by the template, or the documented one if that is empty.

    This is what is sent and what previews show; raises TemplateError.
    """
    if not template.strip():
        return json.dumps(body_of(message, base_url), ensure_ascii=False, indent=2)
    return filled(template, values_of(message, base_url))


async def deliver(given: Given, message: Message, thread: Mapping[str, Any], way: Way) -> Receipt:
    """Send a message; its key is the `Idempotency-Key`."""
    del thread
    wrong = _faults(given, way)
    if wrong:
        raise NotDelivered(" ".join(wrong.values()), permanent=True)
    secrets = _secrets(given)
    try:
        body = render(text_of(given, "template"), message, way.base_url).encode()
    except TemplateError as error:
        raise NotDelivered(f"The template cannot be used: {error}", permanent=True) from None
    call = Call(
        url=text_of(given, "url"),
        method=text_of(given, "method") or "POST",
        headers=_headers_of(given, message, body),
        body=body,
        redirects=3,
        allow_private=way.allow_private,
    )
    reply = await post(call, secrets)
    if not 200 <= reply.status < 300:
        raise refused(reply, "The receiver", secrets)
    return Receipt(answer_of(reply, secrets), reply.status)


def preview(given: Given, way: Way) -> str:
    """What would be sent about the sample; raises NotDelivered."""
    try:
        body = render(text_of(given, "template"), SAMPLE, way.base_url)
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)  # for people to read
    except TemplateError as error:
        raise NotDelivered(str(error), permanent=True) from None


def headers_of(given: Given) -> dict[str, str]:
    """The channel's own headers; raises ValueError for lines that are none, with a sentence."""
    headers: dict[str, str] = {}
    for line in text_of(given, "headers").splitlines():
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not line.strip():
            continue
        if not colon or not name or not set(name) <= _TOKEN:
            raise ValueError("Write each header as Name: value, one a line.")
        if name.lower() in RESERVED:
            raise ValueError(f"The console sets {name} itself.")
        if not (value.isascii() and value.isprintable()):
            raise ValueError(f"The value of {name} has characters that no header takes.")
        headers[name] = value
    if len(headers) > MOST_HEADERS:
        raise ValueError(f"At most {MOST_HEADERS} headers.")
    return headers


def _headers_of(given: Given, message: Message, body: bytes) -> dict[str, str]:
    own = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": message.key}
    secret = text_of(given, "secret")
    if secret:
        own[OWN_HEADER] = signed(secret, body, clock.now())
    return {**headers_of(given), **own}


def _secrets(given: Given) -> list[str]:
    """What may stand in no answer: of headers, their values do."""
    values = [line.partition(":")[2].strip() for line in text_of(given, "headers").splitlines()]
    return [*secrets_of(FIELDS, given), *values]


def _faults(given: Given, way: Way) -> dict[str, str]:
    faults = faults_of(FIELDS, given)
    url = text_of(given, "url")
    if "url" not in faults and (fault := http.fault_of(url, allow_private=way.allow_private)):
        faults["url"] = redacted(fault, [url])
    if "headers" not in faults:
        try:
            headers_of(given)
        except ValueError as error:
            faults["headers"] = str(error)
    if "template" not in faults and (fault := template_fault(text_of(given, "template"))):
        faults["template"] = fault
    return faults


def template_fault(template: str) -> str:
    """Why a template cannot be used, "" if it can: with all that a message has, and with little."""
    resolved = replace(SAMPLE, verb=Verb.RESOLVE, state="resolved", until=SAMPLE.at)
    try:
        for message in (SAMPLE, BARE, resolved):
            render(template, message)
    except TemplateError as error:
        return str(error)
    return ""


FIELDS = (
    Field(
        "url",
        "URL",
        "Where messages are sent to. Often it holds a key, so that it is kept like a password.",
        is_secret=True,
        required=True,
        longest=2_000,
    ),
    Field(
        "method",
        "Method",
        input="choice",
        choices=(("POST", "POST"), ("PUT", "PUT"), ("PATCH", "PATCH")),
        default="POST",
    ),
    Field(
        "secret",
        "Signing secret",
        "With it, Pharos-Signature lets the receiver check that a message comes from here.",
        is_secret=True,
        longest=200,
    ),
    Field(
        "headers",
        "Headers",
        "Such as Authorization: Bearer …, one a line.",
        is_secret=True,
        input="area",
        longest=4_000,
    ),
    Field(
        "template",
        "JSON template",
        "Leave it empty for the documented body. In a template, {{ headline }} and other names"
        " become values, {{ text:200 }} at most 200 characters.",
        input="area",
        longest=LONGEST_TEMPLATE,
    ),
)

KIND = Kind(
    name="webhook",
    title="Webhook",
    icon="plug",
    fields=FIELDS,
    deliver=deliver,
    faults=_faults,
    takes=frozenset(Verb),
    preview=preview,
    examples={ready.title: {"template": ready.template} for ready in READY},
)
