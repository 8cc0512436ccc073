"""Damage to one organization's telemetry keeps no other's out of a backup, and is said."""

import pytest

from console.backup.copies import BackupFailed
from console.backup.manifest import Manifest
from console.cli.backups import INCOMPLETE
from console.core.instances import JOURNAL
from console.telemetry import store
from tests.backup.test_restore import closed
from tests.backup.test_schedule import names, scheduled
from tests.telemetry.test_damage import damage_a_block
from tests.test_cli import says

__all__ = ["closed", "says", "scheduled"]


@pytest.fixture
def acmes(filled, closed, instance, acme):
    """The telemetry file of acme, whose console has ended."""
    closed()
    return instance / "telemetry" / f"{acme.organization_id}.duckdb"


DAMAGES = [
    (lambda path: path.write_bytes(b"\xff" * 9000), "not a valid DuckDB database"),
    (damage_a_block, "1.duckdb"),
    (lambda path: (path.unlink(), path.mkdir()), "it is no file that may be read"),
    (lambda path: path.unlink(), "is gone"),
]


@pytest.mark.parametrize(("damage", "words"), DAMAGES)
def test_a_backup_holds_the_rest_and_says_what_it_lacks(
    says, acmes, acme, globex, folder, damage, words
):
    damage(acmes)
    made = says("backup", str(folder))
    assert made.code == INCOMPLETE
    assert f"NOT WHOLE: the telemetry of acme is not in it ({acmes.name}" in made.err
    assert words in made.err
    described = Manifest.read(folder)
    assert list(described.missing) == [str(acme.organization_id)]
    assert f"telemetry/{globex.organization_id}.duckdb" in described.files
    assert f"telemetry/{acmes.name}" not in described.files
    checked = says("backup", "verify", str(folder))
    assert (checked.code, "BAD" in checked.err) == (INCOMPLETE, False)
    assert "the telemetry of acme is not in it" in checked.err
    assert "NOT WHOLE" in says("status").out


def test_an_older_pharos_refuses_what_lacks_something(backed_up, acmes, folder, monkeypatch):
    acmes.write_bytes(b"\xff" * 9000)
    backed_up()
    monkeypatch.setattr("console.backup.manifest.FORMAT", 1)
    with pytest.raises(BackupFailed, match="newer Pharos"):
        Manifest.read(folder)


def test_a_restore_of_it_has_to_be_wanted_and_begins_the_file_anew(says, acmes, acme, folder, app):
    acmes.write_bytes(b"\xff" * 9000)
    says("backup", str(folder))
    before = acmes.read_bytes()
    refused = says("restore", str(folder))
    assert refused.code == 1
    assert "nothing was touched: the telemetry of acme is not in it" in refused.err
    assert "--incomplete" in refused.err
    assert acmes.read_bytes() == before
    done = says("restore", str(folder), "--incomplete")
    assert (done.code, "Begun anew, because the telemetry of acme" in done.out) == (0, True)
    assert not acmes.exists()
    with app.app_context():
        store.current().expect([acme.organization_id])
        assert store.current().position(acme.organization_id) == 0, "it goes on with a new file"


def test_the_newest_whole_backup_outlives_those_that_lack_something(
    scheduled, folder, clock, app, acmes
):
    whole = acmes.read_bytes()
    scheduled()
    (first,) = names(folder)
    acmes.write_bytes(b"\xff" * 9000)
    for _ in range(4):
        clock.move(seconds=24 * 3600)
        assert "NOT WHOLE" in scheduled()
    assert len(names(folder)) == 3
    assert first in names(folder)
    acmes.write_bytes(whole)
    with app.app_context():
        store.current()._damages.clear()  # as by a restart
    clock.move(seconds=24 * 3600)
    scheduled()
    assert len(names(folder)) == 2
    assert first not in names(folder)


def test_the_note_goes_on_to_name_the_last_whole_backup(ordered, acmes, folder):
    whole = ordered()
    acmes.write_bytes(b"\xff" * 9000)
    note = ordered(folder.with_name("second"))
    assert "the telemetry of acme is not in it" in note.lacks
    assert (note.good_at, note.good_folder) == (whole.good_at, str(folder))


def test_a_file_beside_the_telemetry_files_is_nobodys(acmes, ordered, instance):
    (instance / "telemetry" / "copy-of-1.duckdb").write_bytes(b"x")
    assert ordered().error == ""


@pytest.mark.parametrize("content", [b"", b'{"moves": 1', b'{"moves": [{}]}', b"[]"])
def test_a_journal_that_cannot_be_read_is_said(says, instance, database, content):
    (instance / JOURNAL).write_bytes(content)
    refused = says("serve", "--port", "0")
    assert refused.code == 1
    assert "cannot be read" in refused.err
    assert "move it back by hand" in refused.err
