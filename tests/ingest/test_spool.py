import asyncio
import os
import sqlite3
import threading
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from console.core.loops import finished
from console.core.wakes import wakes_of
from console.ingest import dead_letters
from console.ingest.spool import Spool, SpoolRow, SpoolUnavailable
from tests.support.forks import FORKS
from tests.support.waiting import until

KEY = "k" * 40
AT = datetime(2026, 11, 23, 18, 20, 0, 123456, tzinfo=UTC)
SENTINEL = b"hunter2-in-plain-text"


def row(body: bytes = b"{}", *, project: int = 7, **more: Any) -> SpoolRow:
    values: dict[str, Any] = {
        "organization_id": 1,
        "project_id": project,
        "key_id": 3,
        "received_at": AT,
    }
    values |= {"kind": "sentry.envelope", "body": body} | more
    return SpoolRow(**values)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite"


@pytest.fixture
def spool(path):
    spool = Spool(path, max_mb=8, secret_keys=(KEY,))
    yield spool
    spool.close()


def test_a_row_comes_back_as_it_was_given(spool):
    given = row(os.urandom(9000), encoding="br", header={"items": "event", "client": "py"})
    position = spool.append(given)
    assert spool.read() == [replace(given, position=position)]


def test_positions_increase_also_across_a_restart_and_after_forgetting(spool, path):
    first = spool.append(row())
    second = spool.append(row())
    spool.forget({1: second})
    spool.close()
    again = Spool(path, max_mb=8, secret_keys=(KEY,))
    third = again.append(row())
    again.close()
    assert first < second < third


def test_a_lost_spool_does_not_give_positions_a_second_time(spool, path):
    """The stores skip positions that they have applied: a row that got one would vanish."""
    before = [spool.append(row()) for _ in range(50)]
    spool.close()
    for file in path.parent.iterdir():
        file.unlink()
    assert spool.append(row()) > before[-1]


def test_reads_go_on_where_digest_stopped_within_both_limits(spool):
    positions = [spool.append(row(bytes(1000))) for _ in range(10)]
    assert [r.position for r in spool.read(positions[2], limit_rows=3)] == positions[3:6]
    assert len(spool.read(limit_bytes=2500)) == 2
    assert len(spool.read(limit_bytes=1)) == 1, "a row larger than the limit must not block"


