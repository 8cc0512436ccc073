"""Editions: made once, received by mail as they were frozen, and skipped for a reason."""

from __future__ import annotations

import csv
import re
from datetime import datetime, timedelta
from email.message import EmailMessage
from io import BytesIO, StringIO
from threading import Thread

import pytest
from pypdf import PdfReader
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import select

from console.accounts.models import User
from console.alerting.delivery.models import OutboxMessage
from console.core import clock as console_clock
from console.core.db import db
from console.reports import editions, queries, recipients
from console.reports.content import Frozen
from console.reports.making import make
from console.reports.models import (
    EditionState,
    Report,
    ReportContent,
    ReportEdition,
    ReportRecipient,
)
from console.web.png import render_png
from tests.alerting.deliveries import deliver
from tests.support.scheduled import perform
from tests.support.waiting import until


def person(email: str) -> User:
    return db.session.scalars(select(User).where(User.email == email)).one()


@pytest.fixture
def alice(acme, inside) -> User:
    with inside(acme):
        return person("alice@acme.test")


@pytest.fixture
def send(app, acme, inside, clock):
    """`send()`: let a day pass, make what is due and deliver it."""

    def send() -> list[ReportEdition]:
        clock.move(days=1)
        with app.app_context():
            perform("send-reports")
        with inside(acme):
            deliver(acme)
            own = select(ReportEdition).order_by(ReportEdition.id)
            return list(db.session.scalars(own))

    return send


