"""PagerDuty by its Events API v2: an incident there for each one here, and deploys as changes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.channels.checks import faults_of, text_of
from console.channels.facts import buttons_of, clean, facts_of, legible, link_of, standing
from console.channels.kinds import Field, Given, Kind, NotDelivered, Receipt, Way
from console.channels.message import Button, Message, Verb
from console.channels.posting import answer_of, post, refused, secrets_of
from console.core.http import Call
from console.core.urls import split_url

LONGEST_KEY = 255
LONGEST_SUMMARY = 1_024
MOST_BYTES = 512 * 1024
LONGEST_DETAIL = 2_000
US, EU = "https://events.pagerduty.com", "https://events.eu.pagerduty.com"
SEVERITIES = {"critical": "critical", "warning": "warning"}
ACTIONS = {Verb.ACKNOWLEDGE: "acknowledge", Verb.RESOLVE: "resolve"}
"""Whatever else happens is a trigger, which brings an open incident up to date."""
_KEY = re.compile(r"[A-Za-z0-9]{32}")


async def deliver(given: Given, message: Message, thread: Mapping[str, Any], way: Way) -> Receipt:
    """Send an event whose `dedup_key` is the message's thread.

    PagerDuty drops what acknowledges or resolves an incident that it has not heard of, so that a
    trigger goes before. The thread notes that one was sent.
    """
    _require(given, way)
    message = clean(message)
    if message.verb is Verb.DEPLOY:
        return await _change(given, message, way)
    actions = [ACTIONS.get(message.verb, "trigger")]
    if message.verb is Verb.TEST:
        actions = ["trigger", "resolve"]
    elif actions != ["trigger"] and not thread.get("triggered"):
        actions = ["trigger", *actions]
    answers = [
        await _enqueue(given, event_of(given, message, action, way), way) for action in actions
    ]
    return Receipt(
        " ".join(answer.text for answer in answers),
        answers[-1].status,
        message.thread,
        {"triggered": message.verb is not Verb.RESOLVE},
    )


async def _change(given: Given, message: Message, way: Way) -> Receipt:
    """Send a deploy as a change, which PagerDuty shows beside incidents; it notifies nobody."""
    event = {
        "routing_key": text_of(given, "routing_key"),
        "payload": {
            "summary": legible(message.headline, LONGEST_SUMMARY),
            "timestamp": message.at.isoformat(),
            "source": legible(message.project, 255),
            "custom_details": {fact.label: fact.text for fact in message.facts},
        },
        "links": _links([message.evidence] if message.evidence else []),
    }
    answer = await _enqueue(given, event, way, "/v2/change/enqueue")
    return Receipt(answer.text, answer.status)


def event_of(given: Given, message: Message, action: str, way: Way) -> dict[str, Any]:
    """The event of a message; raises NotDelivered for what PagerDuty's schema lets pass, not it.

    Those are a key or a summary that is missing or too long, a trigger without a payload, and more
    bytes than it takes.
    """
    event: dict[str, Any] = {
        "routing_key": text_of(given, "routing_key"),
        "event_action": action,
        "dedup_key": message.thread,
    }
    if action == "trigger":
        event["payload"] = _payload(message)
        event["links"] = _links(
            [Button("Open the incident", link_of(message, way.base_url)), *buttons_of(message)]
        )
        event["client"] = "Pharos"
        event["client_url"] = link_of(message, way.base_url)
    fault = guard(event)
    if fault:
        raise NotDelivered(fault, permanent=True)
    return event


def guard(event: Mapping[str, Any]) -> str:
    """What PagerDuty drops or refuses although its schema takes it; "" if nothing is."""
    key, payload = event.get("dedup_key", ""), event.get("payload", {})
    if not key:
        return "An event without a key can be neither acknowledged nor resolved."
    if len(key) > LONGEST_KEY:
        return f"PagerDuty takes keys of {LONGEST_KEY} characters, not {len(key)}."
    if event.get("event_action") == "trigger" and not payload.get("summary"):
        return "PagerDuty takes no trigger without a summary."
    if len(payload.get("summary", "")) > LONGEST_SUMMARY:
        return f"PagerDuty takes summaries of {LONGEST_SUMMARY:,} characters."
    if len(json.dumps(event).encode()) > MOST_BYTES:
        return "PagerDuty takes events of 512 KB."
    return ""


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    status: int


def _payload(message: Message) -> dict[str, Any]:
    details: dict[str, str] = {}
    for fact in facts_of(message):  # two changes may have come at the same time
        former = f"{details[fact.label]}; " if fact.label in details else ""
        details[fact.label] = legible(former + fact.text, LONGEST_DETAIL)
    if message.picture:
        details["Chart"] = message.picture.alt
    level = SEVERITIES.get(message.level, "error")
    since = message.since or message.at
    payload = {
        "summary": legible(message.headline or message.title, LONGEST_SUMMARY),
        "timestamp": since.isoformat(),
        "severity": "info" if message.verb is Verb.TEST else level,
        "source": message.project or message.organization or "Pharos",
        "component": message.project,
        "group": message.organization,
        "class": message.title,
        "custom_details": {"State": standing(message).word, **details},
    }
    return {name: value for name, value in payload.items() if value}


def _links(buttons: Sequence[Button]) -> list[dict[str, str]]:
    by_url = {button.url: button.text for button in reversed(buttons) if button.url}
    return [{"href": url, "text": text} for url, text in reversed(by_url.items())]


async def _enqueue(
    given: Given, event: Mapping[str, Any], way: Way, path: str = "/v2/enqueue"
) -> _Answer:
    secrets = secrets_of(FIELDS, given)
    call = Call(
        url=_server(given, way) + path,
        method="POST",
        headers={"Content-Type": "application/json"},
        body=json.dumps(event).encode(),
        redirects=0,
        allow_private=True,  # the operator's own setting says where PagerDuty is
    )
    reply = await post(call, secrets)
    if reply.status != 202:
        raise _refused(refused(reply, "PagerDuty", secrets))
    return _Answer(answer_of(reply, secrets), reply.status)


def _refused(failure: NotDelivered) -> NotDelivered:
    if failure.status != 400:
        return failure
    return NotDelivered(
        "PagerDuty refused the event: check the integration key, and its region.",
        permanent=True,
        status=failure.status,
        answer=failure.answer,
    )


def _server(given: Given, way: Way) -> str:
    """Where the channel's account is; an operator's own address goes before."""
    is_usual = split_url(way.pagerduty_url).hostname == split_url(US).hostname
    return EU if is_usual and text_of(given, "region") == "eu" else way.pagerduty_url


def _require(given: Given, way: Way) -> None:
    wrong = _faults(given, way)
    if wrong:
        raise NotDelivered(" ".join(wrong.values()), permanent=True)


def _faults(given: Given, way: Way) -> dict[str, str]:
    del way
    faults = faults_of(FIELDS, given)
    key = text_of(given, "routing_key")
    if "routing_key" not in faults and not _KEY.fullmatch(key):
        faults["routing_key"] = "An integration key has 32 letters and digits."
    return faults


FIELDS = (
    Field(
        "routing_key",
        "Integration key",
        "Of the integration “Events API V2” of a PagerDuty service.",
        is_secret=True,
        required=True,
    ),
    Field(
        "region",
        "Region of the account",
        input="choice",
        choices=(("us", "US"), ("eu", "EU")),
        default="us",
    ),
    Field(
        "deploys",
        "New releases",
        "A change is shown beside incidents and notifies no one.",
        input="choice",
        choices=(("no", "are not sent"), ("yes", "are sent as changes")),
        default="no",
    ),
    Field(
        "webhook_secrets",
        "Secrets of webhooks",
        "With them, acknowledging or resolving in PagerDuty does the same here. One a line:"
        " several while they are exchanged.",
        is_secret=True,
        input="area",
        longest=2_000,
    ),
)

KIND = Kind(
    name="pagerduty",
    title="PagerDuty",
    icon="bell",
    fields=FIELDS,
    deliver=deliver,
    faults=_faults,
    takes=frozenset(Verb) - {Verb.DIGEST, Verb.REPORT},
    seconds=45.0,
    per_second=2.0,
    hook="pagerduty",
    hook_help=(
        "In PagerDuty, open Integrations, Generic Webhooks (v3), and add a webhook.",
        "Enter the address above as its URL; the scope is the service of the integration key.",
        "Choose the events acknowledged, unacknowledged, reopened and resolved of incidents.",
        "Enter the secret that PagerDuty then shows in the settings below.",
    ),
)
