"""Due times by cron text in a time zone: each is due once a day, even when clocks change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# How far back the latest due time is searched, nearest first; 29 February may be 8 years ago.
WINDOWS = tuple(timedelta(hours=hours) for hours in (2, 50, 32 * 24, 367 * 24, 9 * 366 * 24))
ZONE_CHANGE = timedelta(hours=3)  # no zone sets its clocks back by more


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron text (minute, hour, day of month, month, day of week) in an IANA time zone.

    Days of the week are names, because 0 is Sunday to crontab and Monday to APScheduler. Days of
    the month and of the week exclude each other: crontab wants either, APScheduler both.
    """

    text: str
    zone: str = "UTC"

    def __post_init__(self) -> None:
        """Raise ValueError for a text or a zone that names no time."""
        fields = self.text.split()
        trigger = self._trigger()
        if any(character.isdigit() for character in fields[4]):
            raise ValueError(f"{self.text!r}: name the days of the week, such as mon-fri")
        if fields[4] != "*" and fields[2] != "*":
            raise ValueError(f"{self.text!r}: days of the month or of the week, not both")
        if trigger.get_next_fire_time(None, EARLIEST) is None:
            raise ValueError(f"{self.text!r} names a date that no year has")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{self.zone!r} is no time zone") from None

    def latest(self, now: datetime) -> datetime:
        """The latest due time up to `now`, in UTC.

        A time that a day lacks, because its clocks go forward, is due later by the same amount. A
        time that a day has twice is due the first time, or both times if the text names no hour.
        """
        zone = ZoneInfo(self.zone)
        local = now.astimezone(zone)
        # While an hour is repeated, the time of day that was due last may lie ahead on the clock.
        repeated = (now - ZONE_CHANGE).astimezone(zone).utcoffset() or timedelta()
        ahead = max(repeated - (local.utcoffset() or timedelta()), timedelta())
        wall = local.replace(tzinfo=UTC, fold=0)
        for window in WINDOWS:
            times = self._times(wall - window, wall + ahead)
            due = [at for time in times for at in self._instants(time, zone) if at <= now]
            if due:
                return max(due)
        raise AssertionError(f"{self.text!r} was never due")  # __post_init__ has looked

    def _times(self, since: datetime, until: datetime) -> Iterator[datetime]:
        """The due times of a clock without a zone; APScheduler goes astray where one changes."""
        trigger = self._trigger()
        at = trigger.get_next_fire_time(None, since)
        while at is not None and at <= until:
            yield at
            at = trigger.get_next_fire_time(None, at + timedelta(minutes=1))

    def _instants(self, time: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        names_no_hour = self.text.split()[1].startswith("*")
        for fold in (0, 1) if names_no_hour else (0,):
            yield time.replace(tzinfo=zone, fold=fold).astimezone(UTC)

    def _trigger(self) -> CronTrigger:
        return CronTrigger.from_crontab(self.text, timezone=UTC)
