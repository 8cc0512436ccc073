"""A message as Slack draws it: text, blocks and buttons, within the limits that Slack has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from slack_sdk.models.attachments import BlockAttachment
from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ImageBlock,
    InteractiveElement,
    MarkdownTextObject,
    SectionBlock,
)

from console.channels.facts import NO_INCIDENT, buttons_of, facts_of, standing, subject, unaddressed
from console.channels.message import Fact, Message, Verb

MOST_BLOCKS = 50
MOST_CHARACTERS = 10_000
"""Of all blocks: beyond 13,000 or so, Slack refuses a message."""
FIELDS_OF_SECTION = 10
LONGEST_FIELD = 2_000
LONGEST_TEXT = 3_000
LONGEST_BUTTON = 75
COLORS = {"bad": "#cd2e3b", "warn": "#c77c00", "good": "#2c9a57", "info": "#4a78e6"}
ACKNOWLEDGE, RESOLVE = "acknowledge", "resolve"
"""The `action_id` of buttons that act, and whose `value` is the message's thread."""


def body_of(message: Message, *, acts: bool, picture: str = "") -> dict[str, Any]:
    """The text and the attachment of a message, as both `chat.postMessage` and webhooks take them.

    `acts`: buttons come back to the console, rather than open a page. `picture` is the id of a file
    that was uploaded. The attachment carries the colour of the state.
    """
    blocks = fitted(list(_blocks(message, acts=acts, picture=picture)))
    attachment = BlockAttachment(
        blocks=blocks, color=COLORS[standing(message).tone], fallback=escaped(subject(message))
    )
    return {"text": headline_of(message), "attachments": [attachment.to_dict()]}


def headline_of(message: Message) -> str:
    """What a notification shows, and the first line of a message: what is wrong, linked."""
    state = standing(message).word
    line = _link(message.headline or message.title, message.incident_url)
    delay = f" (delayed {message.delayed_minutes} min)" if message.delayed_minutes else ""
    return _cut(f"*{escaped(state)}:* {line}{delay}", LONGEST_TEXT)


def reply_of(message: Message) -> str:
    """What happened, as an answer in the thread of the message that says what is wrong."""
    lines = [headline_of(message)]
    lines += [f"{escaped(fact.label)}: {_text(fact)}" for fact in message.facts]
    lines += [escaped(message.why)] if message.why else []
    return _cut("\n".join(lines), LONGEST_TEXT)


def escaped(text: str) -> str:
    """A text in which Slack sees no link and no mention."""
    return unaddressed(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fitted(blocks: Sequence[Block]) -> list[Block]:
    """The blocks that Slack takes in one message: facts at the end give way to buttons.

    Each block is written down once, a section once for each field that it loses.
    """
    kept: list[Block | None] = list(blocks)
    left, size = len(kept), sum(map(_size, blocks))
    for place, block in reversed(list(enumerate(blocks))):
        if not isinstance(block, SectionBlock):
            continue
        section: SectionBlock | None = block
        while section and (left > MOST_BLOCKS or size > MOST_CHARACTERS):
            shorter = _shorter(section) if left <= MOST_BLOCKS else None
            size += (_size(shorter) if shorter else 0) - _size(section)
            left -= shorter is None
            section = shorter
        kept[place] = section
    return [block for block in kept if block is not None]


def _blocks(message: Message, *, acts: bool, picture: str) -> Iterator[Block]:
    for entry in message.entries:
        yield SectionBlock(text=MarkdownTextObject(text=headline_of(entry)))
    fields = [_field(fact) for fact in facts_of(message)]
    for start in range(0, len(fields), FIELDS_OF_SECTION):
        yield SectionBlock(fields=fields[start : start + FIELDS_OF_SECTION])
    if picture and message.picture:
        yield ImageBlock(slack_file={"id": picture}, alt_text=message.picture.alt[:2_000])
    elements = list(_buttons(message, acts=acts))
    if elements:
        yield ActionsBlock(block_id=message.thread[:255], elements=elements)


def _buttons(message: Message, *, acts: bool) -> Iterator[InteractiveElement]:
    """An open incident can be acknowledged and resolved, an acknowledged one resolved."""
    is_incident = message.verb not in NO_INCIDENT
    is_open = message.state == "open" or message.verb in {Verb.ESCALATE, Verb.UNACKNOWLEDGE}
    if acts and is_incident and message.state != "resolved":
        if is_open:
            yield ButtonElement(
                text="Acknowledge", action_id=ACKNOWLEDGE, value=message.thread, style="primary"
            )
        yield ButtonElement(text="Resolve", action_id=RESOLVE, value=message.thread)
    for number, button in enumerate(buttons_of(message)):
        if acts and button is message.action:
            continue
        yield ButtonElement(
            text=_cut(button.text, LONGEST_BUTTON), url=button.url, action_id=f"open-{number}"
        )


def _field(fact: Fact) -> MarkdownTextObject:
    return MarkdownTextObject(text=_cut(f"*{escaped(fact.label)}*\n{_text(fact)}", LONGEST_FIELD))


def _text(fact: Fact) -> str:
    return _link(fact.text, fact.url)


def _link(text: str, url: str) -> str:
    if not url:
        return escaped(text)
    address = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C")
    return f"<{address}|{escaped(text).replace('|', '¦')}>"


def _cut(text: str, longest: int) -> str:
    """A text that ends with an ellipsis where it is too long, and within no link."""
    if len(text) <= longest:
        return text
    short = text[: longest - 1]
    if short.rfind("<") > short.rfind(">"):
        short = short[: short.rfind("<")]
    if short.rfind("&") > short.rfind(";"):
        short = short[: short.rfind("&")]
    return short + "…"


def _shorter(section: SectionBlock) -> SectionBlock | None:
    """The section without its last field; None if that is all of it."""
    if not section.fields or len(section.fields) < 2:
        return None
    return SectionBlock(fields=section.fields[:-1])


def _size(block: Block) -> int:
    """The characters of a block with the comma after it."""
    return len(json.dumps(block.to_dict(), ensure_ascii=False)) + len(", ")
