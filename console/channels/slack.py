"""Slack by an app's token: one message of an incident that is kept up to date, and its thread."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

from slack_sdk.models.metadata import Metadata

from console.channels.checks import faults_of, text_of
from console.channels.facts import clean
from console.channels.kinds import Field, Given, Kind, NotDelivered, Receipt, Way
from console.channels.message import Message, Picture, Verb
from console.channels.posting import redacted, secrets_of
from console.channels.slack_again import EVENT, earlier
from console.channels.slack_api import Slack, SlackError
from console.channels.slack_blocks import body_of, reply_of

# The first message is gone, with its channel or by itself, or nobody may change it any more: it is
# written anew, to the channel that is set now.
GONE = frozenset(
    {
        "cant_update_message",
        "channel_not_found",
        "edit_window_closed",
        "is_archived",
        "message_not_found",
        "not_in_channel",
        "thread_not_found",
    }
)
BROADCAST = frozenset({Verb.TRIGGER, Verb.ESCALATE, Verb.UNACKNOWLEDGE})
"""What everybody in the channel sees, not only those who follow the thread: it began again, too."""
UNREADY = "invalid_blocks"
"""The error of a message whose picture is no file of Slack's, or not yet."""
TRIES_OF_PICTURE = 3
SECONDS_OF_PICTURE = 20.0
PAUSE = 1.0
"""Seconds that Slack has to look at a file before a message may show it."""
_CHANNEL = re.compile(r"#?[^\s#,@<>|]{1,80}")


async def deliver(given: Given, message: Message, thread: Mapping[str, Any], way: Way) -> Receipt:
    """Post a message, or bring the incident's first one up to date and answer it in its thread.

    The thread is Slack's channel id, the first message's `ts`, and the picture's file.
    """
    wrong = _faults(given, way)
    if wrong:
        raise NotDelivered(" ".join(wrong.values()), permanent=True)
    message = clean(message)
    secrets = secrets_of(FIELDS, given)
    slack = Slack(text_of(given, "token"), text_of(given, "channel"), way, secrets)
    acts = bool(text_of(given, "signing_secret"))
    if thread.get("ts"):
        try:
            return await _continued(slack, message, thread, acts=acts)
        except SlackError as error:
            if error.code not in GONE:
                raise
    return await _begun(slack, message, acts=acts)


async def _begun(slack: Slack, message: Message, *, acts: bool) -> Receipt:
    """The first message: it goes out at once, and shows its picture a moment later."""
    target = {"channel": slack.channel, "metadata": _metadata(message), "unfurl_links": False}
    answer = await earlier(slack, message, {}) or await slack.call(
        "chat.postMessage", {**target, **body_of(message, acts=acts)}
    )
    place = {"channel": str(answer.get("channel", "")), "ts": str(answer.get("ts", ""))}
    thread = {**place, "level": message.level}
    note = ""
    if message.picture:
        try:
            async with asyncio.timeout(SECONDS_OF_PICTURE):
                thread["picture"] = await _shown(slack, message, message.picture, place, acts=acts)
        except NotDelivered as error:  # the message is there, and says the same in words
            note = f" Without the picture: {error}"
        except TimeoutError:
            note = " Without the picture: it took too long."
    return _receipt(slack, answer, thread, note)


async def _continued(
    slack: Slack, message: Message, thread: Mapping[str, Any], *, acts: bool
) -> Receipt:
    """A later message: the first one says how things stand, the thread what happened."""
    place = {"channel": str(thread["channel"])}
    first = {**place, "ts": str(thread["ts"])}
    picture = str(thread.get("picture", ""))
    try:
        await slack.call("chat.update", {**first, **body_of(message, acts=acts, picture=picture)})
    except SlackError as error:
        if error.code != UNREADY or not picture:
            raise
        # The picture's file was deleted meanwhile.
        await slack.call("chat.update", {**first, **body_of(message, acts=acts)})
    reply: dict[str, Any] = {
        **place,
        "thread_ts": str(thread["ts"]),
        "text": reply_of(message),
        "metadata": _metadata(message),
        "unfurl_links": False,
    }
    if message.verb in BROADCAST or _has_become_critical(message, thread):
        reply["reply_broadcast"] = True
    answer = await earlier(slack, message, first) or await slack.call("chat.postMessage", reply)
    return _receipt(slack, answer, {**thread, "level": message.level})


