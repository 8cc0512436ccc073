import os
import random
import sqlite3
from collections import defaultdict
from pathlib import Path

import pytest

from console.core.crypto import seal
from console.ingest import digest as digesting
from console.ingest import pipeline as pipelines
from console.ingest import turns
from console.ingest.group_commit import COLUMNS, PLACES
from console.ingest.holdings import Holding
from console.ingest.rows import pack
from console.ingest.spool import Spool
from console.ingest.turns import Turns, fair_share
from tests.ingest.conftest import error
from tests.ingest.test_spool import KEY, row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite"


@pytest.fixture
def spool(path):
    spool = Spool(path, max_mb=64, secret_keys=(KEY,))
    yield spool
    spool.close()


@pytest.mark.parametrize(
    ("amounts", "budget", "share"),
    [
        ([], 500, 500),
        ([10, 20], 500, 500),
        ([50_000], 500, 500),
        ([50_000, 50_000], 500, 250),
        ([50_000, 1, 1, 1], 500, 497),
        ([50_000, 200, 100], 500, 200),
    ],
)
def test_who_wants_less_than_an_even_share_gets_all_and_the_others_share_the_rest(
    amounts, budget, share
):
    assert fair_share(amounts, budget) == share


def flood(path: Path, organization_id: int, project_id: int, rows: int, key: str) -> None:
    """Put many rows into the spool's file at once."""
    given = row(b"{}", organization_id=organization_id, project=project_id)
    sealed = seal(key, pack(given))
    values = (organization_id, project_id, 1, 0, given.kind, "", sealed, 0)
    with sqlite3.connect(path) as db:
        db.executemany(f"INSERT INTO waiting ({COLUMNS}) VALUES {PLACES}", [values] * rows)
    db.close()


def test_a_quiet_organizations_event_is_digested_before_a_flood_of_fifty_thousand_rows(
    acme, globex, accepted, digest, waiting, stored, instance, settings, monkeypatch
):
    monkeypatch.setattr(turns, "ROUND_ROWS", 20)
    accepted(acme, error())
    key = settings.prepared().secret_key
    flood(instance / "spool.sqlite", acme.organization_id, acme.id, 50_000, key)
    digest.digest_once()
    order, digest_rows = [], digesting.digest

    def noted(store, organization_id, *rows):
        order.append(organization_id)
        return digest_rows(store, organization_id, *rows)

    monkeypatch.setattr(pipelines, "digest", noted)
    for number in range(1, 3):  # quiet the second time as well, though it came lately
        accepted(globex, error())
        digest.digest_once()
        assert len(stored(globex).events()) == number
    noisy, quiet = acme.organization_id, globex.organization_id
    assert order == [quiet, noisy, quiet, noisy]


def test_a_turn_ends_early_when_its_rows_take_long(
    acme, globex, accepted, digest, stored, monkeypatch
):
    monkeypatch.setattr(pipelines, "LONGEST_TURN_SECONDS", 0.0)
    sent = [error() for _ in range(6)]
    for event in sent:
        accepted(acme, event)
    digest.digest_once()
    assert len(stored(acme).events()) == 1
    assert digest._turns.busy
    accepted(globex, error())
    digest.digest_once()
    assert len(stored(globex).events()) == 1
    digest.drain()
    assert stored(acme).events() == sorted(event["event_id"] for event in sent)
    assert stored(acme).ledger() == {("event", "stored", ""): 6}


def test_a_pace_is_that_of_the_rows_that_were_digested(spool):
    for number in range(8):
        spool.append(row(bytes(number)))
    spent = [0.0]
    reader = Turns(spool, lambda: spent[0])
    ((_, rows),) = _turns(reader, spent, done=2, seconds=4.0)
    assert len(rows) == 8
    ((_, rows),) = _turns(reader, spent, done=1, seconds=4.0)
    assert len(rows) == 1, "it took two seconds for each"


def _turns(reader: Turns, spent: list[float], done: int, seconds: float):
    """The turns of a round, of which the first rows are digested in so many seconds."""
    for organization_id, rows in reader.round():
        spent[0] += seconds
        reader.digested(organization_id, rows[done - 1].position)
        yield organization_id, rows


def test_each_organizations_rows_come_once_and_in_their_order_whatever_comes_between(spool):
    chance = random.Random(7)
    given: dict[int, list[int]] = defaultdict(list)
    taken: dict[int, list[int]] = defaultdict(list)
    reader = Turns(spool)
    for _ in range(12):
        for _ in range(chance.randrange(120)):
            organization_id = chance.choice([1, 1, 1, 1, 2, 3])
            sent = row(bytes(chance.randrange(3000)), organization_id=organization_id)
            given[organization_id].append(spool.append(sent))
        for organization_id, rows in reader.round(resting={3} if chance.random() < 0.3 else ()):
            if chance.random() < 0.2:
                continue  # it could not be stored
            taken[organization_id] += [one.position for one in rows]
            reader.digested(organization_id, rows[-1].position)
        if chance.random() < 0.5:
            reader.forget()
    while turn := list(reader.round()):
        for organization_id, rows in turn:
            taken[organization_id] += [one.position for one in rows]
            reader.digested(organization_id, rows[-1].position)
        reader.forget()
    assert taken == given
    assert spool.held() == {}


