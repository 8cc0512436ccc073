"""Escalations: step by step at their minutes, and what stops, postpones and begins them anew."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from console.accounts.models import Membership, User
from console.alerting import groups, incidents
from console.alerting.chronicle import Actor
from console.alerting.delivery.models import Channel
from console.alerting.escalation import policies, running
from console.alerting.escalation.advance import advance, overdue
from console.alerting.escalation.models import EscalationState
from console.alerting.models import Incident, IncidentState, Silence
from console.alerting.waking import wake
from console.core.db import db
from tests.alerting.escalations import (
    OWNERS,
    acknowledge,
    channel,
    gets_worse,
    history,
    opened,
    owed,
    person,
    policy,
    resolve,
    standing,
    step,
)
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.usefixtures("both_databases")
ALICE, VIC = "alice@acme.test", "vic@acme.test"


@pytest.fixture
def goes_on(acme, inside, clock):
    """Let so many minutes pass, looking each minute, and at the end."""

    def goes_on(minutes: int, *, at_once: bool = False) -> None:
        for _ in range(1 if at_once else minutes):
            clock.move(minutes=minutes if at_once else 1)
            with inside(acme):
                advance(acme.organization_id)

    clock.set(NOON)
    return goes_on


@pytest.fixture
def messages(acme, inside):
    """The minutes after noon, the recipients and the verbs of an incident's messages."""

    def messages(incident_id: int) -> list[str]:
        with inside(acme):
            return [
                f"{int((at - NOON).total_seconds() // 60)} {_person(recipient)} {verb}"
                for at, recipient, verb in owed(incident_id)
            ]

    return messages


def _person(recipient: str) -> str:
    kind, _, rest = recipient.partition("-")
    if kind == "user":
        user = db.session.get(User, int(rest.split("-")[0]))
        return user.email.partition("@")[0] if user else "somebody who left"
    return db.session.get_one(Channel, int(rest)).name


def test_the_next_person_is_notified_when_nobody_answers(acme, inside, goes_on, messages):
    with inside(acme):
        steps = step(person(ALICE)), step(channel("ops"), after=5), step(OWNERS, after=10)
        incident_id = opened(acme, policy(*steps, repeats=1, repeat_minutes=20))
    goes_on(60)
    assert messages(incident_id) == [
        "0 alice trigger", "5 ops trigger", "15 ada trigger",
        "35 alice escalate", "40 ops escalate", "50 ada escalate",
    ]  # fmt: skip
    with inside(acme):
        assert standing(incident_id).state is EscalationState.EXHAUSTED
        escalated = [event for event in history(incident_id) if event.verb == "escalated"]
        assert [event.details["round"] for event in escalated] == [0, 0, 0, 1, 1, 1]
        assert escalated[1].details["notified"] == ["ops"]


def test_an_acknowledgement_stops_it_and_goes_stale(acme, inside, goes_on, messages):
    with inside(acme):
        steps = step(person(ALICE)), step(OWNERS, after=5)
        incident_id = opened(acme, policy(*steps, stale_minutes=30))
    goes_on(2)
    with inside(acme):
        acknowledge(incident_id)
    goes_on(40)
    assert messages(incident_id) == [
        "0 alice trigger", "2 alice acknowledge", "32 alice escalate", "37 ada trigger",
    ]  # fmt: skip
    with inside(acme):
        assert db.session.get_one(Incident, incident_id).state is IncidentState.OPEN
        verbs = [event.verb.value for event in history(incident_id)]
    assert verbs == [
        "opened", "escalated", "acknowledged", "unacknowledged", "escalated", "escalated",
    ]  # fmt: skip


def test_whoever_the_first_step_does_not_notify_hears_that_it_is_stale(
    acme, inside, goes_on, messages
):
    with inside(acme):
        steps = step(person(ALICE)), step(channel("ops"), after=1)
        incident_id = opened(acme, policy(*steps, stale_minutes=10))
    goes_on(2)
    with inside(acme):
        acknowledge(incident_id)
    goes_on(10)
    assert messages(incident_id)[-2:] == ["12 alice escalate", "12 ops unacknowledge"]


def test_a_resolved_incident_is_over_for_everybody_who_was_notified(
    acme, inside, goes_on, messages
):
    with inside(acme):
        steps = step(person(ALICE)), step(channel("ops"), after=2), step(OWNERS, after=30)
        incident_id = opened(acme, policy(*steps))
    goes_on(3)
    with inside(acme):
        resolve(incident_id)
        assert standing(incident_id).next_at is None
    goes_on(60)
    assert messages(incident_id)[2:] == ["3 alice resolve", "3 ops resolve"]


def test_what_nobody_resolves_begins_anew(acme, inside, goes_on, messages):
    with inside(acme):
        incident_id = opened(acme, policy(step(person(ALICE)), unresolved_minutes=60))
    goes_on(125)
    expected = ["0 alice trigger", "60 alice escalate", "120 alice escalate"]
    assert messages(incident_id) == expected


