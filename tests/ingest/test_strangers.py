"""What requests do whose key opens nothing: no text of theirs is kept, no unknown number costs."""

import random
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from console.accounts.models import Key
from console.core.crypto import new_public_key
from console.core.db import db
from console.ingest import refusals, strangers
from console.intake.models import Outcome
from tests.ingest.conftest import envelope, error
from tests.support.factories import make_organization, make_project

MARK = "hunter2"


@pytest.fixture
def flush(app, waiting, digest, monkeypatch):
    """`flush()` does what the console does a second later, which does not do it here."""
    monkeypatch.setattr(refusals, "FLUSH_SECONDS", 3600)

    def do() -> None:
        app.extensions[refusals.EXTENSION].flush()
        digest.drain()

    yield do
    app.extensions[refusals.EXTENSION].close()


@pytest.fixture
def asked(monkeypatch):
    """How often all organizations were asked for their projects."""
    calls, owners = [], strangers._owners

    def counting() -> tuple[dict[int, int], bool]:
        calls.append(1)
        return owners()

    monkeypatch.setattr(strangers, "_owners", counting)
    return calls


def strange(client, project_id: int, *, key: str = "", kind: str = "envelope", body: bytes = b""):
    """Send with a key that opens nothing, and with a mark wherever a sender may write."""
    credentials = f"Sentry sentry_key={key or new_public_key()}, sentry_client={MARK}/1"
    headers = {"X-Sentry-Auth": credentials, "User-Agent": MARK, "Origin": f"https://{MARK}.test"}
    body = body or envelope(("event", error(MARK)))
    path = f"/api/{project_id}/{kind}/?sentry_client={MARK}&sentry_key={MARK}"
    return client.post(path, data=body, headers=headers)


def test_unknown_numbers_cost_no_row_and_one_question_in_a_while(
    client, flush, waiting, asked, app, acme
):
    chance = random.Random(3)
    for _ in range(300):
        assert strange(client, chance.randrange(10_000, 10**9)).status_code == 403
        if chance.random() < 0.1:
            app.extensions[refusals.EXTENSION].flush()
    app.extensions[refusals.EXTENSION].flush()
    assert waiting.held() == {}
    assert len(asked) == 1


def test_many_unknown_numbers_stay_within_bounds_and_hide_no_project(
    app, client, flush, stored, acme, monkeypatch
):
    monkeypatch.setattr(strangers, "NAMED", 20)
    monkeypatch.setattr(strangers, "LEARN_SECONDS", 0)
    monkeypatch.setattr(strangers, "LEARN_SHARE", 0)
    strange(client, acme.id)
    flush()
    seen = app.extensions[refusals.EXTENSION]._strangers
    for number in range(100):
        strange(client, 10_000 + number)
    assert len(seen._unknown) == 20
    strange(client, acme.id)
    flush()
    assert stored(acme).ledger() == {("envelope", "refused", "unknown key"): 2}
    assert (len(seen._unknown), len(seen._cases)) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "key", "body", "case"),
    [
        ("envelope", "", b"", ("envelope", "refused", "unknown key")),
        ("store", "", b"", ("event", "refused", "unknown key")),
        ("envelope", MARK, b"", ("envelope", "refused", "malformed key")),
        ("integration/otlp/v1/traces", "", b"", ("traces", "refused", "unknown key")),
        ("beacon", "", MARK.encode(), ("web_vital", "invalid", "undecodable")),
    ],
)
def test_a_mistake_is_found_in_the_ledger_without_a_word_of_the_sender(
    client, flush, stored, inside, acme, kind, key, body, case
):
    for _ in range(3):
        assert strange(client, acme.id, key=key, kind=kind, body=body).status_code in {400, 403}
    flush()
    assert stored(acme).ledger() == {case: 3}
    with inside(acme):
        (line,) = db.session.scalars(select(Outcome)).all()
        assert line.detail == f"a request named this project in its address: {case[2]}"
        assert MARK not in str([getattr(line, c.name) for c in Outcome.__table__.columns])


def test_who_holds_a_disabled_key_is_a_stranger(client, flush, inside, acme, key):
    with inside(acme):
        for one in db.session.scalars(select(Key)):
            one.disabled_at = datetime(2020, 1, 1, tzinfo=UTC)
        db.session.commit()
    strange(client, acme.id, key=key)
    flush()
    with inside(acme):
        (line,) = db.session.scalars(select(Outcome)).all()
        assert (line.reason, MARK in line.detail) == ("disabled key", False)


def test_a_project_that_was_made_lately_is_found(app, client, flush, stored, acme, monkeypatch):
    monkeypatch.setattr(strangers, "LEARN_SECONDS", 0)
    monkeypatch.setattr(strangers, "LEARN_SHARE", 0)
    strange(client, acme.id)
    flush()
    late = make_project(app, make_organization(app, "acme"), "late")
    strange(client, late.id)
    flush()
    assert stored(late).ledger() == {("envelope", "refused", "unknown key"): 1}


def test_counts_wait_while_the_database_does_not_answer(
    app, client, flush, stored, acme, monkeypatch
):
    monkeypatch.setattr(strangers, "LEARN_SECONDS", 0)
    monkeypatch.setattr(strangers, "LEARN_SHARE", 0)

    def fail() -> None:
        raise OperationalError("SELECT", {}, Exception("gone"))

    strange(client, acme.id)
    with monkeypatch.context() as broken:
        broken.setattr(strangers, "_owners", fail)
        flush()
    assert stored(acme).ledger() == {}
    flush()
    assert stored(acme).ledger() == {("envelope", "refused", "unknown key"): 1}
