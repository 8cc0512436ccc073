"""Answers from the copies by grouping hash are plain counts over the events, whatever happened."""

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from console.telemetry import error_rollups, errors, retention
from console.telemetry.days import DAY
from console.telemetry.error_rollups import LENGTHS, periods_of
from console.telemetry.question import buckets
from console.telemetry.records import Batch, ErrorEvent
from console.telemetry.retention import Keep
from console.telemetry.tables import error_event, error_group, error_period
from tests.telemetry.samples import NOON, error, hour, scope

HASHES = [f"{number}" * 32 for number in range(1, 8)]
MONTH = 24 * 30
SECONDS = 6 * 3600
NARROW = [("staging", ""), ("", "shop@2"), ("elsewhere", ""), ("", "shop@3")]


Row = tuple[Any, ...]


@pytest.fixture(autouse=True)
def noon(clock):
    clock.set(NOON)


@pytest.fixture
def chance():
    return random.Random(1)


def sent(chance: random.Random, position: int, **fields) -> ErrorEvent:
    """An event of the last month, of frequent and of rare hashes."""
    plain = {
        "at": hour(-chance.random() * MONTH),
        "project_id": chance.choice([1, 1, 1, 2]),
        "grouping_hash": HASHES[int(chance.random() ** 2 * len(HASHES))],
        "environment": chance.choice(["production", "staging", ""]),
        "release": chance.choice(["shop@1", "shop@2", ""]),
        "user_key": chance.choice(["", *(f"{number:016x}" for number in range(1, 40))]),
    }
    return error(position, **(plain | fields))


def stored(asking) -> list[Row]:
    """The events of project 1 as the file has them: what plain counts are made of."""
    event = error_event.c
    columns = (event.grouping_hash, event.timestamp, event.environment, event.release)
    query = select(*columns, event.user_key).where(event.project_id == 1)
    with asking.using(1) as database, database.transaction() as connection:
        return [tuple(row) for row in connection.execute(query)]


def periods(asking) -> list[tuple[datetime, datetime]]:
    query = select(error_period.c.timestamp, error_period.c.until).where(
        error_period.c.project_id == 1
    )
    with asking.using(1) as database, database.transaction() as connection:
        return sorted((since, until) for since, until in connection.execute(query))


def rows(asking) -> int:
    with asking.using(1) as database, database.transaction() as connection:
        return len(connection.execute(select(error_group.c.timestamp)).all())


def agree(asking, chance: random.Random) -> None:
    """Compare every question about hashes with plain counts, over several ranges and filters."""
    everything = stored(asking)
    ranges = [(hour(-MONTH - 24), hour(1)), (hour(-100), hour(-100))]
    ranges += [(at, at + timedelta(days=9)) for at, _ in periods(asking)[:1]]
    for _ in range(2):
        since, until = sorted(hour(-chance.random() * MONTH) for _ in range(2))
        ranges.append((since, until))
    for since, until in ranges:
        for environment, release in (("", ""), ("production", "shop@1"), chance.choice(NARROW)):
            asked = scope(since=since, until=until, environment=environment, release=release)
            mine = [
                (hash_, at, user)
                for hash_, at, of_environment, of_release, user in everything
                if asked.holds(at, of_environment) and release in {"", of_release}
            ]
            assert errors.totals_by_group(asked, HASHES[:5]) == plain_totals(mine)
            assert errors.issue_trends(asked, HASHES[:5], SECONDS) == plain_trends(asked, mine)


def plain_totals(mine: list[Row]) -> dict[str, errors.Totals]:
    return {
        hash_: errors.Totals(
            len(times),
            len({user for of, _, user in mine if of == hash_ and user}),
            min(times),
            max(times),
        )
        for hash_ in HASHES[:5]
        if (times := [at for of, at, _ in mine if of == hash_])
    }


