"""The rule "Check down" that every project begins with: one incident for each check."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select

from console.alerting.evaluation import evaluate
from console.alerting.models import Incident
from console.alerting.rules import keep_standard
from console.core.db import db
from console.uptime import checks, heartbeats, maintenance
from console.uptime.expectation import Expectation
from console.uptime.models import Check
from tests.fakes.peer import Peer, plain
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON

BROKEN = plain(b"", "500 Broken")


@pytest.fixture
def pass_minutes(acme, inside, clock, try_all, app):
    """Let so many minutes go by, in which checks are tried and rules evaluated."""

    def pass_minutes(number: int) -> None:
        for _ in range(number * 2):
            clock.move(seconds=30)
            try_all()
            with app.app_context():
                perform("settle-check-ins")
                perform("close-checks")
            with inside(acme):
                evaluate(acme.organization_id)

    clock.set(NOON)
    with inside(acme):
        keep_standard(acme.organization_id)
    return pass_minutes


@pytest.fixture
def incidents(acme, inside):
    def incidents() -> list[tuple[str, str]]:
        with inside(acme):
            rows = db.session.scalars(select(Incident).order_by(Incident.id)).all()
            return [(row.value, row.state.value) for row in rows]

    return incidents


@pytest.fixture
def accounts(acme, inside):
    """What the incidents say: of what, why, and whether they last."""

    def accounts() -> list[tuple[str, str, str]]:
        with inside(acme):
            rows = db.session.scalars(select(Incident).order_by(Incident.id)).all()
            return [(row.title, row.why, row.state.value) for row in rows]

    return accounts


def test_an_incident_lasts_until_the_check_is_up_again(
    acme, peer, make_check, pass_minutes, incidents
):
    """Also where a check is tried less often than the rule is evaluated."""
    make_check(acme, peer.url("/slow"), slug="cart", interval_seconds=420)
    make_check(acme, peer.url(), slug="shop", interval_seconds=30)
    peer.answers |= {"/slow": BROKEN, "/": BROKEN}
    pass_minutes(3)
    assert sorted(incidents()) == [("cart", "open"), ("shop", "open")]
    del peer.answers["/"], peer.answers["/slow"]
    pass_minutes(3)
    assert sorted(incidents()) == [("cart", "open"), ("shop", "resolved")]
    pass_minutes(5)
    assert sorted(incidents()) == [("cart", "resolved"), ("shop", "resolved")]


def test_the_page_of_a_check_marks_its_own_incidents_and_opens_on_a_range_that_it_fills(
    acme, peer, make_check, pass_minutes, incidents, as_vic, clock
):
    """Its chart marked the incidents of all other checks, and began 14 days before the check."""
    cart = make_check(acme, peer.url("/cart"), slug="cart", interval_seconds=30)
    shop = make_check(acme, peer.url(), slug="shop", interval_seconds=30)
    peer.answers["/cart"] = BROKEN
    pass_minutes(3)
    assert incidents() == [("cart", "open")]
    pages = {id_: as_vic.get(f"/acme/shop/uptime/{id_}").text for id_ in (cart, shop)}
    assert "Check down: cart" in pages[cart]
    assert "Check down: cart" not in pages[shop]
    opens = []
    for hours in (0, 2, 30, 9 * 24):
        clock.move(hours=hours)
        page = as_vic.get(f"/acme/shop/uptime/{shop}").text
        opens += re.findall(r">ms, per ([^<]+)<", page)
    assert opens == ["2 minutes", "30 minutes", "4 hours", "6 hours"]


def test_a_server_that_goes_away_opens_an_incident_that_says_so_and_heals(
    acme, make_check, pass_minutes, accounts
):
    """Nobody listens any more, and later somebody does, at the same address."""
    server = Peer()
    make_check(acme, server.url(), slug="shop", interval_seconds=30)
    pass_minutes(2)
    assert accounts() == []
    server.close()
    pass_minutes(3)
    assert accounts() == [("Check down: shop", "1 check down > 0 (critical)", "open")]
    server = Peer(port=server.port)
    pass_minutes(3)
    server.close()
    assert accounts() == [("Check down: shop", "1 check down > 0 (critical)", "resolved")]


@pytest.mark.parametrize("minutes", [3, 4])
def test_a_heartbeat_that_is_missed_opens_an_incident_that_says_so_and_heals(
    acme, inside, client, pass_minutes, accounts, minutes
):
    """Also if it is heard of in the minute in which it was missed again."""
    expected = Expectation(every_seconds=120, margin_seconds=60)
    with inside(acme):
        check = heartbeats.create(acme, "Nightly", expected)
        address = urlsplit(heartbeats.address_of(check)).path
        db.session.commit()
    assert client.post(address).status_code == 200
    pass_minutes(2)
    assert accounts() == []
    pass_minutes(minutes)
    assert accounts() == [("Check down: nightly", "1 check down > 0 (critical)", "open")]
    client.post(address)
    pass_minutes(3)
    assert accounts() == [("Check down: nightly", "1 check down > 0 (critical)", "resolved")]


@pytest.mark.parametrize("act", [checks.pause, checks.delete])
def test_a_check_that_nobody_looks_at_any_more_has_no_open_incident(
    acme, peer, make_check, pass_minutes, incidents, inside, act
):
    check_id = make_check(acme, peer.url(), interval_seconds=30)
    peer.answers["/"] = BROKEN
    pass_minutes(3)
    assert incidents() == [("shop", "open")]
    with inside(acme):
        act(db.session.get_one(Check, check_id))
        db.session.commit()
    pass_minutes(3)
    assert incidents() == [("shop", "resolved")]


def test_maintenance_opens_no_incident(acme, peer, make_check, pass_minutes, incidents, inside):
    check_id = make_check(acme, peer.url(), interval_seconds=30)
    with inside(acme):
        check = db.session.get_one(Check, check_id)
        maintenance.plan(acme, check, NOON, NOON + timedelta(minutes=4), "", None)
        db.session.commit()
    peer.answers["/"] = BROKEN
    pass_minutes(3)
    assert incidents() == []
    pass_minutes(4)
    assert incidents() == [("shop", "open")]