def _has_become_critical(message: Message, thread: Mapping[str, Any]) -> bool:
    return message.level == "critical" and thread.get("level") == "warning"


async def _shown(
    slack: Slack, message: Message, picture: Picture, place: Mapping[str, str], *, acts: bool
) -> str:
    """Upload a picture, and change the message to show it; the file's id."""
    arguments = {"filename": "chart.png", "length": len(picture.png), "alt_txt": picture.alt[:1000]}
    target = await slack.ask("files.getUploadURLExternal", arguments)
    await slack.upload(str(target.get("upload_url", "")), picture.png)
    file = str(target.get("file_id", ""))
    uploaded = [{"id": file, "title": message.title[:200]}]
    await slack.call("files.completeUploadExternal", {"files": uploaded})
    change = {**place, **body_of(message, acts=acts, picture=file)}
    for number in range(1, TRIES_OF_PICTURE + 1):
        try:
            await slack.call("chat.update", change)
            break
        except SlackError as error:
            if error.code != UNREADY or number == TRIES_OF_PICTURE:
                raise
            await asyncio.sleep(PAUSE)  # Slack is not ready with the file
    return file


def _receipt(
    slack: Slack, answer: Mapping[str, Any], thread: Mapping[str, Any], note: str = ""
) -> Receipt:
    ts = str(answer.get("ts", ""))
    kept = {name: answer.get(name) for name in ("ok", "channel", "ts", "warning") if name in answer}
    text = redacted(json.dumps(kept, ensure_ascii=False) + note, slack.secrets)
    return Receipt(text, 200, ts, dict(thread))


def _metadata(message: Message) -> dict[str, Any]:
    """What tells a message that came twice: its key."""
    payload = {"key": message.key, "thread": message.thread}
    metadata: dict[str, Any] = Metadata(EVENT, payload).to_dict()
    return metadata


def _faults(given: Given, way: Way) -> dict[str, str]:
    del way
    faults = faults_of(FIELDS, given)
    field = "token"
    token, channel = text_of(given, field), text_of(given, "channel")
    if field not in faults and not token.startswith(("xoxb-", "xoxp-", "xoxe.")):
        faults[field] = "Enter the bot token, which begins with xoxb-."
    elif field not in faults and not (token.isascii() and token.isprintable()):
        faults[field] = "A token has no such characters."
    if "channel" not in faults and not _CHANNEL.fullmatch(channel):
        faults["channel"] = "Enter one channel, such as #ops or C024BE91L, or a user's id."
    return faults


FIELDS = (
    Field(
        "token",
        "Bot token",
        "From OAuth & Permissions of your Slack app. Scopes: chat:write, and files:write for"
        " pictures.",
        is_secret=True,
        required=True,
    ),
    Field(
        "channel",
        "Channel",
        "Name or id of a channel that the app was invited into, or the id of a user.",
        required=True,
        longest=81,
    ),
    Field(
        "signing_secret",
        "Signing secret",
        "From Basic Information of your Slack app. With it, people acknowledge and resolve by"
        " buttons in Slack; without it, buttons open pages.",
        is_secret=True,
    ),
)

KIND = Kind(
    name="slack",
    title="Slack",
    icon="message",
    fields=FIELDS,
    deliver=deliver,
    faults=_faults,
    takes=frozenset(Verb),
    seconds=45.0,
    per_second=1.0,
    hook="slack",
    hook_help=(
        "In your Slack app, open Interactivity & Shortcuts and switch Interactivity on.",
        "Enter the address above as the Request URL, and save.",
        "Enter the app's signing secret in the settings below, if it is not set yet.",
    ),
)
