"""The pages of rules and incidents, and what people do there."""

import re
from datetime import timedelta
from html import unescape

import pytest
from sqlalchemy import select

from console.alerting.chronicle import write
from console.alerting.evaluation import evaluate
from console.alerting.models import Incident, IncidentState, IncidentVerb, Rule
from console.alerting.rules import keep_standard
from console.core.db import db
from tests.support.clients import HTMX
from tests.telemetry.samples import NOON

INCIDENTS, RULES = "/acme/shop/alerts/incidents/", "/acme/shop/alerts/rules/"


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.fixture
def fired(acme, inside, clock, make_rule, counted_requests):
    """An open incident of 12:03, seen at 12:05; returns the ids of its rule and of itself."""
    clock.set(NOON)
    rule_id = make_rule(acme, window_seconds=60)
    counted_requests(acme, lambda at: 2_000 if at - NOON >= minutes(2) else 100, minutes=5)
    clock.move(minutes=5)
    with inside(acme):
        evaluate(acme.organization_id)
        return rule_id, db.session.scalars(select(Incident.id)).one()


@pytest.fixture
def stored(acme, inside):
    def stored() -> Incident:
        with inside(acme):
            return db.session.scalars(select(Incident)).one()

    return stored


def test_the_list_shows_what_is_open_and_the_rail_counts_it(as_vic, fired):
    page = as_vic.get(INCIDENTS).text
    assert "API is slow" in page
    assert "2 s &gt; 1 s (critical)" in page
    assert 'title="Open incidents"' in page or 'class="rail-count"' in page or ">1<" in page
    assert (
        "No incident was open in this time range" in as_vic.get(INCIDENTS + "?state=resolved").text
    )


def test_an_incident_that_is_less_bad_than_it_was_shows_the_level_of_its_reason(
    as_vic, acme, inside, clock, fired, counted_requests
):
    counted_requests(acme, lambda _: 700, minutes=5, since=NOON + minutes(5))
    clock.move(minutes=5)
    with inside(acme):
        evaluate(acme.organization_id)
    for url in (INCIDENTS, f"{INCIDENTS}{fired[1]}"):
        page = as_vic.get(url).text
        assert "700 ms &gt; 500 ms (warning)" in page
        assert "</svg>Warning</span>" in page
        assert "Was critical" in page


@pytest.mark.parametrize("narrowed", ["q=database", "level=warning", "state=all&q=database"])
def test_a_list_that_filters_empty_does_not_say_that_nothing_fires(as_vic, fired, narrowed):
    page = as_vic.get(f"{INCIDENTS}?{narrowed}").text
    assert "No incident matches" in page
    assert "Clear filters" in page


def test_an_incident_says_what_is_wrong_and_what_happened(as_vic, fired):
    rule_id, incident_id = fired
    page = as_vic.get(f"{INCIDENTS}{incident_id}").text
    assert "2 s &gt; 1 s (critical)" in page
    assert f"/alerts/rules/{rule_id}" in page
    assert "Requests: P95 above 1 s (critical) or 500 ms (warning)" in page
    assert "<svg" in page
    assert "Acknowledge</button>" not in page  # Vic only looks


def test_people_acknowledge_annotate_snooze_and_resolve(as_alice, fired, stored):
    _, incident_id = fired
    here = f"{INCIDENTS}{incident_id}"
    part = as_alice.post(f"{here}/acknowledgement", headers=HTMX)
    assert part.text.startswith(f'<div id="incident-{incident_id}"')
    assert stored().state is IncidentState.ACKNOWLEDGED
    assert as_alice.post(f"{here}/notes", data={"text": "Disk is full"}).status_code == 303
    assert as_alice.post(f"{here}/snooze", data={"minutes": "60"}).status_code == 303
    assert as_alice.post(f"{here}/resolution").status_code == 303
    page = as_alice.get(here).text
    assert "Disk is full" in page
    assert "<strong>alice@acme.test</strong> resolved it" in page or "resolved it" in page
    incident = stored()
    assert incident.state is IncidentState.RESOLVED
    assert incident.acknowledged_at is not None
    assert incident.resolved_by_id is not None


