"""A policy's document as a value, and when each of its steps is due: pure, for running and trying.

The document: `{"steps": [{"delay_minutes": 0, "targets": [{"owners": true}, {"user": 7},
{"channel": 3}], "hours": {"zone": "Europe/Berlin", "days": [0, 1], "since": "09:00", "until":
"17:00"}, "otherwise": "wait"}], "repeats": 2, "repeat_minutes": 15, "stale_minutes": 60,
"unresolved_minutes": 0}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from console.alerting.escalation.hours import WorkingHours

STANDARD: Mapping[str, Any] = {
    "steps": [{"delay_minutes": 0, "targets": [{"owners": True}]}],
    "repeats": 1,
    "repeat_minutes": 30,
    "stale_minutes": 240,
    "unresolved_minutes": 0,
}
"""The policy that every organization begins with: its owners get mail, twice."""
Reach = Literal["owners", "user", "channel"]
Otherwise = Literal["skip", "wait"]


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a step notifies: the organization's owners, a person, or a channel."""

    reach: Reach
    id: int | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read a target from a policy's document."""
        if document.get("owners"):
            return cls("owners")
        if "user" in document:
            return cls("user", int(document["user"]))
        return cls("channel", int(document["channel"]))

    @property
    def document(self) -> dict[str, Any]:
        """What `of` reads."""
        return {"owners": True} if self.reach == "owners" else {self.reach: self.id}


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """Whom a step notifies, and how long after the step before."""

    delay: timedelta
    targets: Sequence[Target]
    hours: WorkingHours | None = None
    """The only hours in which it notifies anybody; None for all."""
    otherwise: Otherwise = "skip"
    """What it does outside its hours: the step is passed, or waits until they begin."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read a step from a policy's document."""
        hours = document.get("hours")
        return cls(
            timedelta(minutes=document["delay_minutes"]),
            [Target.of(target) for target in document["targets"]],
            WorkingHours.of(hours) if hours else None,
            document.get("otherwise", "skip"),
        )

    def notifies(self, at: datetime) -> bool:
        """Whether a moment lies within its hours."""
        return self.hours is None or self.hours.holds(at)

    def waits_until(self, at: datetime) -> datetime | None:
        """When its hours begin, if it waits for them at a moment; None if it does not."""
        if self.hours is None or self.otherwise == "skip" or self.hours.holds(at):
            return None
        return self.hours.next_begin(at)


@dataclass(frozen=True, slots=True)
class Place:
    """The step that comes next, the round that it belongs to, and when it is due."""

    step: int
    round: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """What a policy does with an incident."""

    steps: Sequence[PolicyStep]
    repeats: int = 0
    """How often all steps are gone through again."""
    repeat_after: timedelta = timedelta(minutes=30)
    """From the last step of a round to the first of the next, whose own delay is added."""
    stale_after: timedelta | None = None
    """An acknowledged incident that is still open after so long is escalated anew."""
    unresolved_after: timedelta | None = None
    """When all rounds are done, everything begins anew after so long."""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read a policy's document."""
        return cls(
            steps=[PolicyStep.of(step) for step in document["steps"]],
            repeats=document.get("repeats", 0),
            repeat_after=timedelta(minutes=document.get("repeat_minutes", 30)),
            stale_after=_minutes(document.get("stale_minutes")),
            unresolved_after=_minutes(document.get("unresolved_minutes")),
        )

    def first(self, at: datetime) -> Place | None:
        """Where an incident that opens at a moment begins; None for a policy without steps."""
        return Place(0, 0, at + self.steps[0].delay) if self.steps else None

    def after(self, place: Place, *, passed: bool = False) -> Place | None:
        """What comes after a step; None when all is done.

        A step that was `passed` because it reached nobody is not waited for; a round begins in its
        time all the same.
        """
        following = place.step + 1
        if following < len(self.steps):
            delay = timedelta(0) if passed else self.steps[following].delay
            return Place(following, place.round, place.at + delay)
        if self.steps and place.round < self.repeats:
            due = place.at + self.repeat_after + self.steps[0].delay
            return Place(0, place.round + 1, due)
        return None

    def ends_round(self, place: Place) -> bool:
        """Whether a step is the last of its round."""
        return place.step >= len(self.steps) - 1


def _minutes(given: int | None) -> timedelta | None:
    return timedelta(minutes=given) if given else None
