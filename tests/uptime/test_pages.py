"""The pages of checks, and what people do there."""

import re
from datetime import timedelta
from urllib.parse import urljoin

import pytest
from sqlalchemy import select

from console.core import absences
from console.core import clock as console_clock
from console.core.db import db
from console.uptime import headers, heartbeats, status_pages
from console.uptime.expectation import Expectation
from console.uptime.models import Check, CheckState, MaintenanceWindow, Outage
from tests.fakes.peer import plain
from tests.support.at_once import at_once
from tests.support.clients import HTMX
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON

CHECKS = "/acme/shop/uptime/"
FORM = {"name": "Shop", "url": "https://shop.test/health"}
BROKEN = plain(b"Oh <b>no</b>", "500 Broken")


@pytest.fixture
def down(acme, peer, clock, make_check, try_all):
    """A check that is down since 12:01; its id."""
    clock.set(NOON)
    check_id = make_check(acme, peer.url("/health"))
    try_all()
    peer.answers["/health"] = BROKEN
    clock.move(minutes=1)
    try_all()
    clock.move(seconds=5)
    return check_id


@pytest.fixture
def only(inside, acme):
    def only() -> Check:
        with inside(acme):
            return db.session.scalars(select(Check)).one()

    return only


def test_the_list_and_the_page_show_state_uptime_and_what_was_answered(as_vic, down, clock):
    page = as_vic.get(CHECKS).text
    assert "Status 500 instead of 200-299." in page
    assert ">Down<" in page
    assert "50%" in page
    page = as_vic.get(f"{CHECKS}{down}").text
    assert "alerts/rules/new?metric=checks.response_time&amp;where.check=" in page
    assert "Oh &lt;b&gt;no&lt;/b&gt;" in page
    assert "Uptime 90 d" in page
    assert "it lasts" in page
    assert page.count("What was answered") == 1, "the first try says nothing that the second lacks"
    assert "metric=checks.uptime&amp;only=check&amp;value=shop&amp;range=90d" in page
    assert f"<title>{NOON:%-d %b %H:%M} UTC: 1 up, 1 down</title>" in page
    assert "Pause</button>" not in page
    assert ">1<" in as_vic.get(CHECKS).text  # the rail counts what is down


def test_an_outage_says_for_how_much_of_it_the_console_was_away(
    app, as_vic, as_script, acme, peer, down, clock, try_all, inside
):
    clock.set(NOON + timedelta(hours=4))
    with app.app_context():
        absences.add(NOON + timedelta(minutes=30), NOON + timedelta(hours=3, minutes=30))
    lasting = as_vic.get(f"{CHECKS}{down}").text
    assert "the console was away 3 h of it" in " ".join(lasting.split())
    del peer.answers["/health"]
    try_all()
    clock.move(seconds=5)
    page = " ".join(as_vic.get(f"{CHECKS}{down}").text.split())
    assert "Up again after 3 h 59 min, of which the console was away 3 h." in page
    assert "the console was away 3 h of it" in page
    assert "UTC: the console was away 30 min</title>" in as_vic.get(CHECKS).text
    # Nobody looked for three hours, which count as neither up nor down.
    ask = as_script(acme, "checks:read")
    shares = ask.get(f"/api/v1/acme/shop/checks/{down}").json["uptime"]
    assert list(shares.values()) == [pytest.approx(2 / 3, abs=0.01)] * 4
    with inside(acme):
        shown = status_pages.create(acme, "Shop", db.session.scalars(select(Check)).all())
        status = status_pages.status_of(shown)
        assert status.checks[0].uptime == pytest.approx(2 / 3, abs=0.01)
        assert status.checks[0].cells[-1].words == "2 up, 1 down, the console was away 3 h"


def test_a_long_list_comes_in_pages_what_is_down_first(as_vic, acme, inside):
    """1,500 checks were one page of 8 MB that took seconds."""
    with inside(acme):
        for number in range(120):
            state = CheckState.DOWN if number == 119 else CheckState.UP
            name = f"Check {number:03}"
            db.session.add(Check(project_id=acme.id, slug=f"c{number}", name=name, state=state))
        db.session.commit()
    first = as_vic.get(CHECKS).text
    assert first.count("data-row") == 50
    assert first.index("Check 119") < first.index("Check 000")
    assert "120 checks" in first
    last = as_vic.get(f"{CHECKS}?page=3").text
    assert last.count("data-row") == 20
    assert "Check 118" in last
    assert as_vic.get(f"{CHECKS}?page=99").text.count("data-row") == 20


