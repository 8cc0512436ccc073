"""Slack by an incoming webhook, and whatever else takes its messages: one way only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from console.channels.checks import faults_of, text_of
from console.channels.facts import clean
from console.channels.kinds import Field, Given, Kind, NotDelivered, Receipt, Way
from console.channels.message import Message, Verb
from console.channels.posting import answer_of, post, redacted, refused, secrets_of
from console.channels.slack_blocks import body_of
from console.core import http
from console.core.http import Call

SENTENCES = {
    "no_service": "Slack no longer has this webhook: create a new one and enter its URL.",
    "no_team": "Slack no longer has this workspace.",
    "invalid_token": "The address is wrong, or was revoked: enter the one that Slack shows.",
    "action_prohibited": "A setting of the workspace keeps the webhook from writing.",
    "channel_not_found": "The webhook's channel is gone: make another webhook.",
    "channel_is_archived": "The webhook's channel is archived: make another webhook.",
}


async def deliver(given: Given, message: Message, thread: Mapping[str, Any], way: Way) -> Receipt:
    """Post a message; webhooks have no ids, so that each one stands for itself."""
    del thread
    wrong = _faults(given, way)
    if wrong:
        raise NotDelivered(" ".join(wrong.values()), permanent=True)
    secrets = secrets_of(FIELDS, given)
    call = Call(
        url=text_of(given, "url"),
        method="POST",
        headers={"Content-Type": "application/json"},
        body=json.dumps(body_of(clean(message), acts=False)).encode(),
        redirects=0,
        allow_private=way.allow_private,
    )
    reply = await post(call, secrets)
    if not 200 <= reply.status < 300:
        failure = refused(reply, "The webhook", secrets)
        sentence = SENTENCES.get(failure.answer.strip(), str(failure))
        raise NotDelivered(
            sentence,
            permanent=failure.permanent,
            status=reply.status,
            answer=failure.answer,
            retry_after=failure.retry_after,
        )
    return Receipt(answer_of(reply, secrets), reply.status)


def _faults(given: Given, way: Way) -> dict[str, str]:
    faults = faults_of(FIELDS, given)
    if "url" not in faults:
        fault = http.fault_of(text_of(given, "url"), allow_private=way.allow_private)
        if fault:
            faults["url"] = redacted(fault, [text_of(given, "url")])
    return faults


FIELDS = (
    Field(
        "url",
        "Webhook URL",
        "From Incoming Webhooks of your Slack app. Messages cannot be changed later, and their"
        " buttons open pages: a bot token can do more.",
        is_secret=True,
        required=True,
    ),
)

KIND = Kind(
    name="slack_webhook",
    title="Slack, incoming webhook",
    icon="message",
    fields=FIELDS,
    deliver=deliver,
    faults=_faults,
    takes=frozenset(Verb),
    per_second=1.0,
)