def test_missed_steps_are_done_once_late_and_in_order(acme, inside, goes_on, messages):
    with inside(acme):
        steps = step(person(ALICE)), step(OWNERS, after=5), step(person(ALICE), OWNERS, after=5)
        incident_id = opened(acme, policy(*steps, repeats=3, repeat_minutes=10))
    goes_on(47, at_once=True)
    # rounds began at 0, 20 and 40; of what was missed, each step is done once
    assert messages(incident_id)[1:] == ["47 ada trigger", "47 alice escalate"]
    with inside(acme):
        late = [event.details.get("delayed_seconds") for event in history(incident_id)[2:]]
        assert late == [42 * 60, 37 * 60, 27 * 60]
        assert standing(incident_id).round == 2
    goes_on(3)
    assert messages(incident_id)[3:] == ["50 alice escalate", "50 ada escalate"]


def test_a_step_that_reaches_nobody_is_passed_at_once(acme, inside, goes_on, messages):
    with inside(acme):
        gone, off = channel("gone", deleted_at=NOON), channel("off", enabled=False)
        steps = step(gone), step(off, {"user": 10_000}, after=5), step(person(ALICE), after=5)
        incident_id = opened(acme, policy(*steps, repeats=1, repeat_minutes=10))
    assert messages(incident_id) == ["0 alice trigger"]
    with inside(acme):
        passed = [event.details["skipped"] for event in history(incident_id)[1:3]]
    assert passed == [
        [{"name": "gone", "why": "was deleted"}],
        [
            {"name": "off", "why": "is switched off"},
            {"name": "a former member", "why": "left the organization"},
        ],
    ]
    goes_on(15)
    assert messages(incident_id) == ["0 alice trigger", "10 alice escalate"], "a round has its time"


def test_owners_are_notified_when_a_policy_reaches_nobody(acme, inside, goes_on, messages):
    with inside(acme):
        gone = channel("gone", deleted_at=NOON)
        incident_id = opened(acme, policy(step(gone), step(gone, after=5), repeats=1))
    assert messages(incident_id) == ["0 ada trigger"]
    with inside(acme):
        assert history(incident_id)[-1].details["last_resort"] is True
    goes_on(60)
    assert messages(incident_id) == ["0 ada trigger"]


def test_people_and_channels_that_leave_are_passed_while_it_runs(acme, inside, goes_on, messages):
    with inside(acme):
        ops = channel("ops")
        steps = step(person(ALICE), ops), step(person(ALICE), ops, after=5), step(OWNERS, after=5)
        incident_id = opened(acme, policy(*steps))
        alice = person(ALICE)["user"]
    with inside(acme):
        db.session.execute(delete(Membership).where(Membership.user_id == alice))
        db.session.get_one(Channel, ops["channel"]).deleted_at = NOON
        db.session.commit()
    goes_on(6)
    assert messages(incident_id)[2:] == ["5 ada trigger"]
    with inside(acme):
        resolve(incident_id)
    assert messages(incident_id)[3:] == ["6 ada resolve"], "a deleted channel is left alone"


BERLIN_MORNING = {"zone": "Europe/Berlin", "days": [4, 5], "since": "13:30", "until": "14:00"}
"""On that Friday 12:30 to 13:00 in UTC: half an hour after the incident."""


def test_a_step_outside_its_hours_is_passed_or_waits(acme, inside, goes_on, messages):
    with inside(acme):
        passes = step(person(ALICE), hours=BERLIN_MORNING), step(OWNERS, after=5)
        alice = step(person(ALICE), hours=BERLIN_MORNING, otherwise="wait")
        waits = alice, step(OWNERS, after=5)
        passing, waiting = opened(acme, policy(*passes)), opened(acme, policy(*waits))
    goes_on(45)
    assert messages(passing) == ["0 ada trigger"]
    assert messages(waiting) == ["30 alice trigger", "35 ada trigger"]
    with inside(acme):
        skipped = history(passing)[1].details["skipped"]
    assert skipped == [{"name": "Alice by e-mail", "why": "is notified in other hours"}]


def test_a_silence_postpones_it_until_it_ends(acme, inside, goes_on, messages):
    with inside(acme):
        incident_id = opened(acme, policy(step(person(ALICE)), step(OWNERS, after=5)))
        silence = Silence(
            project_id=acme.id,
            reason="Work",
            starts_at=NOON + timedelta(minutes=1),
            ends_at=NOON + timedelta(minutes=20),
        )
        db.session.add(silence)
        db.session.commit()
    goes_on(19)
    assert messages(incident_id) == ["0 alice trigger"]
    with inside(acme):
        assert overdue(timedelta(minutes=2)) == [], "it is held back, and not late"
    goes_on(10)
    assert messages(incident_id) == ["0 alice trigger", "20 ada trigger"]


