"""A message as a mail: its headers, its text, and its page with a picture inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from css_inline import CSSInliner
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console.channels.facts import Standing, buttons_of, facts_of, legible, standing, subject
from console.channels.message import Fact, Message, Verb, Written
from console.core import clock

HERE = Path(__file__).parent / "mail"
PICTURE = "picture"
LONGEST_LINE = 160


@dataclass(frozen=True, slots=True)
class Entry:
    """A message of a digest, with what is drawn of it."""

    message: Message
    standing: Standing
    line: str
    """Which rule, and since when."""


def letter(
    message: Message,
    to: Sequence[str],
    *,
    sender: str,
    base_url: str,
    thread: Mapping[str, Any],
) -> EmailMessage:
    """A message as a mail to these addresses; raises ValueError if one of them is none.

    Sent again, it has the same Message-ID. `thread` is what `threaded` gave for the former mail.
    """
    place = _place(sender, base_url)
    mail = EmailMessage()  # refuses line breaks in headers, so that none can be smuggled in
    mail["From"] = sender
    mail["To"] = [Address(addr_spec=address) for address in to]
    mail["Subject"] = message.written.subject if message.written else _subject(message, thread)
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = f"<{message.key}.{place}>"
    root = f"<{message.thread}.{place}>"
    former = [root, str(thread["first"])] if thread.get("first") else [root]
    if message.written is None:
        mail["In-Reply-To"] = former[-1]
        mail["References"] = " ".join(former)
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if message.unsubscribe_url:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if message.level == "critical" and message.verb in {Verb.TRIGGER, Verb.ESCALATE}:
        mail["Importance"] = "high"
    if message.written:
        return _filled(mail, message.written)
    mail.set_content(text_of(message))
    mail.add_alternative(html_of(message), subtype="html")
    if message.picture:
        page: EmailMessage = mail.get_payload()[1]  # type: ignore[assignment, index]
        page.add_related(
            message.picture.png,
            "image",
            "png",
            cid=f"<{_picture_id(message)}>",
            disposition="inline",
            filename="chart.png",
        )
    return mail


def page(template: str, **context: Any) -> str:
    """A page of a mail from this folder, with the rules of light.css written into its elements."""
    inliner, dark = _style()
    html = inliner.inline(environment().get_template(template).render(**context))
    # Readers of mail that know sizes and schemes of colours find them in the head.
    return html.replace("</head>", f"<style>{dark}</style></head>", 1)


def _filled(mail: EmailMessage, written: Written) -> EmailMessage:
    """The mail with a text and a page that were written elsewhere, and their files."""
    mail.set_content(written.text)
    mail.add_alternative(written.html, subtype="html")
    own: EmailMessage = mail.get_payload()[1]  # type: ignore[assignment, index]
    for file in written.files:
        main, _, kind = file.type.partition("/")
        if file.id:
            own.add_related(
                file.body, main, kind, cid=f"<{file.id}>", disposition="inline", filename=file.name
            )
    for file in written.files:
        main, _, kind = file.type.partition("/")
        if not file.id:
            mail.add_attachment(file.body, main, kind, filename=file.name)
    return mail


def threaded(mail: EmailMessage, thread: Mapping[str, Any]) -> dict[str, Any]:
    """What the next mail of the same incident needs of this one."""
    line = str(mail["Subject"]).partition("] ")[2]
    return {
        "first": thread.get("first") or str(mail["Message-ID"]),
        "line": thread.get("line") or line,
    }


def _subject(message: Message, thread: Mapping[str, Any]) -> str:
    """How it stands now, in brackets, and the line of the incident's first mail.

    Gmail takes mails for one conversation if their subjects differ within brackets alone.
    """
    word = standing(message).word
    delay = f", delayed {message.delayed_minutes} min" if message.delayed_minutes else ""
    line = str(thread.get("line") or message.headline or message.title)
    return f"[{word}{delay}] {legible(line, LONGEST_LINE)}"


def text_of(message: Message) -> str:
    """The message as plain text."""
    lines = [subject(message), ""]
    if message.picture:
        lines += [message.picture.alt, ""]
    for entry in message.entries:
        lines += [f"- {subject(entry)}", f"  {entry.incident_url}".rstrip()]
    lines += [""] if message.entries else []
    lines += [_line(fact) for fact in facts_of(message)]
    lines += [""]
    lines += [f"{button.text}: {button.url}" for button in buttons_of(message)]
    foot = [
        ("Choose what is sent to you", message.settings_url),
        ("Unsubscribe", message.unsubscribe_url),
    ]
    if any(url for _, url in foot):
        lines += ["", "-- "]
    lines += [f"{text}: {url}" for text, url in foot if url]
    return "\n".join(line for line in lines) + "\n"


def html_of(message: Message, *, picture: str = "") -> str:
    """The message as the page of a mail; `picture` is another address of its picture."""
    address = picture or f"cid:{_picture_id(message)}"
    return page(
        "message.html",
        message=message,
        standing=standing(message),
        facts=facts_of(message),
        buttons=buttons_of(message),
        entries=[Entry(entry, standing(entry), _summary(entry)) for entry in message.entries],
        picture=address if message.picture else "",
    )


@cache
def environment() -> Environment:
    """The templates of mails."""
    loader = FileSystemLoader(HERE)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined)


@cache
def _style() -> tuple[CSSInliner, str]:
    """What writes the rules for light screens into elements, and the rules for dark ones."""
    inliner = CSSInliner(extra_css=(HERE / "light.css").read_text(), load_remote_stylesheets=False)
    return inliner, (HERE / "dark.css").read_text()


def _summary(entry: Message) -> str:
    return ", ".join(fact.text for fact in facts_of(entry)[:2])


def _line(fact: Fact) -> str:
    return f"{fact.label}: {fact.text}" + (f" ({fact.url})" if fact.url else "")


def _picture_id(message: Message) -> str:
    return f"{PICTURE}.{message.key}@pharos"


def _place(sender: str, base_url: str) -> str:
    """What tells this console's ids of mails from another's: `3f2a91c0@example.com`."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"{sha256(base_url.encode()).hexdigest()[:8]}@{domain}"
