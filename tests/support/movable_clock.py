"""The console's clock in the hand of a test."""

from datetime import datetime, timedelta

from console.core import clock


class MovableClock:
    """Sets and moves the time that the console sees."""

    def set(self, at: datetime) -> None:
        """Stop the clock at an aware moment."""
        clock.freeze(at)

    def move(self, **by: float) -> None:
        """Shift it: `clock.move(minutes=5)`."""
        clock.move(timedelta(**by))

    def jump(self, **by: float) -> None:
        """Set it forward or back while no time passes: `clock.jump(hours=-1)`."""
        clock.jump(timedelta(**by))

    def now(self) -> datetime:
        """What the console takes for the present."""
        return clock.now()