def test_an_empty_note_is_answered_in_place(as_alice, fired):
    answer = as_alice.post(f"{INCIDENTS}{fired[1]}/notes", data={"text": ""}, headers=HTMX)
    assert answer.status_code == 422
    assert "Write something." in answer.text
    answer = as_alice.post(f"{INCIDENTS}{fired[1]}/snooze", data={"minutes": "7"})
    assert answer.status_code == 422


def test_the_list_of_rules_says_when_each_fires_and_where_it_stands(as_vic, acme, inside, fired):
    with inside(acme):
        keep_standard(acme.organization_id)
    page = as_vic.get(RULES).text
    assert "Requests: P95 above 300 ms (warning) over the last 5 minutes for 5 minutes" in page
    assert "Not evaluated yet" in page
    assert "Critical" in page
    assert "Nothing to watch yet" not in page
    with inside(acme):
        (checks,) = db.session.scalars(select(Rule).where(Rule.name == "Check down"))
        checks.evaluated_until += timedelta(minutes=1)  # in a project that has no check
        db.session.commit()
    assert "Nothing to watch yet" in as_vic.get(RULES).text


def names_of_rules(page):
    return re.findall(r'class="table-title"[^>]*>([^<]+)<', page)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["API is slow", "Quiet", "Off"]),
        ("?q=qui", ["Quiet"]),
        ("?state=firing", ["API is slow"]),
        ("?state=off", ["Off"]),
        ("?q=nothing", []),
        ("?page=9", []),
    ],
)
def test_the_list_of_rules_has_the_worst_first_and_is_searched(
    as_vic, acme, inside, fired, make_rule, query, shown
):
    off = make_rule(acme, name="Off"), make_rule(acme, name="Quiet")
    with inside(acme):
        db.session.get_one(Rule, off[0]).enabled = False
        db.session.commit()
    assert names_of_rules(as_vic.get(f"{RULES}{query}").text) == shown


def test_a_list_of_many_rules_comes_in_pages_of_fifty(as_vic, acme, inside, make_rule):
    for number in range(60):
        make_rule(acme, name=f"Many {number:02}")
    pages = [as_vic.get(f"{RULES}?q=many&page={n}").text for n in (1, 2)]
    assert [len(names_of_rules(page)) for page in pages] == [50, 10]
    assert "60 rules" in pages[0]


def test_a_rule_explains_a_moment(as_vic, fired):
    at = (NOON + minutes(4)).isoformat()
    page = as_vic.get(f"{RULES}{fired[0]}", query_string={"at": at}).text
    assert "The rule fired: critical." in page
    assert "&gt; 1 s" in page
    wrong = as_vic.get(f"{RULES}{fired[0]}?at=yesterday")
    assert wrong.status_code == 422


def test_its_last_evaluations_lead_to_their_explanations(as_vic, as_eve, fired):
    here = f"{RULES}{fired[0]}/evaluations"
    page = as_vic.get(here).text
    assert page.count(">Explain</a>") == 4
    assert "at=2026-11-20T12:04:00%2B00:00" in page
    assert as_eve.get(here).status_code == 404


def test_the_explanation_leads_to_the_rows_behind_it(as_vic, fired):
    page = as_vic.get(
        f"{RULES}{fired[0]}", query_string={"at": (NOON + minutes(4)).isoformat()}
    ).text
    assert "The requests of this time" in page
    assert "since=2026-11-20T12:03:00%2B00:00&amp;until=2026-11-20T12:04:00%2B00:00" in page


def test_the_list_asks_no_more_for_many_incidents(as_vic, acme, inside, fired, statements):
    asked = []
    for count in (0, 19):
        with inside(acme):
            first = db.session.scalars(select(Incident)).first()
            columns = ("project_id", "rule_id", "rule_version", "title", "level", "worst")
            same = {name: getattr(first, name) for name in columns}
            same |= {"breached_at": NOON, "opened_at": NOON, "sequence": 0}
            db.session.add_all(Incident(**same) for _ in range(count))
            db.session.commit()
        with statements() as seen:
            assert as_vic.get(INCIDENTS).status_code == 200
        asked.append(len(seen))
    assert asked[0] == asked[1]


