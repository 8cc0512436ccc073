"""What a message says, whichever channel carries it: facts only, each channel draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Verb(StrEnum):
    """Why a message is sent, in the words of what happened to its incident."""

    TRIGGER = "trigger"
    """It began, or the receiver has not heard of it before."""
    ESCALATE = "escalate"
    """No one has answered: it is said again, to the same receiver or to the next."""
    UPDATE = "update"
    """It got worse, or more joined it."""
    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    """Whoever had acknowledged it has not ended it in time."""
    RESOLVE = "resolve"
    DIGEST = "digest"
    """Several incidents of little urgency in one message."""
    DEPLOY = "deploy"
    """A release was seen first, for services that show changes beside incidents."""
    REPORT = "report"
    """An edition of a scheduled report, which concerns no incident."""
    TEST = "test"
    """Somebody tries the channel out."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of what is known, with a link to where it comes from."""

    label: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """The number's last hours as PNG; `alt` says the same as a sentence."""

    png: bytes
    alt: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file of a mail: a picture that its page shows by `cid:<id>`, or an attachment without."""

    name: str
    type: str
    """Such as "image/png"."""
    body: bytes
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A mail that whoever composed the message has written in full; other channels say `facts`."""

    subject: str
    text: str
    html: str
    files: Sequence[Enclosed] = ()


@dataclass(frozen=True, slots=True)
class Button:
    """A link that the receiver is meant to follow."""

    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Everything that a message says of its incident.

    `key` stays the same when it is sent again; `thread` is the same for all messages of an incident
    to a receiver. Times are aware; a channel that shows text names them in `zone`.
    """

    key: str
    thread: str
    verb: Verb
    at: datetime
    """When what it tells of happened."""
    title: str
    """Which rule, and for which value."""
    headline: str
    """What is wrong in one line, with number and threshold."""
    severity: str = "medium"
    """low, medium or high: how much it matters, whatever the level."""
    level: str = "warning"
    """warning or critical."""
    state: str = "open"
    """open, acknowledged or resolved."""
    organization: str = ""
    project: str = ""
    since: datetime | None = None
    until: datetime | None = None
    """When it ended; None while it lasts."""
    hits: str = ""
    """Whom it hits, as a sentence."""
    changes: Sequence[Fact] = ()
    """What changed before it began."""
    facts: Sequence[Fact] = ()
    """What else is known, such as who acknowledged it."""
    picture: Picture | None = None
    evidence: Button | None = None
    action: Button | None = None
    """A page on which the receiver acknowledges; it acts by POST alone."""
    incident_url: str = ""
    why: str = ""
    """Why this receiver gets it: "Step 2 of the policy Checkout, after 10 minutes.\""""
    delayed_minutes: int = 0
    unsubscribe_url: str = ""
    settings_url: str = ""
    zone: str = "UTC"
    tags: Sequence[str] = ()
    again: bool = False
    """Whether it was tried before, and may have arrived."""
    entries: Sequence[Message] = field(default=())
    """The messages that a digest is made of."""
    written: Written | None = None
