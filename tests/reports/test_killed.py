"""kill -9 while a report goes out: everybody gets it, and nobody under a second Message-ID."""

from __future__ import annotations

import os
from collections import Counter, defaultdict

import pytest
from sqlalchemy import select

from console.accounts.models import User
from console.alerting.delivery import sending
from console.core.db import db
from console.reports import editions
from console.reports.models import EditionState, Report, ReportEdition, ReportFile, Subject
from tests.reports.senders import kill_while_it_sends, send_beside
from tests.support.forks import FORKS

KILLS = int(os.environ.get("KILLS", "3"))
PEOPLE = ("ada@acme.test", "alice@acme.test", "vic@acme.test")


@pytest.fixture
def report_id(make_report, acme, inside, agree) -> int:
    """A report that three members and an outsider get; no two processes open one telemetry."""
    with inside(acme):
        own = select(User).where(User.email.in_(PEOPLE)).order_by(User.id)
        people = db.session.scalars(own).all()
    made: int = make_report(*people, address="eva@out.test", csv=True, subject=Subject.WORSE)
    agree()
    return made


@pytest.mark.usefixtures("both_databases")
def test_kill_9_while_a_report_goes_out(acme, inside, settings, report_id, smtp, clock, capsys):
    for _ in range(KILLS):
        kill_while_it_sends(settings, acme.organization_id, report_id)
    with inside(acme):
        for _ in range(12):
            clock.move(minutes=6)  # leases of the killed run out
            editions.send_due(acme.organization_id)
            sending.drain(acme.organization_id, 60)
        rows = db.session.scalars(select(ReportEdition)).all()
        assert {row.state for row in rows} == {EditionState.MADE}
        expected = len(rows) * (len(PEOPLE) + 1)
    ids = Counter(mail["Message-ID"] for mail in smtp.messages if "morning" in mail_subject(mail))
    by_reader = defaultdict(set)
    for mail in smtp.messages:
        if "morning" in mail_subject(mail):
            by_reader[mail["To"]].add(mail["Message-ID"])
    assert len(rows) >= KILLS
    assert len(ids) == expected
    assert {reader: len(own) for reader, own in by_reader.items()} == dict.fromkeys(
        [*PEOPLE, "eva@out.test"], len(rows)
    )
    with capsys.disabled():
        again = sum(ids.values()) - len(ids)
        print(f"\n{KILLS} kills: {len(rows)} editions, {len(ids)} mails, {again} came again")


DRAWING = 8.0
"""Seconds in which a report is asked, drawn and made a PDF of."""


@pytest.mark.usefixtures("both_databases")
def test_kill_9_while_charts_and_the_pdf_are_drawn(
    acme, inside, settings, make_report, smtp, clock, capsys
):
    with inside(acme):
        ada = db.session.scalars(select(User).where(User.email == PEOPLE[0])).one()
    report_id = make_report(ada, pdf=True, csv=True)
    for _ in range(KILLS):
        kill_while_it_sends(settings, acme.organization_id, report_id, DRAWING)
    with inside(acme):
        begun = db.session.scalars(select(ReportEdition.attempts)).all()
        for _ in range(3):
            clock.move(minutes=6)
            editions.send_due(acme.organization_id)
            sending.drain(acme.organization_id, 60)
        db.session.expire_all()
        rows = db.session.scalars(select(ReportEdition)).all()
        assert {(row.state, row.why) for row in rows} == {(EditionState.MADE, "")}
        names = db.session.scalars(select(ReportFile.name)).all()
    assert len(rows) == KILLS
    assert names.count("report.pdf") == names.count("report.csv") == KILLS
    ids = {mail["Message-ID"] for mail in smtp.messages}
    assert len(ids) == KILLS
    with capsys.disabled():
        print(f"\n{KILLS} kills while drawing, of editions begun {begun} times: {len(ids)} mails")


@pytest.mark.usefixtures("both_databases")
def test_two_processes_send_one_report(acme, inside, settings, report_id, smtp):
    with inside(acme):
        editions.send_now(db.session.get_one(Report, report_id))
        db.session.commit()
    begin = FORKS.Event()
    given = (settings, acme.organization_id, begin)
    processes = [FORKS.Process(target=send_beside, args=given, daemon=True) for _ in range(2)]
    for process in processes:
        process.start()
    begin.set()
    for process in processes:
        process.join(90)
        assert process.exitcode == 0
    with inside(acme):
        sending.drain(acme.organization_id, 30)
    readers = Counter(mail["To"] for mail in smtp.messages if "morning" in mail_subject(mail))
    assert readers == dict.fromkeys([*PEOPLE, "eva@out.test"], 1)


def mail_subject(mail: object) -> str:
    """An edition's subject begins with the name of its report; a question's does not."""
    subject = str(mail["Subject"]).lower()  # type: ignore[index]
    return subject if subject.startswith("morning") else ""
