"""Which files are open: a limit that holds, never at the cost of someone who is asking."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from time import sleep

from sqlalchemy import func, select

from console.telemetry import copies
from console.telemetry.question import within
from console.telemetry.records import Batch
from console.telemetry.schema import versions
from console.telemetry.store import TelemetryStore
from console.telemetry.tables import error_event
from tests.telemetry.samples import error, errors_in, scope


def opened(store: TelemetryStore) -> list[int]:
    return [one for one, slot in store._slots.items() if slot.database is not None]


def count(store: TelemetryStore, organization_id: int) -> int:
    asked = scope(organization_id)
    query = select(func.count()).select_from(error_event).where(within(error_event, asked))
    number: int = store.rows(asked, query)[0][0]
    return number


def test_the_least_recently_used_is_closed(folder):
    store = TelemetryStore(folder, memory_mb=96, open_limit=2)
    for organization_id in (1, 2, 1, 3):
        count(store, organization_id)
    assert opened(store) == [1, 3]
    store.close()
    assert opened(store) == []


def test_one_in_use_stays_open(folder):
    store = TelemetryStore(folder, memory_mb=96, open_limit=1)
    with store.using(1) as mine:
        assert count(store, 2) == 0
        assert opened(store) == [1]
        store.close()
        assert opened(store) == [1]
        with mine.transaction() as connection:
            assert connection.scalar(select(func.count()).select_from(error_event)) == 0
    store.close()


def test_what_nobody_uses_is_closed_after_a_while(folder):
    store = TelemetryStore(folder, memory_mb=96, open_limit=9)
    count(store, 1)
    store.rest(seconds=60)
    assert opened(store) == [1]
    store.rest(seconds=0)
    assert opened(store) == []


def test_one_that_is_only_written_to_stays_open(asking):
    asking.write(1, Batch(errors=[error()]), position=1)
    sleep(0.2)
    asking.write(1, Batch(errors=[error(position=2)]), position=2)
    asking.rest(seconds=0.1)
    assert opened(asking) == [1]
    assert errors_in(scope()) == 2


def test_threads_write_and_read_while_files_open_and_close(folder):
    store = TelemetryStore(folder, memory_mb=96, open_limit=2)
    start = Barrier(6)

    def work(number: int) -> None:
        start.wait()
        for step in range(1, 16):
            organization_id = (number + step) % 5 + 1
            if number == 0:
                one = error(position=step, organization_id=organization_id)
                store.write(organization_id, Batch(errors=[one]), position=step)
            else:
                assert count(store, organization_id) <= 3

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(work, range(6))) == [None] * 6
    assert sum(count(store, organization_id) for organization_id in range(1, 6)) == 15
    assert len(opened(store)) <= 2
    store.close()


def test_memory_is_shared_among_the_open_files(folder):
    store = TelemetryStore(folder, memory_mb=384, open_limit=3)
    for organization_id in (1, 2, 3, 1):
        count(store, organization_id)
    with store.using(1) as mine, mine.transaction() as connection:
        setting = func.current_setting("memory_limit")
        assert connection.scalar(select(setting)) == "122.0 MiB"  # 128 MB
    store.close()


def test_only_as_many_files_keep_pages_as_memory_allows(folder):
    store = TelemetryStore(folder, memory_mb=192, open_limit=9)
    for organization_id in (1, 2, 3, 4):
        count(store, organization_id)
    assert [one for one, slot in store._slots.items() if slot.has_pages] == [3, 4]
    assert [count(store, organization_id) for organization_id in (1, 2, 3, 4)] == [0] * 4
    store.close()


def test_large_batches_fit_into_the_least_memory(folder):
    store = TelemetryStore(folder, memory_mb=0, open_limit=1)
    for position in range(1, 5):
        events = [error(position, body=os.urandom(30_000)) for _ in range(500)]
        assert len(store.write(1, Batch(errors=events), position).of("errors")) == 500
    store.close()


def test_a_reader_sees_a_batch_whole_or_not_at_all(asking):
    def write(position: int) -> None:
        asking.write(1, Batch(errors=[error(position) for _ in range(20)]), position)

    with ThreadPoolExecutor(1) as pool:
        writes = [pool.submit(write, position) for position in range(1, 21)]
        seen = [count(asking, 1) for _ in range(60)]
        for one in writes:
            one.result()
    assert {number % 20 for number in seen} == {0}
    assert errors_in(scope()) == 400


def test_a_file_that_is_being_made_is_copied_with_its_tables(store, tmp_path, monkeypatch):
    """Its first reader makes it: a backup at that moment saw a file without tables."""
    is_there, may_go_on = Event(), Event()
    bring_up_to_date = versions.bring_up_to_date

    def copy_files(store, folder):
        files, missing = store.settled_files()
        assert not missing
        return {own: Path(shutil.copy(path, folder)) for own, path in files.items()}

    def slowly(*arguments):
        is_there.set()
        may_go_on.wait(20)
        bring_up_to_date(*arguments)

    monkeypatch.setattr(versions, "bring_up_to_date", slowly)
    with ThreadPoolExecutor(2) as threads:
        reading = threads.submit(count, store, 7)
        is_there.wait(20)
        copying = threads.submit(copy_files, store, tmp_path)
        sleep(0.2)
        may_go_on.set()
        assert reading.result() == 0
        assert copies.look_into(copying.result()[7]).organization_id == 7
