"""Page loads in the store: however their pieces come, and come again, one row says the same."""

from dataclasses import replace
from datetime import timedelta
from functools import reduce
from math import ceil, log
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from console.telemetry import retention, vital_rollups, writing
from console.telemetry.page_loads import merge
from console.telemetry.records import Batch, PageLoad
from console.telemetry.retention import Keep
from console.telemetry.tables import page_load, vital_day
from console.telemetry.web_vitals import LCP
from tests.telemetry.samples import NOON, hour

PAGE_ID = "a" * 16


def piece(position=1, **fields):
    """What a vital says that does not know its page."""
    at = fields.pop("at", NOON)
    said: dict[str, Any] = {
        "organization_id": 1,
        "project_id": 1,
        "page_id": PAGE_ID,
        "source": "sentry",
    }
    said |= {"timestamp": at, "client_timestamp": at, "received_at": at}
    return PageLoad(position=position, **(said | fields))


def page(position=1, **fields):
    """What the page itself says."""
    return piece(position, **({"page": "/a", "path": "/a", "device": "mobile"} | fields))


def lcp(value, told, **fields):
    """An LCP that was told some seconds after noon."""
    said = {"lcp.at": told * 1_000_000, "lcp.target": f"#at-{told}"}
    return piece(lcp=value, attribution=said, at=NOON + timedelta(seconds=told), **fields)


def placed(pieces):
    """The pieces as they come, each from a position of its own."""
    return [replace(one, position=number) for number, one in enumerate(pieces, 1)]


@pytest.fixture
def write(asking):
    return lambda *loads, position: asking.write(1, Batch(page_loads=loads), position)


@pytest.fixture
def rows(asking):
    """All page loads that are stored, but for the position that they came from."""

    def rows(table=page_load):
        columns = [one for one in table.columns if one.name != "position"]
        with asking.using(1) as database, database.transaction() as connection:
            found = connection.execute(select(*columns).order_by(table.c.timestamp, *columns))
            return [dict(row) for row in found.mappings()]

    return rows


PIECES = st.lists(
    st.one_of(
        st.builds(page, ttfb=st.none() | st.floats(0, 500), at=st.just(NOON)),
        st.builds(lcp, st.floats(0, 5_000), st.integers(1, 30)),
        st.builds(piece, cls=st.floats(0, 1), at=st.integers(1, 5).map(hour)),
        st.builds(piece, inp=st.floats(0, 900), at=st.integers(1, 5).map(hour)),
    ),
    min_size=2,
    max_size=7,
)


