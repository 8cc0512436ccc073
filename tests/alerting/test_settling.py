"""Late data: what would have fired is opened with its true start, what would not have is noted."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from console.accounts.models import Project
from console.alerting import composite, evaluation, revision, rules, settling, signal
from console.alerting.backtest import replay
from console.alerting.composite import Member
from console.alerting.delivery.models import OutboxMessage
from console.alerting.models import Evaluation, Incident, IncidentEvent, Rule
from console.core.db import db
from console.telemetry.kinds import CHECK_RESULTS
from console.telemetry.records import Batch, CheckOutcome, CheckResult, Session
from console.telemetry.store import EXTENSION, TelemetryStore
from tests.telemetry.samples import NOON, error

pytestmark = pytest.mark.usefixtures("both_databases")
COUNT = {
    "metric": "errors.events",
    "levels": {"critical": 5},
    "recovery": None,
    "minimum_samples": 0,
    "window_seconds": 60,
}


@pytest.fixture
def fail(app, acme, inside, clock):
    """Errors in a minute after noon that come now."""
    positions = iter(range(1, 100))

    def fail(minute: float, count: int, release: str = "") -> None:
        own: dict[str, Any] = {"organization_id": acme.organization_id, "project_id": acme.id}
        at = NOON + timedelta(minutes=minute)
        position, now = next(positions), max(clock.now(), at)
        events = [
            error(position, at=at, received_at=now, release=release, **own) for _ in range(count)
        ]
        with inside(acme):
            app.extensions[EXTENSION].write(acme.organization_id, Batch(errors=events), position)

    return fail


def test_what_would_have_fired_is_opened_with_its_true_start(
    acme, inside, live, clock, make_rule, fail
):
    rule_id = make_rule(acme, **COUNT)
    live(4)
    fail(2.5, 8)  # a minute late
    live(1)
    with inside(acme):
        assert not db.session.scalars(select(Incident)).all()
    live(7)
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert incident.opened_at == NOON + timedelta(minutes=3)
        assert incident.resolved_at == NOON + timedelta(minutes=4)
        own = select(IncidentEvent).order_by(IncidentEvent.sequence)
        assert [(e.verb.value, e.details["late"]) for e in db.session.scalars(own)] == [
            ("opened", True), ("resolved", True),
        ]  # fmt: skip
        (message,) = db.session.scalars(select(OutboxMessage)).all()
        assert message.payload["verbs"] == ["opened", "resolved"]
        assert message.payload["delayed_seconds"] > 300
        window = select(Evaluation).where(Evaluation.at == NOON + timedelta(minutes=3))
        settled = db.session.scalars(window).one()
        assert (settled.number, settled.settled_number) == (0, 8)
        rule = db.session.get_one(Rule, rule_id)
        past = signal.over(rule.definition, acme, NOON, rule.evaluated_until)
        (episode,) = replay(rule.definition.condition, past.by_value[""]).episodes
        assert episode.opened == incident.opened_at.timestamp()
        assert episode.resolved == incident.resolved_at.timestamp()
    live(8)
    with inside(acme):
        assert len(db.session.scalars(select(IncidentEvent)).all()) == 2, "once"


def late_session(store: TelemetryStore, at: datetime, now: datetime, **own: int) -> None:
    """A session that began in time, and crashed late."""
    times: dict[str, Any] = {"timestamp": at, "client_timestamp": at, "received_at": at, **own}
    first = Session(position=200, session_id="5" * 32, **times)
    crash = replace(first, position=201, received_at=now, seq=1, status="crashed", errors=1)
    store.write(own["organization_id"], Batch(sessions=[first]), 200)
    store.write(own["organization_id"], Batch(sessions=[crash]), 201)


def late_result(store: TelemetryStore, at: datetime, now: datetime, **own: int) -> None:
    """A try that failed, and was written late."""
    times: dict[str, Any] = {"timestamp": at, "client_timestamp": at, "received_at": now, **own}
    result = CheckResult(
        position=-1, result_id="5" * 32, check_id=1, slug="shop", kind="http",
        outcome=CheckOutcome.DOWN, state="down", seconds=60, **times,
    )  # fmt: skip
    store.write_own(own["organization_id"], [result], 1, CHECK_RESULTS)


@pytest.mark.parametrize(
    ("changes", "make"),
    [
        ({"metric": "sessions.crash_free", "op": "<", "levels": {"critical": 0.9}}, late_session),
        ({"metric": "checks.down", "levels": {"critical": 0}}, late_result),
    ],
)
def test_sessions_and_results_of_checks_that_come_late_are_looked_at_again(
    app, acme, inside, live, clock, make_rule, changes, make
):
    make_rule(acme, **(COUNT | changes))
    live(4)
    own = {"organization_id": acme.organization_id, "project_id": acme.id}
    make(app.extensions[EXTENSION], NOON + timedelta(minutes=2.5), clock.now(), **own)
    with inside(acme):
        assert not db.session.scalars(select(Incident)).all()
    live(8)
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert incident.opened_at == NOON + timedelta(minutes=3)
        assert incident.why.startswith("late data: ")


def test_what_fires_still_is_open_and_heals_as_ever(acme, inside, live, make_rule, fail):
    make_rule(acme, **COUNT, keep_firing_seconds=900)
    live(4)
    fail(2.5, 8)
    live(8)
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert (incident.state.value, incident.opened_at) == ("open", NOON + timedelta(minutes=3))
        assert incident.why.startswith("late data: 8 error events > 5")
    live(10)
    with inside(acme):
        assert db.session.scalars(select(Incident.state)).one().value == "resolved"


def test_what_would_not_have_fired_is_noted_and_stays_open(acme, inside, live, make_rule, fail):
    make_rule(acme, **{**COUNT, "op": "<", "levels": {"critical": 5}}, keep_firing_seconds=3600)
    for minute in range(30):
        if minute != 2:
            fail(minute + 0.5, 9)
    live(4)
    fail(2.5, 9)
    live(8)
    with inside(acme):
        incident = db.session.scalars(select(Incident)).one()
        assert incident.resolved_at is None
        own = select(IncidentEvent).order_by(IncidentEvent.sequence)
        verbs = {event.verb.value: event.text for event in db.session.scalars(own)}
        assert verbs["noted"] == (
            "Late data: the window until 12:03:00 UTC would not have fired: "
            "it says 9 error events now."
        )


def test_a_rule_whose_late_data_cannot_be_taken_in_stops_no_other(
    acme, inside, live, make_rule, fail, monkeypatch
):
    odd = make_rule(acme, name="Odd", **COUNT)
    make_rule(acme, **COUNT)
    past = revision._past

    def failing(rule, recheck):
        if rule.id == odd:
            raise ZeroDivisionError
        return past(rule, recheck)

    monkeypatch.setattr(revision, "_past", failing)
    live(4)
    fail(2.5, 8)
    live(8)
    with inside(acme):
        assert db.session.scalars(select(Incident)).one().rule_id != odd


def incidents_of(rule_id: int) -> list[tuple[str, float, float | None]]:
    """The incidents of a rule: of what value, and from when to when."""
    own = select(Incident).where(Incident.rule_id == rule_id, ~Incident.is_group)
    return [
        (
            each.value,
            each.opened_at.timestamp(),
            each.resolved_at.timestamp() if each.resolved_at else None,
        )
        for each in db.session.scalars(own.order_by(Incident.opened_at, Incident.value))
    ]


def replayed(project: Project, rule_id: int) -> list[tuple[str, float, float | None]]:
    """What the back-test says that they are."""
    rule = db.session.get_one(Rule, rule_id)
    past = signal.over(rule.definition, project, NOON, rule.evaluated_until)
    condition = rule.definition.condition
    return [
        (value, episode.opened, episode.resolved)
        for value, evaluations in sorted(past.by_value.items())
        for episode in replay(condition, evaluations).episodes
    ]


def test_a_value_that_late_data_brings_first_is_evaluated_from_there_on(
    acme, inside, live, make_rule, fail
):
    """2.0.0 comes with late data, fires, and is followed by live evaluation until it heals."""
    rule_id = make_rule(acme, **COUNT, by="release", keep_firing_seconds=600)
    fail(1.5, 1, release="1.0.0")
    live(4)
    fail(2.5, 8, release="2.0.0")
    fail(2.5, 1, release="3.0.0")
    live(6)
    with inside(acme):
        own = select(Evaluation).where(Evaluation.value == "2.0.0").order_by(Evaluation.at)
        rows = db.session.scalars(own).all()
        assert rows[0].at == NOON + timedelta(minutes=3)
        assert (rows[0].number, rows[0].state.value) == (8, "critical")
        assert rows[0].why == "late data: 8 error events > 5 (critical)"
        minutes = [(row.at - NOON) / timedelta(minutes=1) for row in rows]
        assert minutes == list(range(3, 3 + len(rows))), "each window once, without a gap"
        assert incidents_of(rule_id) == [("2.0.0", (NOON + timedelta(minutes=3)).timestamp(), None)]
    live(8)
    with inside(acme):
        assert incidents_of(rule_id) == replayed(acme, rule_id)
        assert incidents_of(rule_id)[0][2] == (NOON + timedelta(minutes=14)).timestamp()
        quiet = select(Evaluation.at).where(Evaluation.value == "3.0.0")
        assert db.session.scalars(quiet).all() == [NOON + timedelta(minutes=3)]


def test_many_values_that_late_data_brings_are_a_group(acme, inside, live, make_rule, fail):
    make_rule(acme, **COUNT, by="release", keep_firing_seconds=900)
    live(4)
    for number in range(4):
        fail(2.5, 8, release=f"{number}.0.0")
    live(7)
    with inside(acme):
        group = db.session.scalars(select(Incident).where(Incident.is_group)).one()
        assert group.title == "API is slow: 4 by release"
        assert len(db.session.scalars(select(OutboxMessage)).all()) == 1


def test_a_composite_rule_is_decided_anew_with_its_members(acme, inside, live, make_rule, fail):
    """Both members fire once the late errors of one have come; an outer rule is made of that one.

    What live evaluation and late data come to together is what the back-test says.
    """
    many = make_rule(acme, name="Many", **COUNT)
    some = make_rule(acme, name="Some", **{**COUNT, "levels": {"critical": 1}})
    with inside(acme):
        shop = db.session.get_one(Project, acme.id)
        inner = together(shop, "Inner", many, some)
        outer = together(shop, "Outer", inner, many)
        db.session.commit()
    fail(2.5, 3)
    live(4)
    with inside(acme):
        assert [incidents_of(rule_id) for rule_id in (many, inner, outer)] == [[], [], []]
    fail(2.5, 8)
    live(8)
    fail(15.5, 9)  # in time: all fire
    live(6)
    with inside(acme):
        opened = [(NOON + timedelta(minutes=minute)).timestamp() for minute in (3, 16)]
        for rule_id in (inner, outer):
            assert [at for _, at, _ in incidents_of(rule_id)] == opened
            assert incidents_of(rule_id) == replayed(acme, rule_id)
        first = select(Incident).where(Incident.rule_id == outer).order_by(Incident.opened_at)
        incident = db.session.scalars(first.limit(1)).one()
        assert incident.why == "late data: 2 firing rules >= 2 (critical)"
        own = select(IncidentEvent.verb).where(IncidentEvent.incident_id == incident.id)
        verbs = db.session.scalars(own.order_by(IncidentEvent.sequence)).all()
        assert verbs == ["opened", "resolved"], "once"


def test_a_composite_incident_is_noted_when_a_member_would_not_have_fired(
    acme, inside, live, make_rule, fail
):
    few = {**COUNT, "op": "<", "levels": {"critical": 5}}
    first, second = make_rule(acme, name="Few", **few), make_rule(acme, name="Fewer", **few)
    with inside(acme):
        both = together(db.session.get_one(Project, acme.id), "Both", first, second)
        db.session.commit()
    for minute in range(30):
        if minute != 2:
            fail(minute + 0.5, 9)
    live(4)
    fail(2.5, 9)
    live(8)
    with inside(acme):
        incident = db.session.scalars(select(Incident).where(Incident.rule_id == both)).one()
        own = select(IncidentEvent).where(IncidentEvent.incident_id == incident.id)
        texts = [event.text for event in db.session.scalars(own) if event.verb == "noted"]
        assert texts == [
            (
                "Late data: the window until 12:03:00 UTC would not have fired: "
                "it says 0 firing rules now."
            )
        ]


def together(project: Project, name: str, *rule_ids: int) -> int:
    """A composite rule that begins now."""
    members = [Member(rule_id) for rule_id in rule_ids]
    definition = composite.definition(members, composite.condition(members))
    return rules.create(project, name, definition, kind="composite").id


def test_late_data_that_changes_nothing_costs_no_statement_of_a_rule_s_own(
    acme, inside, clock, make_rule, fail, statements
):
    """A late row in a minute cost a thousand rules a question and a transaction each."""
    clock.set(NOON)
    ids = [
        make_rule(acme, name=str(number), environment=f"stage-{number % 2}", **COUNT)
        for number in range(30)
    ]
    clock.move(minutes=4)
    with inside(acme):
        evaluation.evaluate(acme.organization_id)
    clock.move(seconds=20)
    fail(2.5, 8)
    clock.move(minutes=6)
    with inside(acme), statements() as seen:
        assert settling.settle(acme.organization_id)["windows looked at again"] == len(ids)
    assert len(seen) < len(ids), "\n".join(seen)
    with inside(acme):
        settled = db.session.scalars(select(Rule.settled_until).where(Rule.id.in_(ids))).all()
        assert set(settled) == {NOON + timedelta(minutes=3)}
        assert not db.session.scalars(select(Incident)).all()
