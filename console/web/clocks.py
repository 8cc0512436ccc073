"""One clock for each person: the time zone of every time that a page shows or reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from flask import Flask, g, has_request_context, request

from console.core import clock

COOKIE = "pharos_zone"  # static/js/zone.js keeps the browser's zone in it
LONGEST = 64
_UTC = ZoneInfo("UTC")


def init_app(app: Flask) -> None:
    """Give templates the zone's name, the way to write a time in it, and its filters."""
    app.jinja_env.globals.update(zone_name=zone_name)
    app.jinja_env.filters.update(local=local, zoned=zoned, clock_time=clock_time)


def choose(name: str) -> None:
    """Show this request's times in the zone that its person has chosen; "" leaves the browser's."""
    g.chosen_zone = name


@contextmanager
def in_zone_of(name: str) -> Iterator[None]:
    """Show times in a zone inside, "" is UTC: for what is written outside a person's request."""
    before = {key: g.pop(key) for key in ("chosen_zone", "zone") if key in g}
    g.chosen_zone = name or "UTC"
    try:
        yield
    finally:
        g.pop("zone", None)
        g.pop("chosen_zone", None)
        for key, value in before.items():
            setattr(g, key, value)


def zone() -> tzinfo:
    """The zone of whoever asks: the chosen one, else the browser's, else UTC."""
    if not has_request_context():
        return _UTC
    if "zone" not in g:
        names = (g.get("chosen_zone", ""), request.cookies.get(COOKIE, ""))
        g.zone = next((ZoneInfo(name) for name in names if is_zone(name)), _UTC)
    known: tzinfo = g.zone
    return known


def zone_name() -> str:
    """Its name in the IANA database: "Europe/Berlin"."""
    return str(zone())


def names() -> list[str]:
    """The zones to choose from."""
    return sorted(_known())


def is_zone(name: str) -> bool:
    """Whether the IANA database has a zone of this name."""
    return len(name) <= LONGEST and name in _known()


def local(at: datetime) -> datetime:
    """The moment on the person's clock."""
    return at.astimezone(zone())


def offset(at: datetime) -> timedelta:
    """How far the person's clock is ahead of UTC at that moment."""
    return local(at).utcoffset() or timedelta(0)


def zoned(at: datetime, form: str = "%Y-%m-%d %H:%M:%S", name: str = "") -> str:
    """The moment as text, with the zone's short name: "2026-11-23 08:00:00 CET".

    It is on the person's clock, or in the zone `name`.
    """
    there = at.astimezone(ZoneInfo(name)) if name else local(at)
    return f"{there.strftime(form)} {abbreviation(there)}"


def clock_time(at: datetime) -> str:
    """The time of day to the millisecond."""
    return local(at).strftime("%H:%M:%S.%f")[:-3]


def abbreviation(there: datetime) -> str:
    """The zone's short name at a moment in it: "CET", or "UTC+03:30" where it has none."""
    name = there.tzname() or "UTC"
    if name[:1] not in {"+", "-"}:
        return name
    offset = there.strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:5]}"


def instant(text: str, name: str = "") -> datetime:
    """Read a moment in ISO 8601; one without an offset is of the zone `name`, UTC by default.

    Raises ValueError for what is no moment, or no zone.
    """
    if name and not is_zone(name):
        raise ValueError(f"{name} is no time zone")
    given = datetime.fromisoformat(text)
    if given.tzinfo is None and name:
        clock.check_year(given)  # before it moves to UTC: year 1 and 9999 have no neighbours
        given = given.replace(tzinfo=ZoneInfo(name)).astimezone(UTC)
    return clock.instant(given.isoformat())


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    return frozenset(available_timezones())