def test_organizations_that_all_wait_get_the_same_bytes_whatever_their_rows_weigh(
    spool, monkeypatch
):
    monkeypatch.setattr(turns, "LEAST_BYTES", 30_000)
    monkeypatch.setattr(turns, "ROUND_BYTES", 60_000)
    for _ in range(40):
        spool.append(row(bytes(200_000), organization_id=1))
    for _ in range(400):
        spool.append(row(bytes(3_000), organization_id=2))
    reader = Turns(spool)
    size = {1: 0, 2: 0}
    for _ in range(20):
        for organization_id, rows in reader.round():
            size[organization_id] += sum(len(one.body) for one in rows)
            reader.digested(organization_id, rows[-1].position)
    assert abs(size[1] - size[2]) <= 200_000 + 30_000, "one large row, and one turn"


def test_an_organization_alone_waits_for_nobody_while_it_pays_for_a_large_row(spool, monkeypatch):
    monkeypatch.setattr(turns, "LEAST_BYTES", 1000)
    monkeypatch.setattr(turns, "ROUND_BYTES", 1000)
    positions = [spool.append(row(bytes(50_000))) for _ in range(3)]
    reader, seen = Turns(spool), []
    while turn := list(reader.round()):
        for _, rows in turn:
            seen += [one.position for one in rows]
            reader.digested(1, rows[-1].position)
    assert seen == positions


def test_rows_that_take_long_come_in_short_turns(spool, monkeypatch):
    spent = [0.0]
    monkeypatch.setattr(turns, "ROUND_ROWS", 50)
    for _ in range(120):
        spool.append(row())
    reader, lengths = Turns(spool, lambda: spent[0]), []
    for seconds in (0.1, 0.05, 0.001, 0.001):
        for organization_id, rows in reader.round():
            lengths.append(len(rows))
            spent[0] += seconds * len(rows)
            reader.digested(organization_id, rows[-1].position)
    assert lengths[:2] == [50, 10]
    assert lengths[1] < lengths[2] < lengths[3]


def test_turns_are_shorter_where_several_wait_for_them(spool, monkeypatch):
    spent = [0.0]
    for organization_id in (1, 2, 3, 4) * 40:
        spool.append(row(organization_id=organization_id))
    reader, lengths = Turns(spool, lambda: spent[0]), []
    monkeypatch.setattr(turns, "ROUND_ROWS", 40)
    for _ in range(2):
        for organization_id, rows in reader.round():
            lengths.append(len(rows))
            spent[0] += 0.1 * len(rows)
            reader.digested(organization_id, rows[-1].position)
    assert lengths == [10, 10, 10, 10, 3, 3, 3, 3]


def counted(path: Path) -> dict[int, Holding]:
    """What is in the file, row by row."""
    found: dict[int, Holding] = {}
    with sqlite3.connect(path) as db:
        for table, letters in (("waiting", False), ("dead_letter", True)):
            for whose, size in db.execute(f"SELECT organization_id, length(sealed) FROM {table}"):
                had = found.get(whose, Holding())
                found[whose] = (
                    Holding(had.rows, had.size, had.letters + 1, had.letters_size + size)
                    if letters
                    else Holding(had.rows + 1, had.size + size, had.letters, had.letters_size)
                )
    db.close()
    return found


def test_what_each_organization_holds_is_exact_after_all_that_changes_it(spool, path):
    for number in range(30):
        spool.append(row(os.urandom(100 * number), organization_id=1 + number % 3))
    for waiting in spool.read(organization_id=2, limit_rows=4):
        spool.bury(waiting, "poison")
    letters = spool.dead(2, 7)
    spool.retry(2, 7, letters[0].position)
    spool.discard(2, 7, letters[1].position)
    spool.forget({1: spool.read(organization_id=1)[4].position})
    assert spool.held() == counted(path)
    assert {id_: (one.rows, one.letters) for id_, one in spool.held().items()} == {
        1: (5, 0),
        2: (7, 2),
        3: (10, 0),
    }


def test_a_spool_of_an_older_version_is_counted_when_it_is_opened(spool, path):
    for number in range(6):
        spool.append(row(os.urandom(500), organization_id=1 + number % 2))
    spool.bury(spool.read()[0], "poison")
    before = spool.held()
    spool.close()
    with sqlite3.connect(path) as db:
        db.executescript(
            "DROP TABLE holding; DROP INDEX waiting_organization; DROP TRIGGER waiting_comes;"
            "DROP TRIGGER waiting_goes; DROP TRIGGER letter_comes; DROP TRIGGER letter_goes"
        )
    db.close()
    assert spool.held() == before == counted(path)
    spool.append(row(organization_id=2))
    assert spool.held() == counted(path)


def test_no_organization_pushes_out_anothers_dead_letters(tmp_path):
    spool = Spool(tmp_path / "spool.sqlite", max_mb=4, secret_keys=(KEY,))
    for number in range(33):  # 100 kB each; letters have a megabyte
        mine = number < 3
        spool.append(row(os.urandom(100_000), organization_id=2 if mine else 1))
        spool.bury(spool.read()[0], "poison")
    assert len(spool.dead(2, 7)) == 3
    assert len(spool.dead(1, 7)) == 7
    spool.close()
