"""Response times: people's answers and nobody else's, on the wall's clock and in working hours."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from console.accounts.models import User
from console.alerting import incidents
from console.alerting.chronicle import Actor
from console.alerting.escalation.models import Escalation
from console.alerting.models import Incident, IncidentState, Severity
from console.alerting.response import queries
from console.core.db import db
from tests.support.clients import HTMX
from tests.support.pages import Page, text_of
from tests.telemetry.samples import NOON

HERE, API = "/acme/shop/alerts/response-times/", "/api/v1/acme/shop/response-times"
WEEK = timedelta(days=7)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.fixture
def make_incident(acme, inside, clock):
    """`make_incident(at, answered=5, resolved=30, by="alice@acme.test")`: minutes after `at`."""
    clock.set(NOON)

    def make_incident(
        at: datetime = NOON - timedelta(days=2),
        *,
        answered: float | None = None,
        resolved: float | None = None,
        by: str = "",
        by_hand: bool = False,
        policy: str = "",
        **columns: Any,
    ) -> int:
        with inside(acme):
            person = db.session.scalar(select(User.id).where(User.email == by)) if by else None
            incident = Incident(
                **{
                    "project_id": acme.id,
                    "rule_version": 1,
                    "title": "API is slow",
                    "level": "critical",
                    "worst": "critical",
                    "state": IncidentState.OPEN if resolved is None else IncidentState.RESOLVED,
                    "breached_at": at - minutes(3),
                    "opened_at": at,
                    "noticed_at": at + minutes(1),
                    "notified_at": at + minutes(1.5),
                    "acknowledged_at": None if answered is None else at + minutes(answered),
                    "acknowledged_by_id": None if answered is None else person,
                    "resolved_at": None if resolved is None else at + minutes(resolved),
                    "resolved_by_id": person if by_hand else None,
                    "closed_by_hand": by_hand,
                    **columns,
                }
            )
            db.session.add(incident)
            db.session.flush()
            if policy:
                db.session.add(
                    Escalation(
                        incident_id=incident.id, policy_name=policy, policy_version=1,
                        document={}, started_at=at,
                    )
                )  # fmt: skip
            db.session.commit()
            return incident.id

    return make_incident


@pytest.fixture
def a_week(make_incident) -> Callable[[], None]:
    """Two answers, a resolution without one, a recovery, a script's end, and one that waits."""

    def a_week() -> None:
        alice, ada = "alice@acme.test", "ada@acme.test"
        make_incident(
            answered=4, resolved=30, by=alice, policy="Shop on call", severity=Severity.HIGH
        )
        make_incident(answered=20, resolved=60, by=ada, policy="Shop on call")
        make_incident(resolved=12, by=alice, by_hand=True)
        make_incident(resolved=2)
        make_incident(resolved=1, by_hand=True)
        make_incident(notified_at=None)

    return a_week


def cards(answer: Any) -> dict[str, str]:
    page = Page(answer)
    return {
        label: page.card(label).value
        for label in ("Time to detect", "Time to notify", "Time to acknowledge", "Time to resolve")
    }


@pytest.mark.usefixtures("both_databases")
def test_only_what_people_do_is_an_answer(as_vic, a_week):
    a_week()
    answer = as_vic.get(HERE)
    assert cards(answer) == {
        "Time to detect": "4 min",
        "Time to notify": "30 s",
        "Time to acknowledge": "12 min",
        "Time to resolve": "21 min",
    }
    note = Page(answer).card("Time to acknowledge").note
    assert "n = 3" in note
    assert "P90" not in note, "three incidents have no P90"
    outcomes = {
        row["Outcome"].split(" after")[0]: row["Incidents"]
        for row in Page(answer).rows("table")[:4]
    }
    assert outcomes == {
        "Answered by a person": "3",
        "Healed by themselves": "1",
        "Closed by a script": "1",
        "Open without an answer": "1",
    }


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("member", {"Alice": "8 min", "Ada": "20 min"}),
        ("severity", {"High": "4 min", "Medium": "16 min"}),
        ("policy", {"Shop on call": "12 min", "No one was notified": "12 min"}),
        ("rule", {"Without a rule": "12 min"}),
        ("project", {"Shop": "12 min"}),
    ],
)
def test_a_breakdown_opens_the_incidents_behind_each_of_its_rows(as_vic, a_week, by, rows):
    a_week()
    page = Page(as_vic.get(f"{HERE}?by={by}"))
    listed = page.rows(".card:last-child table")
    assert {row.cells[0]: row["Acknowledged after"] for row in listed} == rows
    for row in listed:
        behind = Page(as_vic.get(row.link))
        assert len(behind.rows()) == int(row["Incidents"])


