"""People are counted alike from presences and from the records themselves, whatever happened."""

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from console.metrics.people import ACTIVE
from console.telemetry import presence_rollups, retention
from console.telemetry.days import DAY, day_of
from console.telemetry.presences import SOURCES
from console.telemetry.question import buckets
from console.telemetry.records import Batch, PageLoad, Session
from console.telemetry.retention import Keep
from console.telemetry.tables import presence, presence_period
from tests.telemetry.samples import NOON, error, hour, scope, span

MONTH = 24 * 30
HOUR_SECONDS, DAY_SECONDS = 3600, 86_400
BERLIN = NOON.replace(hour=23)
KOLKATA = NOON.replace(hour=18, minute=30)


@pytest.fixture(autouse=True)
def noon(clock):
    clock.set(NOON)


@pytest.fixture
def chance():
    return random.Random(5)


def fields(chance: random.Random) -> dict[str, Any]:
    """What somebody does at some time of the last month, by day more often than by night."""
    return {
        "organization_id": 1,
        "project_id": chance.choice([1, 1, 1, 2]),
        "environment": chance.choice(["production", "production", "staging", ""]),
        "release": chance.choice(["shop@1", "shop@2", ""]),
        "user_key": chance.choice(["", *(f"{number:016x}" for number in range(1, 60))]),
    }


def moment(chance: random.Random) -> datetime:
    return hour(-chance.random() * MONTH)


def load(chance: random.Random, position: int, **more) -> PageLoad:
    at = moment(chance)
    own = {"page_id": f"{chance.randrange(1 << 64):016x}", "page": "/cart", "lcp": 900.0}
    plain = {**fields(chance), **own, "timestamp": at, "received_at": at}
    return PageLoad(position=position, **(plain | more))


def visit(chance: random.Random, position: int, **more) -> Session:
    at = moment(chance)
    own = {"session_id": f"{chance.randrange(1 << 128):032x}", "status": "ok", "seq": 1}
    plain = {**fields(chance), **own, "timestamp": at, "received_at": at}
    return Session(position=position, **(plain | more))


def batch(chance: random.Random, position: int, each: int = 40) -> Batch:
    return Batch(
        errors=[error(position, at=moment(chance), **fields(chance)) for _ in range(each)],
        spans=[span(position, at=moment(chance), **fields(chance)) for _ in range(each)],
        page_loads=[load(chance, position) for _ in range(each)],
        sessions=[visit(chance, position) for _ in range(each)],
    )


def named(asking) -> list[tuple[datetime, str, str, str]]:
    """Whom the records of project 1 name, as the file has them."""
    rows = []
    with asking.using(1) as database, database.transaction() as connection:
        for table in SOURCES.values():
            c = table.c
            query = select(c.timestamp, c.environment, c.release, c.user_key)
            query = query.where(c.project_id == 1, c.user_key.is_not(None))
            rows += [tuple(row) for row in connection.execute(query)]
    return rows


def days(asking) -> list[datetime]:
    return [since for since, until in periods(asking) if until - since == DAY]


def periods(asking) -> list[tuple[datetime, datetime]]:
    query = select(presence_period.c.timestamp, presence_period.c.until)
    with asking.using(1) as database, database.transaction() as connection:
        rows = connection.execute(query.where(presence_period.c.project_id == 1))
        return sorted(tuple(row) for row in rows)


def agree(asking, chance: random.Random, *, most: int = 5) -> None:
    """Compare numbers, series and parts with sets of plain rows, over up to five ranges."""
    everything = named(asking)
    since, until = sorted((moment(chance), moment(chance)))
    ranges = [(hour(-MONTH - 12), hour(1)), (since, until), (day_of(NOON) - 9 * DAY, NOON)]
    ranges += [(start - 12 * DAY, NOON) for start in (BERLIN, KOLKATA)]
    for since, until in ranges[:most]:
        for environment, release in (("", ""), ("production", ""), ("staging", "shop@1")):
            asked = scope(since=since, until=until, environment=environment, release=release)
            mine = [
                (at, environment_, user)
                for at, environment_, release_, user in everything
                if asked.holds(at, environment_) and release in {"", release_}
            ]
            whole = ACTIVE.value(asked).whole
            assert whole.number == whole.samples == len({user for _, _, user in mine})
            parts = ACTIVE.value(asked, "environment").by_value
            assert {name: part.number for name, part in parts.items()} == {
                name: len({user for _, of, user in mine if of == name})
                for name in {of for _, of, _ in mine}
            }
            for seconds in (DAY_SECONDS, 7 * DAY_SECONDS, 6 * HOUR_SECONDS, 5 * HOUR_SECONDS, 1800):
                course = ACTIVE.series(asked, seconds).whole
                width = timedelta(seconds=seconds)
                assert course.numbers == [
                    len({user for at, _, user in mine if begin <= at < begin + width})
                    for begin in buckets(asked, seconds)
                ]


@pytest.fixture
def counted(asking, chance):
    """A month of records, of which all but the first and the last days are counted."""
    for position in range(1, 4):
        asking.write(1, batch(chance, position), position)
    assert presence_rollups.roll_up(1) > 40
    assert presence_rollups.roll_up(1) == 0
    return asking