def test_threads_share_commits_and_each_gets_its_own_position(spool):
    rows: dict[int, bytes] = {}
    gate = threading.Barrier(8)

    def append(number: int) -> None:
        gate.wait()
        for turn in range(25):
            body = b"%d/%d" % (number, turn)
            rows[spool.append(row(body))] = body

    threads = [threading.Thread(target=append, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {r.position: r.body for r in spool.read()} == rows
    assert len(rows) == 200


def test_an_acknowledged_row_is_on_disk_and_a_waiting_one_is_not_acknowledged(spool, path):
    """The committer's statement, seen by another connection, comes before append returns."""
    spool.append(row())
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    acknowledged = threading.Event()

    def append() -> None:
        spool.append(row(b"late"))
        acknowledged.set()

    late = threading.Thread(target=append)
    late.start()
    assert not acknowledged.wait(0.3)
    assert blocker.execute("SELECT count(*) FROM waiting").fetchone() == (1,)
    blocker.execute("ROLLBACK")
    assert acknowledged.wait(5)
    assert blocker.execute("SELECT count(*) FROM waiting").fetchone() == (2,)
    blocker.close()
    late.join()


def test_appends_are_committed_with_a_sync_for_each_commit(spool):
    """Power loss cannot be made here; FULL is what survives it (sqlite.org/pragma, synchronous)."""
    spool.append(row())
    connection = spool._committer._connection
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_a_loop_goes_on_while_its_rows_become_durable(spool, path):
    async def appended():
        blocker = sqlite3.connect(path, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        rows = asyncio.gather(*(spool.append_meanwhile(row()) for _ in range(3)))
        await asyncio.sleep(0.05)  # the loop is free: this ends although no row can be written
        assert not rows.done()
        blocker.execute("ROLLBACK")
        blocker.close()
        return await rows

    spool.append(row())
    positions = finished(appended())
    assert positions == sorted(set(positions))
    assert [one.position for one in spool.read()][1:] == positions


def test_rows_that_come_together_wake_the_loop_once(monkeypatch):
    made: list[int] = []
    wakes = 0

    async def main():
        loop = asyncio.get_running_loop()
        real = loop.call_soon_threadsafe

        def counted(call):
            nonlocal wakes
            wakes += 1
            return real(call)

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        for number in range(5):
            wakes_of(loop).post(partial(made.append, number))
        await asyncio.sleep(0)
        assert (made, wakes) == ([0, 1, 2, 3, 4], 1)
        wakes_of(loop).post(partial(made.append, 5))
        await asyncio.sleep(0)
        assert (made[-1], wakes) == (5, 2)

    finished(main())


def test_digest_gives_way_to_several_appenders_unless_it_is_short_of_time(spool, path, monkeypatch):
    clock = SimpleNamespace(wall=0.0, spent=0.0, slept=[])
    clock.monotonic, clock.thread_time = lambda: clock.wall, lambda: clock.spent
    clock.sleep = clock.slept.append
    monkeypatch.setattr("console.ingest.courtesy.time", clock)

    def pause_after_a_row(*, wall: float, spent: float) -> list[float]:
        clock.wall, clock.spent = clock.wall + wall, clock.spent + spent
        clock.slept.clear()
        spool.courtesy.give_way()
        return list(clock.slept)

    spool.append(row())
    assert pause_after_a_row(wall=0.003, spent=0.002) == []
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    appenders = [threading.Thread(target=spool.append, args=(row(),)) for _ in range(2)]
    for appender in appenders:
        appender.start()
    until(lambda: len(spool.courtesy._waiting) == 2, "two appenders that wait")
    assert pause_after_a_row(wall=0.003, spent=0.002) == [pytest.approx(0.0028)]
    assert pause_after_a_row(wall=0.03, spent=0.02) == [pytest.approx(0.028)], (
        "as long as rows take"
    )
    assert pause_after_a_row(wall=3.0, spent=2.0) == [0.05]
    assert pause_after_a_row(wall=0.011, spent=0.002) == [], "it waited long for the interpreter"
    blocker.execute("ROLLBACK")
    for appender in appenders:
        appender.join()
    blocker.close()
    assert pause_after_a_row(wall=0.003, spent=0.002) == []


def append_from_a_process(path: Path, mark: bytes, gate) -> None:
    spool = Spool(path, max_mb=8, secret_keys=(KEY,))
    gate.wait()
    for turn in range(25):
        spool.append(row(b"%s %d" % (mark, turn)))
    spool.close()


def test_two_processes_append_to_one_file(spool, path):
    gate = FORKS.Barrier(2)
    workers = [
        FORKS.Process(target=append_from_a_process, args=(path, mark, gate))
        for mark in (b"one", b"two")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert [worker.exitcode for worker in workers] == [0, 0]
    found = spool.read()
    assert len({r.position for r in found}) == 50
    for mark in (b"one", b"two"):  # what one process appended stands in its order
        mine = [r.body for r in found if r.body.startswith(mark)]
        assert mine == [b"%s %d" % (mark, turn) for turn in range(25)]


def test_digest_wakes_for_rows_of_its_own_and_of_another_process(spool, path):
    spool.append(row())
    until(lambda: not spool.wait_for_rows(0.3), "a spool at rest")
    assert not spool.wait_for_rows(0)
    spool.append(row())
    assert spool.wait_for_rows(0)
    until(lambda: not spool.wait_for_rows(0.3), "a spool at rest")
    other = Spool(path, max_mb=8, secret_keys=(KEY,))
    other.append(row())
    assert spool.wait_for_rows(5)
    other.close()


def test_a_process_may_fork_with_a_spool_in_use(spool):
    spool.append(row(b"parent"))
    child = os.fork()
    if child == 0:
        spool.append(row(b"child"))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    spool.append(row(b"parent again"))
    assert [r.body for r in spool.read()] == [b"parent", b"child", b"parent again"]


def test_nothing_readable_reaches_the_disk(spool, path):
    spool.append(row(SENTINEL, header={"address": SENTINEL.decode()}))
    spool.bury(spool.read()[0], "no reading makes sense of it")
    spool.close()
    for file in path.parent.iterdir():
        assert SENTINEL not in file.read_bytes()


def test_a_full_spool_refuses_and_takes_rows_again_once_digest_has_been_there(path):
    spool = Spool(path, max_mb=1, secret_keys=(KEY,))
    accepted: list[int] = []
    with pytest.raises(SpoolUnavailable, match="full"):
        accepted.extend(spool.append(row(os.urandom(50_000))) for _ in range(100))
    assert 12 <= len(accepted) < 20
    assert [r.position for r in spool.read(limit_bytes=1 << 30)] == accepted, "nothing lost"
    spool.bury(spool.read()[0], "also when full")
    spool.forget({1: accepted[-1]})
    spool.append(row(os.urandom(50_000)))
    spool.close()
    with sqlite3.connect(path) as check:
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


def test_a_buried_row_is_on_disk_before_digest_goes_on(spool, monkeypatch):
    """Were it lost with the power, the row would wait again, and be taken for a replay."""
    levels = []

    class Watched(sqlite3.Connection):
        def execute(self, statement, *values):
            if statement == dead_letters.BURY:
                levels.extend(super().execute("PRAGMA synchronous").fetchone())
            return super().execute(statement, *values)

    monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Watched))
    spool.append(row())
    spool.bury(spool.read()[0], "poison")
    assert levels == [2]  # FULL


def test_space_of_digested_rows_is_used_again_and_given_back(path):
    spool = Spool(path, max_mb=512, secret_keys=(KEY,))
    last = max(spool.append(row(os.urandom(1_000_000))) for _ in range(40))
    highest = path.stat().st_size
    for _ in range(20):
        spool.forget({1: last})
        last = spool.append(row(os.urandom(1_000_000)))
    spool.forget({1: last})
    spool.close()
    assert highest > 30_000_000
    assert path.stat().st_size < 20_000_000
    assert spool.depth().rows == 0
    spool.close()


def test_depth_says_how_much_waits_and_since_when(spool):
    assert (spool.depth().rows, spool.depth().oldest) == (0, None)
    spool.append(row(bytes(5000)))
    spool.append(row(bytes(5000), received_at=AT.replace(year=2027)))
    assert spool.depth().rows == 2
    assert 10_000 < spool.depth().size < 10_500
    assert spool.depth().oldest == AT


def test_a_dead_letter_leaves_the_queue_and_says_why(spool, clock):
    bad = row(header={"items": "event, attachment"})
    positions = [spool.append(bad), spool.append(row())]
    spool.bury(spool.read()[0], "KeyError: 'exception'", attempts=3)
    assert [r.position for r in spool.read()] == positions[1:]
    (letter,) = spool.dead(1, 7)
    assert (letter.reason, letter.attempts) == ("KeyError: 'exception'", 3)
    assert (letter.items, letter.received_at) == ("event, attachment", AT)
    assert spool.dead(1, 8) == spool.dead(2, 7) == [], "another project's, another organization's"


def test_a_retried_letter_gets_a_position_that_no_store_has_applied(spool):
    old = spool.append(row(b"again"))
    spool.bury(spool.read()[0], "a bug that is mended now", attempts=3)
    newest = spool.append(row())
    assert spool.retry(2, 7, old) == spool.retry(1, 8, old) == 0
    assert spool.retry(1, 7, old) == 1
    (_, again) = spool.read()
    assert (again.body, again.attempts) == (b"again", 3)
    assert again.position > newest
    assert spool.dead(1, 7) == []
    spool.bury(again, "still not mended", attempts=3)
    assert spool.dead(1, 7)[0].attempts == 6


def test_all_letters_of_one_project_are_retried_or_discarded_at_once(spool):
    for project in (7, 7, 8):
        spool.append(row(project=project))
    for waiting in spool.read():
        spool.bury(waiting, "poison")
    assert spool.retry(1, 7) == 2
    assert [r.project_id for r in spool.read()] == [7, 7]
    assert spool.discard(1, 8) == 1
    assert spool.dead(1, 7) == spool.dead(1, 8) == []


def test_dead_letters_never_fill_the_spool(path):
    spool = Spool(path, max_mb=4, secret_keys=(KEY,))
    for number in range(30):
        spool.append(row(os.urandom(100_000), header={"items": str(number)}))
        spool.bury(spool.read()[0], "poison")
    kept = [letter.items for letter in spool.dead(1, 7)]
    assert kept == [str(n) for n in range(29, 19, -1)], "the latest megabyte"
    spool.close()


def test_a_row_sealed_under_a_lost_key_is_a_dead_letter_and_blocks_nothing(spool, path):
    spool.append(row(b"old"))
    spool.close()
    rotated = Spool(path, max_mb=8, secret_keys=("n" * 40, KEY))
    rotated.append(row(b"new"))
    assert [r.body for r in rotated.read()] == [b"old", b"new"]
    rotated.close()
    lost = Spool(path, max_mb=8, secret_keys=("n" * 40,))
    assert [r.body for r in lost.read()] == [b"new"]
    assert "SECRET_KEY" in lost.dead(1, 7)[0].reason
    lost.close()