def page_of(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("html",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.usefixtures("stored")
def test_a_report_arrives_with_its_pictures_numbers_and_links(alice, make_report, send, smtp):
    make_report(alice, csv=True)
    (edition,) = send()
    assert edition.state is EditionState.MADE
    (mail,) = smtp.messages
    assert mail["To"] == "alice@acme.test"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    html = page_of(mail)
    assert len(html.encode()) < 100_000
    tree = HTMLParser(html)
    shown = {str(image.attributes["src"]) for image in tree.css("img")}
    pictures = {
        f"cid:{part['Content-ID'].strip('<>')}": part.get_payload(decode=True)
        for part in mail.walk()
        if part.get_content_type() == "image/png"
    }
    assert shown == set(pictures)
    assert len(shown) == 4
    charts = tree.css("img.picture")
    assert len(charts) == 2
    assert all(chart.attributes["alt"] for chart in charts)
    links = {str(link.attributes["href"]) for link in tree.css("a")}
    assert all(link.startswith("http://pharos.test/") for link in links)
    text = mail.get_body(preferencelist=("plain",))
    assert text is not None
    assert "Requests: " in text.get_content()
    assert b"P95 by endpoint" in next(
        part.get_payload(decode=True) for part in mail.iter_attachments()
        if part.get_content_type() == "text/csv"
    )  # fmt: skip


@pytest.mark.usefixtures("stored")
def test_a_picture_without_its_letters_would_be_another(
    acme, inside, alice, make_report, send, smtp
):
    make_report(alice)
    send()
    (mail,) = smtp.messages
    png = next(
        part.get_payload(decode=True)
        for part in mail.walk()
        if part.get_content_type() == "image/png"
    )
    with inside(acme):
        content = db.session.scalars(select(ReportContent)).one()
        _, block = next(Frozen.of(content.document).charts)
    assert png == render_png(block.svg)
    without = re.sub(r"<text.*?</text>", "", block.svg, flags=re.DOTALL)
    assert without != block.svg
    assert png != render_png(without)


@pytest.mark.usefixtures("stored")
def test_two_processes_make_one_edition(acme, inside, alice, make_report, clock, app, smtp):
    report_id = make_report(alice)
    clock.move(days=1)
    with inside(acme):
        editions.claim(report_id, console_clock.now())
        db.session.commit()
        edition_id = db.session.scalars(select(ReportEdition.id)).one()
        assert editions.claim(report_id, console_clock.now()) is None
        db.session.rollback()
    made = []

    def make() -> None:
        with inside(acme):
            made.append(editions.make_one(edition_id))

    threads = [Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(made) == [False, True]
    with inside(acme):
        deliver(acme)
    assert len(smtp.messages) == 1


@pytest.mark.usefixtures("stored")
def test_an_edition_that_takes_longer_than_a_lease_stays_with_who_makes_it(
    acme, inside, alice, make_report, clock, monkeypatch
):
    report_id = make_report(alice)
    clock.move(days=1)
    with inside(acme):
        editions.claim(report_id, console_clock.now())
        db.session.commit()
        edition_id = db.session.scalars(select(ReportEdition.id)).one()
    by_others = []

    def leased_until():
        with inside(acme):
            return db.session.get_one(ReportEdition, edition_id).leased_until

    def another() -> None:
        began = leased_until()
        clock.move(minutes=4)
        until(lambda: leased_until() > began, "a renewed lease")
        clock.move(minutes=4)
        with inside(acme):
            by_others.append(editions.make_one(edition_id))

    def slowly(edition):
        beside = Thread(target=another)
        beside.start()
        beside.join(60)
        return make(edition)

    monkeypatch.setattr(editions, "make", slowly)
    monkeypatch.setattr(editions, "RENEWED", timedelta(milliseconds=50))
    with inside(acme):
        assert editions.make_one(edition_id)
    assert by_others == [False]


def test_nothing_to_report_is_not_sent(alice, make_report, send, smtp):
    make_report(alice, skip_empty=True)
    (edition,) = send()
    assert (edition.state, edition.why) == (EditionState.SKIPPED, "There was nothing to report.")
    assert smtp.messages == []


@pytest.mark.usefixtures("stored")
def test_a_level_that_was_not_crossed_holds_it_back(acme, inside, alice, make_report, send, smtp):
    report_id = make_report(alice, metric="requests.p95", above=True, level=1e9)
    (edition,) = send()
    assert edition.state is EditionState.SKIPPED
    assert edition.why.startswith("requests.p95 was ")
    with inside(acme):
        db.session.get_one(Report, report_id).level = 0.0
        db.session.commit()
    assert send()[-1].state is EditionState.MADE
    assert len(smtp.messages) == 1


@pytest.mark.usefixtures("stored")
def test_the_pdf_says_what_the_mail_says(alice, make_report, send, smtp):
    make_report(alice, pdf=True)
    send()
    (mail,) = smtp.messages
    (pdf,) = [
        part.get_payload(decode=True)
        for part in mail.iter_attachments()
        if part.get_content_type() == "application/pdf"
    ]
    assert isinstance(pdf, bytes)
    text = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    assert "P95 by endpoint" in text
    assert "Morning" in text
    assert len(mail.as_bytes()) < 1_000_000


@pytest.mark.usefixtures("stored")
def test_who_has_left_gets_nothing_that_was_owed(acme, inside, alice, make_report, clock, smtp):
    report_id = make_report(alice)
    clock.move(days=1)
    with inside(acme):
        editions.send_due(acme.organization_id)
        report = db.session.get_one(Report, report_id)
        (recipient,) = recipients_of(report)
        recipients.leave(recipient)
        db.session.commit()
        deliver(acme)
        assert db.session.scalars(select(OutboxMessage.state)).all() == ["discarded"]
    assert smtp.messages == []


def recipients_of(report: Report) -> list[ReportRecipient]:
    return list(queries.recipients(report))


@pytest.mark.usefixtures("stored")
def test_a_spreadsheet_reads_times_and_units_and_the_range_is_what_was_counted(
    acme, inside, alice, make_report, send, smtp
):
    make_report(alice, csv=True, zone="Asia/Kolkata")
    send()
    (mail,) = smtp.messages
    (sheet,) = [part for part in mail.iter_attachments() if part.get_content_type() == "text/csv"]
    rows = list(csv.reader(StringIO(sheet.get_payload(decode=True).decode("utf-8-sig"))))
    heads = {head for row in rows for head in row}
    assert "Requests: P95 (ms)" in heads or "Value (ms)" in heads
    times = [row[0] for row in rows if len(row) > 1 and row[0][:2] == "20"]
    assert times
    first = min(datetime.fromisoformat(text) for text in times)
    assert rows[1][0] == "since"
    assert datetime.fromisoformat(rows[1][1]) == first
