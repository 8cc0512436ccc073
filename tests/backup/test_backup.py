"""Making and checking backups."""

import os
import shutil
import sqlite3
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from console.accounts.models import Organization
from console.backup import copies, making, manifest, notes
from console.backup.copies import BackupFailed, Pace
from console.backup.manifest import Manifest
from console.backup.verification import verify
from console.core.db import db
from console.ingest import pipeline
from console.telemetry import store
from console.telemetry.database import TelemetryUnavailable
from tests.backup.conftest import Sender, hashes
from tests.ingest.conftest import error
from tests.support.waiting import until


def failures(folder, settings):
    return [check.sentence for check in verify(folder, settings)[1] if not check.good]


def test_a_backup_holds_every_store_and_says_what_it_is(filled, acme, backed_up, folder, settings):
    made = backed_up()
    assert made.files.keys() == {
        "state.sqlite",
        "spool.sqlite",
        f"telemetry/{acme.organization_id}.duckdb",
        f"telemetry/{acme.organization_id + 1}.duckdb",
    }
    assert (made.waiting, made.state, made.key_included) == (2, "sqlite", False)
    noted = made.organizations[str(acme.organization_id)]
    assert noted["slug"] == "acme"
    assert noted["state"] >= noted["telemetry"] > 0
    assert settings.secret_key not in (folder / manifest.NAME).read_text()
    assert failures(folder, settings) == []
    assert not folder.with_name("backup.unfinished").exists()
    assert {path.stat().st_mode & 0o077 for path in (folder, folder / "telemetry")} == {0}


def test_verify_changes_not_a_byte(filled, backed_up, folder, settings):
    backed_up()
    before = hashes(folder)
    assert failures(folder, settings) == []
    assert hashes(folder) == before


