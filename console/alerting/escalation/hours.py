"""Hours of a week in a time zone: when a step notifies people, when somebody is at work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FORTNIGHT = 15
"""So many days ahead the hours begin, though a change of the clock swallows them once."""
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """From `since` to `until` on some days of the week, in local time.

    Monday is 0. An `until` that is not after `since` is on the next day. A local time that comes
    twice is the first; one that the clock skips is the moment at which it skips.
    """

    zone: str
    days: Sequence[int]
    since: time
    until: time

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read `{"zone": …, "days": [0, …, 6], "since": "09:00", "until": "17:00"}`."""
        return cls(
            document["zone"],
            document["days"],
            time.fromisoformat(document["since"]),
            time.fromisoformat(document["until"]),
        )

    @property
    def document(self) -> dict[str, Any]:
        """What `of` reads."""
        since, until = f"{self.since:%H:%M}", f"{self.until:%H:%M}"
        return {"zone": self.zone, "days": list(self.days), "since": since, "until": until}

    @property
    def words(self) -> str:
        """The same for people: "Mon to Fri 09:00 to 17:00, Europe/Berlin"."""
        return f"{_named(self.days)} {self.since:%H:%M} to {self.until:%H:%M}, {self.zone}"

    def holds(self, at: datetime) -> bool:
        """Whether a moment lies within them."""
        return any(since <= at < until for since, until in self._around(at, 1))

    def next_begin(self, at: datetime) -> datetime | None:
        """When they begin next after a moment; None if they never do."""
        spells = self._around(at, FORTNIGHT)
        return min((since for since, until in spells if at < since < until), default=None)

    def seconds_between(self, since: datetime, until: datetime) -> float:
        """How much of a time lies within them."""
        days = max(1, (until - since).days + 2)
        parts = (
            (min(until, end) - max(since, begin)).total_seconds()
            for begin, end in self._around(since, days)
        )
        return sum(part for part in parts if part > 0)

    def end_of(self, at: datetime) -> datetime | None:
        """When they end that a moment lies within; None if it does not, or they never end."""
        end = at
        for _ in range(8):
            ends = [until for since, until in self._around(end, 1) if since <= end < until]
            if not ends:
                return end if end > at else None
            end = max(ends)
        return None

    def _around(self, at: datetime, days: int) -> Iterator[tuple[datetime, datetime]]:
        """The hours of the day before a moment, and of the days that follow, in order."""
        zone = ZoneInfo(self.zone)
        first = at.astimezone(zone).date() - timedelta(days=1)
        for ahead in range(days + 2):
            day = first + timedelta(days=ahead)
            if day.weekday() in self.days:
                last = day if self.until > self.since else day + timedelta(days=1)
                yield _moment(day, self.since, zone), _moment(last, self.until, zone)


def _moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """A local time as a moment: the first, if it comes twice; the end of a gap that it lies in."""
    local = datetime.combine(day, at, zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # In a gap, fold says whose offset counts: the clock changes between these two moments.
    before = local.replace(fold=1).astimezone(UTC)
    while moment - before > SECOND:
        middle = before + (moment - before) // 2
        if middle.astimezone(zone).utcoffset() == moment.astimezone(zone).utcoffset():
            moment = middle
        else:
            before = middle
    return moment.replace(microsecond=0)


def _named(days: Sequence[int]) -> str:
    """Days as people write them: from a first to a last, or one by one."""
    present = sorted(set(days))
    if len(present) == len(DAYS):
        return "every day"
    if len(present) > 2 and present[-1] - present[0] == len(present) - 1:
        return f"{DAYS[present[0]]} to {DAYS[present[-1]]}"
    return ", ".join(DAYS[day] for day in present)
