import json
import math
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy import Engine, make_url, select
from sqlalchemy.event import listens_for, remove

from console.accounts.models import MonitoringConfig, Project
from console.core.config import config
from console.core.db import db
from console.core.owner import delete_organization
from console.errors import counting
from console.ingest import counts, turns
from console.ingest import digest as digesting
from console.ingest import pipeline as pipelines
from console.ingest.pipeline import StateDown
from console.ingest.refusals import EXTENSION, from_spool
from console.ingest.sentry import items as sentry
from console.intake.ledger import Count
from console.telemetry import bodies
from console.telemetry import store as telemetry
from console.telemetry.store import TelemetryStore
from console.telemetry.tables import error_event, span
from tests.ingest import crash
from tests.ingest.conftest import error, transaction
from tests.support import postgres
from tests.support.factories import make_organization, make_project
from tests.support.forks import FORKS
from tests.support.run import shared
from tests.support.waiting import until

ON_POSTGRESQL = pytest.mark.postgresql


def test_a_batch_is_stored_counted_and_forgotten(
    both_databases, acme, globex, accepted, digest, waiting, stored
):
    sent = [error("KeyError"), error("KeyError"), error("OSError")]
    accepted(acme, *sent, transaction())
    accepted(globex, error("KeyError"))
    digest.drain()
    assert stored(acme).events() == sorted(event["event_id"] for event in sent)
    assert stored(acme).issues() == {"KeyError: it broke": 2, "OSError: it broke": 1}
    assert stored(acme).spans() == 2
    assert stored(acme).ledger() == {("event", "stored", ""): 3, ("span", "stored", ""): 2}
    assert stored(globex).issues() == {"KeyError: it broke": 1}
    assert waiting.depth().rows == 0


def test_a_batch_of_many_records_is_stored_in_shares(
    acme, accepted, digest, waiting, stored, monkeypatch
):
    monkeypatch.setattr(digesting, "SHARE", 3)
    upto, write = [], TelemetryStore.write

    def noted(self, organization_id, batch, position):
        upto.append(position)
        return write(self, organization_id, batch, position)

    monkeypatch.setattr(TelemetryStore, "write", noted)
    event, late = error("KeyError"), error("OSError")
    for one in (event, transaction(), event, transaction(), late):
        accepted(acme, one)
    positions = [row.position for row in waiting.read()]
    digest.drain()
    assert stored(acme).events() == sorted([event["event_id"], late["event_id"]])
    assert stored(acme).issues() == {"KeyError: it broke": 1, "OSError: it broke": 1}
    assert stored(acme).ledger() == {
        ("event", "stored", ""): 2,
        ("event", "duplicate", ""): 1,
        ("span", "stored", ""): 4,
    }
    assert sorted({row.position for row in stored(acme).rows(span)}) == [positions[1], positions[3]]
    assert upto == [positions[1], positions[3], positions[4]]


def test_resends_are_counted_as_duplicates(both_databases, acme, accepted, digest, stored):
    event, trace = error(), transaction()
    for _ in range(2):
        accepted(acme, event, trace)
        accepted(acme, event, event)
        digest.drain()
    assert stored(acme).events() == [event["event_id"]]
    assert stored(acme).issues() == {"ValueError: it broke": 1}
    assert stored(acme).ledger() == {
        ("event", "stored", ""): 1,
        ("event", "duplicate", ""): 5,
        ("span", "stored", ""): 2,
        ("span", "duplicate", ""): 2,
    }


def test_an_event_id_of_another_project_is_another_event(app, acme, accepted, digest, stored):
    other = make_project(app, make_organization(app, "acme"), "other")
    event = error()
    accepted(acme, event)
    accepted(other, event)
    digest.drain()
    assert stored(acme).events() == stored(other).events() == [event["event_id"]]


@pytest.mark.parametrize("point", list(crash.POINTS))
def test_a_crash_between_commits_is_a_replay_that_changes_nothing(
    both_databases, settings, acme, accepted, waiting, digest, stored, point, monkeypatch
):
    sent = [error(f"Error{number % 3}") for number in range(7)]
    for event in sent:
        accepted(acme, event, transaction())
    waiting.close()
    assert _killed(settings, point) == -signal.SIGKILL
    accepted(acme, sent[0], error("Error0", event_id=(late := uuid4().hex)))
    monkeypatch.setattr(turns, "ROUND_ROWS", 3)  # other boundaries than before the crash
    monkeypatch.setattr(turns, "LEAST_ROWS", 3)
    digest.drain()
    assert stored(acme).events() == sorted([late, *(event["event_id"] for event in sent)])
    assert sum(stored(acme).issues().values()) == 8
    assert stored(acme).ledger() == {
        ("event", "stored", ""): 8,
        ("event", "duplicate", ""): 1,
        ("span", "stored", ""): 14,
    }
    assert waiting.depth().rows == 0


