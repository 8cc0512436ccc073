"""Alerting watches itself: what stands still opens an incident, and every page says so."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from console.alerting import heartbeat, incidents, pulse
from console.alerting.chronicle import Actor
from console.alerting.delivery.compose import compose
from console.alerting.delivery.models import Channel, MessageState, OutboxMessage
from console.alerting.ending import end_forsaken
from console.alerting.escalation import policies
from console.alerting.models import Incident, IncidentEvent, Rule
from console.alerting.watchdog import JOB, watch
from console.channels.message import Verb
from console.core import clock as console_clock
from console.core import failures
from console.core.config import EXTENSION
from console.core.db import db
from console.core.leases import JobRun
from demo.person import Person
from tests.alerting.deliveries import add_incident, by_mail, owe
from tests.alerting.escalations import OWNERS, channel, opened, policy, step
from tests.fakes.web import Answer, Request, Service, running
from tests.support.live import Server
from tests.support.pages import Page
from tests.support.waiting import until
from tests.telemetry.samples import NOON


@pytest.fixture
def look(acme, inside):
    """Let the watchdog look once; returns the states of its incidents by what they are about.

    What was owed before has been sent, unless nobody `delivers`.
    """

    def look(*, delivers: bool = True) -> dict[str, str]:
        with inside(acme):
            if delivers:
                db.session.execute(update(OutboxMessage).values(state=MessageState.SENT))
                db.session.commit()
            watch(acme.organization_id)
            own = select(Incident.watch, Incident.state).where(Incident.watch != "")
            return {name: state.value for name, state in db.session.execute(own)}

    return look


@pytest.fixture
def late_rule(acme, inside, clock, make_rule):
    """A rule that should have been evaluated ten minutes ago."""
    clock.set(NOON)
    rule_id = make_rule(acme)
    clock.move(minutes=12)
    return rule_id


def on_time(rule_id: int) -> None:
    db.session.get_one(Rule, rule_id).next_due = console_clock.now() + timedelta(minutes=1)
    db.session.commit()


@pytest.mark.usefixtures("both_databases")
def test_a_late_rule_opens_an_incident_that_the_owners_hear_of_and_that_heals(
    acme, inside, clock, look, late_rule
):
    assert look() == {"rules": "open"}
    assert look() == {"rules": "open"}, "one incident, however often it looks"
    with inside(acme):
        (message,) = db.session.scalars(select(OutboxMessage)).all()
        text = compose(message, clock.now())
        assert (message.recipient.endswith("-email"), text.title) == (True, "Rules are late")
        assert "1 rule has not been evaluated in time" in text.headline
        end_forsaken(acme.organization_id)  # its incident has no rule, and lasts
    clock.move(minutes=1)
    with inside(acme):
        on_time(late_rule)
    assert look() == {"rules": "resolved"}
    with inside(acme):
        verbs = db.session.scalars(
            select(IncidentEvent.verb).order_by(IncidentEvent.sequence)
        ).all()
        assert [verb.value for verb in verbs if verb.value != "escalated"] == ["opened", "resolved"]
        assert len(db.session.scalars(select(OutboxMessage)).all()) == 2


def test_what_comes_back_at_once_is_the_same_incident(acme, inside, clock, look, late_rule):
    look()
    with inside(acme):
        on_time(late_rule)
    look()
    clock.move(minutes=5)
    assert look() == {"rules": "open"}
    with inside(acme):
        assert db.session.scalars(select(Incident)).one().reopened == 1


def test_what_a_person_has_closed_stays_closed_while_it_lasts(acme, inside, clock, look, late_rule):
    look()
    with inside(acme):
        incidents.resolve(db.session.scalars(select(Incident)).one(), by=Actor())
        db.session.commit()
    clock.move(minutes=30)
    assert look() == {"rules": "resolved"}
    assert late_rule


def test_a_channel_that_does_not_deliver_is_not_the_way_to_say_so(acme, inside, clock, look):
    clock.set(NOON)
    with inside(acme):
        broken = channel("#ops", failing_since=NOON - timedelta(minutes=10), last_error="HTTP 500")
        working = channel("#backup")
        policies.default().document = policy(step(broken, working))
        db.session.commit()
    assert look() == {"channels": "open"}
    with inside(acme):
        (message,) = db.session.scalars(select(OutboxMessage)).all()
        assert message.recipient == f"channel-{working['channel']}"
        step_done = db.session.scalars(
            select(IncidentEvent).where(IncidentEvent.verb == "escalated")
        ).one()
        assert step_done.details["skipped"] == [{"name": "#ops", "why": "does not deliver now"}]
        db.session.get_one(Channel, broken["channel"]).failing_since = None
        db.session.commit()
    assert look() == {"channels": "resolved"}


def test_overdue_steps_and_stuck_messages_and_failing_jobs_are_noticed(acme, inside, clock, look):
    clock.set(NOON)
    with inside(acme):
        opened(acme, policy(step(OWNERS), step(OWNERS, after=5)))
        for rule in db.session.scalars(select(Rule)):
            rule.next_due = NOON + timedelta(days=1)
        for _ in range(3):
            failures.add("detect", "OSError")
        db.session.commit()
    clock.move(minutes=8)
    assert look(delivers=False) == {"escalations": "open", "messages": "open", "jobs": "open"}
    with inside(acme):
        whys = {own.watch: own.why for own in db.session.scalars(select(Incident)) if own.watch}
    assert whys["escalations"] == "1 step of escalations should have been done"
    assert whys["jobs"] == "detect (OSError)"
    assert whys["messages"].startswith("1 message waits")


def test_a_message_that_waits_for_anothers_fate_is_not_stuck(acme, inside, clock, look):
    clock.set(NOON)
    with inside(acme):
        incident = add_incident(acme)
        first = owe(incident, by_mail("alice@acme.test"))
        first.next_at = NOON + timedelta(hours=1)
        owe(incident, by_mail("alice@acme.test"), Verb.RESOLVE)
        db.session.commit()
    clock.move(minutes=10)
    assert look(delivers=False) == {}


def ran(job: str, summary: str = "nothing to do", error: str = "") -> None:
    now = console_clock.now()
    db.session.add(
        JobRun(
            job=job,
            due_at=now,
            epoch=1,
            started_at=now,
            finished_at=now,
            summary=summary,
            error=error,
        )
    )
    db.session.commit()


def test_every_page_says_whether_alerting_is_alive(app, as_vic, clock, look, late_rule):
    page = "/acme/shop/alerts/silences/"
    assert "Alerting is alive" not in as_vic.get(page).text, "this process has not looked"
    with app.app_context():
        ran(pulse.TICK)
        pulse.look()
    clock.move(seconds=3)
    assert "Alerting is alive: last tick 3 s ago" in as_vic.get(page).text
    look()
    with app.app_context():
        ran(JOB, "1 troubles of alerting")
        pulse.look()
    text = as_vic.get(page).text
    assert "Alerting has troubles" in text
    (link,) = [a for a in Page(text).select(".notes a") if a.text() == "See the incident"]
    assert "Rules are late" in as_vic.get(link.attributes["href"]).text
    clock.move(minutes=2)
    assert "Alerting stands still: last tick 2 min" in as_vic.get(page).text
    assert late_rule


def test_the_incident_of_the_console_itself_has_a_page(as_alice, look, late_rule, acme, inside):
    look()
    with inside(acme):
        incident_id = db.session.scalars(select(Incident.id)).one()
    here = f"/acme/shop/alerts/incidents/{incident_id}"
    assert "The console watches its own alerting" in as_alice.get(here).text
    as_alice.post(f"{here}/acknowledgement")
    assert "Alice" in as_alice.get(here).text
    assert "incident-context" not in as_alice.get(here).text, "nothing of the project led to it"
    assert as_alice.get(f"{here}/context").status_code == 404
    assert late_rule


class Heart(Service):
    """Takes whatever comes."""

    def reply(self, _: Request) -> Answer:
        return Answer(200, "OK")


@pytest.fixture
def heart(app):
    """A service that takes heartbeats, whose address the console knows."""
    settings = app.extensions[EXTENSION]
    with running(Heart()) as service:
        app.extensions[EXTENSION] = replace(settings, heartbeat_url=f"{service.url}/ping/abc")
        yield service
    app.extensions[EXTENSION] = settings


def test_the_heartbeat_goes_out_while_alerting_is_alive(app, clock, heart):
    clock.set(NOON)
    with app.app_context():
        ran(pulse.TICK)
        assert heartbeat.send() == "success: answered 200"
        clock.move(minutes=1)
        ran(pulse.TICK, error="OSError")
        assert heartbeat.send() == "failure: answered 200"
        clock.move(minutes=5)
        assert heartbeat.send() == "failure: answered 200"
    assert [request.path for request in heart.requests] == [
        "/ping/abc", "/ping/abc/fail", "/ping/abc/fail",
    ]  # fmt: skip
    assert {request.method for request in heart.requests} == {"GET"}


def test_a_console_that_was_down_says_nothing_before_its_first_evaluation(app, clock, heart):
    clock.set(NOON)
    with app.app_context():
        ran(pulse.TICK)
        clock.move(hours=1)
        assert heartbeat.send() == "waits for the first evaluation"
        clock.move(minutes=2)
        assert heartbeat.send() == "failure: answered 200"
    assert [request.path for request in heart.requests] == ["/ping/abc/fail"]


def test_a_served_console_says_on_its_pages_that_alerting_is_alive(instance, database):
    server = Server(instance, database).start()
    try:
        project = server.project()
        server.run(
            "user", "create", "ada@acme.test", "--organization", project.organization,
            "--role", "owner", "--password-stdin", stdin="a long word that nobody has",
        )  # fmt: skip
        ada = Person(server.url, "ada@acme.test", "a long word that nobody has")
        ada.sign_in()
        page = f"/{project.organization}/{project.slug}/alerts/silences/"
        until(lambda: "Alerting is alive: last tick" in ada.read(page), "a tick on the page")
    finally:
        server.stop()


def test_a_heartbeat_that_nobody_takes_is_a_word_in_the_log(app, clock, heart, caplog):
    clock.set(NOON)
    heart.drops = True
    with app.app_context():
        ran(pulse.TICK)
        assert heartbeat.send().startswith("not sent: ")
    assert "the heartbeat was not sent" in caplog.text


def test_without_an_address_nothing_goes_out(app):
    with app.app_context():
        assert heartbeat.send() == "no address"