def test_a_check_of_the_console_itself_says_what_it_cannot_see(as_alice, acme, inside):
    """And asking the address of a heartbeat would say that its job ran."""
    with inside(acme):
        beat = heartbeats.create(acme, "Nightly", Expectation(every_seconds=60))
        address = heartbeats.address_of(beat)
        db.session.commit()
    here = {"base_url": urljoin(address, "/")}
    refused = as_alice.post(f"{CHECKS}new", data=FORM | {"url": address}, **here)
    assert refused.status_code == 422
    assert "This is the address of a heartbeat" in refused.text
    own = FORM | {"url": urljoin(address, "/healthz"), "name": "Console"}
    made = as_alice.post(f"{CHECKS}new", data=own, **here)
    assert "while the console is away, nobody sees it" in as_alice.get(made.location, **here).text
    made = as_alice.post(f"{CHECKS}new", data=FORM, **here)
    assert "nobody sees it" not in as_alice.get(made.location, **here).text


def test_an_empty_list_leads_on(as_alice, as_vic):
    assert "No checks yet" in as_vic.get(CHECKS).text
    assert f"{CHECKS}new" in as_alice.get(CHECKS).text


def test_a_check_is_made_changed_and_deleted(as_alice, only, clock):
    sent = FORM | {"headers": "X-Token: s3cret\nAccept: text/html", "redirects": ""}
    answer = as_alice.post(f"{CHECKS}new", data=sent)
    assert answer.status_code == 303
    check = only()
    assert (check.slug, check.interval_seconds, check.settings["redirects"]) == ("shop", 60, False)
    assert b"s3cret" not in (check.sealed or b"")
    form = as_alice.get(f"{CHECKS}{check.id}/settings").text
    assert "X-Token: ••••••" in form
    assert "s3cret" not in form
    changed = sent | {
        "name": "Shop front", "headers": "X-Token: ••••••\nX-New: 1", "redirects": ["", "y"],
    }  # fmt: skip
    assert as_alice.post(f"{CHECKS}{check.id}/settings", data=changed).status_code == 303
    again = only()
    assert (again.name, again.slug, again.settings["redirects"]) == ("Shop front", "shop", True)
    with as_alice.application.app_context():
        assert headers.unsealed(again.sealed) == {"X-Token": "s3cret", "X-New": "1"}
    assert as_alice.post(f"{CHECKS}{check.id}/deletion").status_code == 303
    assert "No checks yet" in as_alice.get(CHECKS).text


