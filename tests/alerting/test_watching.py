"""What pages of other features say of rules: who watches, what fires, and marks in charts."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.alerting.evaluation import evaluate
from console.alerting.models import Rule
from console.core import clock as console_clock
from console.core.db import db
from console.core.leases import JobRun
from tests.support.clients import HTMX
from tests.telemetry.samples import NOON

WATCHING = "/acme/shop/alerts/watching"
ENDPOINT = "/acme/shop/performance/endpoint?name=GET+/a"


@pytest.fixture
def fired(acme, inside, clock, make_rule, counted_requests):
    """A rule for each endpoint fires for GET /a; others watch a page, an endpoint, a kind."""
    clock.set(NOON)
    make_rule(acme, name="Each endpoint", window_seconds=60, by="endpoint")
    make_rule(acme, name="Just /b", where={"endpoint": ["GET /b"]})
    make_rule(acme, name="All requests")
    make_rule(acme, name="Cart", metric="vitals.lcp", where={"page": ["/cart"]})
    make_rule(acme, name="Key errors", metric="errors.events", where={"kind": ["KeyError"]})
    make_rule(acme, name="Down", metric="checks.down", by="check")
    make_rule(acme, name="Often", metric="issues.events", where={"issue": ["7"]})
    counted_requests(acme, lambda _: 2_000, minutes=4)
    clock.move(minutes=5)
    with inside(acme):
        for rule_id in db.session.scalars(select(Rule.id)).all():
            rule = db.session.get_one(Rule, rule_id)
            rule.enabled = rule.name != "All requests"
        db.session.commit()
        evaluate(acme.organization_id)


@pytest.mark.parametrize(
    ("query", "names", "fires"),
    [
        ("name=GET+/a", ["Each endpoint"], True),
        ("name=GET+/b", ["Each endpoint", "Just /b"], False),
        ("page=/cart", ["Cart"], False),
        ("page=/", [], False),
        ("check=home", ["Down"], False),
        ("issue=7&kind=TypeError", ["Often"], False),
        ("kind=KeyError", ["Key errors"], False),
        ("kind=ValueError", [], False),
        ("metrics=vitals", ["Cart"], False),
        ("metrics=shoes", [], False),
    ],
)
def test_a_page_says_which_rules_watch_it(as_vic, fired, query, names, fires):
    part = as_vic.get(f"{WATCHING}?{query}", headers=HTMX).text
    known = ("Each endpoint", "Just /b", "All requests", "Cart", "Key errors", "Down", "Often")
    assert [name for name in known if name in part] == names
    assert ("Fires:" in part) is fires
    assert part.startswith('<div id="watching"')
    assert part.startswith('<div id="watching" hidden>') is (not names)


@pytest.mark.usefixtures("both_databases")
def test_features_load_it_and_their_charts_mark_incidents(as_vic, fired):
    page = as_vic.get(ENDPOINT + "&range=1h").text
    assert "/alerts/watching?" in page
    charts = as_vic.get("/acme/shop/performance/latency?name=GET+/a&range=1h").text
    assert "c-marker-bad" in charts
    assert "Each endpoint" in charts


def test_the_chart_of_an_endpoint_leaves_out_the_incidents_of_others(
    as_vic, acme, inside, clock, fired
):
    with inside(acme):
        rule = db.session.scalars(select(Rule).where(Rule.name == "All requests")).one()
        rule.enabled = True
        rule.evaluated_until = console_clock.now() - timedelta(minutes=3)
        db.session.commit()
        evaluate(acme.organization_id)
    own = as_vic.get("/acme/shop/performance/latency?name=GET+/a&range=1h").text
    assert ("Each endpoint" in own, "All requests" in own) == (True, True)
    other = as_vic.get("/acme/shop/performance/latency?name=GET+/b&range=1h").text
    assert ("Each endpoint" in other, "All requests" in other) == (False, True)


def test_the_list_of_rules_says_whether_alerting_is_alive(as_vic, acme, inside, clock, fired):
    page = as_vic.get("/acme/shop/alerts/rules/").text
    assert "No console has evaluated rules yet" in page
    with inside(acme):
        now = console_clock.now()
        db.session.add(JobRun(job="evaluate", due_at=now, epoch=1, started_at=now))
        db.session.commit()
    page = as_vic.get("/acme/shop/alerts/rules/").text
    assert "Alerting is alive: last evaluation" in page
    assert "late" not in page.partition('<table class="table">')[0].partition("<main")[2]
    clock.move(minutes=5)
    page = as_vic.get("/acme/shop/alerts/rules/").text
    assert "The last evaluation was" in page
    assert "6 rules late" in page


def test_strangers(as_eve, fired):
    assert as_eve.get(f"{WATCHING}?name=GET+/a").status_code == 404
    assert as_eve.get(WATCHING).status_code == 404
