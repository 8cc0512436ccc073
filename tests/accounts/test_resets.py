"""Another password by mail: for whoever reads the account's mailbox, and nobody else."""

import logging
import re
from dataclasses import replace
from threading import Event, get_ident

import pytest
from sqlalchemy import event, select

from console.accounts import resets
from console.accounts.throttle import PASSWORD as PASSWORD_GATE
from console.accounts.throttle import Attempt
from console.channels import outgoing
from console.core.audit import AuditEntry
from console.core.db import db
from tests.accounts.authenticator import set_up
from tests.accounts.reading import found
from tests.support.consoles import console
from tests.support.factories import PASSWORD, signed_in

NEW = "four words in a row"
SENT = "If there is an account with this address"


@pytest.fixture
def app(settings, smtp, tmp_path):
    """A console with mail, and an address that people know it by."""
    mailing = replace(settings, smtp_url=smtp.url, base_url="http://pharos.test")
    with console(mailing, templates=str(tmp_path)) as app:
        yield app


@pytest.fixture
def mails(app, smtp):
    """What has arrived, all that was asked for being sent."""

    def arrived():
        with app.app_context():
            outgoing.current().drain()
        return smtp.messages

    return arrived


def ask(client, email="Ada@acme.test", address="192.0.2.1", **headers):
    return client.post(
        "/forgot-password",
        data={"email": email},
        headers=headers,
        environ_overrides={"REMOTE_ADDR": address},
    )


def path_in(mail) -> str:
    return found(r"http://pharos\.test(/reset-password/phr_[\w-]{43})\s", text_of(mail))


def text_of(mail) -> str:
    return str(mail.get_body(("plain",)).get_content())


def log_in(client, password: str) -> int:
    form = {"email": "ada@acme.test", "password": password}
    return int(client.post("/login", data=form).status_code)


def test_a_link_sets_another_password(both_databases, app, client, acme, mails, inside):
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    answer = ask(client, **{"User-Agent": firefox})
    assert answer.location == "/login"
    assert SENT in client.get("/login").text
    mail = mails()[0]
    assert mail["X-Envelope-To"] == "ada@acme.test"
    assert "192.0.2.1, with Firefox on Linux" in text_of(mail)
    path = path_in(mail)
    page = client.get(path)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert 'autocomplete="new-password"' in page.text
    weak = client.post(path, data={"password": "ada@acme.test"})
    assert (weak.status_code, "name or e-mail" in weak.text) == (422, True)
    assert client.post(path, data={"password": NEW}).location == "/login"
    assert log_in(app.test_client(), PASSWORD) == 422
    assert log_in(client, NEW) == 303
    assert "was changed by a link" in text_of(mails()[1])
    with inside(acme):
        assert db.session.scalars(select(AuditEntry.action)).all() == ["password.reset"]


def test_the_link_leads_to_the_consoles_own_address(client, acme, mails):
    ask(client, Host="evil.test")
    assert "evil" not in text_of(mails()[0])
    assert path_in(mails()[0])


def test_it_signs_everybody_else_out_and_knows_this_browser_only(app, client, acme, mails):
    stranger = signed_in(app, "ada@acme.test")
    known = signed_in(app, "ada@acme.test")
    known.post("/logout")
    ask(client)
    client.post(path_in(mails()[0]), data={"password": NEW})
    assert stranger.get("/acme/").status_code == 303
    with app.app_context():
        for number in range(PASSWORD_GATE.account.free):
            Attempt(PASSWORD_GATE, "ada@acme.test", f"198.51.100.{number}").begin()
    assert log_in(known, NEW) == 429
    assert log_in(client, NEW) == 303


def test_two_factor_sign_in_stays(app, client, acme, mails):
    set_up(signed_in(app, "ada@acme.test"))
    ask(client)
    client.post(path_in(mails()[0]), data={"password": NEW})
    assert client.get("/acme/").status_code == 303
    form = {"email": "ada@acme.test", "password": NEW}
    assert client.post("/login", data=form).location == "/login/code"