@at_once(
    ("field", "value", "message"),
    [
        ("name", "", "Give it a name."),
        ("name", "x" * 101, "At most 100 characters."),
        ("url", "", "Which address is to be asked?"),
        ("url", "ftp://shop.test/", "Only http:// and https:// addresses can be called."),
        ("url", "https://shop.test:99999/", "The address has no host, or a port"),
        ("url", "https://user:x@shop.test/", "Give a name and password in a header"),
        ("url", "https://shop.test/" + "x" * 2_000, "At most 2,000 characters."),
        ("interval_seconds", "9", "Between 10 seconds and a day."),
        ("interval_seconds", "often", "Not a whole number."),
        ("timeout_seconds", "61", "Between 1 and 60 seconds."),
        ("timeout_seconds", "nan", "Not a number."),
        ("statuses", "20x", "20x is no status"),
        ("statuses", "299-200", "299-200 ends before it begins."),
        ("text", "x" * 501, "At most 500 characters."),
        ("headers", "X-Token", "is no header such as"),
        ("headers", "Host: other.test", "Host is written by the console itself."),
        ("headers", "X-A: \x07", "has characters that no header may have"),
        ("headers", "X-Token: ••••••", "X-Token has no value yet: enter it."),
        ("slow_ms", "0", "Between 1 and 60,000 milliseconds."),
        ("failures_needed", "0", "Between 1 and 20."),
        ("method", "BREW", "Not a valid choice."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(as_alice, field, value, message):
    answer = as_alice.post(f"{CHECKS}new", data=FORM | {field: value}, headers=HTMX)
    assert answer.status_code == 422
    assert message in answer.text
    assert f'id="{field}-error"' in answer.text
    in_fold = field in {"method", "headers", "body"}
    assert ('<details class="fold" open>' in answer.text) == in_fold, "else nobody sees it"


def test_fields_that_do_not_go_together(as_alice):
    long = FORM | {"interval_seconds": "10", "timeout_seconds": "30"}
    assert "No longer than the time" in as_alice.post(f"{CHECKS}new", data=long).text
    head = FORM | {"method": "HEAD", "text": "hello"}
    assert "has no text" in as_alice.post(f"{CHECKS}new", data=head).text
    assert as_alice.post(f"{CHECKS}new", data=FORM).status_code == 303
    assert "Another check has this name." in as_alice.post(f"{CHECKS}new", data=FORM).text


def test_a_paused_check_is_not_tried_and_resumed_at_once(
    as_alice, down, acme, peer, try_all, results, app, inside, only
):
    assert "Resume" in as_alice.post(f"{CHECKS}{down}/pause", headers=HTMX).text
    assert only().state is CheckState.PAUSED
    assert try_all() == "0 checks tried"
    with app.app_context():
        perform("close-checks")
    assert results(acme)[-1].state == "paused"
    with inside(acme):
        assert db.session.scalars(select(Outage.ended_at)).one() is not None
    assert "Pause" in as_alice.post(f"{CHECKS}{down}/resumption", headers=HTMX).text
    assert try_all() == "1 checks tried"


def test_maintenance_is_marked_afterwards_and_taken_back(
    as_alice, down, acme, app, inside, results
):
    window = {
        "starts_at": NOON.isoformat(),
        "ends_at": (NOON + timedelta(minutes=2)).isoformat(),
        "reason": "Database moves",
    }
    wrong = window | {"ends_at": NOON.isoformat()}
    answer = as_alice.post(f"{CHECKS}{down}/maintenance", data=wrong, headers=HTMX)
    assert answer.status_code == 422
    assert "It lies after the beginning" in answer.text
    assert ">1<" in as_alice.get(CHECKS).text  # the rail counts what is down
    answer = as_alice.post(f"{CHECKS}{down}/maintenance", data=window, headers=HTMX)
    assert "Database moves" in answer.text

    def outage_is_maintained():
        with inside(acme):
            return db.session.scalars(select(Outage.maintenance)).one()

    assert outage_is_maintained()
    page = as_alice.get(CHECKS).text
    assert ">Maintenance<" in page
    assert ">1<" not in page, "what is maintained asks nobody to act"

    def marked():
        with app.app_context():
            perform("mark-maintenance")
        return {row.maintenance for row in results(acme)}

    assert marked() == {True}
    assert ">–<" in as_alice.get(CHECKS).text, "no uptime is known but of maintenance"
    with inside(acme):
        window_id = db.session.scalars(select(MaintenanceWindow.id)).one()
    assert as_alice.post(f"{CHECKS}{down}/maintenance/{window_id}/deletion").status_code == 303
    assert marked() == {False}
    assert not outage_is_maintained()


def test_maintenance_is_on_the_clock_of_whoever_plans_it(as_alice, down, acme, inside):
    as_alice.set_cookie("pharos_zone", "Europe/Berlin")
    assert "Time zone: Europe/Berlin." in as_alice.get(f"{CHECKS}{down}").text
    window = {"starts_at": f"{NOON:%Y-%m-%d}T22:00", "ends_at": f"{NOON:%Y-%m-%d}T23:00"}
    as_alice.post(f"{CHECKS}{down}/maintenance", data=window)
    with inside(acme):
        starts = db.session.scalars(select(MaintenanceWindow.starts_at)).one()
    assert starts.utctimetuple().tm_hour in {20, 21}


def test_an_outage_that_ended_is_marked_as_maintenance(
    as_alice, down, peer, clock, try_all, acme, inside
):
    del peer.answers["/health"]
    clock.move(minutes=1)
    try_all()
    page = as_alice.get(f"{CHECKS}{down}").text
    assert "Mark as maintenance" in page
    fields = dict(re.findall(r'name="(starts_at|ends_at)" value="([^"]+\+00:00)"', page))
    answer = as_alice.post(f"{CHECKS}{down}/maintenance", data=fields, headers=HTMX)
    assert "Mark as maintenance" not in answer.text
    with inside(acme):
        assert db.session.scalars(select(Outage.maintenance)).one()


def test_maintenance_that_runs_is_ended(as_alice, down, acme, inside, clock):
    as_alice.post(
        f"{CHECKS}{down}/maintenance", data={"starts_at": console_clock.now().isoformat()}
    )
    with inside(acme):
        window_id = db.session.scalars(select(MaintenanceWindow.id)).one()
    assert ">End now<" in as_alice.get(f"{CHECKS}{down}").text
    clock.move(minutes=1)
    here = f"{CHECKS}{down}/maintenance/{window_id}/end"
    assert ">End now<" not in as_alice.post(here, headers=HTMX).text
    with inside(acme):
        window = db.session.get_one(MaintenanceWindow, window_id)
        assert window.ends_at - window.starts_at == timedelta(minutes=1)


@pytest.mark.parametrize(
    "path",
    [
        "settings",
        "pause",
        "resumption",
        "deletion",
        "maintenance",
        "maintenance/1/deletion",
        "maintenance/1/end",
    ],
)
def test_who_may_not(as_vic, as_eve, down, path):
    assert as_vic.post(f"{CHECKS}{down}/{path}").status_code == 403
    assert as_eve.post(f"{CHECKS}{down}/{path}").status_code == 404
    assert as_eve.get(f"{CHECKS}{down}").status_code == 404
    assert as_eve.get(CHECKS).status_code == 404
    assert as_vic.get(f"{CHECKS}new").status_code == 403
