"""What is acknowledged stays, what is not leaves nothing: after kill -9 and on a full disk."""

import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import sleep

import pytest
from sqlalchemy import func, select

from console.telemetry.database import TelemetryUnavailable
from console.telemetry.store import TelemetryStore
from console.telemetry.tables import error_event, error_group, error_period, span
from tests.telemetry import samples
from tests.telemetry.writer import PER_POSITION, batch

ROOT = Path(__file__).parents[2]
ROUNDS = 3


def killed_writer(folder: Path, start: int, seconds: float) -> int:
    """Let a writer run for a while after its first commit, kill it; the last position it told."""
    program = [sys.executable, "-m", "tests.telemetry.writer", str(folder), str(start)]
    with subprocess.Popen(program, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        sleep(seconds)
        process.kill()
        told = [first, *process.stdout.read().splitlines()]
    return max(int(line) for line in told if line.strip())


def rows_by_position(store: TelemetryStore) -> dict[str, list[tuple[int, int]]]:
    with store.using(1) as database, database.transaction() as connection:
        return {
            table.name: [
                (row[0], row[1])
                for row in connection.execute(
                    select(table.c.position, func.count()).group_by("position").order_by("position")
                )
            ]
            for table in (error_event, span)
        }


def copy_all_by_hash(folder: Path) -> None:
    """Make every event of the writer a late one, which is copied by hash as it comes."""
    store = TelemetryStore(folder, memory_mb=96, open_limit=1)
    with store.using(1) as database, database.transaction() as connection:
        whole = {"timestamp": samples.hour(-24), "until": samples.hour(24)}
        mine = {"organization_id": 1, "project_id": 1}
        connection.execute(error_period.insert().values(**mine, **whole))
    store.close()


def copied(store: TelemetryStore) -> int:
    """How many events the copies by hash have."""
    with store.using(1) as database, database.transaction() as connection:
        return connection.scalar(select(func.sum(func.len(error_group.c.times)))) or 0


def test_kill_9_amid_writes_loses_nothing_and_doubles_nothing(folder):
    chance = random.Random(3)
    position = 0
    copy_all_by_hash(folder)
    for _ in range(ROUNDS):
        told = killed_writer(folder, position + 1, chance.uniform(0.0, 0.4))
        store = TelemetryStore(folder, memory_mb=96, open_limit=1)
        position = store.position(1)
        assert position >= told
        for again in (max(1, position - 1), position):  # what the spool replays changes nothing
            assert len(store.write(1, batch(again), again).of("spans")) == PER_POSITION
        expected = [(one, PER_POSITION) for one in range(1, position + 1)]
        assert rows_by_position(store) == {"error_event": expected, "span": expected}
        assert copied(store) == position * PER_POSITION
        store.close()


@pytest.fixture
def disk_of_one_megabyte() -> Iterator[Callable[[], None]]:
    """No file of this process may grow beyond, which fails as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def written_before_refusal(store: TelemetryStore) -> int:
    for position in range(1, 200):
        try:
            store.write(1, batch(position), position)
        except TelemetryUnavailable:
            return position - 1
    raise AssertionError("the disk was never full")


def test_a_full_disk_is_an_error_to_retry(store, disk_of_one_megabyte):
    written = written_before_refusal(store)
    assert written > 3
    disk_of_one_megabyte()
    for position in range(written + 1, written + 4):
        assert len(store.write(1, batch(position), position).of("errors")) == PER_POSITION
    expected = [(one, PER_POSITION) for one in range(1, written + 4)]
    assert rows_by_position(store) == {"error_event": expected, "span": expected}
