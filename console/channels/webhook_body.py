"""The body of a webhook, version 1, and the values that a template of one's own is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from console.channels.facts import (
    buttons_of,
    clean,
    facts_of,
    lasted,
    legible,
    link_of,
    moment,
    plain_markdown,
    standing,
    subject,
    unaddressed,
)
from console.channels.message import Fact, Message

VERSION = 1
COLORS = {"bad": "#cd2e3b", "warn": "#c77c00", "good": "#2c9a57", "info": "#4a78e6"}
MOST_FACTS = 50
MOST_ENTRIES = 100
MOST_ROWS, LONGEST_ROW = 20, 250
"""Of a card."""


def body_of(message: Message, base_url: str) -> dict[str, Any]:
    """What is sent without a template; docs/webhooks.md describes every member."""
    message = clean(message)
    return {
        "version": VERSION,
        "key": message.key,
        "thread": message.thread,
        "verb": message.verb.value,
        "at": message.at.isoformat(),
        "organization": message.organization,
        "project": message.project,
        "incident": {
            "title": message.title,
            "headline": message.headline,
            "state": message.state,
            "level": message.level,
            "severity": message.severity,
            "since": _iso(message.since),
            "until": _iso(message.until),
            "tags": list(message.tags),
            "url": message.incident_url,
        },
        "affected": message.hits,
        "changes": [_fact(fact) for fact in message.changes[:MOST_FACTS]],
        "facts": [_fact(fact) for fact in message.facts[:MOST_FACTS]],
        "chart": message.picture.alt if message.picture else "",
        "evidence_url": message.evidence.url if message.evidence else "",
        "acknowledge_url": _action(message),
        "why": message.why,
        "delayed_minutes": message.delayed_minutes,
        "entries": [body_of(entry, base_url) for entry in message.entries[:MOST_ENTRIES]],
        "url": link_of(message, base_url),
    }


def values_of(message: Message, base_url: str) -> dict[str, Any]:
    """What a template may name: texts, numbers, and lists of facts."""
    message = clean(message)
    state = standing(message)
    color = COLORS[state.tone]
    facts = facts_of(message)[:MOST_FACTS]
    lines = _lines(message, facts)
    return {
        "key": message.key,
        "thread": message.thread,
        "verb": message.verb.value,
        "subject": unaddressed(subject(message)),
        "subject_markdown": plain_markdown(subject(message)),
        "standing": state.word,
        "headline": message.headline,
        "title": message.title,
        "text": unaddressed("\n".join(lines)),
        "text_markdown": "\n".join(plain_markdown(line) for line in lines),
        "severity": message.severity,
        "level": message.level,
        "state": message.state,
        "organization": message.organization,
        "project": message.project,
        "affected": message.hits,
        "chart": message.picture.alt if message.picture else "",
        "why": message.why,
        "at": message.at.isoformat(),
        "at_text": moment(message.at, message.zone),
        "since": _iso(message.since),
        "since_text": moment(message.since, message.zone) if message.since else "",
        "until": _iso(message.until),
        "lasted": lasted(message.until - message.since) if message.until and message.since else "",
        "delayed_minutes": message.delayed_minutes,
        "url": link_of(message, base_url),
        "incident_url": message.incident_url,
        "evidence_url": message.evidence.url if message.evidence else "",
        "acknowledge_url": _action(message),
        "color": color,
        "color_number": int(color[1:], 16),
        "priority": 5 if state.tone == "bad" else 4 if state.tone == "warn" else 3,
        "tags": list(message.tags),
        "facts": [_fact(fact) for fact in facts],
        "fact_set": _fact_set(message, facts),
        "changes": [_fact(fact) for fact in message.changes[:MOST_FACTS]],
        "links": [{"text": button.text, "url": button.url} for button in buttons_of(message)],
    }


def _lines(message: Message, facts: Sequence[Fact]) -> list[str]:
    lines = [subject(message)]
    lines += [subject(entry) for entry in message.entries[:MOST_ENTRIES]]
    lines += [f"{fact.label}: {fact.text}" for fact in facts]
    return lines


def _fact_set(message: Message, facts: Sequence[Fact]) -> list[dict[str, str]]:
    """Entries and facts as a card has them, within what Teams takes of one: 28 KB."""
    rows = [(standing(entry).word, entry.headline or entry.title) for entry in message.entries]
    rows += [(fact.label, fact.text) for fact in facts]
    return [
        {"title": plain_markdown(title), "value": plain_markdown(legible(value, LONGEST_ROW))}
        for title, value in rows[:MOST_ROWS]
    ]


def _fact(fact: Fact) -> dict[str, str]:
    return {"label": fact.label, "text": fact.text, "url": fact.url}


def _action(message: Message) -> str:
    is_over = message.state == "resolved"
    return message.action.url if message.action and not is_over else ""


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
