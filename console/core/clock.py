"""The one clock: all code asks it for the time, so that tests can move it."""

from datetime import UTC, datetime, timedelta

# Arithmetic with a moment and its neighbours stays inside what datetime can say.
FIRST_YEAR, LAST_YEAR = 2000, 2200

_offset = timedelta()
_frozen: datetime | None = None


def now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return (_frozen or datetime.now(UTC)) + _offset


def instant(text: str) -> datetime:
    """Read a moment in ISO 8601, in UTC unless it names a zone; aware, in UTC.

    Raises ValueError for what is no moment, or none of the years from FIRST_YEAR to LAST_YEAR.
    """
    given = datetime.fromisoformat(text)
    if not FIRST_YEAR <= given.year < LAST_YEAR:
        raise ValueError(f"{given.year} is not among the years that can be asked about")
    return given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC)


def freeze(at: datetime) -> None:
    """Stop the clock at an aware moment (tests only)."""
    global _frozen, _offset
    _frozen, _offset = at.astimezone(UTC), timedelta()


def move(by: timedelta) -> None:
    """Shift the clock, running or frozen, by `by` (tests only)."""
    global _offset  # noqa: PLW0603 - the clock is the one deliberate global
    _offset += by


def release() -> None:
    """Let the clock follow the machine again (tests only)."""
    global _frozen, _offset
    _frozen, _offset = None, timedelta()
