from contextlib import suppress
from signal import SIGABRT, SIGKILL
from typing import Any

import pytest

from console.core import clock as time
from console.ingest import counts, decoding
from console.ingest import pipeline as pipelines
from console.ingest.spool import SpoolRow
from console.ingest.under_way import LEDGER, EndedProcess, UnderWay
from console.telemetry.database import TelemetryLacksMemory, TelemetryUnavailable
from console.telemetry.store import TelemetryStore
from tests.ingest.conftest import error
from tests.ingest.killers import COMMITTED, DECODED, deaths, digested_with_memory


def row(position: int) -> SpoolRow:
    return SpoolRow(
        organization_id=1,
        project_id=1,
        key_id=1,
        received_at=time.now(),
        kind="sentry.envelope",
        body=b"",
        position=position,
    )


_cut_short: list[Any] = []  # a context that is collected is left, which death spares


def died(folder, batch, *, decoding=0, committing=()):
    """What is known after a process that ended in a batch, to one that begins after it."""
    process = begun(folder)
    _cut_short.append(process.batch([row(position) for position in batch]))
    _cut_short[-1].__enter__()
    if decoding:
        process.decoding(decoding)
    if committing:
        process.committing(*committing)
    return begun(folder)


def begun(folder):
    process = UnderWay(folder)
    process.begin()
    return process


def parts(process, *positions):
    found = process.parts([row(position) for position in positions])
    return [[row.position for row in part] for part in found]


def test_rows_are_digested_alone_after_a_death_and_together_again_after_them(tmp_path):
    process = died(tmp_path, [4, 5, 6], decoding=5)
    for _ in range(2):
        assert parts(process, 1, 2, 4, 5, 6, 7, 8) == [[1, 2], [4], [5], [6], [7, 8]]
        process = begun(tmp_path)  # which a later process knows, until the rows are forgotten
    process.forget(5)
    assert parts(begun(tmp_path), 6, 7) == [[6], [7]]
    process.forget(6)
    assert parts(process, 6, 7) == parts(begun(tmp_path), 6, 7) == [[6, 7]]
    assert not (tmp_path / LEDGER).exists()


def test_a_row_at_two_deaths_is_decoded_no_more(tmp_path):
    process = died(tmp_path, [4, 5, 6], decoding=5)
    process.decoding(5)
    process = died(tmp_path, [5], committing=(5, 5))
    assert process.deaths(5) == 2
    with pytest.raises(EndedProcess, match="ended 2 times while it digested this"):
        process.decoding(5)
    process.decoding(4)


def test_no_row_is_blamed_for_a_death_among_several_or_at_none(tmp_path):
    process = died(tmp_path, [4, 5, 6], committing=(4, 6))
    assert [process.deaths(position) for position in (4, 5, 6)] == [0, 0, 0]
    assert parts(process, 4, 5, 6, 7) == [[4], [5], [6], [7]]
    process.forget(7)
    with process.batch([row(8), row(9)]):
        process.decoding(8)
    assert parts(begun(tmp_path), 8, 9) == [[8, 9]]


def test_a_failure_is_no_death(tmp_path):
    process = begun(tmp_path)
    with suppress(ZeroDivisionError), process.batch([row(8), row(9)]):
        process.decoding(8)
        raise ZeroDivisionError
    assert parts(begun(tmp_path), 8, 9) == [[8, 9]]


@pytest.mark.parametrize("ledger", [b"", b"[]", b"{", b'{"apart":1,"deaths":{},"burials":{}}'])
def test_a_ledger_that_does_not_read_is_an_empty_one(tmp_path, ledger, caplog):
    (tmp_path / LEDGER).write_bytes(ledger)
    assert parts(begun(tmp_path), 8, 9) == [[8, 9]]
    assert "does not read" in caplog.text


def test_rows_that_end_the_process_become_dead_letters_and_the_others_are_stored_once(
    settings, acme, globex, accepted, waiting, digest, stored
):
    """Killed twice by each of two rows of one batch, and once more in a burial."""
    good = [error("KeyError") for _ in range(6)]
    for event in (*good[:2], error(DECODED), *good[2:4], error(COMMITTED), *good[4:]):
        accepted(acme, event)
    accepted(globex, other := error("KeyError"))
    waiting.close()
    ends = deaths(settings, at_withdrawal=3)
    assert ends == [-SIGABRT, -SIGABRT, -SIGABRT, -SIGKILL, -SIGKILL, 0]
    assert stored(acme).events() == sorted(event["event_id"] for event in good)
    assert stored(acme).issues()["KeyError: it broke"] == 6
    assert stored(acme).ledger() == {("event", "stored", ""): 6}
    assert stored(globex).events() == [other["event_id"]]
    letters = waiting.dead(acme.organization_id, acme.id)
    assert [letter.attempts for letter in letters] == [2, 2]
    for letter in letters:
        assert "ended 2 times while it digested this" in letter.reason
        assert "if somebody killed it" in letter.reason
        assert "retry it" in letter.reason
    assert waiting.depth().rows == 0

    waiting.retry(acme.organization_id, acme.id)  # as after an upgrade that mended them
    digest.drain()
    assert len(stored(acme).events()) == 8
    assert stored(acme).ledger() == {("event", "stored", ""): 8}


