"""The one clock: all code asks it for the time, so that tests can move it."""

from datetime import UTC, datetime, timedelta

_offset = timedelta()
_frozen: datetime | None = None


def now() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return (_frozen or datetime.now(UTC)) + _offset


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
