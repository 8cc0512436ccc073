"""The one clock: all code asks it for the time, so that tests can move it."""

import time
from datetime import UTC, datetime, timedelta

# Arithmetic with a moment and its neighbours stays inside what datetime can say.
FIRST_YEAR, LAST_YEAR = 2000, 2200

_offset = timedelta()
_frozen: datetime | None = None
_passed = timedelta()


def now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return (_frozen or datetime.now(UTC)) + _offset


def of_database(at: datetime) -> datetime:
    """What the database's clock shows, moved and stopped as tests move and stop this one."""
    return (_frozen or at) + _offset


def monotonic() -> float:
    """Seconds that pass evenly even when the machine's clock is set: for durations, not times."""
    return time.monotonic() + _passed.total_seconds()


def instant(text: str) -> datetime:
    """Read a moment in ISO 8601, in UTC unless it names a zone; aware, in UTC.

    Raises ValueError for any other text, and for years outside FIRST_YEAR to LAST_YEAR.
    """
    given = datetime.fromisoformat(text)
    check_year(given)
    return given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC)


def check_year(given: datetime) -> None:
    """Raise ValueError for a year outside FIRST_YEAR to LAST_YEAR."""
    if not FIRST_YEAR <= given.year < LAST_YEAR:
        raise ValueError(f"{given.year} is not among the years that can be asked about")


def freeze(at: datetime) -> None:
    """Stop the clock at an aware moment (only in tests, and for the past of the demo)."""
    global _frozen, _offset
    _frozen, _offset = at.astimezone(UTC), timedelta()


def move(by: timedelta) -> None:
    """Let so much time pass, for a clock that runs or is frozen (tests only)."""
    global _passed  # noqa: PLW0603 - the clock is the one deliberate global
    jump(by)
    _passed += by


def jump(by: timedelta) -> None:
    """Set the clock forward or back while no time passes (tests only)."""
    global _offset  # noqa: PLW0603 - the clock is the one deliberate global
    _offset += by


def release() -> None:
    """Let the clock follow the machine again (tests only)."""
    global _frozen, _offset, _passed
    _frozen, _offset, _passed = None, timedelta(), timedelta()
