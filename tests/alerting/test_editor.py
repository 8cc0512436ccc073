"""The editor of rules: what it proposes, shows and keeps; its scripts are tested in a browser."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import unquote_plus

import pytest
from sqlalchemy import event, select

from console.alerting import signal
from console.alerting.delivery.models import OutboxMessage
from console.alerting.evaluation import evaluate
from console.alerting.models import Evaluation, Incident, Rule, RuleVersion
from console.core.db import db
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.support.clients import HTMX
from tests.telemetry.samples import NOON, span

RULES, API = "/acme/shop/alerts/rules/", "/api/v1/acme/shop/rules"
FORM = {
    "name": "Slow",
    "metric": "requests.p95",
    "op": ">",
    "levels.critical": "1000",
    "window_seconds": "60",
    "interval_seconds": "60",
    "history": "24h",
    "enabled": "y",
}


def slow_for_five_minutes_each_hour(at):
    return 2_000 if at.minute < 5 else 100 + at.minute


@pytest.fixture
def busy(acme, clock, counted_requests):
    """Three hours of requests, each with five slow minutes; now it is 15:01."""
    counted_requests(acme, slow_for_five_minutes_each_hour, minutes=180)
    clock.set(NOON + timedelta(hours=3, minutes=1))


def said(page: str) -> str:
    match = re.search(r"data-editor-sentence>([^<]*)<", page)
    assert match, page
    return match[1]


def test_a_new_rule_proposes_a_level_and_says_what_it_would_have_done(as_alice, busy):
    page = as_alice.get(RULES + "new?metric=requests.p95&window_seconds=60&history=24h").text
    assert said(page).startswith("Would have opened 4 incidents in ")
    assert re.search(r'name="levels.critical"[^>]*value="[\d.]+"', page)
    assert 'value="Requests: P95"' in page


def test_filters_offer_the_values_that_exist(as_alice, busy):
    page = as_alice.get(RULES + "new?metric=requests.p95").text
    assert 'list="known-endpoint"' in page
    offered = '<datalist id="known-endpoint"><option value="GET /a"></option></datalist>'
    assert offered in page
    assert offered in as_alice.post(RULES + "draft", data=FORM, headers=HTMX).text


def test_a_draft_is_replayed_exactly_by_a_browser_with_and_without_scripts(as_alice, busy):
    part = as_alice.post(RULES + "draft", data=FORM, headers=HTMX)
    assert part.text.startswith('<form id="editor"')
    words = "Would have opened 3 incidents in the 3 of 24 hours with data"
    assert said(part.text).startswith(words)
    assert said(part.text).endswith("longest 5 min, 15 min in all.")
    assert said(as_alice.post(RULES + "draft", data=FORM).text) == said(part.text)
    none = as_alice.post(RULES + "draft", data=FORM | {"levels.critical": "3000"}, headers=HTMX)
    assert said(none.text).startswith("Would have opened no incident")


def test_a_slider_that_was_moved_without_a_script_sets_its_level(as_alice, busy):
    slider = {
        "step.levels.critical": "2",
        "was.levels.critical": "0",
        "steps.levels.critical": "1000 1500 2500",
    }
    page = as_alice.post(RULES + "draft", data=FORM | slider).text
    assert re.search(r'name="levels.critical"[^>]*value="2500"', page)
    assert "no incident" in said(page)
    rested = slider | {"was.levels.critical": "2"}
    page = as_alice.post(RULES + "draft", data=FORM | rested).text
    assert re.search(r'name="levels.critical"[^>]*value="1000(\.0)?"', page)


def test_about_one_a_week_picks_the_point(as_alice, busy):
    louder = FORM | {"levels.critical": "150", "levels.warning": "120", "pick": "weekly"}
    page = as_alice.post(RULES + "draft", data=louder, headers=HTMX).text
    assert said(page).startswith("Would have opened 2 incidents in")


def test_another_metric_leaves_nothing_of_the_one_before(as_alice, busy):
    before = FORM | {"was.metric": "requests.p95", "by": "endpoint", "where.endpoint": "GET /a"}
    page = as_alice.post(RULES + "draft", data=before | {"metric": "intake.refused"}).text
    assert "cannot be" not in page
    assert 'name="where.endpoint"' not in page


def test_saving_keeps_the_back_test_with_the_version(as_alice, acme, inside, busy):
    assert as_alice.post(RULES, data=FORM).status_code == 303
    with inside(acme):
        rule = db.session.scalars(select(Rule)).one()
        (version,) = db.session.scalars(select(RuleVersion)).all()
        assert rule.definition.condition.levels == {"critical": 1000}
        assert version.backtest["incidents"] == 3
        assert version.backtest["longest_seconds"] == 300
    page = as_alice.get(f"{RULES}{rule.id}/edit").text
    assert 'value="Slow"' in page
    assert "Save version 2" in page
    softer = FORM | {"levels.critical": "3000", "name": "Slower", "shadow": "y", "enabled": ""}
    answer = as_alice.post(f"{RULES}{rule.id}/draft", data=softer, headers=HTMX).text
    assert "As it is saved: would have opened 3 incidents" in answer
    grey = answer.partition('<g class="editor-before">')[2].partition("</g>")[0]
    assert grey.count('class="editor-time') == 3
    assert as_alice.post(f"{RULES}{rule.id}/versions", data=softer).status_code == 303
    with inside(acme):
        rule = db.session.scalars(select(Rule)).one()
        assert (rule.name, rule.version, rule.shadow, rule.enabled) == ("Slower", 2, True, False)
        versions = db.session.scalars(select(RuleVersion).order_by(RuleVersion.number)).all()
        assert [each.backtest["incidents"] for each in versions] == [3, 0]


def test_a_script_that_saves_a_rule_keeps_the_same_back_test(
    as_alice, as_script, acme, inside, busy
):
    as_alice.post(RULES, data=FORM | {"history": "7d"})
    script = as_script(acme, "rules:read", "rules:write")
    document = {
        "metric": "requests.p95", "op": ">", "levels": {"critical": 1000}, "window_seconds": 60,
    }  # fmt: skip
    made = script.post(API, json={**document, "name": "By script"}).json
    script.put(f"{API}/{made['id']}", json={**document, "name": "x", "levels": {"critical": 3000}})
    with inside(acme):
        versions = db.session.scalars(select(RuleVersion).order_by(RuleVersion.id)).all()
        by_hand, first, second = [version.backtest for version in versions]
        assert first == by_hand
        assert second["incidents"] == 0
    cannot = {**document, "name": "y", "metric": "intake.refused", "environment": "production"}
    refused = script.post(API, json=cannot)
    assert refused.status_code == 400
    assert "environment: Refused is counted for all" in refused.json["detail"]


def test_whoever_tries_a_rule_out_holds_up_nobody_who_writes(
    app, as_alice, as_script, acme, busy, monkeypatch
):
    """A back-test computes for seconds: the write lock is for what it is followed by."""
    script = as_script(acme, "rules:read", "rules:write")
    document = {
        "metric": "requests.p95", "op": ">", "levels": {"critical": 1000}, "window_seconds": 60,
    }  # fmt: skip
    period = {"since": NOON.isoformat(), "until": (NOON + timedelta(hours=1)).isoformat()}
    begun = []

    def over(*given):
        begun.append("watched")
        return asked(*given)

    def listen(*given):
        if given[2].startswith("BEGIN"):
            begun.append(given[2])

    asked = signal.over
    monkeypatch.setattr(signal, "over", over)
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", listen)
    made = as_alice.post(RULES, data=FORM).location
    assert begun[:3] == ["BEGIN", "watched", "BEGIN IMMEDIATE"]
    script.get(API)  # that the token was used is noted once a minute
    for ask in (
        lambda: as_alice.post(RULES + "draft", data=FORM | {"name": "x"}),
        lambda: as_alice.post(made.partition("?")[0] + "/versions", data=FORM),
        lambda: script.post(API, json=document | {"name": "Another"}),
        lambda: script.post(API + "/backtest", json={"rule": document, "range": period}),
    ):
        begun.clear()
        assert ask().status_code < 400
        assert "BEGIN IMMEDIATE" not in begun[: begun.index("watched")]


@pytest.mark.parametrize(
    ("changes", "words", "opened"),
    [
        ({"history": "24h"}, "", "Would have opened 3"),
        (
            {"history": "30d", "window_seconds": "300"},
            (
                "Each point here stands for 5 evaluations: the rule is evaluated every minute, "
                "this replay every 5 minutes."
            ),
            "Would have opened about 3",
        ),
        ({"history": "30d"}, "Replayed over the last 13 d 21 h only", "Would have opened 3"),
    ],
)
def test_a_replay_of_other_windows_than_live_ones_says_so(as_alice, busy, changes, words, opened):
    page = unescape(as_alice.post(RULES + "draft", data=FORM | changes, headers=HTMX).text)
    assert words in page
    assert said(page).startswith(opened)
    assert ("stands for" in page) == ("stands for" in words)


def test_values_that_are_not_replayed_are_counted(as_alice, acme, app, inside, busy):
    own = {"organization_id": acme.organization_id, "project_id": acme.id}
    spans = [
        span(99, at=NOON + timedelta(hours=2), category="request", is_segment=True,
             endpoint=f"GET /{number}", **own)
        for number in range(60)
    ]  # fmt: skip
    with inside(acme):
        app.extensions[EXTENSION].write(acme.organization_id, Batch(spans=spans), 99)
    page = as_alice.post(RULES + "draft", data=FORM | {"by": "endpoint"}, headers=HTMX).text
    words = (
        "The 50 largest of 61 values of endpoint are replayed and counted here; the rule watches"
    )
    assert words in page
    assert "about 3 incidents" in said(page)
    assert "45 more values are counted and not drawn" in page


def test_what_is_wrong_stands_beside_its_field(as_alice, busy):
    wrong = {
        "levels.critical": ("", "A rule needs a warning or a critical level."),
        "levels.warning": ("2000", "The critical level (1000) lies above the warning level"),
        "window_seconds": ("90", "A multiple of the interval of 60 seconds."),
        "metric": ("no.such", "Unknown metric no.such."),
        "name": ("", "Give it a name."),
        "history": ("1y", "Invalid value"),
    }
    for name, (value, message) in wrong.items():
        answer = as_alice.post(RULES, data=FORM | {name: value}, headers=HTMX)
        assert answer.status_code == 422
        assert message in answer.text, name
    assert as_alice.post(RULES, data=FORM).status_code == 303
    assert "Another rule has this name." in as_alice.post(RULES, data=FORM).text


def test_incidents_of_the_past_are_hit_missed_or_noise(as_alice, acme, inside, busy):
    as_alice.post(RULES, data=FORM)
    with inside(acme):
        rule_id = db.session.scalars(select(Rule.id)).one()
        for minute in (2, 62, 90):
            at = NOON + timedelta(minutes=minute)
            db.session.add(
                Incident(
                    project_id=acme.id, rule_id=rule_id, rule_version=1, title="Slow",
                    level="critical", worst="critical", state="resolved", breached_at=at,
                    opened_at=at, resolved_at=at + timedelta(minutes=1),
                )
            )  # fmt: skip
        at = NOON + timedelta(minutes=90)
        late = Evaluation(
            rule_id=rule_id, at=at, version=1, number=2_000, settled_number=90, verdict="clear",
            state="ok", decided_at=at,
        )  # fmt: skip
        db.session.add(late)
        db.session.commit()
        ids = db.session.scalars(select(Incident.id).order_by(Incident.id)).all()
    marked = f"/acme/shop/alerts/incidents/{ids[1]}/assessment"
    part = as_alice.post(marked, data={"assessment": "noise"}, headers=HTMX).text
    assert "Marked as noise" in part
    assert as_alice.post(marked, data={"assessment": "great"}).status_code == 422
    page = as_alice.get(f"{RULES}{rule_id}/edit").text
    assert "decided before all of its data had come" in page
    counts = "1 hit (the draft fires, too), 1 missed (the draft does not fire), 1 noise"
    assert counts in page


def test_a_new_rule_reads_none_of_the_others(as_alice, acme, make_rule, busy, statements):
    make_rule(acme)
    with statements() as asked:
        assert as_alice.get(RULES + "new?metric=requests.p95").status_code == 200
    assert any("FROM incident" in statement for statement in asked)
    assert not [statement for statement in asked if statement.startswith("SELECT rule.")]


def test_viewers_try_levels_and_save_none(as_vic, as_eve, busy, acme):
    page = as_vic.get(RULES + "new?metric=requests.p95").text
    assert "Would have opened" in page
    assert "Create rule" not in page
    assert as_vic.post(RULES + "draft", data=FORM).status_code == 200
    assert as_vic.post(RULES, data=FORM).status_code == 403
    assert as_eve.get(RULES + "new").status_code == 404
    assert as_eve.post(RULES + "draft", data=FORM).status_code == 404
    assert as_eve.post(RULES, data=FORM).status_code == 404


def test_a_rule_of_another_organization_is_not_found(as_alice, globex, make_rule):
    foreign = make_rule(globex)
    assert as_alice.get(f"{RULES}{foreign}/edit").status_code == 404
    assert as_alice.post(f"{RULES}{foreign}/versions", data=FORM).status_code == 404
    assert as_alice.post(f"{RULES}{foreign}/draft", data=FORM).status_code == 404


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("performance/latency?name=GET /a", "metric=requests.p95&where.endpoint=GET+/a"),
        ("performance/vitals/trend?metric=LCP&page=/", "metric=vitals.lcp&where.page=/"),
        ("metrics?metric=requests.count&only=method&value=GET", "where.method=GET"),
    ],
)
def test_a_chart_leads_to_a_rule_about_its_number(as_alice, busy, path, query):
    page = unquote_plus(unescape(as_alice.get(f"/acme/shop/{path}").text))
    links = re.findall(r'href="([^"]*alerts/rules/new[^"]*)"', page)
    assert any(unquote_plus(query) in link for link in links), (links, page[:300])
    assert len(links) == page.count("data-chart ")


def test_versions_are_compared_and_brought_back(as_alice, acme, inside, busy):
    as_alice.post(RULES, data=FORM)
    with inside(acme):
        rule_id = db.session.scalars(select(Rule.id)).one()
    here = f"{RULES}{rule_id}"
    changed = FORM | {"levels.critical": "3000", "pending_seconds": "120"}
    as_alice.post(f"{here}/versions", data=changed)
    page = as_alice.get(here).text
    assert (
        "Would have opened 3 incidents in 24 hours (3 h of them with data), longest 5 min" in page
    )
    assert "Would have opened no incident in 24 hours" in page
    compared = as_alice.get(f"{here}/versions/1").text
    assert "levels: critical</th><td>1000</td><td>3000</td>" in compared
    assert "pending seconds</th><td>0</td><td>120</td>" in compared
    assert "Incidents</th><td>3</td><td>0</td>" in compared
    assert "Until</th><td>2026-11-20 15:00 UTC</td>" in compared
    assert "24 hours, 3 h of them with data" in compared
    assert as_alice.get(f"{here}/versions/2").text.count("Version 2") > 1
    assert as_alice.get(f"{here}/versions/3").status_code == 404
    as_alice.post(f"{here}/versions/1/return")
    with inside(acme):
        versions = db.session.scalars(select(RuleVersion).order_by(RuleVersion.number)).all()
        assert [version.backtest["incidents"] for version in versions] == [3, 0, 3]


def test_a_rule_in_shadow_mode_says_what_it_would_have_sent(
    as_alice, acme, inside, clock, busy, counted_requests
):
    as_alice.post(RULES, data=FORM | {"shadow": "y"})
    now = clock.now()
    counted_requests(acme, lambda _: 2_000, minutes=3, since=now)
    with inside(acme):
        rule_id = db.session.scalars(select(Rule.id)).one()
        assert "Nothing yet" in as_alice.get(f"{RULES}{rule_id}").text
    clock.move(minutes=3)
    with inside(acme):
        evaluate(acme.organization_id)
        assert not db.session.scalars(select(OutboxMessage)).all()
        incident_id = db.session.scalars(select(Incident.id)).one()
    as_alice.post(
        f"{RULES}{rule_id}/versions", data=FORM | {"levels.critical": "9000", "shadow": "y"}
    )
    then = as_alice.get(f"/acme/shop/alerts/incidents/{incident_id}").text
    assert "version 1: Requests: P95 above 1 s (critical)" in then
    assert "as evaluated; fires above 1 s" in then
    page = as_alice.get(f"{RULES}{rule_id}").text
    assert "fires above 9 s" in page
    card = page.partition("What it would have sent")[2]
    assert "2 s &gt; 1 s (critical)" in card
    assert "Opened" in card
