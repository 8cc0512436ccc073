"""Scheduled backups: made when due, checked, and never at the cost of a good one."""

from dataclasses import replace

import pytest

from console.backup import making, notes, orders, schedule
from console.backup.copies import BackupFailed
from console.backup.verification import Check
from console.core import config as configuration
from console.core.instances import identity


@pytest.fixture
def scheduled(app, filled, folder, monkeypatch):
    """`scheduled()` runs the job, with two backups kept in `folder`, one each day."""
    settings = app.extensions[configuration.EXTENSION]
    changed = replace(settings, backup_dir=str(folder), backup_keep=2)
    monkeypatch.setitem(app.extensions, configuration.EXTENSION, changed)

    def run():
        with app.app_context():
            return schedule.back_up()

    return run


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_is_made_when_it_is_due_and_so_many_are_kept(scheduled, folder, clock):
    scheduled()
    (first,) = names(folder)
    clock.move(seconds=23 * 3600)
    assert "the latest is of" in scheduled()
    assert names(folder) == [first]
    for _ in range(2):
        clock.move(seconds=24 * 3600)
        scheduled()
    assert len(names(folder)) == 2
    assert first not in names(folder)


def test_backups_of_a_clock_that_was_ahead_keep_none_from_being_made(scheduled, folder, clock):
    clock.jump(days=400)
    scheduled()
    (ahead,) = names(folder)
    clock.jump(days=-400)
    for kept in (2, 2):
        scheduled()
        clock.move(seconds=24 * 3600)
        assert len(names(folder)) == kept
    assert ahead not in names(folder)


def test_nothing_is_deleted_that_it_did_not_make(scheduled, backed_up, folder, instance, clock):
    folder.mkdir()
    for name in ("pharos-20200101T000000Z", "notes", "pharos-20200102T000000Z.unfinished"):
        (folder / name).mkdir()
        (folder / name / "mine").write_text("keep")
    backed_up(folder / "pharos-20200103T000000Z", scheduled=True)  # of another instance
    backed_up(folder / "pharos-20200104T000000Z")  # by hand
    mine = folder / "pharos-20200105T000000Z.unfinished"
    mine.mkdir()
    (mine / "unfinished").write_text(identity(instance))
    others = {name for name in names(folder) if name != mine.name}
    for _ in range(4):
        scheduled()
        clock.move(seconds=24 * 3600)
    assert others <= set(names(folder))
    assert len(names(folder)) == len(others) + 2


def test_a_failure_deletes_nothing_and_is_noted(
    scheduled, app, folder, clock, instance, monkeypatch
):
    for _ in range(2):
        scheduled()
        clock.move(seconds=24 * 3600)
    good = names(folder)
    monkeypatch.setattr(orders, "verify", lambda *_: (None, [Check(good=False, sentence="torn")]))
    with pytest.raises(BackupFailed, match="not good: torn"):
        scheduled()
    monkeypatch.setattr(making, "SPARE_BYTES", 1 << 60)
    with pytest.raises(BackupFailed, match="MB free"):
        scheduled()
    assert names(folder) == good
    note = notes.read_note(instance)
    assert note is not None
    assert "MB free" in note.error
    assert note.good_folder == str(folder / good[-1])


def test_without_a_folder_there_are_none(app):
    with app.app_context():
        assert "none are scheduled" in schedule.back_up()
