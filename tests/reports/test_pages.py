"""Pages of reports: made, paused, sent by hand, looked at, and left by a link."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from sqlalchemy import select

from console.accounts.models import User
from console.alerting.delivery.models import OutboxMessage
from console.core.db import db
from console.dashboards import making
from console.dashboards.document import Document, Section, Tab, Tile
from console.dashboards.models import Dashboard
from console.reports import keeping
from console.reports.models import EditionState, Report, ReportEdition, ReportRecipient
from tests.alerting.deliveries import deliver
from tests.support.clients import HTMX
from tests.support.scheduled import perform

HERE = "/acme/shop/reports/"
GIVEN = {
    "name": "Mondays",
    "about": "worse",
    "every": "weekly",
    "time": "02:30",
    "day": "0",
    "zone": "America/New_York",
    "range": "7d",
    "side": "above",
    "enabled": "y",
}


@pytest.fixture
def report_id(make_report, acme, inside) -> int:
    with inside(acme):
        user = db.session.scalars(select(User).where(User.email == "alice@acme.test")).one()
    made: int = make_report(user, csv=True)
    return made


def link_in(text: str) -> str:
    match = re.search(r"http://pharos\.test(/r/[\w-]+)", text)
    assert match is not None, text
    return match[1]


def test_a_report_is_made_after_its_next_times_were_shown(as_alice, acme, inside, clock):
    clock.set(datetime(2026, 3, 2, 12, tzinfo=UTC))
    looked = unescape(as_alice.post(HERE, data=GIVEN | {"look": "1"}).text)
    assert "At 02:30 on Sunday" in looked
    # Clocks leap over 02:30 on 8 March: it goes out when they have.
    assert "Sun 8 Mar 2026 03:00 EDT" in looked
    assert "Sun 15 Mar 2026 02:30 EDT" in looked
    assert as_alice.post(HERE, data=GIVEN).status_code == 303
    with inside(acme):
        (report,) = db.session.scalars(select(Report).where(Report.name == "Mondays"))
        assert report.next_at is not None
        assert report.next_at.isoformat() == "2026-03-08T07:00:00+00:00"
    page = as_alice.get(f"{HERE}{report.id}")
    assert "Mondays" in page.text
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    form = as_alice.get(f"{HERE}{report.id}/edit").text
    assert 'value="02:30"' in form


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("zone", "Mars/Olympus", "Unknown time zone"),
        ("time", "25:99", "A time of day such as 08:00."),
        ("about", "", "Choose what it is about."),
        ("name", "", "Name it."),
        ("variables", "nothing", "One choice a line"),
    ],
)
def test_a_wrong_form_says_what_is_wrong(as_alice, field, value, message):
    answer = as_alice.post(HERE, data=GIVEN | {field: value}, headers=HTMX)
    assert answer.status_code == 422
    assert message in unescape(answer.text)
    assert answer.text.startswith('<section id="report-form"')


@pytest.mark.parametrize(
    "address",
    ["a@b.test\nBcc: c@d.test", "a@b.test\r\nSubject: x", "a@b.test, c@d.test", "A <a@b.test>"],
)
def test_an_address_with_a_header_in_it_is_refused(as_alice, report_id, address):
    answer = as_alice.post(f"{HERE}{report_id}/recipients", data={"address": address})
    assert answer.status_code == 422
    assert "is no e-mail address" in unescape(answer.text)


@pytest.mark.usefixtures("stored")
def test_somebody_outside_agrees_reads_and_leaves(
    app, acme, inside, as_alice, report_id, smtp, clock
):
    added = as_alice.post(f"{HERE}{report_id}/recipients", data={"address": "eva@out.test"})
    assert added.status_code == 303
    with inside(acme):
        deliver(acme)
    (asked,) = smtp.messages
    clock.move(days=1)
    with app.app_context():
        perform("send-reports")
    with inside(acme):
        deliver(acme)
    assert [mail["To"] for mail in smtp.messages] == ["eva@out.test", "alice@acme.test"]
    stranger = app.test_client()
    agree = link_in(asked.get_body(preferencelist=("plain",)).get_content())
    assert "Do you want this report?" in stranger.get(agree).text
    with inside(acme):
        own = select(ReportRecipient.confirmed_at).where(ReportRecipient.address != "")
        assert db.session.scalars(own).all() == [None], "whoever looks at a link agrees to nothing"
    assert "You get this report" in stranger.post(agree).text
    clock.move(days=1)
    with app.app_context():
        perform("send-reports")
    with inside(acme):
        deliver(acme)
    mail = next(mail for mail in reversed(smtp.messages) if mail["To"] == "eva@out.test")
    html = mail.get_body(preferencelist=("html",)).get_content()
    assert "/acme/shop/" not in html, "nothing leads somebody outside into the console"
    text = mail.get_body(preferencelist=("plain",)).get_content()
    opened = re.search(r"Open the report: http://pharos\.test(/r/[\w-]+)", text)
    assert opened is not None
    page = stranger.get(opened[1])
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    image = re.search(r'src="(/r/[^"]+\.png)"', page.text)
    assert image is not None
    assert stranger.get(image[1]).data.startswith(b"\x89PNG")
    leave = mail["List-Unsubscribe"].strip(" <>").removeprefix("http://pharos.test")
    assert "Stop this report?" in stranger.get(leave).text
    assert stranger.post(leave, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert stranger.get(opened[1]).status_code == 410
    assert stranger.get("/r/pho_unknown").status_code == 404


@pytest.mark.usefixtures("stored")
def test_an_edition_sent_to_oneself_goes_to_nobody_else(
    app, acme, inside, as_alice, as_vic, report_id, smtp
):
    assert as_vic.post(f"{HERE}{report_id}/editions/mine").status_code == 403
    part = as_alice.post(f"{HERE}{report_id}/editions/mine", headers=HTMX)
    assert part.text.startswith(f'<div id="report-{report_id}"')
    with app.app_context():
        perform("send-reports")
    with inside(acme):
        deliver(acme)
        (edition,) = db.session.scalars(select(ReportEdition)).all()
        assert edition.state is EditionState.MADE
        assert db.session.scalars(select(OutboxMessage.key)).all() == [f"report-{edition.id}-me"]
    assert [mail["To"] for mail in smtp.messages] == ["alice@acme.test"]
    page = as_vic.get(f"{HERE}{report_id}/editions/{edition.id}")
    assert "P95 by endpoint" in page.text
    picture = as_vic.get(f"{HERE}{report_id}/editions/{edition.id}/chart-3.png")
    assert picture.headers["Content-Type"] == "image/png"
    table = as_vic.get(f"{HERE}{report_id}/editions/{edition.id}/report.csv")
    assert table.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.usefixtures("stored")
def test_the_preview_runs_nothing_and_leads_nowhere(as_vic, report_id):
    answer = as_vic.get(f"{HERE}{report_id}/preview")
    assert answer.status_code == 200
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "data:image/png;base64," in answer.text


def test_a_viewer_changes_nothing_and_a_stranger_finds_nothing(as_vic, as_eve, report_id):
    assert "Morning" in as_vic.get(HERE).text
    for path in ("pause", "resumption", "deletion", "editions", "recipients"):
        assert as_vic.post(f"{HERE}{report_id}/{path}").status_code == 403
        assert as_eve.post(f"{HERE}{report_id}/{path}").status_code == 404
    for path in (str(report_id), f"{report_id}/edit", f"{report_id}/preview", ""):
        assert as_eve.get(f"{HERE}{path}").status_code == 404


def test_a_report_is_paused_started_and_deleted(as_alice, acme, inside, report_id):
    assert "Paused" in as_alice.post(f"{HERE}{report_id}/pause", headers=HTMX).text
    assert "Active" in as_alice.post(f"{HERE}{report_id}/resumption", headers=HTMX).text
    assert as_alice.post(f"{HERE}{report_id}/deletion").status_code == 303
    with inside(acme):
        assert db.session.scalars(select(Report)).all() == []


@pytest.mark.usefixtures("stored")
def test_a_form_is_previewed_before_it_is_saved(as_alice, acme, inside, make_report):
    make_report()
    with inside(acme):
        dashboard_id = db.session.scalars(select(Report.dashboard_id)).one()
    sent = {**GIVEN, "name": "Not yet <saved>", "about": str(dashboard_id), "environment": "eu"}
    page = as_alice.post("/acme/shop/reports/", data={**sent, "look": "1"})
    frame = HTMLParser(page.text).css_first("iframe[sandbox]")
    assert frame is not None
    assert "frame-src 'self'" in page.headers["Content-Security-Policy"]
    mail = as_alice.get(str(frame.attributes["src"]))
    assert mail.status_code == 200
    assert "Not yet &lt;saved&gt;" in mail.text
    assert "Environment: eu" in mail.text
    assert "sandbox" in mail.headers["Content-Security-Policy"]
    with inside(acme):
        assert db.session.scalars(select(Report.name)).all() == ["Morning"]


def test_a_form_with_a_fault_has_no_preview(as_alice):
    assert as_alice.get("/acme/shop/reports/preview?about=77").status_code == 422
    page = as_alice.post("/acme/shop/reports/", data={**GIVEN, "about": "77", "look": "1"})
    assert page.status_code == 422
    assert "iframe" not in page.text


def test_a_form_of_hundreds_of_dashboards_offers_the_tiles_of_the_chosen_one(
    acme, inside, as_alice
):
    tiles = tuple(Tile(id="", kind="text", title=f"Tile {n}") for n in range(40))
    document = Document(title="Large", tabs=(Tab(sections=(Section(tiles=tiles),)),))
    with inside(acme):
        ids = [making.create(acme, document).id for _ in range(14)]
        db.session.commit()
    page = as_alice.get("/acme/shop/reports/new").text
    assert f'value="{ids[-1]}"' in page
    assert f'value="{ids[-1]}:' not in page
    with inside(acme):
        own = db.session.scalars(select(Dashboard).where(Dashboard.id.in_(ids))).all()
        offered = [value for value, _ in keeping.subjects(own, f"{ids[3]}:0123456789ab")]
    assert sum(value.startswith(f"{ids[3]}:") for value in offered) == 40
    assert sum(":" in value for value in offered) == 40
