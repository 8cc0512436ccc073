"""The one sentence on what changed most, and the weekly mail about what got slightly worse."""

from datetime import timedelta

import pytest

from console.accounts.models import Project
from console.alerting import rules
from console.alerting.condition import Condition, Level
from console.alerting.decide import State
from console.alerting.definition import Definition
from console.alerting.models import Incident
from console.changes import words
from console.changes.sentence import changed_most
from console.changes.weekly import slightly_worse
from console.core import clock as console_clock
from console.core.db import db
from tests.changes.conftest import TODAY, Past
from tests.support.factories import make_project

SLOWER = [400.0] * 9 + [650.0]
WEEK = TODAY - timedelta(days=7), TODAY


@pytest.fixture
def say(inside):
    """The sentence of some projects, and its address."""

    def say(*projects, since=WEEK[0], environment=""):
        with inside(projects[0]):
            own = [db.session.get_one(Project, project.id) for project in projects]
            sentence = changed_most(own, since, TODAY, environment)
            return sentence.text, sentence.url

    return say


@pytest.mark.usefixtures("both_databases")
def test_it_names_the_largest_change_with_its_release(past, acme, judged, say):
    past.requests("POST /checkout", [*SLOWER[:-1], None], per_day=120)
    past.requests("POST /checkout", [650.0], per_day=120, release="shop@2")
    past.requests("GET /home", SLOWER)
    judged(acme)
    text, url = say(acme)
    assert text == (
        "POST /checkout got slower: P95 650 ms, 62.5% above the week before,"
        " since release shop@2 yesterday."
    )
    assert url.startswith("http://localhost:8000/acme/shop/changes?environment=production#change-")


def test_of_several_projects_it_names_the_one(app, past, acme, judged, say):
    second = make_project(app, acme.organization, "api")
    Past(app, second).requests("GET /a", SLOWER, server_name="web-1")
    judged(acme)
    text, _ = say(acme, second)
    assert (
        text == "Api: GET /a got slower: P95 650 ms, 62.5% above the week before, since yesterday."
    )


def test_without_a_release_it_names_the_share_that_moved(past, acme, judged, say):
    past.requests("GET /a", [400.0] * 10, server_name="web-1")
    past.requests("GET /a", [*[None] * 9, 900.0], server_name="web-2")
    judged(acme)
    assert say(acme)[0].endswith("since yesterday, where server web-2 went from 0% to 69.2% of it.")


def test_it_says_honestly_that_nothing_changed(past, acme, judged, say):
    unknown = "What changed is not known yet: the first day is compared after it is over."
    assert say(acme) == (unknown, None)
    past.requests("GET /a", [400.0] * 3)
    judged(acme)
    assert say(acme)[0].startswith("There is too little data")


def test_an_older_change_is_no_news(past, acme, judged, say):
    past.requests("GET /a", [*[400.0] * 9, *[650.0] * 3])
    judged(acme)
    text, url = say(acme, since=TODAY - timedelta(days=1))
    assert text == "Nothing new changed: 2 numbers were compared, and 1 earlier change went on."
    assert url is None
    assert say(acme)[0].startswith("GET /a got slower")
    assert say(acme, environment="staging")[0].startswith("Nothing new changed")


def test_a_number_from_nothing_and_one_that_grew_many_times(past, acme, judged, say, make_issue):
    make_issue(acme, hash="a" * 32, title="KeyError")
    past.requests("GET /a", [90.0] * 10, per_day=1)
    past.errors("a" * 32, [*[0] * 9, 50])
    past.errors("b" * 32, [1] * 10)
    judged(acme)
    assert say(acme)[0] == (
        "KeyError came more often: events a day 50, none in the week before, since yesterday."
    )


@pytest.mark.parametrize(
    ("ago", "name"), [(0, "today"), (1, "yesterday"), (3, "on Tuesday"), (9, "on 11 Nov 2026")]
)
def test_days_have_the_names_that_people_give_them(app, clock, ago, name):
    clock.set(TODAY)
    with app.app_context():
        assert words.on(TODAY.date() - timedelta(days=ago), TODAY.date()) == name


@pytest.fixture
def incident(inside):
    """Let a rule about a metric fire, for a value of its breakdown or with a filter."""

    def incident(project, metric, value="", **fields):
        with inside(project):
            own = db.session.get_one(Project, project.id)
            definition = Definition(
                metric=metric, condition=Condition(op=">", levels={Level.WARNING: 1}), **fields
            )
            rule = rules.create(own, f"{metric} {value} {fields}"[:90], definition)
            at = console_clock.now() - timedelta(hours=20)
            fired = {"level": State.WARNING, "worst": State.WARNING, "rule_version": 1}
            own_times = {"breached_at": at, "opened_at": at}
            db.session.add(
                Incident(
                    project_id=project.id,
                    rule_id=rule.id,
                    value=value,
                    title="It is slow",
                    why="",
                    sequence=0,
                    **fired,
                    **own_times,
                )
            )
            db.session.commit()

    return incident


@pytest.fixture
def weekly(inside):
    def weekly(project):
        with inside(project):
            own = db.session.get_one(Project, project.id)
            return slightly_worse([own], *WEEK)

    return weekly


@pytest.mark.usefixtures("both_databases")
def test_the_weekly_mail_has_what_no_rule_fired_for(past, acme, judged, weekly, incident):
    past.requests("POST /checkout", SLOWER, per_day=120)
    past.requests("GET /home", SLOWER)
    past.loads("/cart", [3_000.0] * 9 + [1_500.0])
    judged(acme)
    content = weekly(acme)
    assert [line.name for line in content.lines] == ["POST /checkout", "GET /home"]
    (first, _) = content.lines
    assert (first.before, first.after) == ("400 ms", "650 ms")
    assert (content.subject, content.fired) == ("POST /checkout got slower, and 1 more", 0)
    incident(acme, "requests.p95", "POST /checkout", by="endpoint")
    content = weekly(acme)
    assert [line.name for line in content.lines] == ["GET /home"]
    assert (content.subject, content.fired) == ("GET /home got slower", 1)
    assert content.sentence.text.startswith("POST /checkout got slower")


def test_an_incident_of_another_subject_or_metric_takes_nothing_out(
    past, acme, judged, weekly, incident
):
    past.requests("GET /home", SLOWER)
    judged(acme)
    incident(acme, "requests.p95", "GET /a", by="endpoint")
    incident(acme, "requests.p95", where={"endpoint": ["GET /a"]})
    incident(acme, "requests.error_rate")
    incident(acme, "requests.p95", environment="staging")
    assert len(weekly(acme).lines) == 1
    incident(acme, "requests.p95")
    assert weekly(acme).lines == []
    assert weekly(acme).subject == "Nothing got worse"