def test_a_snooze_postpones_it_and_then_it_begins_anew(acme, inside, goes_on, messages, clock):
    with inside(acme):
        incident_id = opened(acme, policy(step(person(ALICE)), step(OWNERS, after=5)))
        own = db.session.get_one(Incident, incident_id)
        incidents.snooze(own, NOON + timedelta(minutes=20), by=Actor(name="ci"))
        db.session.commit()
    goes_on(25)
    assert messages(incident_id) == ["0 alice trigger"], "its job has not woken it yet"
    with inside(acme):
        wake(acme.organization_id)
    goes_on(5)
    assert messages(incident_id)[1:] == ["25 alice escalate", "30 ada trigger"]


def test_a_snooze_of_what_somebody_looks_after_notifies_nobody_else(
    acme, inside, goes_on, messages
):
    with inside(acme):
        steps = step(person(ALICE)), step(OWNERS, after=5)
        incident_id = opened(acme, policy(*steps, stale_minutes=30))
        acknowledge(incident_id)
        own = db.session.get_one(Incident, incident_id)
        incidents.snooze(own, NOON + timedelta(minutes=50), by=Actor(name="ci"))
        db.session.commit()
    goes_on(50)
    with inside(acme):
        wake(acme.organization_id)
    goes_on(20)
    assert messages(incident_id)[2:] == ["50 alice update"]


def test_who_acknowledged_a_warning_hears_that_it_is_critical(acme, inside, goes_on, messages):
    with inside(acme):
        steps = step(person(ALICE)), step(OWNERS, after=5)
        warning = opened(acme, policy(*steps))
        gets_worse(warning)
        acknowledge(warning)
        taken = opened(acme, policy(*steps))
        acknowledge(taken)
    goes_on(1)
    with inside(acme):
        gets_worse(warning)  # it was critical when it was acknowledged
        gets_worse(taken)
        assert db.session.get_one(Incident, warning).state is IncidentState.ACKNOWLEDGED
        assert db.session.get_one(Incident, taken).state is IncidentState.OPEN
    assert messages(warning)[-3:] == ["0 alice update", "0 alice acknowledge", "1 alice update"]
    assert messages(taken)[-2:] == ["0 alice acknowledge", "1 alice escalate"]


def test_a_member_leaves_its_escalation_to_the_group(acme, inside, goes_on, messages):
    with inside(acme):
        incident_id = opened(acme, policy(step(channel("pager")), step(OWNERS, after=5)))
        running.hand_over([incident_id])
        db.session.commit()
    goes_on(10)
    with inside(acme):
        resolve(incident_id)
    assert messages(incident_id) == ["0 pager trigger", "10 pager resolve"]


def test_a_stale_acknowledgement_of_a_group_is_taken_back_from_its_members(
    acme, inside, goes_on, messages
):
    with inside(acme):
        group_id = opened(acme, policy(step(person(ALICE)), stale_minutes=10))
        group = db.session.get_one(Incident, group_id)
        member_id = opened(acme, policy(step(OWNERS)))
        group.is_group = True
        db.session.get_one(Incident, member_id).parent_id = group_id
        running.hand_over([member_id])
        db.session.commit()
        acknowledge(group_id)
    goes_on(11)
    with inside(acme):
        members = groups.members(db.session.get_one(Incident, group_id))
        assert [member.state for member in members] == [IncidentState.OPEN]
    assert messages(group_id)[-1] == "10 alice escalate"
    assert messages(member_id) == ["0 ada trigger", "0 ada acknowledge"]


def test_an_incident_moves_to_the_new_version_at_the_same_step(acme, inside, goes_on, messages):
    with inside(acme):
        steps = step(person(ALICE)), step(OWNERS, after=30)
        incident_id = opened(acme, policy(*steps))
        own = db.session.get_one(Incident, incident_id)
        new = policies.chosen(own)
        document = policy(*steps, step(channel("ops"), after=5))
        assert policies.save(new, new.name, document)
        db.session.commit()
    goes_on(10)
    with inside(acme):
        assert standing(incident_id).policy_version == 1
        own = db.session.get_one(Incident, incident_id)
        running.move(standing(incident_id), policies.chosen(own))
        db.session.commit()
        assert standing(incident_id).policy_version == 2
    goes_on(30)
    assert messages(incident_id) == ["0 alice trigger", "30 ada trigger", "35 ops trigger"]


def test_a_version_with_fewer_steps_goes_on_with_its_next_round(acme, inside, goes_on, messages):
    with inside(acme):
        steps = step(person(ALICE)), step(OWNERS, after=5), step(OWNERS, after=5)
        incident_id = opened(acme, policy(*steps))
    goes_on(6)
    with inside(acme):
        own = policies.chosen(db.session.get_one(Incident, incident_id))
        policies.save(own, own.name, policy(step(person(ALICE)), repeats=1, repeat_minutes=10))
        running.move(standing(incident_id), own)
        db.session.commit()
    goes_on(20)
    assert messages(incident_id)[2:] == ["16 alice escalate"]


def test_a_job_gives_each_organization_its_default_policy(acme, inside):
    for expected in (1, 0):
        with inside(acme):
            made = policies.keep_default(acme.organization_id)
        assert made == {"default policies made": expected}
    with inside(acme):
        default = policies.existing_default()
        assert default is not None
        assert default.document["steps"][0]["targets"] == [OWNERS]