def test_each_week_opens_its_incidents(as_vic, make_incident):
    for ago in (0, 1, 1):
        make_incident(NOON - timedelta(days=1) - ago * WEEK, answered=5, by="alice@acme.test")
    page = Page(as_vic.get(HERE))
    weeks = [row for row in page.rows("section[aria-label=Weeks] table") if row["Incidents"] != "0"]
    assert [row["Incidents"] for row in weeks] == ["1", "2"]
    (link, *_) = [a for a in page.select("section[aria-label=Weeks] a") if a.text() == "2"]
    assert len(Page(as_vic.get(link.attributes["href"])).rows()) == 2
    points = json.loads(page.select("figure script")[0].text())["pharos"]["links"]
    assert [len(Page(as_vic.get(point)).rows()) for point in points if point] == [2, 1]


def test_working_hours_count_only_what_people_do(as_vic, make_incident, clock):
    friday = datetime(2026, 1, 2, 16, 50, tzinfo=UTC)  # 17:50 in Berlin
    clock.set(friday + WEEK)
    make_incident(friday, answered=60 * 64, by="alice@acme.test")  # Monday 9:50 in Berlin
    wall = cards(as_vic.get(f"{HERE}?range=90d"))
    asked = "hours=work&days=mon-fri&begin=09:00&end=18:00&hours_zone=Europe/Berlin"
    working = cards(as_vic.get(f"{HERE}?range=90d&{asked}"))
    assert (wall["Time to acknowledge"], working["Time to acknowledge"]) == (
        "2 d 16 h",
        "1 h",
    )
    assert wall["Time to detect"] == working["Time to detect"] == "4 min"


def test_an_answer_outside_working_hours_is_left_out_and_never_a_zero(as_vic, make_incident, clock):
    saturday = datetime(2026, 1, 3, 12, tzinfo=UTC)
    clock.set(saturday + WEEK)
    make_incident(saturday, answered=5, by="alice@acme.test")
    answer = as_vic.get(f"{HERE}?hours=work&hours_zone=UTC")
    assert cards(answer)["Time to acknowledge"] == "–"
    assert "1 answer came wholly outside the working hours and is left out" in " ".join(
        answer.text.split()
    )


def test_what_the_figures_leave_out_is_stated(as_vic, make_incident, acme, inside, clock):
    group = make_incident(answered=5, by="alice@acme.test", is_group=True)
    make_incident(parent_id=group, resolved=1)
    make_incident(shadow=True, resolved=1)
    snoozed = make_incident()
    with inside(acme):
        incident = db.session.get_one(Incident, snoozed)
        incidents.snooze(incident, NOON + timedelta(hours=2), by=Actor())
        db.session.commit()
    clock.move(minutes=30)
    text = Page(as_vic.get(HERE)).text
    assert "Outcomes of 2 incidents" in text
    assert "1 incident of groups count with their group" in text
    assert "1 incident of rules in shadow mode is left out" in text
    assert "1 incident was snoozed, for 30 min in all" in " ".join(text.split())


def test_a_comparison_shows_how_the_median_changed(as_vic, make_incident):
    make_incident(NOON - timedelta(days=1), answered=10, by="alice@acme.test")
    make_incident(NOON - timedelta(days=8), answered=20, by="alice@acme.test")
    page = Page(as_vic.get(f"{HERE}?range=7d&compare=previous"))
    assert page.card("Time to acknowledge").value == "10 min"
    assert text_of(page.select(".kpis .delta")[-1]) == "-50% , better"
    assert "vs previous period" in page.card("Time to acknowledge").note


def test_the_table_has_a_row_for_each_incident_and_no_formula(as_vic, make_incident):
    made = make_incident(answered=5, by="alice@acme.test", title="=HYPERLINK(1)", policy="+on call")
    answer = as_vic.get(f"{HERE}csv")
    assert answer.mimetype == "text/csv"
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["incident"], row["title"], row["policy"]) == (
        str(made), "'=HYPERLINK(1)", "'+on call",
    )  # fmt: skip
    assert row["opened_at"] == (NOON - timedelta(days=2)).isoformat()
    assert (row["seconds_to_acknowledge"], row["seconds_to_resolve"]) == ("300.0", "")
    assert (row["acknowledged_by"], row["outcome"]) == ("alice@acme.test", "answered")


