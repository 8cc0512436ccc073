"""The groups that come first are those of a plain count over the events, in every combination."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import pytest
from sqlalchemy import null, update

from console.core.folding import fold
from console.telemetry.errors import Totals, hashes_holding, totals_by_group
from console.telemetry.event_terms import EventTerm
from console.telemetry.leading import TREND, leading
from console.telemetry.records import Batch, ErrorEvent
from console.telemetry.tables import error_event
from console.telemetry.tag_parts import COLUMNS
from tests.telemetry.samples import NOON, error, hour, scope

HASHES = [f"{number}" * 32 for number in range(1, 10)]
VALUES = {
    "plan": ["trade", "TRADE", "Größe", 'a "b" c', "", "trader", '"browser":"x"'],
    "browser": ["Firefox 1", "Firefox 2", "Chrome"],
    "a/b ~Ö": ["trade", "web-3", ""],
}
ORDERS = ("users", "events", "last_seen", "first_seen", TREND)


@dataclass(frozen=True)
class Row:
    """An event as a plain count sees it."""

    event: ErrorEvent
    texts: dict[str, str]

    def has(self, term: EventTerm) -> bool:
        text = self.texts.get(term.name, "")
        if not term.texts:
            return (text != "") is not term.negated
        matching = any(fnmatchcase(fold(text), fold(wanted)) for wanted in term.texts)
        return matching is not term.negated


@pytest.fixture
def rows(asking):
    chance = random.Random(3)
    rows = []
    for position in range(1, 4):
        events = []
        for _ in range(150):
            tags = {name: chance.choice(values) for name, values in VALUES.items()}
            columns = {
                "environment": chance.choice(["production", "staging", ""]),
                "release": chance.choice(["shop@1.1", "shop@1.2", "SHOP@2", ""]),
                "level": chance.choice(["error", "warning"]),
            }
            event = error(
                position,
                at=hour(-chance.random() * 100),
                project_id=chance.choice([1, 1, 1, 2]),
                grouping_hash=HASHES[int(chance.random() ** 2 * len(HASHES))],
                user_key=chance.choice(["", *(f"{number:016x}" for number in range(1, 9))]),
                tags={n: text for n, text in tags.items() if text or n == "plan"},
                **columns,
            )
            events.append(event)
            if event.project_id == 1:
                rows.append(Row(event, tags | columns))
        asking.write(1, Batch(errors=events), position)
    with asking.using(1) as database, database.transaction() as connection:
        whole = update(error_event).where(error_event.c.position == 2)  # as files of old have them
        connection.execute(whole.values(dict.fromkeys(COLUMNS, null())))
    return rows


def plain(rows, asked, order):
    """Groups with their totals, by a count over all events one by one."""
    matching = [
        row
        for row in rows
        if asked.environment in ("", row.event.environment)
        and asked.release in ("", row.event.release)
        and all(row.has(term) for term in asked.terms)
    ]
    of_hash = defaultdict(list)
    for row in matching:
        if asked.since <= row.event.timestamp < asked.until:
            of_hash[row.event.grouping_hash].append(row.event)
    earlier = asked.before()
    before = [r.event for r in matching if earlier.since <= r.event.timestamp < earlier.until]
    return {
        hash_: Totals(
            len(events),
            len({event.user_key for event in events} - {""}),
            min(event.timestamp for event in events),
            max(event.timestamp for event in events),
            sum(event.grouping_hash == hash_ for event in before) if order == TREND else 0,
        )
        for hash_, events in of_hash.items()
    }


def place(order, totals):
    return {
        "events": totals.events,
        "last_seen": totals.last,
        "first_seen": totals.first,
        TREND: (totals.events - totals.before, totals.events),
    }[order]


def searches():
    """Combinations of terms, environments and releases, with lists, wildcards and negations."""
    chance = random.Random(4)
    texts = {
        "plan": ["trade", "gr*", "*r*", "GRÖSSE", 'a "b" c', "nothing"],
        "browser": ["firefox*", "chrome", "*"],
        "release": ["shop@1*", "SHOP@2", "*"],
        "level": ["error", "warn*"],
        "a/b ~Ö": ["trade", "WEB-*"],
        "nowhere": ["*x"],
    }
    for _ in range(60):
        names = chance.sample(sorted(texts), chance.randrange(0, 4))
        terms = tuple(
            EventTerm(
                name,
                tuple(chance.sample(texts[name], chance.randrange(0, len(texts[name])))),
                chance.random() < 0.4,
            )
            for name in names
        )
        yield scope(
            since=hour(-chance.choice([24, 50, 100])),
            until=hour(1),
            environment=chance.choice(["", "", "staging"]),
            release=chance.choice(["", "", "shop@1.1"]),
            terms=terms,
        )


def test_the_first_groups_are_those_of_a_plain_count(asking, clock, rows):
    clock.set(NOON)
    answered = 0
    for number, asked in enumerate(searches()):
        order = ORDERS[number % len(ORDERS)]
        counts = plain(rows, asked, order)
        leaders = leading(asked, order, limit=100)
        assert {leader.hash: leader.totals for leader in leaders} == counts, asked
        places = [leader.place for leader in leaders]
        assert places == sorted(places, reverse=True)
        few = leading(asked, order, limit=2)
        if order != "users":  # there the place is a bound
            wanted = sorted((place(order, totals) for totals in counts.values()), reverse=True)
            assert [place(order, leader.totals) for leader in few] == wanted[:2]
        assert few == leaders[:2]
        answered += bool(counts)
    assert answered > 30


def test_a_text_is_looked_for_in_every_fact_and_a_fact_is_counted_alike(asking, rows):
    asked = scope(since=hour(-100), until=hour(1))
    for text in ("trade", "GRÖSSE", 'a "b"', "web-3", "fire", "shop@1", "browser", "plan", "none"):
        holding = {
            row.event.grouping_hash
            for row in rows
            for name, value in row.texts.items()
            if name not in ("environment", "level") and fold(text) in fold(value)
        }
        assert set(hashes_holding(asked, text, (), 100)) == holding, text
    for name, values in VALUES.items():
        for value in filter(None, values):
            wanted = Counter(r.event.grouping_hash for r in rows if r.texts[name] == value)
            counts = totals_by_group(replace(asked, facts=((name, value),)), HASHES)
            assert {hash_: totals.events for hash_, totals in counts.items()} == wanted
