"""The ledger knows everything that was turned away, also what it could not take at once."""

import pytest
from sqlalchemy.exc import OperationalError

from console.core import clock
from console.ingest import auth, refusals
from console.ingest.refusals import Refusals
from console.ingest.refusals_kept import FILE, ROOM, KeptRefusals
from console.ingest.strangers import Strangers
from console.intake.ledger import Count
from tests.ingest.conftest import envelope, error
from tests.ingest.full import filled


@pytest.fixture
def full_console(app, waiting, monkeypatch):
    """The app's refusals; nothing is flushed but when a test does it."""
    monkeypatch.setattr(refusals, "FLUSH_SECONDS", 3600)
    counting = app.extensions[refusals.EXTENSION]
    yield counting
    counting.close()


@pytest.fixture
def restarted(app, waiting, full_console, instance):
    """The refusals of a console that starts again on the same instance."""

    def restarted():
        again = Refusals(waiting, Strangers(app), KeptRefusals(instance))
        again.begin()
        return again

    return restarted


@pytest.fixture
def counted(app, stored, digest, full_console, acme):
    """Quantities by type, outcome and reason, after everything was flushed and digested."""

    def counted():
        full_console.flush()
        digest.drain()
        return stored(acme).ledger()

    return counted


def test_what_was_refused_while_the_disk_was_full_is_counted_when_there_is_room(
    both_databases, send, counted, full_console, waiting
):
    with filled(waiting):
        for _ in range(60):
            assert send(envelope(("event", error()))).status_code == 503
            full_console.flush()
    assert send(envelope(("event", error()))).status_code == 200
    assert counted() == {("event", "refused", "storage full"): 60, ("event", "stored", ""): 1}


def test_it_survives_a_stop_while_the_disk_is_full(
    send, digest, stored, acme, full_console, restarted, waiting, instance
):
    full_console.begin()
    room = (instance / FILE).stat()
    with filled(waiting):
        for _ in range(3):
            send(envelope(("event", error())))
        full_console.close()
        kept = (instance / FILE).stat()
        assert (kept.st_size, kept.st_blocks) == (ROOM, room.st_blocks)
        again = restarted()
        again.flush()  # it is as full as before
        again.close()
    last = restarted()
    last.flush()
    digest.drain()
    assert stored(acme).ledger() == {("event", "refused", "storage full"): 3}
    assert (instance / FILE).read_bytes().strip() == b""
    last.close()
    restarted().close()
    digest.drain()
    assert stored(acme).ledger() == {("event", "refused", "storage full"): 3}


@pytest.mark.parametrize("content", [b"", b"{", b"\x00" * ROOM, b"[[1]]"])
def test_a_file_that_is_damaged_keeps_nobody_from_starting(restarted, instance, content, caplog):
    instance.mkdir(exist_ok=True)
    (instance / FILE).write_bytes(content)
    restarted().close()
    assert bool(caplog.messages) == bool(content)


def test_more_than_the_file_holds_loses_the_smallest_counts(instance, caplog):
    instance.mkdir(exist_ok=True)
    kept = KeptRefusals(instance)
    kept.make_room()
    counts = [Count(n, "event", "refused", "x" * 1000, 1, clock.now()) for n in range(300)]
    kept.keep([(1, count) for count in counts])
    content = KeptRefusals(instance).content()
    assert 200 < len(content) < 300
    assert [count for _, count in content] == counts[: len(content)]
    assert "are lost" in caplog.text


def test_a_body_that_is_too_large_is_counted(client, send, counted, acme):
    answer = send(b"x" * 21_000_000)
    assert answer.status_code == 413
    assert counted() == {("envelope", "refused", "too large"): 1}


def test_what_comes_while_nobody_can_say_whose_key_it_is_counts_for_the_project(
    send, counted, monkeypatch
):
    def fail(_key: str) -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    with monkeypatch.context() as outage:
        outage.setattr(auth, "_look_up", fail)
        assert send(envelope(("event", error()))).status_code == 503
    assert counted() == {("envelope", "refused", "state unavailable"): 1}
