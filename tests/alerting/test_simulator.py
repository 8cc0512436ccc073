"""The simulator says what the engine does: the same plan, the same people, the same times."""

from datetime import UTC, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.accounts.models import Role
from console.alerting.escalation import words
from console.alerting.escalation.advance import advance
from console.alerting.escalation.plan import Plan
from console.alerting.escalation.recipients import Directory
from console.alerting.escalation.simulator import simulate
from console.alerting.models import Severity
from console.core import clock as console_clock
from console.core.db import db
from tests.alerting.escalations import (
    OWNERS,
    channel,
    history,
    opened,
    owed,
    person,
    policy,
    standing,
    step,
)
from tests.support.factories import make_member
from tests.telemetry.samples import NOON

MINUTES = st.sampled_from([0, 1, 7, 45, 600])
TARGETS = st.lists(st.sampled_from(["owners", "alice", "ops", "off", "gone"]), min_size=1)
HOURS = st.sampled_from(
    [
        None,
        {"zone": "Europe/Berlin", "days": [0, 1, 2, 3, 4], "since": "09:00", "until": "17:00"},
        {"zone": "America/New_York", "days": [5, 6], "since": "22:00", "until": "06:00"},
        {"zone": "UTC", "days": [4], "since": "12:00", "until": "12:10"},
    ]
)
STEPS = st.lists(st.tuples(MINUTES, TARGETS, HOURS, st.sampled_from(["skip", "wait"])),
                 min_size=1, max_size=4)  # fmt: skip


@pytest.fixture
def targets(acme, inside, clock):
    """The targets of policies by name."""
    clock.set(NOON)
    with inside(acme):
        by_name = {
            "owners": OWNERS,
            "alice": person("alice@acme.test"),
            "ops": channel("ops"),
            "off": channel("off", enabled=False),
            "gone": channel("gone", deleted_at=NOON),
        }
        db.session.commit()
    return by_name


@given(steps=STEPS, repeats=st.integers(0, 2), repeat_minutes=st.sampled_from([1, 30]))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_engine_does_what_the_simulator_says(
    acme, inside, clock, targets, steps, repeats, repeat_minutes
):
    clock.set(NOON)
    document = policy(
        *(
            step(*(targets[name] for name in names), after=after, hours=hours, otherwise=otherwise)
            for after, names, hours, otherwise in steps
        ),
        repeats=repeats,
        repeat_minutes=repeat_minutes,
    )
    with inside(acme):
        plan = Plan.of(document)
        simulation = simulate(plan, Directory.read(), Severity.MEDIUM, NOON)
        expected = [
            (turned.place.at, recipient.key)
            for turned in simulation.turns
            for recipient in turned.recipients
        ]
        skipped = [
            {(entry.name, entry.why) for entry in turned.reached.skipped}
            for turned in simulation.turns
        ]
        incident_id = opened(acme, document)
    for _ in range(100):
        with inside(acme):
            due = standing(incident_id).next_at
            if due is None:
                break
            clock.set(due.astimezone(UTC))
            advance(acme.organization_id)
    with inside(acme):
        assert standing(incident_id).next_at is None
        assert [(at, recipient) for at, recipient, _ in owed(incident_id)] == expected
        done = [event.details for event in history(incident_id) if event.verb == "escalated"]
    passed = [{(entry["name"], entry["why"]) for entry in details["skipped"]} for details in done]
    assert passed == skipped
    assert [details["step"] for details in done] == [
        turned.place.step for turned in simulation.turns
    ]


def test_a_long_simulation_is_cut(acme, inside, targets):
    with inside(acme):
        plan = Plan.of(policy(*[step(OWNERS, after=1)] * 20, repeats=20))
        simulation = simulate(plan, Directory.read(), Severity.LOW, console_clock.now())
    assert simulation.is_cut
    assert len(simulation.turns) == 60
    assert simulation.after(simulation.turns[-1]) == timedelta(minutes=60 + 2 * 30)


def test_a_simulation_asks_as_much_for_twenty_owners_and_steps_as_for_one(
    app, acme, inside, statements
):
    counts, reached = [], []
    for owners, steps in ((1, 1), (20, 20)):
        for number in range(1, owners):
            make_member(app, acme.organization, f"owner-{number}@acme.test", Role.OWNER)
        with inside(acme), statements() as asked:
            plan = Plan.of(policy(*[step(OWNERS, after=1)] * steps))
            simulation = simulate(plan, Directory.read(), Severity.LOW, console_clock.now())
        counts.append(len(asked))
        reached.append(len(simulation.turns[-1].recipients))
    assert reached == [1, 20]
    assert counts[0] == counts[1]


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(0, "never"), (1, "1 minute"), (90, "1 hour 30 minutes"), (2_880, "2 days")],
)
def test_minutes_in_words(minutes, expected):
    assert words.minutes_words(minutes) == expected