def _killed(settings, point: str) -> int | None:
    """How a digest that dies at the point in its second batch ended."""
    process = FORKS.Process(target=crash.digest_and_die, args=(settings, point, 5))
    process.start()
    process.join(60)
    return process.exitcode


@pytest.mark.parametrize("stage", ["decode", "count_in"])
def test_a_poison_row_becomes_a_dead_letter_and_blocks_nothing(
    both_databases, acme, accepted, digest, waiting, stored, stage, monkeypatch
):
    good = [error("KeyError") for _ in range(5)]
    poison = error("Poison")
    for event in (*good[:3], poison, *good[3:]):
        accepted(acme, event)
    with monkeypatch.context() as broken:
        _break(broken, stage)
        digest.drain()
    assert stored(acme).events() == sorted(event["event_id"] for event in good)
    assert stored(acme).issues().get("KeyError: it broke") == 5
    (letter,) = waiting.dead(acme.organization_id, acme.id)
    assert letter.reason.startswith("ZeroDivisionError in ")
    assert (letter.attempts, waiting.depth().rows) == (3, 0)

    assert waiting.retry(acme.organization_id, acme.id, letter.position) == 1
    digest.drain()
    assert poison["event_id"] in stored(acme).events()
    assert stored(acme).issues() == {"KeyError: it broke": 5, "Poison: it broke": 1}
    assert stored(acme).ledger() == {("event", "stored", ""): 6}


def _break(monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    """Make a stage of the digest fail on the poison."""
    if stage == "decode":
        decode = sentry.decode

        def decode_or_fail(read, context):
            assert isinstance(read.items, list)
            return decode(read, context) if b"Poison" not in read.items[0].payload else 1 / 0

        monkeypatch.setattr(sentry, "decode", decode_or_fail)
    else:
        count_in = counting.count_in

        def count_or_fail(project_id, events):
            poisoned = any(event.kind == "Poison" for _, event in events)
            return count_in(project_id, events) if not poisoned else 1 / 0

        monkeypatch.setattr(counts, "count_in", count_or_fail)


def test_a_dead_letters_reason_has_no_word_of_what_was_sent(
    acme, accepted, digest, waiting, monkeypatch, caplog
):
    def fail(*_):
        raise ValueError("hunter2 could not be read")

    monkeypatch.setattr(sentry, "decode", fail)
    accepted(acme, error())
    digest.drain()
    (letter,) = waiting.dead(acme.organization_id, acme.id)
    assert letter.reason.startswith("ValueError in console/ingest/sentry/protocol.py")
    assert "hunter2" not in letter.reason + caplog.text + digest.status().last_error


@pytest.mark.parametrize("both_databases", [pytest.param("postgresql", marks=ON_POSTGRESQL)])
def test_when_postgresql_is_gone_everything_waits_and_nothing_is_blamed(
    both_databases, database, app, acme, accepted, digest, waiting, stored
):
    event = error()
    accepted(acme, event)
    with _no_connections_to(app, database.database_url):
        for _ in range(4):
            with pytest.raises(StateDown):
                digest.digest_once()
    assert waiting.depth().rows == 1
    assert waiting.dead(acme.organization_id, acme.id) == []
    digest.drain()
    assert stored(acme).events() == [event["event_id"]]
    assert stored(acme).ledger() == {("event", "stored", ""): 1}


@contextmanager
def _no_connections_to(app: Flask, url: str) -> Iterator[None]:
    name = sql.Identifier(str(make_url(url).database))
    server = postgres.server(shared())
    server.execute(
        sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name),
        sql.SQL("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = {}").format(
            str(make_url(url).database)
        ),
    )
    yield
    server.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


def test_when_the_disk_of_the_state_database_is_full_everything_waits(
    app, acme, accepted, digest, waiting, stored
):
    sent = [error(f"Error{number}", tags={"padding": "x" * 100}) for number in range(200)]
    for event in sent:
        accepted(acme, event)
    with app.app_context():
        engine = db.engine
    engine.dispose()
    with _largest(engine, pages=1), pytest.raises(StateDown):
        digest.digest_once()
    assert waiting.depth().rows == len(sent)
    assert waiting.dead(acme.organization_id, acme.id) == []
    digest.drain()
    assert stored(acme).events() == sorted(event["event_id"] for event in sent)