def test_a_rule_is_switched_brought_back_and_deleted(as_alice, acme, inside, fired):
    rule_id = fired[0]
    here = f"{RULES}{rule_id}"
    assert "Switch on" in as_alice.post(f"{here}/deactivation", headers=HTMX).text
    assert "Switch off" in as_alice.post(f"{here}/activation", headers=HTMX).text
    assert as_alice.post(f"{here}/versions/9/return").status_code == 404
    assert as_alice.post(f"{here}/deletion").status_code == 303
    with inside(acme):
        assert not db.session.scalars(select(Rule)).all()
    assert "The rule was deleted." in as_alice.get(f"{INCIDENTS}{fired[1]}").text


def test_a_note_of_the_console_is_nobodys(as_vic, acme, inside, fired):
    with inside(acme):
        incident = db.session.get_one(Incident, fired[1])
        for number, details in enumerate([{"console": True}, {"late": True}, {}]):
            text = f"note {number}"
            write(incident, IncidentVerb.NOTED, NOON, text=text, details=details)
        db.session.commit()
    page = as_vic.get(f"{INCIDENTS}{fired[1]}").text
    wrote = re.findall(r"<strong>([^<]*)</strong><p class=\"comment\">note (\d)", page)
    assert wrote == [("Somebody", "2"), ("The console", "1"), ("The console", "0")]


@pytest.mark.parametrize("path", ["acknowledgement", "resolution", "snooze", "notes"])
def test_who_may_not(as_vic, as_eve, fired, path):
    here = f"{INCIDENTS}{fired[1]}"
    assert as_vic.post(f"{here}/{path}").status_code == 403
    assert as_eve.post(f"{here}/{path}").status_code == 404
    assert as_eve.get(here).status_code == 404
    assert as_eve.get(INCIDENTS).status_code == 404
    assert as_eve.get(f"{RULES}{fired[0]}").status_code == 404
    for act in ("activation", "deactivation", "deletion", "versions/1/return"):
        assert as_vic.post(f"{RULES}{fired[0]}/{act}").status_code == 403
        assert as_eve.post(f"{RULES}{fired[0]}/{act}").status_code == 404


def test_an_organization_that_has_no_such_incident(as_alice, acme, globex, fired):
    assert as_alice.get(f"{INCIDENTS}{fired[1] + 1}").status_code == 404
    assert as_alice.get(f"{RULES}{fired[0] + 1}").status_code == 404


def test_the_page_of_a_rule_opens_with_a_range_that_its_evaluations_fill(as_vic, fired, clock):
    rule_id, _ = fired
    page = as_vic.get(f"{RULES}{rule_id}").text
    assert "last hour, as evaluated" in page or "since 20 Nov 12:0" in page
    assert 'value="1h" selected' in page
    assert "fires above 500 ms" in page
    clock.move(hours=2)
    later = as_vic.get(f"{RULES}{rule_id}").text
    assert "since 20 Nov 12:0" in later
    assert "20 Nov 12:00 to" in later  # the chart begins where the evaluations do
    assert "19 Nov" in as_vic.get(f"{RULES}{rule_id}?range=24h").text
    assert 'value="24h" selected' in as_vic.get(f"{RULES}{rule_id}").text


def test_a_moment_is_asked_for_on_the_clock_of_whoever_asks(as_vic, fired):
    rule_id, _ = fired
    as_vic.set_cookie("pharos_zone", "Asia/Tokyo")
    page = as_vic.get(f"{RULES}{rule_id}?at=2026-11-20T21:04:00").text  # 12:04 in UTC
    assert "It fires" in page or "fired" in page.lower()
    assert 'type="datetime-local" value="2026-11-20T21:04:00"' in page
    assert "On your clock, Asia/Tokyo." in page
    assert "at=2026-11-20T12:04:00" in unescape(page), "a poll keeps the explanation"
    assert as_vic.get(f"{RULES}{rule_id}?at=yesterday").status_code == 422


def test_a_rule_with_many_series_shows_the_worst(
    as_vic, acme, inside, clock, make_rule, counted_requests
):
    clock.set(NOON)
    rule_id = make_rule(acme, window_seconds=60, by="endpoint")
    counted_requests(acme, lambda _: 2_000, minutes=5)
    clock.move(minutes=5)
    with inside(acme):
        evaluate(acme.organization_id)
    page = as_vic.get(f"{RULES}{rule_id}").text
    assert "Nothing was evaluated" not in page
    assert "GET /a, " in page
    assert '<option value="GET /a">GET /a</option>' in page
