"""Rows are decoded by other processes: in order, once, and whatever becomes of those."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console import status
from console.core import readiness
from console.core.config import Config
from console.ingest.decoders import decoder
from console.ingest.decoders.decoder import Limits
from console.ingest.decoders.frames import Job
from console.ingest.decoders.pool import COMMAND, Decoders, DefectElsewhere
from console.ingest.decoding import Content, Hopeless, Received, decode_row
from console.ingest.otlp.encodings import JSON, PROTOBUF
from console.ingest.scrub_rules import ScrubRules
from console.telemetry.records import ErrorEvent
from tests.ingest import otlp_requests
from tests.ingest.conftest import envelope, error, transaction
from tests.ingest.corpus.reading import CLIENTS, bodies
from tests.ingest.decoding_killers import FAILS, FILLS, KILLS, SLEEPS, SLOW, SPINS
from tests.support.waiting import until

KILLERS = (sys.executable, "-m", "tests.ingest.decoding_killers")
QUICK = Limits(cpu_seconds=1, wall_seconds=1.0)
AT = datetime(2026, 11, 26, 12, tzinfo=UTC)
RULES = ScrubRules()


def job(body: bytes, position: int = 1, *, protocol: str = "sentry.envelope") -> Job:
    return Job(Received(protocol, 1, 2, position, AT, "", "", body), RULES)


def jobs(*kinds: str) -> list[Job]:
    """A job per kind of error, in their order."""
    return [job(envelope(("event", error(kind))), place) for place, kind in enumerate(kinds, 1)]


def nowhere(position: int) -> None:
    raise AssertionError(f"row {position} is decoded in the console's own process")


def kinds_of(contents: list[Content]) -> list[str]:
    errors = [event for content in contents for event in content.records[ErrorEvent]]
    return [event.kind for event in errors]


@pytest.fixture
def decoders() -> Iterator[Callable[..., Decoders]]:
    """`decoders(2, command=…)` are ended with the test."""
    made: list[Decoders] = []

    def make(count: int, **options: object) -> Decoders:
        made.append(Decoders(count, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.close()


class TestDecode:
    def test_they_bring_what_the_thread_brings_in_the_order_of_the_rows(self, decoders):
        sent = [job(body) for client in CLIENTS for body in bodies(client)]
        for protocol in (PROTOBUF, JSON):
            spans = otlp_requests.request(otlp_requests.server_span({}))
            sent.append(job(otlp_requests.body(spans, protocol), protocol=protocol))
        sent += [job(b"broken"), *jobs("KeyError")]
        sent = [replace(one, row=replace(one.row, position=n)) for n, one in enumerate(sent)]
        expected = [decode_row(one.row, one.rules) for one in sent]
        work = decoders(2)
        assert list(work.decode(sent, nowhere)) == expected
        assert len(work.pids) == 2
        assert work.seconds > 0

    def test_none_are_started_where_none_are_wanted(self, decoders):
        work, here = decoders(0), list[int]()
        assert kinds_of(list(work.decode(jobs("A", "B"), here.append))) == ["A", "B"]
        assert (here, work.pids) == ([1, 2], [])

    def test_few_rows_are_under_way_at_once(self, decoders, monkeypatch):
        monkeypatch.setattr(decoder, "ROWS", 3)
        monkeypatch.setattr(decoder, "BYTES", 100_000)
        work, most = decoders(1), 0
        sent = jobs(*["A"] * 10) + [job(envelope(("event", error("B" * 60_000))))] * 4
        for _ in work.decode(sent, nowhere):
            (busy,) = work._decoders
            most = max(most, len(busy.under_way))
            assert busy.size < 200_000
        assert most == 2, "the third is what was just answered"

    def test_a_row_of_20_mb_crosses_the_pipe(self, decoders):
        large = job(envelope(("attachment", {"a": "x" * (20 << 20)})))
        (content,) = decoders(1).decode([large], nowhere)
        assert [count.item_type for count in content.counts] == ["attachment"]

    def test_what_nobody_waits_for_any_more_is_forgotten(self, decoders):
        work = decoders(1, command=KILLERS)
        with pytest.raises(DefectElsewhere):
            list(work.decode(jobs("A", FAILS, "B", "C"), nowhere))
        assert kinds_of(list(work.decode(jobs("D", "E"), nowhere))) == ["D", "E"]


class TestEnds:
    def test_a_process_that_is_killed_is_replaced_and_its_rows_come_once(self, decoders):
        work = decoders(2, command=KILLERS)
        contents = work.decode(jobs(*[SLOW] * 12), nowhere)
        first = [next(contents), next(contents)]  # both have begun
        before = work.pids
        assert len(before) == 2
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        assert kinds_of([*first, *contents]) == [SLOW] * 12
        # One that had nothing to do when it was killed is replaced when there is a row for it.
        until(
            lambda: (
                kinds_of(work.decode(jobs("A", "B", "C"), nowhere)) == ["A", "B", "C"]
                and not set(work.pids) & set(before)
            ),
            "other processes",
        )

    @pytest.mark.parametrize(
        ("kind", "reason"),
        [(KILLS, "ended by SIGKILL"), (SPINS, "ended by SIGXCPU"), (SLEEPS, "no answer for 1 s")],
    )
    def test_a_row_that_ends_them_is_hopeless_after_two(self, decoders, kind, reason):
        limits = QUICK if kind != SPINS else replace(QUICK, wall_seconds=60)
        work = decoders(1, command=KILLERS, limits=limits)
        with pytest.raises(Hopeless, match=f"2 processes ended.*{reason}") as failure:
            list(work.decode(jobs("A", kind, "B"), nowhere))
        assert failure.value.tries == 2
        assert kinds_of(list(work.decode(jobs("C"), nowhere))) == ["C"]

    @pytest.mark.parametrize(
        ("kind", "culprit"), [(FILLS, "MemoryError"), (FAILS, "ValueError in console/ingest/")]
    )
    def test_a_row_that_fails_there_says_where_and_not_with_what(self, decoders, kind, culprit):
        with pytest.raises(DefectElsewhere) as failure:
            list(decoders(1, command=KILLERS).decode(jobs(kind), nowhere))
        assert failure.value.culprit.startswith(culprit)
        assert "hunter2" not in str(failure.value)

    @pytest.mark.parametrize("kind", ["A", SLEEPS])
    def test_they_end_with_the_console_however_it_ends(self, kind):
        script = (
            "from tests.ingest.test_decoders import *\n"
            f"work = Decoders(1, command=KILLERS)\n"
            f"contents = work.decode(jobs('A', {kind!r}), nowhere)\n"
            "next(contents)\n"
            "print(*work.pids, flush=True)\n"
            "list(contents)\n"
            "input()\n"
        )
        console = subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert console.stdout is not None
        pid = int(console.stdout.readline())
        assert lives(pid)
        console.kill()
        console.communicate()
        until(lambda: not lives(pid), "the end of the process that decoded")


def test_they_know_no_secret_of_the_console(decoders, acme, monkeypatch):
    """Nor has one of them a file or connection of the console, which has both open."""
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:hunter2@db/pharos")
    monkeypatch.setenv("SMTP_URL", "smtp://hunter2@mail")
    work = decoders(1)
    assert kinds_of(list(work.decode(jobs("A"), nowhere))) == ["A"]
    (pid,) = work.pids
    environ = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"PYTHONPATH=" in environ
    assert b"hunter2" not in environ
    opened = {path.name for path in Path(f"/proc/{pid}/fd").iterdir()}
    assert opened <= {"0", "1", "2", "3", "4"}, "the pipes, and what it reports errors to"


class TestDigest:
    def test_a_killer_becomes_a_dead_letter_and_the_others_are_stored(
        self, acme, accepted, digest, waiting, stored, decoders
    ):
        digest.decoders = decoders(1, command=KILLERS)
        good = [error(), error(), transaction(spans=[])]
        for event in (good[0], error(KILLS), good[1], good[2]):
            accepted(acme, event)
        digest.drain()
        (letter,) = waiting.dead(acme.organization_id, acme.id)
        assert (letter.attempts, waiting.depth().rows) == (2, 0)
        assert letter.reason.startswith("2 processes ended while they decoded this")
        assert stored(acme).ledger() == {("event", "stored", ""): 2, ("span", "stored", ""): 1}
        digest.decoders = decoders(0)
        waiting.retry(acme.organization_id, acme.id)
        digest.drain()
        assert stored(acme).ledger()["event", "stored", ""] == 3

    def test_a_defect_becomes_a_dead_letter_after_three(
        self, acme, accepted, digest, waiting, stored, decoders
    ):
        digest.decoders = decoders(1, command=KILLERS)
        for kind in ("A", FAILS, "B"):
            accepted(acme, error(kind))
        digest.drain()
        (letter,) = waiting.dead(acme.organization_id, acme.id)
        assert letter.attempts == 3
        assert letter.reason.startswith("ValueError in console/ingest/sentry/protocol.py")
        assert stored(acme).ledger() == {("event", "stored", ""): 2}

    def test_killing_them_all_the_time_loses_and_doubles_nothing(
        self, acme, accepted, digest, waiting, stored, decoders
    ):
        work = digest.decoders = decoders(2, command=KILLERS)
        for _ in range(12):
            accepted(acme, error(SLOW))
        ended = threading.Event()

        def kill() -> None:
            deadline = time.monotonic() + 120
            while not ended.wait(0.25) and time.monotonic() < deadline:
                for pid in work.pids[:1]:
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        digest.drain()
        ended.set()
        killer.join()
        waiting.retry(acme.organization_id, acme.id)  # what was met by two kills
        digest.drain()
        assert stored(acme).ledger() == {("event", "stored", ""): 12}

    def test_its_status_knows_the_processors_time_of_all(self, acme, accepted, digest, decoders):
        digest.decoders = decoders(1)
        before = digest._spent()
        accepted(acme, error())
        digest.drain()
        assert digest._spent() - before > digest.decoders.seconds > 0


class TestTrouble:
    @pytest.fixture(params=[("/no/such/program",), (sys.executable, "-c", "raise SystemExit(3)")])
    def broken(self, request, acme, accepted, digest, decoders):
        """A digest whose processes do not start, after a first row."""
        work = digest.decoders = decoders(2, command=request.param)
        accepted(acme, error())
        digest.drain()
        return work

    def test_the_thread_decodes_and_everybody_is_told(
        self, broken, app, acme, stored, client, as_alice, digest, monkeypatch
    ):
        monkeypatch.setattr(readiness, "FRESH_SECONDS", -1.0)
        monkeypatch.setattr(readiness, "WAIT_SECONDS", 60.0)
        assert stored(acme).ledger() == {("event", "stored", ""): 1}
        assert broken.pids == []
        answer = client.get("/healthz")
        assert answer.status_code == 200
        assert "decoders-do-not-start: no process that decodes can be started" in answer.text
        assert "No process that decodes can be started" in as_alice.get("/acme/shop/intake").text
        digest._tell()
        with app.app_context():
            assert status.status()["digest"]["decoders_trouble"] == broken.trouble != ""
        answer = client.get("/ready")
        assert "decoders-do-not-start" in {reason["code"] for reason in answer.json["reasons"]}

    def test_they_are_started_when_that_works_again(self, broken, acme, accepted, digest):
        broken._command = COMMAND
        accepted(acme, error())
        digest.drain()
        assert broken.trouble, "another try waits"
        broken._trouble = replace(broken._trouble, until=0.0)
        accepted(acme, error())
        digest.drain()
        assert (broken.trouble, len(broken.pids)) == ("", 1)


@pytest.mark.parametrize(("given", "cores", "count"), [("auto", 1, 0), ("auto", 8, 7), ("3", 1, 3)])
def test_how_many_there_are(monkeypatch, given, cores, count):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(cores)))
    assert Config(decoders=given).decoder_count == count


def test_they_load_no_database_and_no_web_framework():
    script = "import sys, console.ingest.decoders.process; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    roots = {name.partition(".")[0] for name in ran.stdout.split()}
    assert not roots & {"sqlalchemy", "duckdb", "flask", "werkzeug", "sentry_sdk", "alembic"}


def lives(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody waited for does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"
