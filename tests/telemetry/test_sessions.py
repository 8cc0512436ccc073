"""Updates of one session become one row, in whatever order and however often they come."""

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import select

from console.telemetry.records import Batch, Session
from console.telemetry.tables import session as session_table
from tests.telemetry.samples import NOON, hour

SID = "5" * 32
UPDATES = [
    {"seq": 0, "status": "ok", "user_key": "a" * 16, "release": "shop@1"},
    {"seq": 1, "status": "ok", "errors": 2},
    {"seq": 2, "status": "crashed", "errors": 3, "duration_ms": 1500},
]


def session(position: int = 1, **fields: Any) -> Session:
    at = fields.pop("at", NOON)
    plain: dict[str, Any] = {"organization_id": 1, "project_id": 1, "session_id": SID}
    return Session(position=position, **(plain | {"timestamp": at, "received_at": at} | fields))


@pytest.fixture
def rows(asking):
    def stored():
        with asking.using(1) as database, database.transaction() as connection:
            return list(connection.execute(select(session_table)).all())

    return stored


@pytest.mark.parametrize("order", list(permutations(range(len(UPDATES)))))
def test_the_last_update_counts_in_whatever_order_they_come(asking, rows, order):
    for position, number in enumerate(order, start=1):
        asking.write(1, Batch(sessions=[session(position, **UPDATES[number])]), position)
    (row,) = rows()
    assert (row.status, row.errors, row.seq, row.duration_ms) == ("crashed", 3, 2, 1500)
    assert (row.user_key, row.release, row.quantity) == ("a" * 16, "shop@1", 1)


@pytest.mark.parametrize("order", [1, -1])
def test_a_session_that_crashed_is_not_ended_in_another_way(asking, rows, order):
    ends = [{"seq": 1, "status": "crashed", "errors": 1}, {"seq": 2, "status": "abnormal"}]
    for position, end in enumerate(ends[::order], start=1):
        asking.write(1, Batch(sessions=[session(position, **end)]), position)
    (row,) = rows()
    assert (row.status, row.seq) == ("crashed", 2)


def test_a_replay_and_a_resend_change_nothing(asking, rows):
    batch = Batch(sessions=[session(1, **update) for update in UPDATES])
    asking.write(1, batch, 1)
    once = rows()
    asking.write(1, batch, 1)
    assert rows() == once
    asking.write(1, Batch(sessions=[session(2, **update) for update in UPDATES]), 2)
    (row,) = rows()
    assert row[3:] == once[0][3:]


def test_a_session_was_received_when_it_last_said_something_new(asking, rows):
    """Who has counted without its end looks again; a resend is no news."""
    for number, update in enumerate((UPDATES[0], UPDATES[2], UPDATES[2]), start=1):
        received_at = NOON + timedelta(minutes=number)
        sent = session(number, received_at=received_at, **update)
        asking.write(1, Batch(sessions=[sent]), number)
    (row,) = rows()
    assert row.received_at == NOON + timedelta(minutes=2)


def test_sessions_of_several_projects_and_starts_are_apart(asking, rows):
    sent = [session(), session(project_id=2), session(at=hour(1)), session(session_id="6" * 32)]
    asking.write(1, Batch(sessions=sent), 1)
    assert len(rows()) == 4


@pytest.mark.parametrize("milliseconds", [1, -1, 999])
def test_a_start_that_a_client_rounds_is_the_same_session(asking, rows, milliseconds):
    """Phones keep a session in a file, and its crash is sent with the start that is read there."""
    rounded = NOON + timedelta(milliseconds=milliseconds)
    asking.write(1, Batch(sessions=[session(1, **UPDATES[0])]), 1)
    crash = session(2, at=rounded, **UPDATES[2])
    asking.write(1, Batch(sessions=[crash, session(2, **UPDATES[1])]), 2)
    (row,) = rows()
    assert (row.status, row.client_timestamp) == ("crashed", min(NOON, rounded))


def test_a_dead_letter_takes_along_what_only_it_brought(asking, rows):
    sent = [session(1), session(2, session_id="6" * 32), session(2, seq=4, status="exited")]
    asking.write(1, Batch(sessions=sent), 2)
    asking.withdraw(1, 2)
    (row,) = rows()
    assert (row.session_id, row.status) == (SID, "exited")
