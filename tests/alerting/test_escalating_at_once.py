"""Two processes that escalate at once, and one that dies, do each step exactly once."""

from collections import Counter
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from console.alerting.delivery.models import OutboxMessage
from console.alerting.escalation import advance as engine
from console.alerting.escalation.advance import advance
from console.core.db import db
from tests.alerting.escalations import (
    OWNERS,
    history,
    opened,
    owed,
    person,
    policy,
    step,
)
from tests.support import factories
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.usefixtures("both_databases")


def test_two_processes_do_a_step_once(app, acme, inside, clock):
    clock.set(NOON)
    with inside(acme):
        steps = step(person("alice@acme.test")), step(OWNERS, after=5)
        ids = [opened(acme, policy(*steps)) for _ in range(8)]
    clock.move(minutes=5)
    barrier, done = Barrier(2), []

    def process() -> None:
        with factories.inside(app, acme):
            barrier.wait(timeout=10)
            done.append(advance(acme.organization_id)["steps of escalations"])

    threads = [Thread(target=process) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sum(done) == len(ids)
    with inside(acme):
        keys = Counter(db.session.scalars(select(OutboxMessage.key)))
        assert [len(owed(id_)) for id_ in ids] == [2] * len(ids)
    assert set(keys.values()) == {1}


def test_a_step_whose_process_dies_is_done_by_the_next(acme, inside, clock, monkeypatch):
    """It dies before its commit: neither history nor messages know of the step."""
    clock.set(NOON)
    with inside(acme):
        steps = step(person("alice@acme.test")), step(OWNERS, after=5)
        incident_id = opened(acme, policy(*steps))
    clock.move(minutes=5)
    go_on = engine._go_on

    def dies(incident_id: int) -> int:
        go_on(incident_id)
        db.session.flush()
        raise SystemExit

    monkeypatch.setattr(engine, "_go_on", dies)
    with inside(acme), pytest.raises(SystemExit):
        advance(acme.organization_id)
    monkeypatch.setattr(engine, "_go_on", go_on)
    with inside(acme):
        assert len(owed(incident_id)) == 1
        assert len(history(incident_id)) == 2
    with inside(acme):
        advance(acme.organization_id)
    with inside(acme):
        assert len(owed(incident_id)) == 2
        assert [event.verb.value for event in history(incident_id)][2:] == ["escalated"]
