"""Where a check stands after a result: one pure function, for every kind of check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from console.telemetry.records import CheckOutcome
from console.uptime.models import Check, CheckState
from console.web.filters import duration

_STATES = {CheckOutcome.UP: CheckState.UP, CheckOutcome.SLOW: CheckState.SLOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state of a check, and how many results in a row speak for another one."""

    state: CheckState
    since: datetime
    failures: int = 0
    successes: int = 0

    @classmethod
    def of(cls, check: Check) -> Standing:
        """Where a stored check stands."""
        return cls(
            state=check.state,
            since=check.since,
            failures=check.failures,
            successes=check.successes,
        )

    def after(
        self, outcome: CheckOutcome, at: datetime, *, failures_needed: int, successes_needed: int
    ) -> Standing:
        """Where it stands after a result that counts.

        It is down after so many failures in a row, and up again after so many successes.
        """
        if outcome in _STATES:
            successes = self.successes + 1
            after = replace(self, failures=0, successes=successes)
            if self.state is CheckState.DOWN and successes < successes_needed:
                return after
            return after.moved(_STATES[outcome], at)
        failures = self.failures + 1
        after = replace(self, failures=failures, successes=0)
        return after if failures < failures_needed else after.moved(CheckState.DOWN, at)

    def moved(self, state: CheckState, at: datetime) -> Standing:
        """The same in another state from a moment on; itself if it is in that state already."""
        return self if state is self.state else replace(self, state=state, since=at)


def recovered(lasted: timedelta, away: timedelta, why: str) -> str:
    """What to say of a check that is up again, and for how much of its outage nobody looked."""
    unseen = f", of which the console was away {duration(away)}" if away else ""
    return f"Up again after {duration(lasted)}{unseen}. {why}".strip()


def outage_between(before: Standing, after: Standing) -> timedelta | None:
    """How long a check was down that is no longer; None if it did not recover."""
    if before.state is not CheckState.DOWN or after.state is CheckState.DOWN:
        return None
    return after.since - before.since