def test_the_key_is_in_the_backup_where_the_instance_keeps_it(
    filled, app, backed_up, folder, settings, instance
):
    (instance / "secret_key").write_text(f"{settings.secret_key}\n")
    assert backed_up().key_included
    assert (folder / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (
        failures(folder, replace(settings, secret_key="another key, that opens nothing here")) == []
    )


def test_verify_wants_the_key_that_was_kept_apart(filled, backed_up, folder, settings):
    backed_up()
    (said,) = failures(folder, replace(settings, secret_key="k" * 40))
    assert "SECRET_KEY" in said


def flip(path):
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


CHANGES = [
    (lambda f: flip(f / "telemetry" / "1.duckdb"), "SHA-256 differs"),
    (lambda f: flip(f / "state.sqlite"), "SHA-256 differs"),
    (lambda f: (f / "spool.sqlite").unlink(), "is missing"),
    (lambda f: (f / "spool.sqlite").write_bytes(b""), "bytes instead of"),
    (lambda f: (f / "more").write_text("x"), "not a file of this backup"),
    (lambda f: (f / "manifest.json").unlink(), "no complete backup"),
    (lambda f: (f / "unfinished").write_text("x"), "was never finished"),
    (lambda f: (f / "manifest.json").write_text("{"), "damaged"),
    (lambda f: (f / "manifest.json").write_text('{"format": 9}'), "newer Pharos"),
    (lambda f: flip(f / "manifest.json"), "manifest.json"),
]


def test_verify_says_what_is_wrong(filled, backed_up, folder, settings, tmp_path):
    backed_up()
    for number, (change, sentence) in enumerate(CHANGES):
        changed = tmp_path / str(number)
        shutil.copytree(folder, changed)
        change(changed)
        assert any(sentence in said for said in failures(changed, settings)), sentence


def redescribe(folder, old=None, **changes):
    """Write the manifest anew, with hashes of the files as they are now."""
    old = old or Manifest.read(folder)
    files = {
        name: {"size": path.stat().st_size, "sha256": copies.fingerprint(path)}
        for name, path in manifest.listing(folder).items()
    }
    replace(old, files=files, **changes).write(folder)


def test_verify_finds_parts_that_do_not_belong_together(
    filled, acme, accepted, digest, backed_up, folder, settings, tmp_path
):
    """State of an earlier moment than telemetry, with every hash as it should be."""
    backed_up(tmp_path / "early")
    digest.drain()
    accepted(acme, error())
    digest.drain()
    backed_up()
    early = Manifest.read(tmp_path / "early")
    (folder / "state.sqlite").write_bytes((tmp_path / "early" / "state.sqlite").read_bytes())
    organizations = Manifest.read(folder).organizations
    for one in organizations:
        organizations[one]["state"] = early.organizations[one]["state"]
    redescribe(folder, organizations=organizations)
    (said,) = failures(folder, settings)
    assert "do not belong together" in said


NOTED: list[tuple[dict[str, Any], str]] = [
    ({"revision": "9999"}, "state is of revision"),
    ({"waiting": 7}, "the spool has 2 rows"),
    ({"key": "0" * 40}, "another secret key"),
    ({"organizations": {}}, "the manifest None"),
]


def test_verify_compares_the_manifest_with_what_is_there(filled, backed_up, folder, settings):
    made = backed_up()
    for change, sentence in NOTED:
        redescribe(folder, made, **change)
        assert any(sentence in said for said in failures(folder, settings)), sentence


def test_verify_reads_what_hashes_cannot_tell(filled, backed_up, folder, settings):
    """Files that were damaged before they were copied."""
    backed_up()
    flip(folder / "telemetry" / "1.duckdb")
    state = folder / "state.sqlite"
    content = bytearray(state.read_bytes())
    content[-4096:] = os.urandom(4096)
    state.write_bytes(content)
    redescribe(folder)
    said = " ".join(failures(folder, settings))
    assert "1.duckdb" in said
    assert "state.sqlite is damaged" in said


def test_a_folder_that_cannot_take_a_backup_is_refused(
    filled, backed_up, folder, instance, monkeypatch
):
    with pytest.raises(BackupFailed, match="lies in the instance folder"):
        backed_up(instance / "backup")
    folder.mkdir()
    (folder / "mine").write_text("keep")
    with pytest.raises(BackupFailed, match="not empty"):
        backed_up()
    (folder / "mine").unlink()
    monkeypatch.setattr(making, "SPARE_BYTES", 1 << 60)
    with pytest.raises(BackupFailed, match="MB free"):
        backed_up()
    assert [path.name for path in folder.parent.iterdir() if "backup" in path.name] == ["backup"]
    monkeypatch.undo()
    backed_up()
    assert (folder / manifest.NAME).exists(), "an empty folder is taken"


def test_what_an_interrupted_backup_left_is_replaced(filled, backed_up, folder, settings):
    draft = folder.with_name("backup.unfinished")
    draft.mkdir()
    (draft / "precious").write_text("not of a backup")
    with pytest.raises(BackupFailed, match="in the way"):
        backed_up()
    (draft / manifest.UNFINISHED).write_text("the-instance")
    backed_up()
    assert failures(folder, settings) == []
    assert not draft.exists()


def test_a_file_that_cannot_be_read_for_now_fails_the_backup_by_name(
    filled, backed_up, folder, monkeypatch
):
    """What passes (a full disk, memory) is no damage: the next backup holds the file."""

    def full(*_):
        raise TelemetryUnavailable("1.duckdb: No space left on device")

    monkeypatch.setattr(store.TelemetryStore, "_settle", full)
    with pytest.raises(BackupFailed, match=r"1\.duckdb: No space"):
        backed_up()
    assert not folder.exists()


def test_the_digest_waits_for_telemetry_and_accept_does_not(
    filled, app, acme, accepted, digest, folder, monkeypatch
):
    """While telemetry is copied no batch begins; when state and spool are copied, it goes on."""
    reached, go_on = threading.Event(), threading.Event()
    copy_files = copies.copy_files

    def slowly(*arguments):
        reached.set()
        assert go_on.wait(30)
        copy_files(*arguments)

    monkeypatch.setattr(making, "copy_files", slowly)
    digested_in_the_end = []
    save = copies.SqliteSnapshot.save

    def digest_first(self, *arguments):
        digest.drain()
        digested_in_the_end.append(digest.status().waiting_rows)
        save(self, *arguments)

    monkeypatch.setattr(copies.SqliteSnapshot, "save", digest_first)

    def back_up():
        with app.app_context():
            making.make(folder, "it", Pace())

    maker = threading.Thread(target=back_up)
    maker.start()
    assert reached.wait(30)
    digesting = threading.Thread(target=digest.drain)
    digesting.start()
    accepted(acme, error("late"))
    digesting.join(0.3)
    assert digesting.is_alive(), "held back"
    assert "late" not in " ".join(filled.issues())
    go_on.set()
    maker.join(30)
    digesting.join(30)
    assert digested_in_the_end == [0, 0]
    made = Manifest.read(folder)
    assert made.waiting == 3, "as the spool was at its moment, though it is empty by now"


def test_jobs_that_write_telemetry_end_before_a_backup_begins(app, backed_up, folder, monkeypatch):
    monkeypatch.setattr(making, "JOBS_PATIENCE", 0.05)
    with app.app_context():
        with store.current().upkeep.passing(), pytest.raises(BackupFailed, match="did not end"):
            backed_up()
        assert not store.current().upkeep.is_closed
        backed_up()


def test_a_backup_is_given_up_when_the_console_ends(filled, app, folder):
    with app.app_context():
        cancelled = threading.Event()
        cancelled.set()
        with pytest.raises(BackupFailed, match="asked to end"):
            making.make(folder, "it", Pace(cancelled=cancelled))
        assert not pipeline.current().gate.is_closed
    assert not folder.with_name("backup.unfinished").exists()


def test_a_copy_is_no_faster_than_it_may_be(tmp_path):
    (tmp_path / "a").write_bytes(os.urandom(300_000))
    began = time.monotonic()
    copies.copy_files([(tmp_path / "a", tmp_path / "b")], Pace(bytes_per_second=500_000))
    assert time.monotonic() - began > 0.5
    assert (tmp_path / "b").read_bytes() == (tmp_path / "a").read_bytes()
    with pytest.raises(BackupFailed, match="FileExistsError"):
        copies.copy_files([(tmp_path / "a", tmp_path / "b")], Pace())


def test_copying_leaves_the_console_its_lock_on_telemetry(filled, acme, backed_up, instance):
    """Any closed handle of a file gives up all fcntl locks that the process has on it."""

    def locks():
        inode = (instance / "telemetry" / f"{acme.organization_id}.duckdb").stat().st_ino
        return [
            line.split()[1:]
            for line in Path("/proc/locks").read_text().splitlines()
            if f":{inode} " in line
        ]

    filled.events()
    before = locks()
    assert before
    backed_up()
    assert locks() == before


def test_the_note_keeps_the_last_good_backup(filled, app, ordered, folder, instance):
    good = ordered()
    assert (good.error, good.good_folder) == ("", str(folder))
    with pytest.raises(BackupFailed):
        ordered()
    note = notes.read_note(instance)
    assert note is not None
    assert "not empty" in note.error
    assert (note.good_at, note.good_folder) == (good.good_at, str(folder))


def test_people_write_to_state_during_a_backup(filled, app, folder, monkeypatch):
    """An organization that is made while state is copied is not in the copy, and is not lost."""
    save = copies.SqliteSnapshot.save

    def write_first(self, *arguments):
        db.session.add(Organization(slug=f"new-{self._path.stem}", name="New"))
        db.session.commit()
        save(self, *arguments)

    monkeypatch.setattr(copies.SqliteSnapshot, "save", write_first)
    with app.app_context():
        made = making.make(folder, "it", Pace())
        slugs = set(db.session.scalars(db.select(Organization.slug)))
    assert {one["slug"] for one in made.organizations.values()} == {"acme", "globex"}
    assert len(slugs) > 2


def test_everything_acknowledged_before_is_in_a_backup_under_load(
    app, acme, accepted, digest, backed_up, folder, settings
):
    """Its positions fit whatever the digest and the sender did meanwhile."""
    sender = Sender(accepted, acme)
    with app.app_context():
        digest.start()
        sender.start()
        until(lambda: len(sender.acknowledged) >= 50, "50 events that were acknowledged")
        before = list(sender.acknowledged)
        backed_up()
        sender.end()
        digest.stop()
    assert failures(folder, settings) == []
    with sqlite3.connect(folder / "spool.sqlite") as copy:
        (waiting,) = copy.execute("SELECT count(*) FROM waiting").fetchone()
    copy.close()
    assert waiting + len(before) > 50
