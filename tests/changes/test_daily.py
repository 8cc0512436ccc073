"""The daily job: what it finds in telemetry, how often, and whatever the clock does."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.accounts.models import Project
from console.changes import daily
from console.changes.cause import Cause
from console.changes.judged import ChangeState, Ending
from console.changes.models import Change, JudgedDays
from console.core.db import db
from console.telemetry import store
from console.telemetry.store import TelemetryStore
from tests.changes.conftest import TODAY, YESTERDAY, Past, days_ago
from tests.support.factories import make_cast, make_project
from tests.support.scheduled import perform

SLOWER = [400.0] * 9 + [650.0]


def facts(changes):
    return [(row.rule_id, row.subject, row.state, row.first_day, row.way) for row in changes]


@pytest.mark.usefixtures("both_databases")
def test_an_endpoint_that_got_slower_yesterday_is_a_change(past, acme, judged):
    past.requests("POST /checkout", SLOWER)
    past.requests("GET /home", [90.0] * 10)
    (change,) = judged(acme)
    assert facts([change]) == [
        ("endpoint-latency", "POST /checkout", ChangeState.NEW, YESTERDAY, 1)
    ]
    assert (change.environment, change.name) == ("production", "POST /checkout")
    assert (change.before, change.after, change.samples) == (400, 650, 60)
    assert change.course["former"] == [400.0] * 9
    assert change.is_good is False
    assert change.impact == round(60 * 0.625)


@pytest.mark.usefixtures("both_databases")
def test_pages_issues_and_the_whole_project_are_judged_too(past, acme, judged, make_issue):
    issue = make_issue(acme, hash="a" * 32, title="KeyError: 'sku'")
    past.errors("a" * 32, [1] * 9 + [50])
    past.loads("/cart", [3_000.0] * 9 + [1_500.0])
    past.requests("GET /a", [*[50.0] * 9, None], per_day=200)
    past.requests("GET /a", [50.0], per_day=200, http_status=500)
    found = {(row.rule_id, row.name, row.way, row.is_good) for row in judged(acme)}
    assert found == {
        ("issue-events", issue.title, 1, False),
        ("page-lcp", "/cart", -1, True),
        ("endpoint-errors", "GET /a", 1, False),
        ("project-errors", "All requests", 1, False),
        ("project-apdex", "All requests", -1, False),
    }


@pytest.mark.usefixtures("both_databases")
def test_days_are_judged_once_and_a_second_run_writes_nothing(past, acme, judged, inside):
    past.requests("POST /checkout", SLOWER)
    (change,) = judged(acme)
    with inside(acme):
        assert daily.judge(acme.organization_id) == {}
        (judged_days,) = db.session.scalars(select(JudgedDays))
        assert (judged_days.last_day, judged_days.compared) == (YESTERDAY, 2)
    (again,) = judged(acme)
    assert (again.id, again.course) == (change.id, change.course)


def test_a_change_lives_from_day_to_day_and_is_over_after_quiet_days(past, acme, judged, clock):
    past.requests("GET /a", [*[400.0] * 8, 650.0, 640.0])
    (change,) = judged(acme)
    assert (change.first_day, change.judged_day) == (days_ago(2), YESTERDAY)
    states = []
    for _ in range(4):
        clock.move(days=1)
        (row,) = judged(acme)
        states.append((row.state, row.quiet_days))
    assert states == [(ChangeState.NEW, 0)] * 4, "days without requests are no quiet days"
    clock.move(days=3)
    (row,) = judged(acme)
    assert (row.state, row.ending, row.id) == (ChangeState.OVER, Ending.GONE, change.id)


def test_days_without_the_console_are_made_up_for_but_no_more_than_two_weeks(
    past, acme, judged, clock, inside
):
    past.requests("GET /a", [*[400.0] * 8, *[650.0] * 2, *[400.0] * 8])
    clock.set(TODAY - timedelta(days=8))
    (change,) = judged(acme)
    assert (change.first_day, change.state) == (days_ago(10), ChangeState.NEW)
    clock.set(TODAY)
    (change,) = judged(acme)
    assert (change.ending, change.moved_on) == (Ending.BACK, days_ago(6))
    clock.set(TODAY + timedelta(days=300))
    judged(acme)
    with inside(acme):
        (row,) = db.session.scalars(select(JudgedDays))
        assert row.last_day == YESTERDAY + timedelta(days=300)


def test_a_past_that_is_sent_late_is_judged_when_it_has_come(past, acme, judged, clock):
    past.requests("GET /home", [90.0] * 10, per_day=3)
    assert judged(acme) == []
    past.requests("POST /checkout", SLOWER, received_at=TODAY + timedelta(minutes=1))
    assert judged(acme) == [], "a minute later it may still be coming"
    clock.move(minutes=15)
    (change,) = judged(acme)
    assert (change.subject, change.first_day) == ("POST /checkout", YESTERDAY)
    assert change.created_at == clock.now()


def test_a_look_that_finds_nothing_late_is_noted_and_old_projects_are_looked_at_rarely(
    past, acme, judged, clock, inside
):
    def looked_at():
        judged(acme)
        with inside(acme):
            return db.session.scalars(select(JudgedDays.judged_at)).one()

    past.requests("GET /home", [90.0] * 10)
    with inside(acme):
        db.session.get_one(Project, acme.id).created_at = TODAY - timedelta(days=60)
        db.session.commit()
    first = looked_at()
    clock.move(hours=5)
    assert looked_at() == first
    clock.move(hours=2)
    assert looked_at() == clock.now()


def test_late_data_takes_a_change_back_that_is_none(past, acme, judged, clock):
    past.requests("GET /a", SLOWER)
    assert len(judged(acme)) == 1
    late = TODAY + timedelta(minutes=1)
    past.requests("GET /a", [400.0], per_day=70, received_at=late)
    past.requests("GET /b", [400.0], per_day=70, received_at=late)
    past.requests("GET /c", [400.0] * 2, per_day=70, received_at=late)
    clock.move(minutes=15)
    rows = judged(acme)
    assert [row.subject for row in rows] == ["GET /a"], "its slowest twentieth is as slow"
    past.requests("GET /a", [400.0], per_day=2_000, received_at=clock.now())
    clock.move(minutes=15)
    assert [row.subject for row in judged(acme)] == []


@pytest.mark.usefixtures("both_databases")
def test_a_clock_that_was_days_ahead_leaves_nothing_behind(past, acme, judged, clock, inside):
    past.requests("POST /checkout", SLOWER)
    clock.set(TODAY + timedelta(days=12))
    (change,) = judged(acme)
    assert change.ending is Ending.GONE
    clock.set(TODAY)
    (again,) = judged(acme)
    assert (again.id, again.state, again.judged_day) == (change.id, ChangeState.NEW, YESTERDAY)
    with inside(acme):
        assert db.session.scalars(select(JudgedDays.last_day)).all() == [YESTERDAY]


@pytest.mark.usefixtures("both_databases")
def test_of_two_processes_that_judge_at_once_one_writes(past, acme, inside, clock):
    past.requests("POST /checkout", SLOWER)
    for _ in range(2):
        with inside(acme):
            first, second = daily._judged(acme.id), daily._judged(acme.id)
            assert first
            assert second
            written = [daily._written(each) for each in (first, second)]
            assert [bool(news) for news in written] == [True, False]
            assert len(db.session.scalars(select(Change)).all()) == 1
        clock.move(days=1)


def test_a_day_is_judged_two_hours_after_its_end(past, acme, judged, clock):
    past.requests("POST /checkout", SLOWER)
    clock.set(TODAY.replace(hour=1, minute=59))
    assert judged(acme) == []
    clock.move(minutes=2)
    assert len(judged(acme)) == 1


def test_each_environment_has_changes_of_its_own(past, acme, judged):
    past.requests("GET /a", [400.0] * 10)
    past.requests("GET /a", SLOWER, environment="staging")
    past.requests("GET /a", SLOWER, environment="")
    rows = judged(acme)
    assert sorted(row.environment for row in rows) == ["", "staging"]


def test_a_release_that_did_it_is_the_cause(past, acme, judged):
    past.requests("GET /a", [*[400.0] * 9, None])
    past.requests("GET /a", [400.0], per_day=30, release="shop@1")
    past.requests("GET /a", [900.0], release="shop@2")
    past.release("shop@3", 1)
    (change,) = judged(acme)
    cause = Cause.of(change.cause)
    assert (cause.dimension, cause.value) == ("release", "shop@2")
    assert cause.at
    assert cause.at.date() == YESTERDAY


def test_a_release_that_is_as_fast_is_not_the_cause_but_a_server_may_be(past, acme, judged):
    past.requests("GET /a", [*[400.0] * 9, None], server_name="web-1")
    past.requests("GET /a", [900.0], per_day=40, server_name="web-2")
    past.requests("GET /a", [400.0], release="shop@2", server_name="web-1")
    (change,) = judged(acme)
    cause = Cause.of(change.cause)
    assert (cause.dimension, cause.value, cause.before) == ("server", "web-2", 0.0)
    assert cause.now > 0.3


def test_one_statement_answers_a_group_of_rules_whatever_the_number_of_subjects(
    app, past, acme, globex, judged, monkeypatch
):
    counts: list[int] = []
    rows = TelemetryStore.rows

    def counted(*arguments):
        counts[-1] += 1
        return rows(*arguments)

    for project, number in ((acme, 1), (globex, 20)):
        own = past if project is acme else Past(app, project)
        for endpoint in range(number):
            own.requests(f"GET /{endpoint}", [90.0] * 9, per_day=50)
    monkeypatch.setattr(TelemetryStore, "rows", counted)
    for project in (acme, globex):
        counts.append(0)
        judged(project)
    assert counts[0] == counts[1] > 0


@pytest.mark.usefixtures("both_databases")
def test_a_damaged_organization_stops_nobody_else(app, past, acme, globex, judged, instance):
    zeta = make_cast(app, "zeta", {})
    for project in (acme, globex, zeta):
        Past(app, project).requests("POST /checkout", SLOWER)
    with app.app_context():
        store.current().close()
    (instance / "telemetry" / f"{acme.organization_id}.duckdb").write_bytes(b"\xff\x00" * 5000)
    with app.app_context():
        done = perform(daily.JOB)
    assert done == "2 projects judged, 2 changes new; failed for 1 of 3 organizations"
    with app.app_context():
        store.current().close()


def test_organizations_and_projects_see_their_own(app, past, acme, globex, judged, inside):
    other = make_project(app, acme.organization, "other")
    past.requests("POST /checkout", SLOWER)
    assert len(judged(acme)) == 1
    assert judged(globex) == []
    with inside(acme):
        assert set(db.session.scalars(select(Change.project_id))) == {acme.id}
        projects = set(db.session.scalars(select(JudgedDays.project_id)))
        assert projects == {acme.id, other.id}


def test_what_is_long_over_is_forgotten(past, acme, judged, clock):
    past.requests("POST /checkout", SLOWER)
    judged(acme)
    clock.move(days=12)
    assert [row.state for row in judged(acme)] == [ChangeState.OVER]
    clock.move(days=daily.KEPT.days + 1)
    assert judged(acme) == []
