"""A message to Slack whose answer was lost is looked for there before it is sent a second time.

Slack knows no idempotency key; but a message carries its key as metadata, and an app that may read
the channel's history finds it. Where it may not, the message is sent again: twice, and not never.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from console.channels.kinds import NotDelivered
from console.channels.message import Message
from console.channels.slack_api import Slack

EVENT = "pharos_message"
LOOKED_AT = 200
"""So many of the latest messages are looked at, or of those in a thread."""
# Slack tells of a conversation's history only by its id.
_CONVERSATION = re.compile(r"[CDG][A-Z0-9]{7,}")


async def earlier(
    slack: Slack, message: Message, thread: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """The message as Slack has it from an earlier try, if one was made and Slack shows it."""
    channel = str(thread.get("channel") or slack.channel)
    if not message.again or not _CONVERSATION.fullmatch(channel):
        return None
    method = "conversations.history"
    where = {"channel": channel, "limit": LOOKED_AT, "include_all_metadata": "true"}
    if thread.get("ts"):
        method, where["ts"] = "conversations.replies", str(thread["ts"])
    try:
        answer = await slack.ask(method, where)
    except NotDelivered:  # most likely the app may not read here: to send it says the rest
        return None
    messages = answer.get("messages")
    shown = [entry for entry in messages if isinstance(entry, dict)] if messages else []
    match = next((entry for entry in shown if _key_of(entry) == message.key), None)
    return match and {"channel": channel, "ts": match.get("ts", "")}


def _key_of(entry: Mapping[str, Any]) -> str:
    metadata = entry.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    return str(payload.get("key", "")) if isinstance(payload, dict) else ""