def test_a_link_works_once_and_all_others_with_it(client, acme, mails):
    ask(client)
    ask(client)
    first, second = map(path_in, mails())
    assert first != second
    assert client.get(second).status_code == 200
    assert client.post(first, data={"password": NEW}).status_code == 303
    for path in (first, second):
        gone = client.post(path, data={"password": "another four words"})
        assert (gone.status_code, "no longer works" in gone.text) == (404, True)


def test_a_link_runs_out(client, acme, mails, clock):
    ask(client)
    path = path_in(mails()[0])
    clock.move(minutes=59)
    assert client.get(path).status_code == 200
    clock.move(minutes=1)
    assert client.get(path).status_code == 404


def test_unknown_accounts_get_the_same_answer_by_the_same_work(app, client, acme, mails):
    done: dict[str, list[str]] = {"ada@acme.test": [], "nobody@acme.test": []}
    thread, answers = get_ident(), []

    def note(*given):
        if get_ident() == thread:
            done[email].append(given[2])

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    for email in done:
        answers.append(ask(app.test_client(), email, "192.0.2.7"))
        mails()
    assert answers[0].headers.getlist("Location") == answers[1].headers.getlist("Location")
    assert [answer.status_code for answer in answers] == [303, 303]
    known, unknown = done.values()
    assert known == unknown != []
    assert [mail["X-Envelope-To"] for mail in mails()] == ["ada@acme.test"]


def test_nobody_waits_for_the_mail(app, client, acme, monkeypatch):
    sending, goes_on = Event(), Event()

    def slowly(_caller):
        sending.set()
        assert goes_on.wait(60)

    monkeypatch.setattr(resets, "mail_link", slowly)
    assert ask(client).status_code == 303
    assert sending.wait(60)
    goes_on.set()


def test_a_mailbox_cannot_be_filled(app, client, acme, mails, clock):
    answers = [ask(client).status_code for _ in range(3)]
    assert answers == [303, 303, 429]
    from_elsewhere = [ask(client, address=f"198.51.100.{n}").status_code for n in range(4)]
    assert from_elsewhere == [303, 303, 429, 429]
    assert len(mails()) == 4
    waits = ask(client, address="198.51.100.9")
    assert "look into the mailbox" in waits.text
    admitted = 0
    with app.app_context():
        for number in range(60):  # whenever the last wait is over, from a new network, for a day
            clock.move(minutes=24)
            attempt = Attempt(resets.GATE, "ada@acme.test", f"203.0.113.{number}")
            admitted += not attempt.begin()
    assert admitted <= 30


def test_a_link_is_in_no_log(client, acme, mails, smtp, caplog, capfd):
    # The mail server of the tests logs what it is sent, and so does its loop when it is late.
    for name in ("mail.log", "asyncio"):
        caplog.set_level(logging.CRITICAL, name)
    caplog.set_level(logging.DEBUG)
    ask(client)
    path = path_in(mails()[0])
    client.get(path)
    client.post(path, data={"password": NEW})
    assert len(mails()) == 2
    smtp.refusal = "451 come back later"
    assert ask(client).status_code == 303
    assert len(mails()) == 2
    own = [record.getMessage() for record in caplog.records]
    refused = "a mail about a password was not sent: 127.0.0.1 did not take the mail"
    assert any(message.startswith(refused) for message in own)
    assert "phr_" not in "".join([*own, *capfd.readouterr()])


@pytest.mark.parametrize("missing", ["smtp_url", "base_url"])
def test_without_mail_an_operator_is_asked(settings, smtp, tmp_path, missing):
    given = {"smtp_url": smtp.url, "base_url": "http://pharos.test", missing: ""}
    with console(replace(settings, **given), templates=str(tmp_path)) as app:
        client = app.test_client()
        for path in ("/login", "/forgot-password"):
            client.get(path)
        assert "<form" not in client.get("/forgot-password").text
        page = client.post("/forgot-password", data={"email": "ada@acme.test"}).text
        assert re.search(r"pharos user password EMAIL", page)
