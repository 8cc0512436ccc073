"""A damaged spool is set aside, what can be read of it goes on, and pages and probes say so."""

import os
import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import datetime

import orjson
import pytest

from console.backup import soundness
from console.core import clock, sqlite_files, sqlite_logs
from console.core.loops import finished
from console.ingest import condition, health, salvage
from console.ingest import spool as spools
from console.ingest.group_commit import Committer, Entry
from console.ingest.spool import Spool, SpoolRow, SpoolUnavailable
from console.intake import set_aside
from tests.ingest.conftest import envelope, error

PAGE = 4096
KEYS = ("k" * 40,)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "spool.sqlite"


def row(body, organization_id=1, clock_at="2026-01-01T00:00:00+00:00"):
    return SpoolRow(
        organization_id=organization_id,
        project_id=7,
        key_id=1,
        received_at=datetime.fromisoformat(clock_at),
        kind="sentry.envelope",
        body=body,
    )


@pytest.fixture
def full(path):
    """A closed spool of 200 rows of 3 kB and a dead letter; the digest has counted 200."""
    waiting = Spool(path, max_mb=64, secret_keys=KEYS)
    waiting.append(row(b"dead"))
    waiting.bury(waiting.read()[0], "a bug")
    for number in range(200):
        waiting.append(row(b"%04d" % number + os.urandom(3000)))
    waiting.close()
    note = {"at": clock.now().isoformat(), "waiting_rows": 200}
    path.with_name("digest.json").write_bytes(orjson.dumps(note))
    return path


def checked(path):
    """What the check of a damaged spool reports."""
    report = salvage.check(path, KEYS)
    assert report is not None
    return report


def numbers(path):
    """Which of the rows a spool gives to the digest, in its order."""
    waiting = Spool(path, max_mb=64, secret_keys=KEYS)
    found = waiting.read(limit_rows=1000, limit_bytes=1 << 30)
    held = waiting.held()
    waiting.close()
    if found:
        assert held[1].rows == len(found)
    return [int(one.body[:4]) for one in found]


def overwrite(path, pages):
    content = bytearray(path.read_bytes())
    for number in pages:
        content[number * PAGE : (number + 1) * PAGE] = os.urandom(PAGE)
    path.write_bytes(content)


def test_a_whole_spool_stays_where_it_is(full):
    assert salvage.check(full, KEYS) is None
    assert numbers(full) == list(range(200))
    assert salvage.check(full.with_name("none.sqlite"), KEYS) is None