def test_presences_are_read_and_agree(counted, chance):
    agree(counted, chance)
    assert {until - since for since, until in periods(counted)} == {DAY, 4 * DAY, 16 * DAY}
    only_presences_answer(counted)


def only_presences_answer(asking) -> None:
    """See that numbers and courses are the same without the records of days that are counted."""
    asked = [scope(since=hour(-MONTH), until=hour(1), environment=of) for of in ("", "staging")]
    before = [(ACTIVE.value(own), ACTIVE.series(own, 6 * HOUR_SECONDS)) for own in asked]
    with asking.using(1) as database, database.transaction() as connection:
        for table in SOURCES.values():
            connection.execute(
                table.delete().where(table.c.timestamp.between(hour(-600), hour(-200)))
            )
    assert [(ACTIVE.value(own), ACTIVE.series(own, 6 * HOUR_SECONDS)) for own in asked] == before


def test_filters_by_several_environments_agree(counted):
    asked = scope(since=hour(-MONTH), until=hour(1))
    both = {"environment": ["staging", ""]}
    plain = {row[3] for row in named(counted) if row[1] != "production"}
    assert ACTIVE.value(asked, where=both).whole.number == len(plain)


def test_records_that_come_late_or_again_agree(counted, chance):
    before = days(counted)
    late = batch(chance, 4)
    for _ in range(2):
        counted.write(1, late, 4)
    again = [replace(event, position=5, user_key="f" * 16) for event in late.of("errors")]
    counted.write(1, Batch(errors=again), 5)
    own = [error(-1, at=moment(chance), **fields(chance)) for _ in range(20)]
    for _ in range(2):
        counted.write_own(1, own, run=1)
    assert days(counted) == before
    agree(counted, chance)
    only_presences_answer(counted)


def test_a_session_or_page_load_that_changes_its_person_agrees(counted, chance):
    at = hour(-200.5)
    for position, person in enumerate(["", "e" * 16, "f" * 16], start=4):
        more: dict[str, Any] = {"timestamp": at, "project_id": 1, "user_key": person}
        update = visit(chance, position, session_id="9" * 32, seq=position, **more)
        counted.write(1, Batch(sessions=[update]), position)
        agree(counted, chance, most=1)
    earlier: dict[str, Any] = {"timestamp": hour(-224.5), "project_id": 1, "page_id": "9" * 16}
    changes: list[dict[str, Any]] = [{"timestamp": at}, {"user_key": "d" * 16}, {}]
    for position, changed in enumerate(changes, start=7):
        piece = load(chance, position, **{**earlier, **changed})
        counted.write(1, Batch(page_loads=[piece]), position)
        agree(counted, chance, most=1)
    presence_rollups.roll_up(1)
    agree(counted, chance, most=1)


def test_a_session_that_only_goes_on_drops_no_day(counted, chance):
    before = days(counted)
    own = visit(chance, 4, timestamp=hour(-200), project_id=1, user_key="e" * 16)
    for position in (4, 5):
        update = replace(own, position=position, seq=position, errors=position)
        counted.write(1, Batch(sessions=[update]), position)
    assert days(counted) == before
    agree(counted, chance)


def test_a_dead_letter_takes_its_days_along(counted, chance):
    event = error(4, at=hour(-300), **{**fields(chance), "project_id": 1, "user_key": "e" * 16})
    counted.write(1, Batch(errors=[event]), 4)
    before = days(counted)
    counted.withdraw(1, 4)
    assert set(before) - set(days(counted)) == {day_of(hour(-300))}
    agree(counted, chance)
    assert presence_rollups.roll_up(1) == 1
    counted.withdraw(1, 3)
    agree(counted, chance)


def test_retention_forgets_who_was_there(counted, chance, clock):
    retention.apply(1, {1: Keep(20, 1000), 2: Keep(20, 1000)})
    agree(counted, chance)
    presence_rollups.roll_up(1)
    assert min(days(counted)) > NOON - 20 * DAY
    clock.set(hour(24 * 5))
    presence_rollups.roll_up(1)
    agree(counted, chance)
    retention.apply(1, {})
    with counted.using(1) as database, database.transaction() as connection:
        assert not connection.execute(select(presence)).all()
        assert not connection.execute(select(presence_period)).all()


def test_what_a_clock_that_was_ahead_has_counted_is_not_believed(counted, chance, clock):
    before = days(counted)
    clock.set(hour(30))
    assert presence_rollups.roll_up(1) > 0
    clock.set(NOON)
    event = error(4, at=hour(-1), **{**fields(chance), "project_id": 1, "user_key": "e" * 16})
    counted.write(1, Batch(errors=[event]), 4)
    agree(counted, chance)
    presence_rollups.roll_up(1)
    assert days(counted) == before


def test_an_old_record_makes_no_endless_list_of_days(asking, monkeypatch):
    monkeypatch.setattr(presence_rollups, "FURTHEST", 50 * DAY)
    events = [error(1, at=at, user_key="e" * 16) for at in (hour(-24 * 900), hour(-40))]
    asking.write(1, Batch(errors=events), 1)
    assert presence_rollups.roll_up(1) == 50
    asked = scope(since=hour(-24 * 1000), until=hour(1))
    assert ACTIVE.value(asked).whole.number == 1
