"""A telemetry file that is damaged or gone: who is told, who waits, and who is not touched."""

import json
import shutil

import duckdb
import pytest
from sqlalchemy import update

from console import status
from console.backup import soundness
from console.core.config import ConfigError
from console.core.db import db
from console.intake import set_aside
from console.intake.models import Outcome
from console.telemetry import aside, store
from console.telemetry.database import LEAST_MEMORY_MB, Database, TelemetryDamaged
from console.telemetry.schema import versions
from console.uptime.models import Check
from tests.ingest.conftest import accepted, digest, error, stored, waiting

__all__ = ["accepted", "digest", "stored", "waiting"]

NOISE = b"\xff\x00" * 5000


@pytest.fixture
def file_of(app, instance):
    """`file_of(project)` closes all telemetry and gives the path of the organization's file."""

    def closed(project):
        with app.app_context():
            store.current().close()
        return instance / "telemetry" / f"{project.organization_id}.duckdb"

    return closed


@pytest.fixture
def both(acme, globex, accepted, digest):
    """An event of each organization, stored."""
    for project in (acme, globex):
        accepted(project, error())
    digest.drain()


def damage_a_block(path):
    """Change what a block of a file says, so that the file opens and a question fails."""
    content = bytearray(path.read_bytes())
    for at in range(12 << 10, len(content), 50_000):
        content[at + 20_000 : at + 20_100] = b"\xee" * 100
    path.write_bytes(content)


def spoiled(path):
    path.write_bytes(NOISE)


def gone(path):
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "words"), [(spoiled, "does not open"), (gone, "is gone")], ids=["spoiled", "gone"]
)
def test_everybody_concerned_is_told_and_the_others_go_on(
    damage, words, app, both, acme, globex, as_alice, as_eve, client, accepted, digest, file_of,
    stored, inside
):  # fmt: skip
    damage(file_of(acme))
    accepted(acme, error())
    accepted(globex, error())
    digest.drain()
    assert len(stored(globex).events()) == 2, "the other organization is digested"
    assert digest.status().stalled_organizations == 1
    assert digest.status().waiting_rows == 1, "kept until the file is put right"
    volume = as_alice.get("/acme/shop/issues/volume")
    assert (volume.status_code, volume.headers.get("Retry-After")) == (503, None)
    assert words in volume.text
    assert "try again" not in volume.text
    for page in ("issues/", "intake"):
        assert words in as_alice.get(f"/acme/shop/{page}").text
        assert words not in as_eve.get(f"/globex/shop/{page}").text
    for person, holds in ((as_alice, 1), (as_eve, 0)):
        organization = "acme" if holds else "globex"
        guardrails = person.get(f"/{organization}/settings/guardrails").text
        assert guardrails.count(">holds now<") == holds, "the banner leads to what it speaks of"
    answer = client.get("/healthz")
    assert answer.status_code == 200, "no reason to keep everybody out"
    assert answer.text == f"ok\ntelemetry-damaged: organization {acme.organization_id}\n"
    digest._tell()
    with app.app_context():
        told = json.loads((file_of(acme).parents[1] / "digest.json").read_bytes())
        assert [one for one in status._damage(told) if words in one]


def test_a_file_with_a_damaged_block_is_said_as_such_and_buries_no_rows(
    app, both, acme, accepted, digest, file_of, stored, as_alice, waiting
):
    """DuckDB opens it, and raises its most general error when it reads the block."""
    damage_a_block(file_of(acme))
    for _ in range(3):
        accepted(acme, error())
    digest.drain()
    assert waiting.dead_count() == 0
    with app.app_context():
        (damage,) = store.current().damages().values()
    assert damage.complaint in {"has a part that cannot be read", "does not open"}
    assert "aside" in as_alice.get("/acme/shop/issues/").text


def test_a_file_that_is_set_aside_lets_the_digest_go_on_with_a_new_one(
    app, both, acme, accepted, digest, file_of, stored, client, monkeypatch
):
    path = file_of(acme)
    spoiled(path)
    accepted(acme, error())
    digest.drain()
    gone = aside.set_aside(path.parent, acme.organization_id, "20260101T000000Z")
    assert gone.read_bytes() == NOISE
    digest._stalls.clear()
    digest.drain()
    assert len(stored(acme).events()) == 1, "the one that waited"
    assert client.get("/healthz").text == "ok\n"
    with pytest.raises(FileNotFoundError):
        aside.set_aside(path.parent, 99, "20260101T000000Z")


def test_a_file_that_is_set_aside_while_it_is_open_is_left_alone_from_then_on(
    app, both, acme, accepted, digest, stored, instance
):
    assert len(stored(acme).events()) == 1
    gone = aside.set_aside(instance / "telemetry", acme.organization_id, "20260101T000000Z")
    accepted(acme, error())
    digest.drain()
    assert len(stored(acme).events()) == 1
    assert gone.exists()