@given(PIECES, st.randoms())
def test_merging_depends_on_no_order_and_repeating_changes_nothing(pieces, random):
    whole = reduce(merge, pieces)
    shuffled = [*pieces, *random.sample(pieces, len(pieces) // 2)]
    random.shuffle(shuffled)
    again = reduce(merge, shuffled)
    assert replace(again, received_at=whole.received_at) == whole
    middle = len(pieces) // 2
    halves = [reduce(merge, half) for half in (pieces[:middle], pieces[middle:]) if half]
    assert reduce(merge, halves) == whole
    for one in pieces:
        assert merge(whole, one) == whole


@pytest.mark.parametrize("cut", range(5))
def test_a_crash_at_any_position_and_a_replay_lead_to_the_same_row(write, rows, cut):
    pieces = placed([
        lcp(1600.0, 2), page(ttfb=80.0), lcp(1920.0, 5), piece(cls=0.2), piece(inp=90.0),
    ])  # fmt: skip
    write(*pieces[:cut], position=cut)
    write(*pieces, position=5)
    (found,) = rows()
    write(*pieces, position=5)
    assert rows() == [found]
    assert (found["page"], found["device"], found["timestamp"]) == ("/a", "mobile", NOON)
    values = [found[name] for name in ("lcp", "cls", "inp", "ttfb", "fcp")]
    assert values == [1920, 0.2, 90, 80, None]
    assert found["attribution"]["lcp.target"] == "#at-5"


def test_what_is_sent_again_or_was_a_dead_letter_changes_nothing(asking, write, rows):
    late, first = lcp(1920.0, 5, position=2), page(ttfb=80.0)
    write(first, late, position=2)
    before = rows()
    with asking.using(1) as database, database.transaction() as connection:
        writing.withdraw(connection, 1)
    write(replace(first, position=3), position=3)
    write(replace(late, position=4), late, position=5)
    assert rows() == before


def test_an_older_value_that_comes_late_is_not_the_last(write, rows):
    write(page(), lcp(1920.0, 9, position=2), position=2)
    before = rows()
    write(lcp(2500.0, 4, position=3), position=3)
    assert rows() == before


def test_a_vital_is_joined_hours_later_and_after_a_day_stands_alone(asking, write, rows):
    write(page(), position=1)
    write(piece(2, cls=0.3, at=hour(11)), position=2)
    assert len(rows()) == 1
    write(piece(3, cls=0.5, at=hour(30)), position=3)
    assert [row["page"] for row in rows()] == ["/a", ""]


def test_pages_and_projects_are_kept_apart(write, rows):
    ids = [uuid4().hex[:16] for _ in range(50)]
    pages = [page(page_id=one, lcp=1000.0) for one in ids]
    write(*pages, page(project_id=2), position=1)
    write(*[piece(2, page_id=one, cls=0.1) for one in ids], piece(2, inp=9.0), position=2)
    assert len(rows()) == 52


def test_what_is_too_old_goes_with_its_rollup(asking, write, rows, clock):
    write(*[page(page_id=uuid4().hex[:16], at=hour(-24 * day)) for day in (1, 5, 40)], position=1)
    clock.set(NOON)
    assert vital_rollups.roll_up(1) == 3
    assert retention.apply(1, {1: Keep(days=30, megabytes=1000)}).deleted > 0
    assert len(rows()) == 2
    days = {row["timestamp"] for row in rows(vital_day)}
    assert days == {at.replace(hour=0) for at in (hour(-24), hour(-24 * 5))}


def test_an_erased_project_leaves_no_page_load_and_no_rollup(asking, write, clock):
    write(page(), page(project_id=2), position=1)
    clock.set(NOON + timedelta(days=2))
    assert vital_rollups.roll_up(1) == 2
    retention.erase_project(asking, 1, 1)
    with asking.using(1) as database, database.transaction() as connection:
        for table in (page_load, vital_day):
            left = connection.execute(
                select(table.c.project_id, func.count()).group_by("project_id")
            )
            assert [project_id for project_id, _ in left] == [2]


def test_a_row_keeps_the_bucket_of_each_vital(write, rows):
    write(page(lcp=1000.0), position=1)
    kept = [(row["lcp_bucket"], row["cls_bucket"]) for row in rows()]
    assert kept == [(ceil((log(1000) - log(2500)) / LCP.fine_ratio), None)]


def test_a_dead_letter_takes_the_page_loads_along_that_nobody_else_told_of(
    asking, write, rows, clock
):
    other = uuid4().hex[:16]
    write(page(1, page_id=other), page(1), lcp(1920.0, 5, position=2), position=2)
    clock.set(NOON + timedelta(days=2))
    assert vital_rollups.roll_up(1) == 1
    asking.withdraw(1, 1)
    assert [row["page_id"] for row in rows()] == [PAGE_ID]
    assert rows(vital_day) == []  # counted with what is gone
    asking.withdraw(1, 2)
    assert [row["page_id"] for row in rows()] == [PAGE_ID]


def test_a_piece_that_says_nothing_new_leaves_the_load_to_its_position(asking, write, rows):
    write(page(), position=1)
    write(page(2), position=2)
    asking.withdraw(1, 2)
    assert len(rows()) == 1
    asking.withdraw(1, 1)
    assert rows() == []