def test_a_row_that_needs_too_much_memory_is_a_dead_letter(
    settings, acme, accepted, waiting, stored
):
    good = [error("KeyError") for _ in range(3)]
    heavy = {"event_id": "a" * 32, "logentry": {"message": "%1500000000d", "params": [1]}}
    for event in (good[0], heavy, *good[1:]):
        accepted(acme, event)
    waiting.close()
    assert digested_with_memory(settings, mb=1000) == 0
    assert stored(acme).events() == sorted(event["event_id"] for event in good)
    (letter,) = waiting.dead(acme.organization_id, acme.id)
    assert letter.reason.startswith("MemoryError in console/")
    assert (letter.attempts, waiting.depth().rows) == (3, 0)


@pytest.mark.parametrize("lack", [MemoryError, TelemetryLacksMemory])
def test_a_row_that_telemetry_has_no_memory_for_holds_up_its_organization_for_a_while_only(
    acme, accepted, digest, waiting, stored, monkeypatch, lack
):
    monkeypatch.setattr(pipelines, "_pause", lambda _: 0.0)
    heavy, good = error("Heavy"), [error() for _ in range(5)]
    for event in (*good[:2], heavy, *good[2:]):
        accepted(acme, event)
    write, tries = digest._store.write, 0

    def limited(organization_id, batch, position):
        nonlocal tries
        if any(event.event_id == heavy["event_id"] for event in batch.of("errors")):
            tries += 1
            raise lack
        return write(organization_id, batch, position)

    monkeypatch.setattr(digest._store, "write", limited)
    for number in range(pipelines.MEMORY_TRIES):
        digest.digest_once()
        assert (tries, stored(acme).events()) == (number + 1, []), "all wait: memory may come back"
    digest.drain()
    assert stored(acme).events() == sorted(event["event_id"] for event in good)
    (letter,) = waiting.dead(acme.organization_id, acme.id)
    assert letter.reason.startswith(lack.__name__)
    assert waiting.depth().rows == 0


def test_rows_wait_while_telemetry_has_no_memory_for_anything(
    acme, accepted, digest, waiting, stored, monkeypatch
):
    """However long it takes: dead letters are dropped when there are too many of them."""
    monkeypatch.setattr(pipelines, "_pause", lambda _: 0.0)
    good = [error() for _ in range(3)]
    for event in good:
        accepted(acme, event)

    def lacking(*_given):
        raise TelemetryLacksMemory

    with monkeypatch.context() as lean:
        lean.setattr(digest._store, "write", lacking)
        lean.setattr(digest._store, "withdraw", lacking)
        for _ in range(3 * pipelines.MEMORY_TRIES):
            digest.digest_once()
    assert (waiting.depth().rows, waiting.dead(acme.organization_id, acme.id)) == (3, [])
    digest.drain()
    assert stored(acme).events() == sorted(event["event_id"] for event in good)


def test_what_takes_too_long_is_a_dead_letter_at_once(
    acme, accepted, waiting, digest, stored, monkeypatch
):
    heavy = error("Heavy", extra={str(n): [f"{n} {i}" for i in range(100)] for n in range(1000)})
    good = [error("KeyError") for _ in range(3)]
    for event in (good[0], heavy, *good[1:]):
        accepted(acme, event)
    with monkeypatch.context() as hurried:
        hurried.setattr(decoding, "CPU_SECONDS", 0.05)
        digest.drain()
    assert stored(acme).events() == sorted(event["event_id"] for event in good)
    (letter,) = waiting.dead(acme.organization_id, acme.id)
    assert letter.reason == "decoding this takes more than 0.05 s of processor time"
    assert (letter.attempts, waiting.depth().rows) == (1, 0)

    waiting.retry(acme.organization_id, acme.id)
    digest.drain()
    assert heavy["event_id"] in stored(acme).events()


def test_what_is_large_may_take_longer(acme, accepted, digest, stored, monkeypatch):
    """20,000 honest spans of a collector, 12 MB, take what the limit for a small row is."""
    large = error("Large", extra={str(n): "x" * 1000 for n in range(1100)})
    accepted(acme, large)
    monkeypatch.setattr(decoding, "CPU_SECONDS", 0.0)
    monkeypatch.setattr(decoding, "CPU_SECONDS_OF_MIB", 30.0)
    digest.drain()
    assert stored(acme).events() == [large["event_id"]]


def test_a_burial_is_finished_when_telemetry_works_again(
    acme, accepted, waiting, digest, stored, monkeypatch
):
    """Its records were stored; were they left, a retry would take its own event for a resend."""

    def unavailable(*_):
        raise TelemetryUnavailable

    def fail(*_):
        raise ZeroDivisionError

    accepted(acme, error("Poison"))
    with monkeypatch.context() as broken:
        broken.setattr(counts, "count_in", fail)
        broken.setattr(TelemetryStore, "withdraw", unavailable)
        digest.drain()
        digest.drain()
        assert len(stored(acme).events()) == 1
    digest.drain()
    assert stored(acme).events() == []
    assert len(waiting.dead(acme.organization_id, acme.id)) == 1
