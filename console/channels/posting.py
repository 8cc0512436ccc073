"""Requests to the services behind channels: what an answer means, and no secret in what is kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import quote

from console.channels.checks import text_of
from console.channels.kinds import Field, Given, NotDelivered
from console.core import clock
from console.core.crypto import A_TOKEN
from console.core.http import Call, CallFailed, Cause, Reply, fetch
from console.core.urls import split_url

LONGEST_ANSWER = 2_000
SHORTEST_SECRET = 4
LONGEST_WAIT = 24 * 3_600.0
# What may be right the next time though the request stays as it is.
PASSING = frozenset({408, 425, 429})
FINAL = frozenset({Cause.ADDRESS, Cause.REDIRECTS})
# Said and done alike of both, so that nobody learns from it which names a private network has.
UNREACHABLE = (
    "The name {} has no address, or one of a private network. An operator of this console can "
    "allow such addresses with PHAROS_PRIVATE_ADDRESSES."
)
# The request had been sent, or may have been.
UNKNOWN = frozenset({Cause.TIMEOUT, Cause.PROTOCOL})


async def post(call: Call, secrets: Iterable[str]) -> Reply:
    """Send a request; raises NotDelivered if there is no answer at all."""
    try:
        return await fetch(call)
    except CallFailed as failure:
        is_hidden = bool(failure.name) and not call.allow_private
        sentence = UNREACHABLE.format(failure.name) if is_hidden else str(failure)
        raise NotDelivered(
            redacted(sentence, secrets),
            permanent=failure.cause in FINAL and not is_hidden,
            may_have_arrived=failure.cause in UNKNOWN,
        ) from None  # the request, which has the secrets, is in the chain


def answer_of(reply: Reply, secrets: Iterable[str]) -> str:
    """The body of an answer as text for the log, without the secrets that a server repeats."""
    return redacted(reply.body.decode(errors="replace"), secrets)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """A text of at most 2,000 characters in which every secret is an ellipsis.

    So is every token of the console: a receiver that repeats a message repeats the link in it that
    acts, and viewers read what was answered.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "…")
    text = A_TOKEN.sub("…", text)
    return text.replace("\x00", "\ufffd")[:LONGEST_ANSWER]


def secrets_of(fields: Sequence[Field], given: Given) -> list[str]:
    """Whatever of a channel's settings may stand in no log, in the forms in which it comes back.

    Of an address that is secret, its path is: the host may be named.
    """
    values = [text_of(given, field.name) for field in fields if field.is_secret]
    lines = [line.strip() for value in values for line in value.splitlines()]
    words = [word for line in lines for word in (line, *line.replace(",", " ").split())]
    hidden: list[str] = []
    for word in dict.fromkeys([*values, *words]):
        hidden += _of_address(word) if "://" in word else [word]
    return [form for text in hidden for form in dict.fromkeys((text, quote(text, safe="")))]


def refused(reply: Reply, service: str, secrets: Iterable[str]) -> NotDelivered:
    """What an answer that is no success means: wrong for good, or worth another try."""
    status = reply.status
    is_passing = status in PASSING or status >= 500
    sentence = f"{service} answered {status}."
    if 300 <= status < 400:
        sentence = f"{service} answered {status}: it moved. Enter its new address."
    elif status == 429:
        sentence = f"{service} wants fewer messages (429)."
    return NotDelivered(
        sentence,
        permanent=not is_passing,
        status=status,
        answer=answer_of(reply, secrets),
        retry_after=retry_after(reply.headers) if is_passing else None,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds of a `Retry-After` header, which has seconds or a date; at most a day."""
    value = {name.lower(): text for name, text in headers.items()}.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value) if value[:1].isdigit() else _until(parsedate_to_datetime(value))
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _until(at: datetime) -> float:
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return (aware - clock.now()).total_seconds()


def _of_address(address: str) -> list[str]:
    """An address, and its parts that hold a key: the path, its longer pieces, the query."""
    try:
        parts = split_url(address)
    except ValueError:
        return [address]
    pieces = [piece for piece in parts.path.split("/") if len(piece) >= 12]
    values = [pair.partition("=")[2] for pair in parts.query.split("&")]
    path = parts.path if len(parts.path) > 1 else ""
    return [address, path, *pieces, parts.query, *values, parts.password or ""]
