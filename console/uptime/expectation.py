"""When a job is expected to say that it ran: every so often, or by a cron text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from console.core.cron import Cron

EARLY = timedelta(seconds=30)
"""So much before its time, a job counts as on time: clocks differ."""
UNITS = {"minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
MONTHS = {"month": 30 * 86_400, "year": 365 * 86_400}
MOST_SECONDS = 366 * 86_400
MARGIN_SECONDS, RUNTIME_SECONDS = 60, 30 * 60
"""What Sentry takes where a client says nothing (docs.sentry.io, "Crons")."""
MOST_THRESHOLD = 100
SECONDS_TOO = 6
"""Fields of a cron text that says the second, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What is expected of a job; with neither a cron text nor seconds it is never missed."""

    cron: str = ""
    zone: str = "UTC"
    every_seconds: int = 0
    margin_seconds: int = MARGIN_SECONDS
    """How late it may be."""
    runtime_seconds: int = RUNTIME_SECONDS
    """How long it may run."""
    fault: str = ""
    """What is wrong with what a client asked for last, "" if nothing is."""

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Expectation:
        """What the settings of a check say."""
        return cls(**{name: settings[name] for name in cls.__slots__ if name in settings})

    @property
    def document(self) -> dict[str, Any]:
        """What is stored of it."""
        return asdict(self)

    @property
    def margin(self) -> timedelta:
        return timedelta(seconds=self.margin_seconds)

    @property
    def runtime(self) -> timedelta:
        return timedelta(seconds=self.runtime_seconds)

    @property
    def words(self) -> str:
        """When it is expected, in plain English."""
        if self.cron:
            return f"{Cron(self.cron, self.zone).words} ({self.zone})"
        if self.every_seconds:
            return f"Every {spelled(self.every_seconds).removeprefix('1 ')}"
        return "At no fixed time"

    def next_after(self, at: datetime) -> datetime | None:
        """When it is expected after it was heard of at a moment; None if at no fixed time."""
        if self.cron:
            return next(Cron(self.cron, self.zone).following(at + EARLY))
        if self.every_seconds:
            return at + timedelta(seconds=self.every_seconds)
        return None

    def deadline_after(self, at: datetime) -> datetime | None:
        """From when on it is missed, if nothing is heard of it after a moment."""
        expected = self.next_after(at)
        return None if expected is None else expected + self.margin

    def deadline_after_missing(self, deadline: datetime) -> datetime:
        """The deadline that follows one that was missed."""
        expected = deadline - self.margin
        if self.cron:
            return next(Cron(self.cron, self.zone).following(expected)) + self.margin
        return deadline + timedelta(seconds=max(self.every_seconds, 1))

    def upcoming(self, now: datetime, count: int) -> list[datetime]:
        """The next times at which it is expected; none unless a cron text says them."""
        return Cron(self.cron, self.zone).upcoming(now, count) if self.cron else []

    def seconds_from(self, at: datetime) -> float:
        """How much time a word from the job at a moment speaks for."""
        following = self.next_after(at)
        return 1.0 if following is None else max((following - at).total_seconds(), 1.0)


def asked(config: Any, known: Expectation) -> Expectation:
    """What a client's `monitor_config` asks for (develop.sentry.dev, "Check-Ins").

    A schedule that means no time leaves the known one, and says what is wrong.
    """
    if not isinstance(config, Mapping):
        return known
    timed = replace(
        known,
        margin_seconds=_minutes(config.get("checkin_margin"), MARGIN_SECONDS),
        runtime_seconds=_minutes(config.get("max_runtime"), RUNTIME_SECONDS),
        fault="",
    )
    schedule = config.get("schedule")
    if not isinstance(schedule, Mapping):
        return timed
    try:
        return _scheduled(timed, schedule, config.get("timezone"))
    except (ValueError, StopIteration) as error:
        return replace(
            timed, fault=f"The schedule that its client sent is not used: {error}."[:300]
        )


def threshold(value: Any) -> int:
    """So many results in a row, as a client says; 1 if it says nothing that makes sense."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return min(max(value, 1), MOST_THRESHOLD) if is_number else 1


def spelled(seconds: int) -> str:
    """A number of seconds in the largest unit that fits."""
    units = {name: size for name, size in UNITS.items() if seconds % size == 0 and seconds >= size}
    name, size = max(units.items(), key=lambda unit: unit[1], default=("second", 1))
    count = seconds // size
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def _scheduled(known: Expectation, schedule: Mapping[str, Any], zone: Any) -> Expectation:
    value = schedule.get("value")
    if schedule.get("type") == "crontab":
        cron = Cron(_of_minutes(str(value)), zone if isinstance(zone, str) and zone else "UTC")
        return replace(known, cron=cron.text, zone=cron.zone, every_seconds=0)
    unit = {**UNITS, **MONTHS}.get(str(schedule.get("unit")).removesuffix("s"))
    if schedule.get("type") != "interval" or unit is None:
        raise ValueError("it is neither a crontab nor an interval with a unit")
    if (
        not isinstance(value, int)
        or isinstance(value, bool)
        or not 0 < value * unit <= MOST_SECONDS
    ):
        raise ValueError("an interval has at least a minute and at most a year")
    return replace(known, cron="", every_seconds=value * unit)


def _of_minutes(cron: str) -> str:
    """A cron text as crontab writes it: schedulers of Node and Java put a second before it.

    A job is expected once a minute at most, and "?" is their "*" for a day that is not said.
    """
    fields = cron.split()
    if len(fields) != SECONDS_TOO:
        return cron
    return " ".join("*" if field == "?" else field for field in fields[1:])


def _minutes(value: Any, otherwise: int) -> int:
    """Minutes in seconds; of clients that send null, and of nonsense, the usual ones."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return otherwise
    return round(min(max(value, 0), MOST_SECONDS / 60) * 60) or otherwise
