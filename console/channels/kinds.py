"""Every kind of channel, declared once: its settings, what it takes, and how it delivers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from console.channels.message import Message, Verb

Given = Mapping[str, Any]
"""The settings of a channel by name, secrets in clear."""


@dataclass(frozen=True, slots=True)
class Field:
    """One setting of a channel, as its form and its API take it."""

    name: str
    label: str
    help: str = ""
    is_secret: bool = False
    """It is sealed at rest and never shown again; `env:NAME` reads the variable NAME instead."""
    input: Literal["text", "area", "choice", "number"] = "text"
    choices: Sequence[tuple[str, str]] = ()
    default: str = ""
    required: bool = False
    longest: int = 500


@dataclass(frozen=True, slots=True)
class Way:
    """What the console as a whole is set up with: the mail server, and where services are."""

    smtp_url: str
    mail_from: str
    slack_url: str
    pagerduty_url: str
    allow_private: bool
    base_url: str
    apprise: bool = False
    """Whether Apprise may call whatever address its URLs name."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the receiver said when it took a message over."""

    answer: str
    """What was answered, for the log: at most 2,000 characters, without secrets."""
    status: int | None = None
    reference: str = ""
    """The receiver's own id of the message."""
    thread: Mapping[str, Any] = field(default_factory=dict)
    """What the next message of the same thread needs; replaces what was kept before."""


class NotDelivered(Exception):
    """A try to deliver failed; its text is a sentence for whoever set the channel up.

    A permanent failure is not tried again. `retry_after` is how many seconds the receiver wants to
    be left alone. `may_have_arrived`: the connection ended after everything had been sent.
    `of_console`: the message itself could not be made, and nothing is wrong with its receiver.
    """

    def __init__(
        self,
        sentence: str,
        *,
        permanent: bool = False,
        status: int | None = None,
        answer: str = "",
        retry_after: float | None = None,
        may_have_arrived: bool = False,
        of_console: bool = False,
    ) -> None:
        super().__init__(sentence)
        self.permanent = permanent
        self.status = status
        self.answer = answer
        self.retry_after = retry_after
        self.may_have_arrived = may_have_arrived
        self.of_console = of_console


Deliver = Callable[[Given, Message, Mapping[str, Any], Way], Awaitable[Receipt]]
"""Delivers a message with what the thread's former message left behind; raises NotDelivered."""


def _no_obstacle(way: Way) -> str:
    del way
    return ""


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """A kind of channel."""

    name: str
    title: str
    icon: str
    fields: Sequence[Field]
    deliver: Deliver
    faults: Callable[[Given, Way], Mapping[str, str]]
    """What is wrong with settings, by field, each a sentence; empty if nothing is."""
    takes: frozenset[Verb]
    """What is worth a message there; the others are left out."""
    obstacle: Callable[[Way], str] = _no_obstacle
    """Why this console can send nothing so as it is set up, as a sentence; "" if it can."""
    seconds: float = 20.0
    """A try takes no longer."""
    per_second: float = 5.0
    """So many messages a second are sent to one channel at most."""
    hook: str = ""
    """The service that reports back at an address of the channel: `/hooks/<hook>/<token>`."""
    hook_help: Sequence[str] = ()
    """What to do with that address, step by step."""
    preview: Callable[[Given, Way], str] | None = None
    """What would be sent about an example, by the code that sends it; raises NotDelivered."""
    examples: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Settings to start from, by what they are for."""
