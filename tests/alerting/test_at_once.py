"""Two sessions that write the same incident at once: none is lost, none is done twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from console.alerting.evaluation import evaluate
from console.alerting.models import Incident, IncidentEvent, Rule
from console.core.db import db
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.usefixtures("both_databases")
WRITERS, ROUNDS = 4, 3


@pytest.fixture
def incident_id(acme, inside, live, make_rule, counted_requests) -> int:
    make_rule(acme, window_seconds=60)
    counted_requests(acme, lambda _: 2_000, minutes=3)
    live(3)
    with inside(acme):
        return db.session.scalars(select(Incident.id)).one()


def history(acme, inside) -> list[IncidentEvent]:
    with inside(acme):
        own = select(IncidentEvent).order_by(IncidentEvent.sequence)
        return list(db.session.scalars(own))


def test_people_who_answer_at_once(app, acme, inside, incident_id, as_script):
    scripts = [as_script(acme, "incidents:write") for _ in range(WRITERS)]
    here, start = f"/api/v1/acme/shop/incidents/{incident_id}", Barrier(WRITERS)

    def answer(number: int) -> list[int]:
        statuses = []
        for turn in range(ROUNDS):
            start.wait(30)
            text = {"text": f"note {number}.{turn}"}
            statuses.append(scripts[number].post(f"{here}/notes", json=text).status_code)
            statuses.append(scripts[number].post(f"{here}/acknowledgement").status_code)
        start.wait(30)
        return [*statuses, scripts[number].post(f"{here}/resolution").status_code]

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(answer, range(WRITERS)))
    assert {status for statuses in answers for status in statuses} == {200}
    events = history(acme, inside)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    texts = {f"note {number}.{turn}" for number in range(WRITERS) for turn in range(ROUNDS)}
    assert {event.text for event in events if event.verb == "noted"} == texts
    verbs = [event.verb.value for event in events]
    assert (verbs.count("acknowledged"), verbs.count("resolved")) == (1, 1)


def test_evaluators_that_decide_the_same_windows(
    app, acme, inside, clock, make_rule, counted_requests
):
    clock.set(NOON)
    make_rule(acme, window_seconds=60)
    counted_requests(acme, lambda _: 2_000, minutes=4)
    clock.move(minutes=5)
    start = Barrier(WRITERS)

    def decide(_: int) -> None:
        with inside(acme):
            start.wait(30)
            evaluate(acme.organization_id)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(decide, range(WRITERS)))
    assert [event.verb.value for event in history(acme, inside)] == ["opened", "escalated"]
    with inside(acme):
        assert db.session.scalars(select(Rule.evaluated_until)).one() > NOON
