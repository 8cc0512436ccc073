"""What the items of one envelope share: project, time of arrival, and the error of the clock."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from console.ingest.decoded import Context

SKEW = timedelta(minutes=1)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_SECONDS_LIMIT = 1e11  # more is milliseconds, a thousand times that microseconds, then nanoseconds
_FRACTIONS = 3
_HEX = re.compile(r"[0-9a-f]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_NUMBER_LENGTH = 50


@dataclass(frozen=True)
class Arrival:
    """One envelope's context and header; it corrects client times by the server's clock."""

    context: Context
    header: Mapping[str, Any]

    @cached_property
    def shift(self) -> timedelta:
        """What to add to the client's times: nothing, unless its clock is ahead, or long behind.

        What was sent a little before it arrived was on its way; from the future nothing is.
        """
        sent_at = parse_time(self.header.get("sent_at"))
        if sent_at is None:
            return timedelta()
        skew = self.context.received_at - sent_at
        return skew if skew < timedelta() or skew > SKEW else timedelta()

    def time(self, value: Any) -> datetime | None:
        """A client's time by the server's clock; the time of arrival if it lies in the future."""
        at = parse_time(value)
        return None if at is None else self.corrected(at)

    def corrected(self, at: datetime) -> datetime:
        """The same for a time that was read."""
        try:
            at += self.shift
        except OverflowError:
            return self.context.received_at
        return at if EARLIEST <= at <= self.context.received_at else self.context.received_at

    def stated(self, value: Any) -> datetime:
        """The time as the client gave it, uncorrected: the same on every resend."""
        at = parse_time(value)
        return EARLIEST if at is None else min(max(at, EARLIEST), LATEST)

    @cached_property
    def trace(self) -> Mapping[str, Any]:
        """The trace header of the envelope: all its values are texts."""
        trace = self.header.get("trace")
        return trace if isinstance(trace, dict) else {}

    @cached_property
    def sdk(self) -> str:
        """The client as "name/version"."""
        return sdk_text(self.header.get("sdk"))

    def sample_rate(self, *candidates: Any) -> float:
        """The first valid rate, else the envelope's, else 1."""
        for candidate in (*candidates, self.trace.get("sample_rate")):
            try:
                rate = float(candidate)
            except (TypeError, ValueError):
                continue
            if 0 < rate <= 1:
                return rate
        return 1.0


def parse_time(value: Any) -> datetime | None:
    """A time as clients write it: ISO 8601 (UTC if it has no zone), or a number since 1970.

    A number counts seconds, milliseconds, microseconds or nanoseconds, as its size says.
    """
    if type(value) is str:
        if value.isdecimal():  # milliseconds may look like the year 1790 without its dashes
            return _from_text_of_seconds(value)
        try:
            return _utc(datetime.fromisoformat(value.strip()))
        except ValueError:
            return _from_odd_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, datetime) else None
    try:
        for _ in range(_FRACTIONS):
            if abs(value) <= _SECONDS_LIMIT:
                break
            value /= 1000
        return datetime.fromtimestamp(value, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _utc(at: datetime) -> datetime | None:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def _from_odd_text(text: str) -> datetime | None:
    """RFC 3339 allows "t" and "z"; scripts print " UTC" at the end; others send seconds as text."""
    try:
        return _utc(datetime.fromisoformat(text.strip().upper().removesuffix(" UTC")))
    except ValueError:
        return _from_text_of_seconds(text)


def _from_text_of_seconds(text: str) -> datetime | None:
    try:
        return parse_time(float(text))
    except ValueError:
        return None


def hex_id(value: Any, length: int) -> str:
    """An id of `length` hex digits in lower case without dashes; "" for any other value."""
    if type(value) is not str:
        return ""
    if len(value) == length and _HEX.fullmatch(value):  # as nearly all are written
        return value
    text = value.replace("-", "").lower()
    return text if len(text) == length and _HEX.fullmatch(text) else ""


def sdk_text(sdk: Any) -> str:
    """An SDK's name and version as one text, as in "sentry.python.flask/2.75.0"."""
    if not isinstance(sdk, dict):
        return ""
    parts = [sdk.get("name"), sdk.get("version")]
    return "/".join(part for part in parts if isinstance(part, str) and part)[:100]


def text(value: Any, length: int = 200) -> str:
    """A text or number as text of at most `length` characters; "" for anything else."""
    if type(value) is str:
        return value[:length]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:length]
    return ""


def label(value: Any, length: int = 200) -> str:
    """A name that people give, such as a release's: spaces around it make no other name."""
    return text(value, length).strip()


def number(value: Any) -> int | float | None:
    """A number, also from clients that write "12" or 12.0; None for anything else."""
    if isinstance(value, str) and len(value) <= _NUMBER_LENGTH and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if isinstance(value, float) and value.is_integer() else value
