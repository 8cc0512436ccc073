"""How much of the spool one organization may fill, and what it is told then."""

import os
import sqlite3

import pytest

from console.ingest import holdings, refusals
from console.ingest.holdings import Holding, Shares
from console.ingest.spool import Spool
from tests.ingest.conftest import envelope, error
from tests.ingest.test_spool import KEY, row
from tests.support.factories import public_key
from tests.support.waiting import until


@pytest.fixture
def small(app, waiting, monkeypatch):
    """A spool with room for 300 kB of waiting rows, looked at by every accept."""
    monkeypatch.setattr(holdings, "FRESH_SECONDS", -1)
    monkeypatch.setattr(refusals, "FLUSH_SECONDS", 3600)
    monkeypatch.setattr(waiting, "_shares", Shares(400_000))
    yield waiting
    app.extensions[refusals.EXTENSION].close()


def test_one_organization_fills_its_share_and_another_goes_on(
    app, client, send, small, ledger, acme, globex
):
    heavy = envelope(("event", error(extra={"blob": os.urandom(10_000).hex()})))
    answers = [send(heavy) for _ in range(20)]
    accepted = [answer.status_code for answer in answers].count(200)
    assert 6 <= accepted <= 8, "rows of 20 kB in half of the room"
    assert {answer.status_code for answer in answers[-4:]} == {429}
    assert answers[-1].headers["X-Sentry-Rate-Limits"] == "30::organization:spool_share"
    assert answers[-1].headers["Retry-After"] == "30"
    theirs = {"X-Sentry-Auth": f"Sentry sentry_key={public_key(app, globex)}"}
    assert send(heavy, path=f"/api/{globex.id}/envelope/", headers=theirs).status_code == 200
    (count,) = ledger()
    assert (count.project_id, count.reason) == (acme.id, "share of the spool full")
    assert (count.outcome, count.quantity) == ("refused", 20 - accepted)


def test_when_digest_has_stored_rows_the_organization_may_send_again(send, small, acme):
    heavy = envelope(("event", error(extra={"blob": os.urandom(100_000).hex()})))
    assert [send(heavy).status_code for _ in range(2)] == [200, 429]
    small.forget({acme.organization_id: small.read()[-1].position})
    # What accept knows is some moments old.
    until(lambda: send(heavy).status_code == 200, "room for another event")


@pytest.mark.parametrize("others", [1, 2, 5])
def test_however_many_fill_their_shares_there_is_room_for_one_more(others):
    shares = Shares(4_000_000)
    grown = 0
    while grown < others:
        grown = 0
        for organization_id in range(others):
            if shares.is_full(organization_id):
                grown += 1
            else:
                shares.add(organization_id, 1000)
    assert not shares.is_full(99)
    room = 3_000_000 // (others + 1)
    assert all(abs(shares._since[o] - room) <= 1000 * others for o in range(others))


def test_rows_of_another_process_and_dead_letters_count(tmp_path, monkeypatch):
    monkeypatch.setattr(holdings, "FRESH_SECONDS", -1)
    path = tmp_path / "spool.sqlite"
    spool, other = (Spool(path, max_mb=1, secret_keys=(KEY,)) for _ in range(2))
    other.append(row(os.urandom(250_000), organization_id=2))
    other.bury(other.read()[0], "poison")
    for _ in range(4):
        other.append(row(os.urandom(80_000)))
    until(lambda: spool.share_is_full(1), "a share that 320 of 536 kB fill")
    assert not spool.share_is_full(2)
    assert spool.held()[2] == Holding(0, 0, 1, spool.held()[2].letters_size)
    spool.close()
    other.close()


def test_a_look_that_fails_loses_no_row(tmp_path, monkeypatch):
    monkeypatch.setattr(holdings, "FRESH_SECONDS", -1)

    def fail(_db: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(holdings, "held", fail)
    spool = Spool(tmp_path / "spool.sqlite", max_mb=1, secret_keys=(KEY,))
    positions = [spool.append(row()) for _ in range(3)]
    assert not spool.share_is_full(1)
    assert [one.position for one in spool.read()] == positions
    spool.close()
