"""What a message says, in the order of reading: every channel draws the same facts from here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from console.channels.message import Button, Fact, Message, Verb

# Control characters, and marks by which a text reads in another order than it is written in.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+")
# By which chats notify people: @channel, <!here>, <@U1>, <users/all>; no address of a mail.
_MENTION = re.compile(r"(?<![\w.+-])@(?=\w)|<(?=[!@#]|users/)")
# What Markdown sees something in; an underscore within a word is only itself.
_MARK = re.compile(r"[\\`*\[\]<>#|~]|(?<![^\W_])_|_(?![^\W_])")
NOTHING_SEEN = "\u200b"
LONGEST_TEXT = 2_000
ENDS = frozenset({Verb.RESOLVE})
NO_INCIDENT = frozenset({Verb.DIGEST, Verb.DEPLOY, Verb.REPORT, Verb.TEST})


@dataclass(frozen=True, slots=True)
class Standing:
    """How an incident stands: a word, and the tone in which it is drawn."""

    word: str
    tone: str
    """bad, warn, good, info."""


STANDINGS = {
    Verb.TEST: Standing("Test", "info"),
    Verb.DIGEST: Standing("Digest", "info"),
    Verb.DEPLOY: Standing("Deploy", "info"),
    Verb.REPORT: Standing("Report", "info"),
    Verb.RESOLVE: Standing("Resolved", "good"),
    Verb.ACKNOWLEDGE: Standing("Acknowledged", "info"),
}


def clean(message: Message) -> Message:
    """The message with texts of one line each, without characters that nobody sees."""
    return replace(
        message,
        title=legible(message.title, 300),
        headline=legible(message.headline, 500),
        organization=legible(message.organization, 200),
        project=legible(message.project, 200),
        hits=legible(message.hits),
        why=legible(message.why),
        incident_url=_clean_url(message.incident_url),
        settings_url=_clean_url(message.settings_url),
        unsubscribe_url=_clean_url(message.unsubscribe_url),
        changes=_clean_facts(message.changes),
        facts=_clean_facts(message.facts),
        evidence=_clean_button(message.evidence),
        action=_clean_button(message.action),
        picture=message.picture and replace(message.picture, alt=legible(message.picture.alt)),
        tags=[legible(tag, 100) for tag in message.tags],
        entries=[clean(entry) for entry in message.entries],
    )


def legible(text: str, longest: int = LONGEST_TEXT) -> str:
    """A text in one line, cut where it is too long."""
    line = " ".join(_UNSEEN.sub(" ", text).split())
    line = line.encode(errors="replace").decode()  # half a character is no text to anybody
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def unaddressed(text: str) -> str:
    """A text that mentions nobody: whoever names an endpoint `@channel` calls nobody by it."""
    return _MENTION.sub(lambda match: match[0] + NOTHING_SEEN, text)


def plain_markdown(text: str) -> str:
    """A text as Markdown that shows it as it is, and mentions nobody."""
    return _MARK.sub(lambda match: "\\" + match[0], unaddressed(text))


def standing(message: Message) -> Standing:
    """How the incident stands, as the first words of a message."""
    if message.state == "resolved" or message.verb in STANDINGS:
        return STANDINGS.get(message.verb, STANDINGS[Verb.RESOLVE])
    level, tone = ("Critical", "bad") if message.level == "critical" else ("Warning", "warn")
    is_acknowledged = message.state == "acknowledged"
    return Standing(f"{level}, acknowledged" if is_acknowledged else level, tone)


def subject(message: Message) -> str:
    """The message in one line, as the subject of a mail or a notification on a phone."""
    line = f"{standing(message).word}: {message.headline or message.title}"
    return f"{line} (delayed {message.delayed_minutes} min)" if message.delayed_minutes else line


def facts_of(message: Message) -> Sequence[Fact]:
    """Everything known beside the headline, each with its label."""
    is_incident = message.verb not in NO_INCIDENT
    lines = [
        Fact("Rule", message.title, message.incident_url) if is_incident else Fact("", ""),
        Fact(*_duration(message)),
        Fact("Affected", message.hits),
        *(Fact(f"Changed {fact.label}", fact.text, fact.url) for fact in message.changes),
        *message.facts,
        Fact("Where", " / ".join(filter(None, (message.organization, message.project)))),
        Fact("Severity", message.severity if is_incident else ""),
        Fact("Tags", ", ".join(message.tags)),
        Fact("Delayed", _delay(message)),
        Fact("Why you", message.why),
    ]
    return [fact for fact in lines if fact.text]


def buttons_of(message: Message) -> Sequence[Button]:
    """The link to the evidence, and the one that acknowledges while there is something to."""
    incident = Button("Open the incident", message.incident_url)
    action = None if message.verb in ENDS else message.action
    return [button for button in (message.evidence or incident, action) if button and button.url]


def link_of(message: Message, base_url: str) -> str:
    """The one address that a message leads to: its incident, or the console."""
    evidence = message.evidence.url if message.evidence else ""
    return message.incident_url or evidence or base_url


def moment(at: datetime, zone: str) -> str:
    """A time as text in its zone: "27 Nov 2026, 15:04 CET"."""
    local = at.astimezone(ZoneInfo(zone))
    name = local.tzname() or ""
    return f"{local:%-d %b %Y, %H:%M} {name if name.isalpha() else f'UTC{name}'}"


def lasted(span: timedelta) -> str:
    """A duration in its two largest units: "1 h 5 min"."""
    seconds = max(int(span.total_seconds()), 0)
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    parts: list[str] = []
    for unit, size in units:
        count, seconds = divmod(seconds, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
        elif parts:
            break
        if len(parts) == 2 or (parts and unit == "min"):
            break
    return " ".join(parts)


def _duration(message: Message) -> tuple[str, str]:
    if message.since is None:
        return ("Time", moment(message.at, message.zone))
    since = moment(message.since, message.zone)
    if message.until is None:
        return ("Since", since)
    until = moment(message.until, message.zone)
    return ("Lasted", f"{lasted(message.until - message.since)}, from {since} until {until}")


def _delay(message: Message) -> str:
    if not message.delayed_minutes:
        return ""
    return f"This message comes {message.delayed_minutes} min late: the console could not send it."


def _clean_facts(facts: Sequence[Fact]) -> list[Fact]:
    return [
        Fact(legible(fact.label, 100), legible(fact.text), _clean_url(fact.url)) for fact in facts
    ]


def _clean_button(button: Button | None) -> Button | None:
    return button and Button(legible(button.text, 75), _clean_url(button.url))


def _clean_url(url: str) -> str:
    """The address of a page; "" for whatever else a link could do."""
    address = legible(url)
    return address if address.startswith(("https://", "http://")) else ""
