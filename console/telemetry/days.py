"""UTC days, by which past records are rolled up."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

DAY = timedelta(days=1)


def day_of(at: datetime) -> datetime:
    """The start of the UTC day that a moment lies in."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def begins_day(at: datetime) -> bool:
    """Whether a UTC day begins at this moment."""
    return day_of(at) == at


def outside(
    periods: Sequence[tuple[datetime, datetime]], since: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    """The parts of a time range outside these periods of it, as (from, until), all in order.

    Each part is a separate query: a condition that excludes periods would read all of their rows.
    """
    begins = [since, *(until for _, until in periods)]
    ends = [*(since for since, _ in periods), until]
    return [(begin, end) for begin, end in zip(begins, ends, strict=True) if begin < end]