@contextmanager
def _largest(engine: Engine, *, pages: int) -> Iterator[None]:
    """Let no connection of the engine make its file larger than it is."""

    def limit(connection: Any, _entry: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")  # means: its present size

    listens_for(engine, "connect")(limit)
    yield
    remove(engine, "connect", limit)
    engine.dispose()


def test_one_organizations_broken_telemetry_holds_up_no_other(
    acme, globex, accepted, digest, waiting, stored, instance, monkeypatch
):
    monkeypatch.setattr(pipelines, "_pause", lambda _: 0.0)
    folder = instance / "telemetry"
    folder.mkdir(exist_ok=True)
    broken = folder / f"{acme.organization_id}.duckdb"
    broken.write_bytes(b"this is no database" * 1000)
    mine, theirs = error(), [error() for _ in range(3)]
    accepted(acme, mine)
    for event in theirs:
        accepted(globex, event)
        digest.digest_once()
    assert stored(globex).events() == sorted(event["event_id"] for event in theirs)
    assert digest.status().stalled_organizations == 1
    assert waiting.dead(acme.organization_id, acme.id) == []
    broken.unlink()
    digest.drain()
    assert stored(acme).events() == [mine["event_id"]]
    assert stored(globex).ledger() == {("event", "stored", ""): 3}
    assert (digest.status().stalled_organizations, waiting.depth().rows) == (0, 0)


def test_a_flood_of_refusals_is_one_row_a_second(app, acme, waiting, clock):
    count = Count(acme.id, "event", "refused", "over quota", 1, clock.now())
    refusals = app.extensions[EXTENSION]
    for _ in range(1000):
        refusals.add(acme.organization_id, count)
    refusals.close()
    (row,) = waiting.read()
    assert [count.quantity for count in from_spool(row)] == [1000]


def test_rows_of_a_deleted_project_are_dropped(app, acme, accepted, digest, waiting, inside):
    accepted(acme, error())
    with inside(acme):
        db.session.delete(db.session.get_one(Project, acme.id))
        db.session.commit()
    digest.drain()
    assert waiting.depth().rows == 0
    assert waiting.dead(acme.organization_id, acme.id) == []


def test_rows_of_a_deleted_organization_are_dropped(
    both_databases, app, acme, accepted, digest, waiting
):
    accepted(acme, error())
    with app.app_context():
        assert delete_organization(config(), acme.organization_id)
        digest.drain()
        assert (waiting.depth().rows, waiting.dead_count()) == (0, 0)
        assert telemetry.current().organizations() == []


def test_a_change_of_the_scrubbing_rules_works_at_once(acme, accepted, digest, stored, inside, app):
    accepted(acme, error(extra={"colour": "red"}))
    digest.drain()
    with inside(acme):
        config = db.session.scalars(select(MonitoringConfig)).one()
        config.scrub_keys = ["colour"]
        db.session.commit()
    accepted(acme, error(extra={"colour": "blue"}))
    digest.drain()
    extras = {bodies.unpack(row.body)["extra"]["colour"] for row in stored(acme).rows(error_event)}
    assert extras == {"red", "[Filtered]"}


def test_what_cannot_be_read_is_counted_and_no_dead_letter(acme, accepted, digest, stored, waiting):
    accepted(acme, body=b"{}\n" + b'{"type":"event"}\n{"broken\n')
    accepted(acme, body=b"no envelope at all")
    digest.drain()
    assert stored(acme).ledger() == {
        ("event", "invalid", "undecodable"): 1,
        ("envelope", "invalid", "undecodable"): 1,
    }
    assert waiting.dead(acme.organization_id, acme.id) == []


def test_the_first_event_is_marked(acme, accepted, digest, inside, clock):
    accepted(acme, error())
    digest.drain()
    with inside(acme):
        first = db.session.get_one(Project, acme.id).first_event_at
        assert first is not None
    clock.move(hours=1)
    accepted(acme, error())
    digest.drain()
    with inside(acme):
        assert db.session.get_one(Project, acme.id).first_event_at == first


def test_the_thread_shows_an_event_within_two_seconds(acme, accepted, digest, stored):
    digest.start()
    accepted(acme, error())
    until(stored(acme).issues, "an issue", seconds=2)
    digest.stop()
    assert stored(acme).issues() == {"ValueError: it broke": 1}
    assert digest.alive()


def test_the_digest_notes_what_waits_when_it_ends(acme, accepted, digest, instance):
    """Else a spool that is damaged before the next start is said to have held what it had not."""
    accepted(acme, error())
    digest._note_due = math.inf
    digest.start()
    digest.stop()
    waiting_rows = digest.status().waiting_rows
    assert json.loads((instance / "digest.json").read_bytes())["waiting_rows"] == waiting_rows


def test_the_digest_tells_how_it_is_doing(acme, accepted, digest, clock):
    accepted(acme, error())
    clock.move(seconds=30)
    before = digest.status()
    assert (before.waiting_rows, before.lag_seconds >= 30) == (1, True)
    digest.drain()
    after = digest.status()
    assert (after.waiting_rows, after.lag_seconds, after.records_per_second) == (0, 0.0, 0.1)
