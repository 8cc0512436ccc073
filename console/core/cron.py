"""Due times by cron text in a time zone, as crontab reads it: right where clocks change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import islice, takewhile
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = 5
MOST = 200  # characters; the longest that means something lists every minute
SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron text (minute, hour, day of month, month, day of week) in an IANA time zone.

    As crontab reads it: 0 and 7 are Sunday, and days of the month and of the week are due on
    either. A time that a day lacks, because its clocks go forward, is due when they have changed. A
    time that a day has twice is due the first time, or both times if the text says "every hour".
    """

    text: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Raise ValueError for a text or a zone that names no time."""
        shown = self.text[:MOST]
        if len(self.text) > MOST:
            raise ValueError(f"a cron text has at most {MOST} characters")
        if len(self._fields.split()) != FIELDS:
            raise ValueError(
                f"{shown!r} has not the five fields minute, hour, day, month and day of the week"
            )
        try:
            self._zone  # noqa: B018 - to know it
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{self.zone[:MOST]!r} is no time zone") from None
        try:
            is_due = next(CronSim(self._fields, EARLIEST), None) is not None
        except CronSimError as error:
            raise ValueError(f"{shown!r}: {str(error).lower()}") from None
        if not is_due:
            raise ValueError(f"{shown!r} names a date that no year has")

    @property
    def words(self) -> str:
        """What it says in plain English, as in "At 08:00 on Monday"."""
        return CronSim(self._fields, EARLIEST).explain()

    def latest(self, now: datetime) -> datetime:
        """The latest due time up to `now`, in UTC."""
        shown = now.astimezone(self._zone).replace(microsecond=0, tzinfo=None)
        walls = CronSim(self._fields, shown + timedelta(seconds=1), reverse=True)
        latest = next(at for wall in walls for at in self._moments(wall) if at <= now)
        # While an hour is repeated, the time that was due last may lie ahead on the clock.
        for at in takewhile(lambda at: at <= now, self.following(latest)):
            latest = at
        return latest

    def following(self, now: datetime) -> Iterator[datetime]:
        """The due times after `now`, in UTC."""
        last, waiting = now, list[datetime]()
        for wall in CronSim(self._fields, self._beginning(now)):
            moments = self._moments(wall)
            for at in moments:
                heappush(waiting, at)
            # What is due again in a repeated hour waits until the clock has shown all of it once.
            while moments and waiting and waiting[0] <= moments[0]:
                at = heappop(waiting)
                if at > last:
                    last = at
                    yield at

    def upcoming(self, now: datetime, count: int) -> list[datetime]:
        """The next due times after `now`, in UTC."""
        return list(islice(self.following(now), count))

    @property
    def _fields(self) -> str:
        text = " ".join(self.text.split())
        return SHORT.get(text.lower(), text)

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def _is_frequent(self) -> bool:
        """Whether it counts the hours that pass, and not the hours that the clock shows."""
        return any(field.startswith("*") for field in self._fields.split()[:2])

    def _moments(self, wall: datetime) -> Sequence[datetime]:
        """The due times, in UTC, that a time of the zone's clock stands for."""
        first, again = (
            wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1)
        )
        if first == again:
            return [first]
        if first < again:
            return [first, again] if self._is_frequent else [first]
        return [] if self._is_frequent else [self._after_the_change(wall)]

    def _after_the_change(self, wall: datetime) -> datetime:
        """The moment in which the clock leaps over a time that it never shows."""
        while True:
            moment = wall.replace(tzinfo=self._zone).astimezone(UTC)
            if moment.astimezone(self._zone).replace(tzinfo=None) == wall:
                return moment
            wall += timedelta(minutes=1)

    def _beginning(self, now: datetime) -> datetime:
        """From where on the clock shows what is due after `now`; it may show it once more."""
        shown = now.astimezone(self._zone)
        again = shown.replace(fold=1).astimezone(UTC)
        return shown.replace(tzinfo=None) - max(again - now, timedelta(0))