def plain_trends(asked, mine: list[Row]) -> dict[str, list[int]]:
    numbers = range(len(buckets(asked, SECONDS)))
    counted = Counter(
        (hash_, (at - asked.since) // timedelta(seconds=SECONDS)) for hash_, at, _ in mine
    )
    return {hash_: [counted[hash_, number] for number in numbers] for hash_ in HASHES[:5]}


@pytest.fixture
def grouped(asking, chance, monkeypatch):
    """A month of events, of which all but the first and the last days are copied by hash."""
    monkeypatch.setattr(error_rollups, "SLICE", 100)
    monkeypatch.setattr(error_rollups, "LONGEST_LIST", 8)
    for position in range(1, 6):
        batch = [sent(chance, position) for _ in range(300)]
        asking.write(1, Batch(errors=batch), position)
    assert error_rollups.roll_up(1) > 4
    assert error_rollups.roll_up(1) == 0
    return asking


def test_copies_are_read_and_agree(grouped, chance):
    agree(grouped, chance)
    (_, until), *_ = periods(grouped)
    with grouped.using(1) as database, database.transaction() as connection:
        copied = error_event.c.timestamp < until
        connection.execute(error_event.delete().where(copied))  # only the copies have these now
    everything = scope(since=hour(-2 * MONTH), until=hour(1))
    counted = sum(totals.events for totals in errors.totals_by_group(everything, HASHES).values())
    assert counted > len(stored(grouped))


def test_facts_that_no_copy_holds_are_counted_from_the_events(grouped):
    asked = scope(since=hour(-MONTH), until=hour(1))
    by_column = replace(asked, release="shop@2")
    by_fact = replace(asked, facts=(("release", "shop@2"),))
    assert errors.totals_by_group(by_fact, HASHES) == errors.totals_by_group(by_column, HASHES)
    trends = errors.issue_trends(by_column, HASHES, SECONDS)
    assert errors.issue_trends(by_fact, HASHES, SECONDS) == trends
    assert sum(map(sum, trends.values())) > 100
    nowhere = replace(asked, facts=(("plan", "trade"),))
    assert errors.totals_by_group(nowhere, HASHES) == {}


def test_late_events_a_resend_and_a_replay_agree(grouped, chance):
    before, events = periods(grouped), len(stored(grouped))
    late = [sent(chance, 6) for _ in range(100)]
    batch = Batch(errors=late)
    assert len(grouped.write(1, batch, 6).of("errors")) == 100
    again = Batch(errors=[replace(one, position=7) for one in late])
    for _ in range(2):
        grouped.write(1, batch, 6)
        grouped.write(1, again, 7)
    own = [sent(chance, -1, category="performance", project_id=1) for _ in range(20)]
    for _ in range(2):
        grouped.write_own(1, own, run=1)
    assert periods(grouped) == before
    assert len(stored(grouped)) == events + sum(e.project_id == 1 for e in [*late, *own])
    agree(grouped, chance)


def test_a_dead_letter_takes_the_copies_of_its_periods_along(grouped, chance):
    grouped.write(1, Batch(errors=[sent(chance, 6, at=hour(-300), project_id=1)]), 6)
    before = periods(grouped)
    grouped.withdraw(1, 6)
    gone = set(before) - set(periods(grouped))
    assert len(gone) == 1
    agree(grouped, chance)
    assert error_rollups.roll_up(1) == 1
    assert periods(grouped) == before
    agree(grouped, chance)
    grouped.withdraw(1, 3)
    agree(grouped, chance)


def test_retention_takes_the_oldest_copies_along_and_the_rest_is_copied_anew(
    grouped, chance, clock
):
    kept = rows(grouped)
    assert retention.apply(1, {1: Keep(20, 1000), 2: Keep(20, 1000)}).deleted > 0
    agree(grouped, chance)
    error_rollups.roll_up(1)
    agree(grouped, chance)
    oldest = min(at for _, at, *_ in stored(grouped))
    assert timedelta(0) < periods(grouped)[0][0] - oldest <= DAY
    assert 0 < rows(grouped) < kept
    clock.set(hour(24 * 5))
    error_rollups.roll_up(1)
    agree(grouped, chance)


def test_what_a_clock_that_was_ahead_has_copied_is_dropped(grouped, chance, clock):
    before = periods(grouped)
    clock.set(hour(30))
    assert error_rollups.roll_up(1) > 0
    clock.set(NOON)
    grouped.write(1, Batch(errors=[sent(chance, 6, at=hour(-1), project_id=1)]), 6)
    error_rollups.roll_up(1)
    assert periods(grouped) == before
    agree(grouped, chance)
    clock.set(hour(30))
    error_rollups.roll_up(1)
    agree(grouped, chance)


def test_an_erased_project_leaves_no_copy(grouped, chance):
    retention.erase_project(grouped, 1, 1)
    assert (periods(grouped), errors.totals_by_group(scope(), HASHES)) == ([], {})
    with grouped.using(1) as database, database.transaction() as connection:
        projects = set(connection.scalars(select(error_group.c.project_id)))
    assert projects == {2}


def test_periods_are_aligned_never_overlap_and_are_not_too_heavy(chance, monkeypatch):
    monkeypatch.setattr(error_rollups, "MOST", 100)
    monkeypatch.setattr(error_rollups, "MOST_OF_A_DAY", 150)
    start = NOON.replace(hour=0)
    counts = {start + DAY * day: chance.randrange(1, 40) for day in range(60)}
    heavy = start + DAY * 30
    counts[heavy] = 151
    del counts[start + DAY * 40]
    before = start + DAY * 59
    plan = list(periods_of(1, counts, before))
    days = [
        period.since + DAY * day
        for period in plan
        for day in range((period.until - period.since) // DAY)
    ]
    assert len(days) == len(set(days))
    missing = {at for at in counts if start < at < before} - set(days)
    assert missing == {heavy}
    for period in plan:
        length = (period.until - period.since) // DAY
        assert length in LENGTHS
        assert length == 1 or period.events <= 100
        assert period.events == sum(
            counts.get(at, 0) for at in days if period.since <= at < period.until
        )
    assert max((period.until - period.since) // DAY for period in plan) > 1
