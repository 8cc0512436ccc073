"""What a rule would have done over a series: its transitions, and the incidents they lead to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from console.alerting.condition import Condition, Evaluated
from console.alerting.decide import Decision, State, Transition, decisions

NIGHT_BEGINS, NIGHT_ENDS = 22, 6
"""The hours, on the clock of whoever looks, in which an incident wakes people."""
WORSE = (State.NO_DATA, State.WARNING, State.CRITICAL)


@dataclass(frozen=True, slots=True)
class Episode:
    """An incident that a rule would have opened; `resolved` is None while it fires at the end."""

    opened: float
    resolved: float | None
    worst: State
    """The worst state that it reached: no data, warning or critical."""

    def seconds(self, until: float) -> float:
        """How long it lasted, up to `until` if it was not resolved."""
        return (until if self.resolved is None else self.resolved) - self.opened


@dataclass(frozen=True, slots=True)
class Replay:
    """A rule's decisions over a series of evaluations, and the incidents that they lead to."""

    decisions: Sequence[Decision]
    episodes: Sequence[Episode]

    @property
    def transitions(self) -> list[Transition]:
        """The changes of state, in order of time."""
        return [decision.transition for decision in self.decisions if decision.transition]

    @property
    def until(self) -> float:
        """The moment of the last evaluation, 0 without one."""
        standings = [decision.standing.newest for decision in self.decisions]
        return standings[-1] or 0.0 if standings else 0.0

    @property
    def longest(self) -> float:
        """Seconds of the longest incident, 0 without one."""
        return max((episode.seconds(self.until) for episode in self.episodes), default=0.0)

    @property
    def firing_seconds(self) -> float:
        """Seconds of all incidents together."""
        return sum(episode.seconds(self.until) for episode in self.episodes)

    def at_night(self, zone: tzinfo) -> int:
        """How many incidents opened at night, on the clocks of a zone."""
        hours = [
            datetime.fromtimestamp(episode.opened, UTC).astimezone(zone)
            for episode in self.episodes
        ]
        return sum(at.hour >= NIGHT_BEGINS or at.hour < NIGHT_ENDS for at in hours)


def replay(condition: Condition, series: Iterable[Evaluated]) -> Replay:
    """Run a series through the state machine that live evaluation uses."""
    outcome = list(decisions(condition, series))
    changes = [decision.transition for decision in outcome if decision.transition]
    return Replay(outcome, list(_episodes(changes)))


def _episodes(transitions: Iterable[Transition]) -> Iterator[Episode]:
    """The incidents between the first bad state and the next good one.

    A rule that recovers or is broken keeps its incident open: neither says that all is well.
    """
    opened, worst = None, State.OK
    for change in transitions:
        if change.after in WORSE:
            if opened is None:
                opened, worst = change.at, change.after
            worst = max(worst, change.after, key=WORSE.index)
        elif change.after in (State.OK, State.PENDING) and opened is not None:
            yield Episode(opened, change.at, worst)
            opened = None
    if opened is not None:
        yield Episode(opened, None, worst)