@pytest.mark.usefixtures("both_databases")
def test_a_table_longer_than_a_part_is_whole_and_the_latest_first(
    as_vic, make_incident, monkeypatch
):
    monkeypatch.setattr(queries, "PER_PART", 2)
    made = [make_incident(NOON - timedelta(hours=hours), answered=5) for hours in range(5, 0, -1)]
    plain = as_vic.get(f"{HERE}csv")
    rows = list(csv.DictReader(io.StringIO(plain.text)))
    assert [int(row["incident"]) for row in rows] == made[::-1]
    assert {row["title"] for row in rows} != {""}
    packed = as_vic.get(f"{HERE}csv", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data


@pytest.mark.parametrize(
    "wrong",
    [
        "week=monday",
        "member=0",
        "hours=work&hours_zone=Mars/Base",
        "hours=work&begin=9",
        "by=colour",
    ],
)
def test_what_makes_no_sense_is_refused_in_words(as_vic, make_incident, wrong):
    make_incident()
    for page in (HERE, f"{HERE}incidents/", f"{HERE}csv"):
        assert as_vic.get(f"{page}?{wrong}").status_code in (400, 422)


def test_a_poll_gets_the_part(as_vic, a_week):
    a_week()
    for page, root in ((HERE, "response-times"), (f"{HERE}incidents/", "response-incidents")):
        assert as_vic.get(page, headers=HTMX).text.startswith(f'<div id="{root}"')


def test_a_stranger_finds_nothing(as_eve, a_week):
    a_week()
    for page in (HERE, f"{HERE}incidents/", f"{HERE}csv"):
        assert as_eve.get(page).status_code == 404


@pytest.mark.usefixtures("both_databases")
def test_a_script_reads_the_same_figures(acme, as_script, a_week):
    a_week()
    script = as_script(acme, "incidents:read")
    since = (NOON - timedelta(days=7)).isoformat().replace("+00:00", "Z")
    answer = script.get(f"{API}?since={since}&by=member").json
    assert answer["opened"] == 6
    assert answer["outcomes"] == {"answered": 3, "self-healed": 1, "script": 1, "unanswered": 1}
    assert answer["times"]["acknowledge"] == {"n": 3, "median": 720, "p90": None, "mean": 720}
    assert {part["name"] for part in answer["parts"]} == {"Alice", "Ada"}
    assert script.get(f"{API}?by=colour").status_code == 400
    assert as_script(acme, "rules:read").get(API).status_code == 403


def test_the_metric_of_the_catalogue_says_the_same_as_the_page(acme, as_script, as_vic, a_week):
    a_week()
    script = as_script(acme, "metrics:read")
    since = (NOON - timedelta(days=7)).isoformat().replace("+00:00", "Z")
    asked = f"since={since}&step={7 * 86_400}"
    answer = script.get(f"/api/v1/acme/shop/metrics/incidents.time_to_acknowledge?{asked}").json
    (series,) = answer["series"]
    assert [(point["number"], point["samples"]) for point in series["points"]] == [(720_000, 3)]
    assert cards(as_vic.get(HERE))["Time to acknowledge"] == "12 min"


def test_the_first_breach_is_when_the_pending_time_began(
    acme, inside, make_rule, counted_requests, live
):
    make_rule(acme, window_seconds=60, pending_seconds=120)
    since = NOON + minutes(2)
    counted_requests(acme, lambda at: 2_000 if at >= since else 100, minutes=8)
    live(8)
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert incident.opened_at - incident.breached_at == minutes(2)
        assert incident.noticed_at
        assert incident.noticed_at > incident.opened_at, "the window's data is waited for"


@pytest.mark.parametrize("page", ["", "?by=member", "?by=project", "incidents/"])
def test_the_number_of_statements_does_not_grow_with_the_incidents(
    as_vic, make_incident, statements, page
):
    make_incident(answered=5, resolved=9, by="alice@acme.test", policy="Shop on call")
    as_vic.get(f"{HERE}{page}")
    with statements() as few:
        as_vic.get(f"{HERE}{page}")
    for _ in range(19):
        make_incident(answered=5, resolved=9, by="ada@acme.test", policy="Shop on call")
    with statements() as many:
        as_vic.get(f"{HERE}{page}")
    assert len(few) == len(many)