def test_rows_around_damage_go_on_with_their_positions(full):
    pages = full.stat().st_size // PAGE
    overwrite(full, [pages // 2, pages // 2 + 1])
    report = checked(full)
    kept = numbers(full)
    assert report.rows == len(kept) == len(set(kept))
    assert 180 <= len(kept) < 200
    assert kept == sorted(kept)
    assert {0, 199} <= set(kept), "on both sides of the damage"
    assert report.missing == 200 - len(kept)
    assert report.letters == 1
    assert full.with_name(report.name).exists()
    assert "up to" in report.sentence
    waiting = Spool(full, max_mb=64, secret_keys=KEYS)
    highest = waiting.read(limit_rows=1000, limit_bytes=1 << 30)[-1].position
    assert waiting.append(row(b"0200")) > highest
    waiting.close()


@pytest.mark.parametrize("damage", ["zeros", "noise", "header"])
def test_rows_are_read_behind_a_first_page_that_is_lost(full, damage):
    """With the page that a fresh spool begins with, which is the same but for its counts."""
    content = bytearray(full.read_bytes())
    lost = {"zeros": bytes(PAGE), "noise": os.urandom(PAGE), "header": b"nothing of SQLite"}
    content[: len(lost[damage])] = lost[damage]
    full.write_bytes(content)
    report = checked(full)
    assert numbers(full) == list(range(200))
    assert (report.rows, report.letters, report.missing) == (200, 1, 0)
    assert "none is missing" in report.sentence
    assert not list(full.parent.glob("*.mended*"))


def test_a_file_that_is_cut_keeps_what_is_before_the_cut(full):
    content = full.read_bytes()
    full.write_bytes(content[: len(content) // 2 + 100])
    report = checked(full)
    assert report.rows == len(numbers(full)) > 50
    assert report.missing == 200 - report.rows


def test_nothing_to_be_read_is_said_as_such(path):
    path.write_bytes(b"\xff" * 3000)
    report = checked(path)
    assert (report.rows, report.missing) == (0, None)
    assert "is not known" in report.sentence
    assert numbers(path) == []
    (again,) = set_aside.reports(path.parent)
    assert again == report
    path.with_name(report.name).unlink()
    assert set_aside.reports(path.parent) == [], "no longer said when the file is gone"


@pytest.mark.parametrize("lose", [lambda path: path.unlink(), lambda path: path.write_bytes(b"")])
def test_a_spool_that_is_gone_or_empty_is_said_if_rows_waited_in_it(full, caplog, lose):
    lose(full)
    assert salvage.check(full, KEYS) is None
    assert "is gone or empty, and 200 rows waited in it" in caplog.text
    caplog.clear()
    full.with_name("digest.json").unlink()
    assert salvage.check(full, KEYS) is None
    assert caplog.text == "", "a new instance"


def test_a_log_that_is_damaged_goes_aside_with_its_file(full):
    """SQLite itself would leave it out without a word."""
    full.with_name("spool.sqlite-wal").write_bytes(os.urandom(5000))
    report = checked(full)
    assert "log" in report.reason
    assert full.with_name(f"{report.name}-wal").exists() or report.rows == 200
    assert numbers(full) == list(range(200))


def end_abruptly(path, rows):
    """Fill a spool whose process ends with all rows still in the log."""
    waiting = Spool(path, max_mb=64, secret_keys=KEYS)
    for number in range(rows):
        waiting.append(row(b"%04d" % number + os.urandom(3000)))
    end = path.with_name("ended")
    end.mkdir()
    for name in ("", "-wal", "-shm"):
        shutil.copy(path.with_name(f"{path.name}{name}"), end)
    waiting.close()
    return end / path.name


@pytest.mark.parametrize(
    ("place", "length", "lost"), [(0, 64, 1), (40, 1, 1), (150_000, 1, 1), (150_000, 9000, 4)]
)
def test_rows_behind_damage_in_the_log_are_not_lost(path, place, length, lost, caplog):
    full = end_abruptly(path, 60)
    log = full.with_name(f"{full.name}-wal")
    content = bytearray(log.read_bytes())
    assert sqlite_logs.lost_commits(full) == 0
    content[place : place + length] = bytes(byte ^ 4 for byte in content[place : place + length])
    log.write_bytes(content)
    soundness.keep_damaged_log(full)
    assert len(list(full.parent.glob("*-wal.damaged-*"))) == len(caplog.messages) == 1
    assert "log" in checked(full).reason
    assert len(numbers(full)) >= 60 - lost


def test_a_salvage_that_was_interrupted_is_begun_anew(full, monkeypatch):
    overwrite(full, [0])

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(salvage, "_inserted", killed)
    with pytest.raises(KeyboardInterrupt):
        salvage.check(full, KEYS)
    assert not full.exists()
    monkeypatch.undo()
    assert checked(full).rows == 200
    assert numbers(full) == list(range(200))
    assert salvage.check(full, KEYS) is None
    assert not list(full.parent.glob("*.draft*"))


def test_bodies_that_were_changed_are_left_out(full):
    with closing(sqlite3.connect(full)) as db, db:
        db.execute("UPDATE waiting SET sealed = zeroblob(100) WHERE position % 2 = 0")
    assert salvage.set_aside(full, KEYS, "test").rows == 100


def test_a_check_at_start_ends_in_time(full, monkeypatch):
    """It looks at a part of what it cannot read in that time, and finds no damage there."""
    monkeypatch.setattr(sqlite_files, "CHECK_SECONDS", 0.0)
    assert sqlite_files.damage_of(full) == ""


def spoil(path):
    """Damage every page but the first, under an open spool."""
    with path.open("r+b") as file:
        file.seek(PAGE)
        file.write(os.urandom(path.stat().st_size - PAGE))


def test_damage_that_appears_while_a_spool_is_open_sets_it_aside(full, caplog):
    waiting = Spool(full, max_mb=64, secret_keys=KEYS)
    waiting.is_served = True
    waiting.held()
    spoil(full)
    with pytest.raises(SpoolUnavailable, match="malformed"):
        waiting.append(row(b"0200"))
    assert waiting.append(row(b"0201")) > 0
    assert waiting.trouble() == ""
    assert [one.body for one in waiting.read()][-1] == b"0201"
    assert "is set aside as" in caplog.text
    spoil(full)
    waiting.close()  # SQLite holds the pages that it has read
    for _ in range(20):
        with pytest.raises(SpoolUnavailable):
            waiting.append(row(b"0202"))
    assert waiting.trouble() == condition.DAMAGED
    assert len(set_aside.reports(full.parent)) == 1, "once a minute at most"
    waiting.close()


def test_the_digest_that_meets_damage_sets_the_spool_aside(full):
    waiting = Spool(full, max_mb=64, secret_keys=KEYS)
    waiting.is_served = True
    spoil(full)
    with pytest.raises((sqlite3.DatabaseError, UnicodeDecodeError)):
        waiting.read()
    assert waiting.read() == []
    assert len(set_aside.reports(full.parent)) == 1
    waiting.close()


def test_only_the_serving_process_sets_a_spool_aside(full):
    """A command that meets the damage beside a console must not move the file away from it."""
    waiting = Spool(full, max_mb=64, secret_keys=KEYS)
    spoil(full)
    with pytest.raises((sqlite3.DatabaseError, UnicodeDecodeError)):
        waiting.depth()
    with pytest.raises(SpoolUnavailable):
        waiting.append(row(b"0200"))
    waiting.close()
    assert set_aside.reports(full.parent) == []


def test_an_appender_does_not_wait_for_a_committer_that_has_ended(path, monkeypatch):
    waiting = Spool(path, max_mb=64, secret_keys=KEYS)
    waiting.append(row(b"0000"))
    committer = waiting._committer
    waiting.close()
    monkeypatch.setattr(Spool, "_running_committer", lambda _self: committer)
    with pytest.raises(SpoolUnavailable, match="was closed"):
        waiting.append(row(b"0001"))
    with pytest.raises(SpoolUnavailable, match="was closed"):
        finished(waiting.append_meanwhile(row(b"0001")))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_appender_does_not_wait_for_a_committer_that_fails_at_its_row(path, monkeypatch):
    waiting = Spool(path, max_mb=64, secret_keys=KEYS)
    waiting.append(row(b"0000"))
    committer = waiting._committer
    assert isinstance(committer, Committer)

    def fail(_group):
        committer.queue.put(late)
        raise SystemExit

    refused = threading.Event()
    late = Entry(("a row that came meanwhile",), refused.set)
    monkeypatch.setattr(committer, "_commit", fail)
    committer.look()
    assert refused.wait(30)
    assert isinstance(late.error, EOFError)
    committer.join(30)
    waiting.close()


def test_a_look_at_damage_does_not_end_the_committer(path, monkeypatch):
    waiting = Spool(path, max_mb=64, secret_keys=KEYS)
    waiting.append(row(b"0000"))
    committer = waiting._committer
    assert isinstance(committer, Committer)

    def fail(_db):
        raise sqlite3.DatabaseError("malformed")

    monkeypatch.setattr(waiting.shares, "look", fail)
    waiting.shares._looked_at = -10.0
    waiting.append(row(b"0001"))
    assert committer.is_alive()
    waiting.close()


@pytest.fixture
def old_news(monkeypatch):
    """What is known of the spool is at once too old to be believed."""
    monkeypatch.setattr(condition, "KNOWN_SECONDS", 0.0)


def test_healthz_fails_when_rows_cannot_be_made_durable(client, app, waiting, old_news, instance):
    assert (client.get("/healthz").status_code, client.get("/healthz").text) == (200, "ok\n")
    before = waiting.depth()
    blocker = sqlite3.connect(instance / "spool.sqlite", isolation_level=None)
    blocker.execute("PRAGMA busy_timeout=0")
    with waiting._writing:
        answer = client.get("/healthz")
        assert (answer.status_code, answer.text) == (503, "spool-stuck\n")
    blocker.close()
    assert client.get("/healthz").status_code == 200
    assert waiting.depth() == before, "trials leave nothing"


def test_healthz_says_that_the_spool_is_full(app, path, old_news):
    waiting = Spool(path, max_mb=1, secret_keys=KEYS)
    with pytest.raises(SpoolUnavailable):
        [waiting.append(row(os.urandom(50_000))) for _ in range(100)]
    assert waiting.trouble() == condition.FULL
    waiting.forget({1: 1 << 62})
    assert waiting.trouble() == ""
    waiting.close()


def test_healthz_writes_nothing_while_appends_tell(waiting, accepted, acme, monkeypatch):
    """A trial is made only when the last append is some seconds ago."""
    trials = []
    monkeypatch.setattr(spools, "trial", lambda *_: trials.append(1))
    accepted(acme, error())
    for _ in range(5):
        assert waiting.trouble() == ""
    assert trials == []


def test_many_askers_share_one_trial(waiting, monkeypatch):
    trials = []
    monkeypatch.setattr(spools, "trial", lambda *_: trials.append(1))
    threads = [threading.Thread(target=waiting.trouble) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trials == [1]


def test_a_spool_that_cannot_be_opened_answers_503(send, waiting, instance, app):
    (instance / "spool.sqlite").unlink(missing_ok=True)
    (instance / "spool.sqlite").mkdir()
    answer = send(envelope(("event", error())))
    assert answer.status_code == 503
    with app.app_context():
        assert health.reasons() == [condition.UNWRITABLE]


def test_intake_says_what_was_set_aside(as_vic, acme, instance):
    (instance / "spool.sqlite").write_bytes(b"\xff" * 3000)
    salvage.check(instance / "spool.sqlite", KEYS)
    page = as_vic.get("/acme/shop/intake").text
    assert "the spool was damaged" in page
    assert "how many others it held is not known" in page
