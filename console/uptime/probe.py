"""One look at a URL: what is asked, what its answer means, and when a failure is believed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from console.core import clock
from console.core.http import MOST_REDIRECTS, Call, CallFailed, Cause, Reply, fetch
from console.telemetry.records import CheckOutcome
from console.uptime.answered import Unread, body_of, text_of, without_secrets
from console.uptime.headers import openly
from console.uptime.statuses import spelled, within

MOST_BYTES = 256 * 1024
MOST_ANSWERED = 1_000
"""Characters of a failed answer that are kept."""
CONFIRM_SECONDS = 2.0
"""How long after a failed try the second one comes."""
NO_CONNECTION = "Not counted: this console's own connection did not work at that time."
NOT_BELIEVED = "Not counted: the second try was answered."

Connected = Callable[[], Awaitable[bool]]
"""Whether the console's own connection works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an HTTP check asks, and what it expects."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    timeout_seconds: float = 10.0
    statuses: str = "200-299"
    """The statuses that are expected, as `statuses.ranges` reads them."""
    text: str = ""
    """What the answer must contain; "" for anything."""
    redirects: bool = True
    slow_ms: int | None = None
    """An answer that takes longer is slow; None for never."""
    allow_private: bool = False

    @property
    def document(self) -> dict[str, Any]:
        """What is stored of it openly: all but the headers, and the right to private addresses."""
        return {
            "url": self.url,
            "method": self.method,
            "body": self.body,
            "timeout_seconds": self.timeout_seconds,
            "statuses": self.statuses,
            "text": self.text,
            "redirects": self.redirects,
            "slow_ms": self.slow_ms,
        }

    @property
    def call(self) -> Call:
        """The request, as the client of the console sends it."""
        return Call(
            url=self.url,
            method=self.method,
            headers=self.headers,
            body=self.body.encode(),
            seconds=self.timeout_seconds,
            redirects=MOST_REDIRECTS if self.redirects else 0,
            most_bytes=MOST_BYTES,
            allow_private=self.allow_private,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one try."""

    outcome: CheckOutcome
    at: datetime = field(default_factory=clock.now)
    """When it was known."""
    why: str = ""
    counts: bool = True
    milliseconds: float | None = None
    status: int | None = None
    answered: str = ""
    certificate_until: datetime | None = None

    @property
    def is_good(self) -> bool:
        """Whether the check is up, be it slow."""
        return self.outcome is not CheckOutcome.DOWN


async def look(request: Request, connected: Connected) -> Sequence[Answer]:
    """Try a URL, and a second time if the first fails: the tries in their order, the last counts.

    The first failure does not count. Nothing counts while the console itself is cut off.
    """
    first = await attempt(request)
    if first.is_good or not first.counts:
        return [first]
    if not await connected():
        return [replace(first, counts=False, why=f"{NO_CONNECTION} {first.why}")]
    await asyncio.sleep(CONFIRM_SECONDS)
    second = await attempt(request)
    unsure = replace(first, counts=False)
    if second.is_good:
        return [replace(unsure, why=f"{NOT_BELIEVED} {first.why}"), second]
    return [unsure, second]


async def attempt(request: Request) -> Answer:
    """Ask once, and judge what is answered."""
    try:
        reply = await fetch(request.call)
    except CallFailed as failure:
        is_own = failure.cause is Cause.CONSOLE
        return Answer(
            outcome=CheckOutcome.DOWN,
            why=str(failure),
            counts=not is_own,
            certificate_until=failure.certificate_until,
        )
    return judge(request, reply)


def judge(request: Request, reply: Reply) -> Answer:
    """What an answer means to a check."""
    answer = Answer(
        outcome=CheckOutcome.UP,
        why=_cut(reply),
        milliseconds=reply.milliseconds,
        status=reply.status,
        certificate_until=reply.certificate_until,
    )
    text, unread = _read(reply)
    if wrong := _wrong(request, reply, text, unread):
        sent = {"url": request.url, "body": request.body}
        why = without_secrets(f"{wrong} {answer.why}".strip(), request.headers, **sent)
        excerpt = _excerpt(without_secrets(text, request.headers, **sent))
        return replace(answer, outcome=CheckOutcome.DOWN, why=why, answered=excerpt)
    if request.slow_ms is not None and reply.milliseconds > request.slow_ms:
        why = f"Answered in {reply.milliseconds:,.0f} ms; slow from {request.slow_ms:,} ms on."
        return replace(answer, outcome=CheckOutcome.SLOW, why=f"{why} {answer.why}".strip())
    return answer


def _read(reply: Reply) -> tuple[str, str]:
    """The text of an answer, and why it cannot be read, "" if it can."""
    try:
        return text_of(body_of(reply, MOST_BYTES), reply), ""
    except Unread as error:
        return "", str(error)


def _wrong(request: Request, reply: Reply, text: str, unread: str) -> str:
    """What is not as expected, "" if everything is."""
    if not within(request.statuses, reply.status):
        expected = spelled(request.statuses)
        leads = reply.headers.get("Location", "")
        onward = f" It leads to {openly(leads)[:200]}." if leads else ""
        return f"Status {reply.status} instead of {expected}.{onward}"
    if request.text and request.text not in text and request.text.encode() not in reply.body:
        place = " in what was read of it" if reply.is_cut else ""
        return f"The answer does not contain “{request.text}”{place}. {unread}".rstrip()
    return ""


def _cut(reply: Reply) -> str:
    """A note about an answer that was not read to its end."""
    return f"The answer was cut after {MOST_BYTES // 1024} KB." if reply.is_cut else ""


def _excerpt(text: str) -> str:
    """The beginning of a text as it can be shown and stored."""
    return "".join(
        c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}"
        for c in text[:MOST_ANSWERED].replace("\r\n", "\n")
    )