def test_a_start_knows_whose_file_must_be_there(app, both, acme, globex, settings, file_of, inside):
    path = file_of(acme)
    with app.app_context():
        assert soundness.with_telemetry() == [acme.organization_id, globex.organization_id]
    with inside(globex):
        db.session.execute(update(Outcome).values(outcome="ignored"))
        db.session.commit()
    path.unlink()
    fresh = store.TelemetryStore(path.parent, 96, 4)
    with app.app_context():
        fresh.expect(soundness.with_telemetry())
    assert list(fresh.damages()) == [acme.organization_id]
    fresh.close()


def test_an_organization_that_has_only_checks_must_have_its_file_too(app, acme, inside, clock):
    """Its file could be gone, and a new one took its place in silence."""
    with inside(acme):
        check = Check(project_id=acme.id, slug="shop", name="Shop")
        db.session.add(check)
        db.session.commit()
        check_id = check.id
    with app.app_context():
        assert soundness.with_telemetry() == [], "it was not looked at yet"
    with inside(acme):
        db.session.get_one(Check, check_id).last_at = clock.now()
        db.session.commit()
    with app.app_context():
        assert soundness.with_telemetry() == [acme.organization_id]


def test_files_are_looked_at_after_a_start(app, both, acme, file_of):
    spoiled(file_of(acme))
    with app.app_context():
        fresh = store.TelemetryStore(file_of(acme).parent, 96, 4)
    fresh.start_looking()
    assert fresh._looker is not None
    fresh._looker.join()
    fresh.stop_looking()
    assert list(fresh.damages()) == [acme.organization_id]
    fresh.close()


def test_a_damaged_state_database_refuses_the_start_in_a_sentence(app, both, settings, instance):
    state = instance / "state.sqlite"
    with app.app_context():
        db.engine.dispose()
    whole = state.read_bytes()
    state.with_name("state.sqlite-wal").unlink(missing_ok=True)
    for damaged in (b"\xff" * 5000, whole[: len(whole) // 2 + 300]):
        state.write_bytes(damaged)
        with pytest.raises(ConfigError, match=r"state\.sqlite is damaged .*pharos restore FOLDER"):
            soundness.check(settings, instance / "spool.sqlite")
    state.unlink()
    with pytest.raises(ConfigError, match=r"is gone, and telemetry of 2 organizations"):
        soundness.check(settings, instance / "spool.sqlite")
    shutil.rmtree(instance / "telemetry")
    soundness.check(settings, instance / "spool.sqlite")


def test_a_start_sets_a_damaged_spool_aside(settings, instance, database):
    (instance / "spool.sqlite").write_bytes(NOISE)
    soundness.check(settings, instance / "spool.sqlite")
    assert len(set_aside.reports(instance)) == 1


def test_a_file_without_rights_is_said_and_does_not_wait_for_better_times(tmp_path, monkeypatch):
    """Nothing said so but the log, and every backup failed."""

    def refuse(*_, **__):
        raise duckdb.IOException('IO Error: Cannot open file "1.duckdb": Permission denied')

    monkeypatch.setattr(duckdb, "connect", refuse)
    with pytest.raises(TelemetryDamaged, match="Permission denied"):
        Database(tmp_path / "1.duckdb", 1, LEAST_MEMORY_MB)


@pytest.mark.parametrize("head", [b"\xee" * 4096, bytes(4096)])
def test_a_log_whose_beginning_is_lost_is_said_and_not_left_out(tmp_path, head):
    """DuckDB opens the file without it: what was acknowledged and stored last was gone."""
    path = tmp_path / "1.duckdb"
    database = Database(path, 1, LEAST_MEMORY_MB)
    log = path.with_name("1.duckdb.wal")
    content = log.read_bytes()
    database.close()
    log.write_bytes(head + content[len(head) :])
    with pytest.raises(TelemetryDamaged, match="does not begin as DuckDB's log does"):
        Database(path, 1, LEAST_MEMORY_MB)
    for torn in (b"", content[:3]):  # as a process leaves it that was killed
        log.write_bytes(torn)
        Database(path, 1, LEAST_MEMORY_MB).close()


def test_a_file_that_cannot_be_brought_up_to_date_is_let_go(tmp_path, monkeypatch):
    """An upgrade without enough memory had the file called damaged until the console ended."""
    path = tmp_path / "1.duckdb"
    with monkeypatch.context() as failing:
        failing.setattr(versions, "bring_up_to_date", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError) as kept:
            Database(path, 1, LEAST_MEMORY_MB)
    Database(path, 1, LEAST_MEMORY_MB).close()
    assert str(kept.value) == "division by zero"
