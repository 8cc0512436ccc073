"""Putting a backup back: whole or not at all, whatever happens on the way."""

import json
import shutil
import sqlite3
from dataclasses import replace

import pytest
from sqlalchemy import select

from console.app import create_app
from console.backup import restoration
from console.backup.copies import BackupFailed
from console.core.config import ConfigError
from console.core.db import db
from console.core.instances import alone
from console.core.leases import Lease
from console.ingest import pipeline
from tests.backup.conftest import hashes
from tests.backup.interrupted import KILLED, restore_and_die, settle_and_die, unverified
from tests.ingest.conftest import Stored, error
from tests.support import consoles
from tests.support.forks import FORKS

MOST_STEPS = 40


@pytest.fixture
def closed(app, filled):
    """Close the app's files, as at the end of the console."""

    def close():
        with app.app_context():
            consoles.close(app)

    return close


def content(instance):
    """What an instance holds, but for notes and locks."""
    kept = ("state.sqlite", "spool.sqlite", "secret_key", "telemetry/")
    return {name: one for name, one in hashes(instance).items() if name.startswith(kept)}


def run(target, *arguments):
    """The exit code of a function in a process of its own."""
    process = FORKS.Process(target=target, args=arguments)
    process.start()
    process.join(60)
    return process.exitcode


def test_a_restored_instance_goes_on_where_the_backup_was_made(
    filled, acme, globex, accepted, digest, backed_up, closed, folder, settings, tmp_path
):
    """In a fresh folder: the rows that waited are digested there, each event counted once."""
    backed_up()
    before = filled.events()
    accepted(acme, error("Later"))
    digest.drain()
    fresh = replace(settings, instance=tmp_path / "fresh")
    checks, done = restoration.restore(folder, fresh)
    assert all(check.good for check in checks)
    assert done is not None
    assert done.aside == []
    app = create_app(fresh)
    try:
        with app.app_context():
            assert set(db.session.scalars(select(Lease.holder))) <= {""}
            db.session.remove()
            pipeline.current().drain()
        there = Stored(app, acme)
        assert len(there.events()) == len(set(there.events())) == len(before) + 1
        assert there.issues() == {"A: it broke": 3, "B: it broke": 1}
        assert sum(Stored(app, globex).issues().values()) == 2
    finally:
        consoles.close(app)


def test_what_was_there_is_set_aside(filled, backed_up, closed, folder, settings, instance):
    backed_up()
    closed()
    old = content(instance)
    (instance / "spool.sqlite-wal").write_bytes(b"a log that belongs to the old file")
    _, done = restoration.restore(folder, settings)
    assert done is not None
    (aside,) = done.aside
    assert aside.parent == instance.resolve()
    assert {**hashes(aside)}.items() >= old.items()
    assert not (instance / "spool.sqlite-wal").exists()
    assert not list(instance.glob("restoring-*"))


def test_nothing_is_touched_for_a_bad_backup(filled, backed_up, closed, folder, settings, instance):
    backed_up()
    closed()
    (folder / "spool.sqlite").write_bytes(b"")
    before = hashes(instance)
    checks, done = restoration.restore(folder, settings)
    assert done is None
    assert not all(check.good for check in checks)
    assert {**hashes(instance), "lock": ""} == {**before, "lock": ""}


def test_a_restore_that_does_not_fit_is_refused(
    filled, backed_up, closed, folder, settings, instance
):
    backed_up()
    closed()
    postgresql = replace(settings, database_url="postgresql://a@127.0.0.1:1/b")
    with pytest.raises(BackupFailed, match="is sqlite, and DATABASE_URL names postgresql"):
        restoration.restore(folder, postgresql)
    with alone(instance), pytest.raises(BackupFailed, match="stop it first"):
        restoration.restore(folder, settings)
    (instance / "secret_key").write_text(settings.secret_key)
    shutil.rmtree(folder)
    backed_up()
    with pytest.raises(BackupFailed, match="SECRET_KEY is set, and is not the key"):
        restoration.restore(folder, replace(settings, secret_key="n" * 40))


def test_a_step_that_fails_leaves_everything_as_it_was(
    filled, backed_up, closed, folder, settings, instance, monkeypatch
):
    backed_up()
    closed()
    before, failed = content(instance), 0
    monkeypatch.setattr(restoration, "verify", unverified)
    for fails_at in range(1, MOST_STEPS):
        steps = iter(range(1, MOST_STEPS))

        def fail(name, steps=steps, fails_at=fails_at):
            if next(steps) == fails_at and name != "finish":
                raise OSError(28, "No space left on device")

        monkeypatch.setattr(restoration, "step", fail)
        try:
            restoration.restore(folder, settings)
        except BackupFailed:
            failed += 1
            assert content(instance) == before
            assert not list(instance.glob("re*-*"))
            assert not list(instance.glob("before-*"))
        else:
            break
    assert failed > 8
    assert content(instance) != before


def test_a_restore_that_is_killed_is_finished_or_undone_by_whoever_comes_next(
    filled, accepted, digest, acme, backed_up, closed, folder, settings, instance, tmp_path
):
    """At every step; and the undoing as well, killed at every step of its own."""
    backed_up()
    accepted(acme, error("Later"))
    digest.drain()
    closed()
    old, pristine = content(instance), tmp_path / "pristine"
    shutil.copytree(instance, pristine)
    outcomes = []
    for at in range(1, MOST_STEPS):
        shutil.rmtree(instance)
        shutil.copytree(pristine, instance)
        if run(restore_and_die, folder, settings, at) != KILLED:
            break
        journal = instance / "restore.json"
        in_place = journal.exists() and json.loads(journal.read_bytes())["in_place"]
        if journal.exists():
            with pytest.raises(ConfigError, match="interrupted"):
                settings.prepared()
            if in_place or at % 4 == 0:
                run(settle_and_die, instance, 1 if in_place else at % 3 + 1)
        outcomes.append((in_place, restoration.settle_alone(instance)))
        assert (content(instance) == old) != in_place
        assert not journal.exists()
    assert content(instance) != old
    assert len(outcomes) > 8
    assert {"", restoration.UNDONE, restoration.FINISHED} == {said for _, said in outcomes}


def test_state_anywhere_else_is_restored_there(
    filled, app, backed_up, closed, folder, settings, tmp_path
):
    backed_up()
    closed()
    elsewhere = tmp_path / "elsewhere" / "console.db"
    elsewhere.parent.mkdir()
    fresh = replace(settings, instance=tmp_path / "fresh", database_url=f"sqlite:///{elsewhere}")
    _, done = restoration.restore(folder, fresh)
    assert done is not None
    with sqlite3.connect(elsewhere) as db_there:
        assert db_there.execute("SELECT count(*) FROM organization").fetchone() == (2,)
    db_there.close()
    assert [path.name for path in elsewhere.parent.iterdir()] == ["console.db"]
