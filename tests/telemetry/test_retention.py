"""What retention deletes, what it leaves, and what is then left on the disk."""

import os
from collections.abc import Sequence
from datetime import datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from console.telemetry import errors, retention, spans
from console.telemetry.database import TelemetryUnavailable
from console.telemetry.records import Batch, ErrorEvent
from console.telemetry.retention import Keep
from tests.telemetry.samples import HASH, NOON, error, errors_in, hour, scope, span

PLENTY = 1000


@pytest.fixture(autouse=True)
def noon(clock):
    clock.set(NOON)


def titles(project_id: int = 1) -> list[str]:
    ever = scope(project_id=project_id, since=hour(-24 * 400), until=hour(24))
    return [one.title for one in errors.events_of(ever, [HASH])]


def days_old(*days: int, project_id: int = 1, **fields) -> Sequence[ErrorEvent]:
    return [error(at=hour(-24 * d), title=f"{d}", project_id=project_id, **fields) for d in days]


def test_what_is_too_old_goes_project_by_project(asking):
    events = [*days_old(1, 29, 31, 99), *days_old(31, 99, project_id=2)]
    old = span(at=hour(-24 * 31), trace_id="d" * 32)
    asking.write(1, Batch(errors=events, spans=[old]), position=1)
    assert retention.apply(1, {1: Keep(30, PLENTY), 2: Keep(90, PLENTY)}).deleted == 4
    assert (titles(1), titles(2)) == (["1", "29"], ["31"])
    assert spans.trace(scope(since=hour(-24 * 400)), "d" * 32).spans == []


def test_what_is_too_much_goes_oldest_first(asking):
    events = days_old(1, 2, 3, 4, 5, body=os.urandom(400_000))
    asking.write(1, Batch(errors=events), position=1)
    assert retention.apply(1, {1: Keep(90, 1)}).deleted == 3
    assert titles() == ["1", "2"]


def test_projects_that_are_gone_are_erased(asking):
    asking.write(1, Batch(errors=[*days_old(1), *days_old(1, project_id=2)]), position=1)
    assert retention.apply(1, {1: Keep(90, PLENTY)}).deleted == 1
    assert (titles(1), titles(2)) == (["1"], [])


def test_a_project_that_was_made_just_now_is_not_gone(asking):
    asking.write(1, Batch(errors=[error(at=NOON, title="first")]), position=1)
    assert retention.apply(1, {}).deleted == 0
    assert titles() == ["first"]


def test_an_erased_project_is_not_in_the_file(asking, folder):
    secret, kept = "a-very-particular-title", "another-particular-title"
    events = [error(title=secret), error(project_id=2, title=kept)]
    asking.write(1, Batch(errors=events), position=1)
    retention.erase_project(asking, 1, 1)
    asking.close()
    on_disk = b"".join(path.read_bytes() for path in folder.iterdir())
    assert secret.encode() not in on_disk
    assert kept.encode() in on_disk
    assert asking.write(1, Batch(errors=[error(position=2, title="new")]), position=2).of("errors")
    assert titles(1) == ["new"]


def words(folder) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


