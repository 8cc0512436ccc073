"""Due times by cron text in a time zone, as crontab reads it: right where clocks change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
FIELDS = 5
MOST = 200  # characters; the longest that means something lists every minute
ZONE_CHANGE = timedelta(hours=3)  # no zone sets its clocks back by more
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
        # While an hour is repeated, the time that was due last may lie ahead on the clock.
        ahead = timedelta(seconds=1) if self._is_frequent else ZONE_CHANGE
        start = (now.replace(microsecond=0) + ahead).astimezone(self._zone)
        times = (at.astimezone(UTC) for at in CronSim(self._fields, start, reverse=True))
        return next(at for at in times if at <= now)

    def following(self, now: datetime) -> Iterator[datetime]:
        """The due times after `now`, in UTC."""
        # The clock may show a time again that it has shown before.
        start = now if self._is_frequent else now - ZONE_CHANGE
        times = CronSim(self._fields, start.astimezone(self._zone))
        return (due for at in times if (due := at.astimezone(UTC)) > now)

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
