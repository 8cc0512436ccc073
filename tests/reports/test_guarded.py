"""What reports do not do: write to strangers again and again, or show more than was chosen."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from console.accounts.models import Project, User
from console.alerting.delivery.models import MessageState, OutboxMessage
from console.core.db import db
from console.dashboards import making
from console.dashboards.document import Document, Section, Tab, Tile, Variable
from console.dashboards.queries import projects_of_organization
from console.reports import recipients
from console.reports.content import Frozen, moved_most
from console.reports.models import (
    EditionState,
    Report,
    ReportContent,
    ReportEdition,
    ReportRecipient,
    Subject,
)
from tests.alerting.deliveries import deliver
from tests.support.scheduled import perform

HERE = "/acme/shop/reports/"
API = "/api/v1/acme/shop/reports"
EVA = {"address": "eva@out.test"}


@pytest.fixture
def script(as_script, acme):
    return as_script(acme, "reports:read", "reports:write")


@pytest.fixture
def alice(acme, inside) -> User:
    with inside(acme):
        return db.session.scalars(select(User).where(User.email == "alice@acme.test")).one()


@pytest.fixture
def due(app, acme, inside, clock):
    """`due()`: a day later, make what is due; the editions and the contents."""

    def made() -> tuple[list[ReportEdition], list[ReportContent]]:
        clock.move(days=1)
        with app.app_context():
            perform("send-reports")
        with inside(acme):
            editions = db.session.scalars(select(ReportEdition).order_by(ReportEdition.id))
            return list(editions), list(db.session.scalars(select(ReportContent)))

    return made


def test_a_mailbox_outside_is_asked_once_a_day(
    as_alice, script, acme, inside, make_report, smtp, clock
):
    first, second = make_report(), make_report(name="Another")
    assert as_alice.post(f"{HERE}{first}/recipients", data=EVA).status_code == 303
    again = as_alice.post(f"{HERE}{second}/recipients", data={"address": "EVA@out.test"})
    assert again.status_code == 422
    assert "was asked in the last 24 hours" in again.text
    with inside(acme):
        (row,) = db.session.scalars(select(ReportRecipient))
        recipients.remove(db.session.get_one(Report, first), row)
        db.session.commit()
        states = db.session.scalars(select(OutboxMessage.state))
        assert list(states) == [MessageState.DISCARDED], "the question is not sent any more"
    answer = script.post(f"{API}/{first}/recipients", json=EVA)
    assert answer.status_code == 429
    assert "tomorrow" in answer.json["detail"]
    clock.move(hours=25)
    assert script.post(f"{API}/{first}/recipients", json=EVA).status_code == 200


def test_an_organization_asks_so_many_people_in_a_day(script, make_report, monkeypatch):
    monkeypatch.setattr(recipients, "MOST_ASKED", 1)
    report_id = make_report()
    assert script.post(f"{API}/{report_id}/recipients", json=EVA).status_code == 200
    full = script.post(f"{API}/{report_id}/recipients", json={"address": "uwe@out.test"})
    assert full.status_code == 429


def test_whoever_has_agreed_is_not_asked_again(as_alice, acme, inside, make_report, agree):
    report_id = make_report()
    as_alice.post(f"{HERE}{report_id}/recipients", data=EVA)
    agree()
    assert as_alice.post(f"{HERE}{report_id}/recipients", data=EVA).status_code == 303
    with inside(acme):
        (row,) = db.session.scalars(select(ReportRecipient))
        assert row.confirmed_at is not None
        assert db.session.query(OutboxMessage).count() == 1


def test_a_report_is_sent_by_hand_once_in_a_while(as_alice, script, alice, make_report, clock):
    report_id = make_report(alice)
    assert as_alice.post(f"{HERE}{report_id}/editions").status_code == 303
    assert as_alice.post(f"{HERE}{report_id}/editions/mine").status_code == 303
    for path in ("editions", "editions/mine"):
        again = as_alice.post(f"{HERE}{report_id}/{path}")
        assert again.status_code == 429
        assert "It was sent a moment ago" in again.text
    assert script.post(f"{API}/{report_id}/editions").status_code == 429
    clock.move(minutes=6)
    assert script.post(f"{API}/{report_id}/editions").status_code == 202


@pytest.mark.parametrize("cron", ["* * * * *", "0,1 8 * * 1", "*/14 9 * * *"])
def test_a_report_goes_out_every_quarter_of_an_hour_at_most(script, cron):
    answer = script.post(API, json={"name": "Often", "about": "worse", "cron": cron})
    assert answer.status_code == 400
    assert "every 15 minutes at most" in answer.text


def test_a_script_of_one_project_sees_no_report_about_all(
    script, as_alice, acme, inside, make_report
):
    with inside(acme):
        across = making.create(None, Document(title="Everything")).id
        db.session.commit()
    given = {"name": "All", "about": str(across), "cron": "0 8 * * *"}
    assert script.post(API, json=given).status_code == 400
    report_id = make_report(name="All", dashboard_id=across)
    assert [own["name"] for own in script.get(API).json["reports"]] == []
    for path in (f"/{report_id}", f"/{report_id}/editions"):
        assert script.get(API + path).status_code == 404
    assert script.post(f"{API}/{report_id}/editions").status_code == 404
    assert as_alice.get(f"{HERE}{report_id}").status_code == 200


def test_a_report_about_all_projects_leaves_out_the_consoles_own(acme, inside):
    with inside(acme):
        db.session.add(Project(slug="pharos", name="Pharos", builtin=True))
        db.session.commit()
        assert [project.slug for project in projects_of_organization()] == ["shop"]


@pytest.mark.usefixtures("stored")
def test_what_somebody_outside_gets_leads_nowhere_and_names_no_notes(
    acme, inside, make_report, agree, due
):
    text = "[in](http://pharos.test/acme/shop/issues/) [out](https://example.com/)"
    tiles = (
        Tile(id="", kind="text", title="Text", settings={"text": text}),
        Tile(id="", kind="line", title="P95", settings={"queries": [{"metric": "requests.p95"}]}),
    )
    document = Document(title="Out", tabs=(Tab(sections=(Section(tiles=tiles),)),))
    with inside(acme):
        own = making.create(db.session.get_one(Project, acme.id), document)
        db.session.commit()
        dashboard_id = own.id
    make_report(dashboard_id=dashboard_id, address="eva@out.test")
    make_report(name="Worse", dashboard_id=None, subject=Subject.WORSE, address="eva@out.test")
    agree()
    _, contents = due()
    assert len(contents) == 2
    for content in contents:
        frozen = Frozen.of(content.document)
        assert content.outside
        assert not any(cell.url for block in frozen.blocks for row in block.rows for cell in row)
        assert not any("/acme/" in block.html for block in frozen.blocks)
    assert "https://example.com/" in str([content.document for content in contents])


def test_a_choice_for_a_variable_that_is_gone_keeps_the_report_back(
    as_alice, script, acme, inside, alice, make_report, agree, due
):
    document = Document(title="Customers", variables=(Variable(name="customer"),))
    with inside(acme):
        here = db.session.get_one(Project, acme.id)
        own = making.create(here, document)
        db.session.commit()
        dashboard_id = own.id
    report_id = make_report(alice, dashboard_id=dashboard_id)
    slip = {**EVA, "choices": "custmer=ACME"}
    refused = as_alice.post(f"{HERE}{report_id}/recipients", data=slip)
    assert refused.status_code == 422
    assert "The dashboard has no variable custmer." in refused.text
    given = {"name": "x", "about": str(dashboard_id), "cron": "0 8 * * *", "variables": "who=a"}
    assert "no variable who" in script.post(API, json=given).text
    sent = {**EVA, "choices": "customer=ACME"}
    assert as_alice.post(f"{HERE}{report_id}/recipients", data=sent).status_code == 303
    agree()
    (edition,), contents = due()
    assert (len(contents), edition.why) == (2, "")
    with inside(acme):
        renamed = Document(title="Customers", variables=(Variable(name="client"),))
        making.save(db.session.get_one(type(own), dashboard_id), renamed)
        db.session.commit()
    (_, edition), contents = due()
    assert edition.state is EditionState.MADE
    assert len([own for own in contents if own.edition_id == edition.id]) == 1, "Alice's alone"
    assert "eva@out.test does not get it: the dashboard no longer has the variable" in edition.why


@pytest.mark.usefixtures("stored")
def test_the_first_sentence_for_chosen_figures_is_about_these_alone(
    acme, inside, alice, make_report, agree, due
):
    requests = {"queries": [{"metric": "requests.count"}]}
    tiles = (
        Tile(id="", kind="number", title="Requests", settings=requests),
        Tile(id="", kind="changed-most", title="All of it", settings={}),
    )
    document = Document(
        title="Customers",
        variables=(Variable(name="customer"),),
        tabs=(Tab(sections=(Section(tiles=tiles),)),),
    )
    with inside(acme):
        own = making.create(db.session.get_one(Project, acme.id), document)
        db.session.commit()
        dashboard_id = own.id
    everybody = {"name": "All", "dashboard_id": dashboard_id, "address": "eva@out.test"}
    make_report(alice, **everybody)
    make_report(**everybody | {"name": "Own"}, variables={"customer": "ACME"})
    agree()
    _, contents = due()
    frozen = [Frozen.of(content.document) for content in contents]
    (narrowed,) = (own for own in frozen if own.title == "Own")
    assert narrowed.sentence == moved_most(narrowed.blocks)
    assert [block.title for block in narrowed.blocks] == ["Requests"]
    whole = {own.sentence for own in frozen if own.title == "All"}
    assert len(whole) == 1
    assert narrowed.sentence not in whole


def test_what_one_person_sent_to_themselves_ends_with_their_account(
    acme, inside, alice, as_alice, make_report
):
    report_id = make_report()
    as_alice.post(f"{HERE}{report_id}/editions/mine")
    with inside(acme):
        db.session.delete(db.session.get_one(User, alice.id))
        db.session.commit()
        assert db.session.query(ReportEdition).count() == 0


@pytest.mark.usefixtures("both_databases")
def test_what_is_owed_of_a_deleted_report_is_not_sent(
    app, acme, inside, alice, as_alice, make_report, smtp
):
    report_id = make_report(alice)
    as_alice.post(f"{HERE}{report_id}/editions/mine")
    as_alice.post(f"{HERE}{report_id}/editions")
    with app.app_context():
        perform("send-reports")
    assert as_alice.post(f"{HERE}{report_id}/deletion").status_code == 303
    with inside(acme):
        deliver(acme)
        states = set(db.session.scalars(select(OutboxMessage.state)))
    assert states == {MessageState.DISCARDED}
    assert not smtp.messages