def scattered(asking, secret: str, events: int = 9000) -> None:
    """Old events that say the secret among new ones, in the same row groups; a third of all."""
    for position in range(1, 4):
        own = (f"{secret}-{os.urandom(40).hex()}", f"kept-{os.urandom(40).hex()}")
        batch = [
            error(number * 3 + position, at=hour(-24 * 40 if old else -1), title=own[not old])
            for number in range(events // 3)
            for old in [number % 3 == 0]
        ]
        asking.write(1, Batch(errors=batch), position=position)
        with asking.using(1) as database:
            database.checkpoint()


def test_what_was_deleted_beside_newer_rows_is_not_in_the_file_next_day(asking, folder):
    scattered(asking, "a-very-particular-title")
    assert retention.apply(1, {1: Keep(30, PLENTY)}).deleted == 3000
    assert b"a-very-particular" in words(folder)  # DuckDB leaves it in the row group
    assert retention.tidy(1) == 1
    asking.close()
    assert b"a-very-particular" not in words(folder)
    assert [path.name for path in folder.iterdir()] == ["1.duckdb"]
    assert errors_in(scope(since=hour(-24 * 400))) == 6000
    assert asking.write(1, Batch(errors=[error(99, title="new")]), position=99).of("errors")


def test_an_erased_project_is_not_on_freed_blocks(asking, folder):
    scattered(asking, "a-very-particular-title")
    kept = error(9, project_id=2, title="another-particular-title")
    asking.write(1, Batch(errors=[kept]), position=9)
    retention.erase_project(asking, 1, 1)
    asking.close()
    assert b"a-very-particular" not in words(folder)
    assert b"another-particular" in words(folder)


def test_what_an_attempt_left_is_discarded_and_one_that_fails_changes_nothing(asking, folder):
    scattered(asking, "a-very-particular-title", events=30)
    asking.close()
    left = folder / "1.duckdb.renewed"
    left.write_bytes(b"half a file")
    assert asking.renew(1)
    assert not left.exists()
    asking.close()
    whole = (folder / "1.duckdb").read_bytes()
    (folder / "1.duckdb").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TelemetryUnavailable):
        asking.renew(1)
    assert (folder / "1.duckdb").read_bytes() == whole[: len(whole) // 2]
    assert not left.exists()


def test_a_file_that_is_in_use_or_has_no_room_beside_it_is_renewed_later(
    asking, folder, monkeypatch
):
    scattered(asking, "a-very-particular-title", events=30)
    before = (folder / "1.duckdb").stat().st_ino
    with asking.using(1):
        assert not asking.renew(1, patience=0.1)
    with monkeypatch.context() as full:
        full.setattr("shutil.disk_usage", lambda _folder: SimpleNamespace(free=64_000_000))
        assert not asking.renew(1)
    assert (folder / "1.duckdb").stat().st_ino == before
    assert asking.renew(1)
    assert (folder / "1.duckdb").stat().st_ino != before
    assert errors_in(scope(since=hour(-24 * 400))) == 30


def test_space_of_what_was_deleted_is_used_again(asking, folder):
    def write_a_megabyte(position: int, at: datetime) -> int:
        events = [error(position, at=at, body=os.urandom(20_000)) for _ in range(50)]
        asking.write(1, Batch(errors=events), position)
        with asking.using(1) as database:
            database.checkpoint()
        size: int = (folder / "1.duckdb").stat().st_size
        return size

    full = max(write_a_megabyte(position, hour(-24 * 40)) for position in (1, 2, 3))
    assert retention.apply(1, {1: Keep(30, PLENTY)}).deleted == 150
    again = max(write_a_megabyte(position, NOON) for position in (4, 5, 6))
    assert again < 1.5 * full  # the space comes back with the next checkpoint


def test_tidying_merges_what_many_checkpoints_left(asking):
    def row_groups() -> int:
        groups = text("SELECT count(DISTINCT row_group_id) FROM pragma_storage_info('error_event')")
        with asking.using(1) as database, database.transaction() as connection:
            return connection.scalar(groups) or 0

    for position in range(1, 6):
        asking.write(1, Batch(errors=[error(position)]), position)
        with asking.using(1) as database:
            database.checkpoint()
    assert row_groups() == 5
    assert retention.tidy(1) == 1
    assert row_groups() == 1
    assert errors_in(scope()) == 5


def test_an_organization_without_telemetry_gets_no_file(asking, folder):
    assert retention.apply(7, {1: Keep(1, 1)}).deleted == 0
    assert not (folder / "7.duckdb").exists()


def test_deleting_an_organization_removes_its_file_alone(asking, folder):
    asking.write(1, Batch(errors=[error()]), position=1)
    asking.write(2, Batch(errors=[error(organization_id=2)]), position=1)
    asking.delete_organization(1)
    assert asking.organizations() == [2]
    assert not list(folder.glob("1.*"))
    assert errors_in(scope(organization_id=2)) == 1
