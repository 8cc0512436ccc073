"""Processes that are killed or frozen while they evaluate: no transition is lost or doubled."""

import os
import random
import shutil
import signal
import time
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from console.alerting import signal as asking
from console.alerting.backtest import replay
from console.alerting.delivery.models import OutboxMessage
from console.alerting.models import Evaluation, Incident, IncidentEvent, IncidentVerb, Rule
from console.core import clock as console_clock
from console.core.config import Config
from console.core.db import db
from console.core.leases import Lease
from console.telemetry import store
from tests.alerting import evaluators
from tests.support.forks import FORKS
from tests.support.freezing import freeze
from tests.support.waiting import until
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.usefixtures("both_databases")
KILLS = int(os.environ.get("KILLS", "3"))
MINUTES = 240


def slow_at_times(at) -> int:
    return 2_000 if at.minute % 15 < 4 else 100


def expected(rule: Rule) -> list[tuple[str, float]]:
    """What the back-test says that happened to the rule's incidents, in order."""
    past = asking.at(
        rule.definition,
        asking.ProjectIds(rule.organization_id, rule.project_id),
        list(asking.grid(rule.definition, NOON, rule.evaluated_until)),
    )
    episodes = replay(rule.definition.condition, past.by_value[""]).episodes
    times = [("begins", episode.opened) for episode in episodes]
    times += [("ends", episode.resolved) for episode in episodes if episode.resolved]
    return sorted(times, key=lambda change: change[1])


def test_kill_9_during_evaluation(
    app, acme, settings, inside, clock, make_rule, counted_requests, capsys
):
    clock.set(NOON)
    ids = [make_rule(acme, name=f"Rule {n}", window_seconds=60 * (n + 1)) for n in range(5)]
    counted_requests(acme, slow_at_times, minutes=MINUTES)
    app.extensions[store.EXTENSION].close()  # another process opens it
    end = NOON + timedelta(minutes=MINUTES, seconds=40)
    kills = evaluated_despite_kills(settings, acme.organization_id, end)
    events = 0
    with inside(acme):
        for rule_id in ids:
            rule = db.session.get_one(Rule, rule_id)
            windows = select(func.count(Evaluation.id)).where(Evaluation.rule_id == rule_id)
            assert db.session.scalar(windows) == MINUTES
            own = select(Incident.id).where(Incident.rule_id == rule_id)
            history = select(IncidentEvent).where(
                IncidentEvent.incident_id.in_(own), IncidentEvent.verb != IncidentVerb.ESCALATED
            )
            rows = db.session.scalars(history.order_by(IncidentEvent.at)).all()
            happened = [
                ("ends" if row.verb.value == "resolved" else "begins", row.at.timestamp())
                for row in rows
                if row.verb.value != "level"
            ]
            assert happened == expected(rule)
            events += len(rows)
        owed = db.session.scalars(select(OutboxMessage.key)).all()
        assert len(owed) == len(set(owed)) == events
    with capsys.disabled():
        print(f"\n{kills} kills, {events} events of incidents, none lost, none doubled")


def evaluated_despite_kills(settings: Config, organization_id: int, end: datetime) -> int:
    """Start evaluation again after each of KILLS kills, until it ends; return their number."""
    for kills in range(KILLS + 1):
        began = FORKS.Event()
        arguments = (settings, organization_id, end, began)
        process = FORKS.Process(target=evaluators.evaluate_from_where_it_ended, args=arguments)
        process.start()
        assert began.wait(30)
        process.join(random.uniform(0.05, 0.5) if kills < KILLS else 300)
        if process.exitcode is not None:
            assert process.exitcode == 0
            return kills
        process.kill()
        process.join()
    raise TimeoutError("evaluation without kills did not end")


def test_a_frozen_leader_is_followed_in_seconds_and_writes_nothing(
    app, acme, settings, inside, make_rule, counted_requests, tmp_path, capsys
):
    console_clock.release()
    now = console_clock.now().replace(second=0, microsecond=0)
    rule_id = make_rule(acme, window_seconds=60, interval_seconds=10)
    counted_requests(acme, slow_at_times, minutes=20, since=now - timedelta(minutes=20))
    with inside(acme):
        rule = db.session.get_one(Rule, rule_id)
        rule.evaluated_until = rule.next_due = now - timedelta(minutes=20)
        db.session.commit()
    app.extensions[store.EXTENSION].close()
    shutil.copytree(settings.instance, tmp_path / "other")
    other = replace(
        settings,
        instance=tmp_path / "other",
        database_url=settings.database_url or f"sqlite:///{settings.instance}/state.sqlite",
    )
    processes = []
    try:
        for own in (settings, other):
            began = FORKS.Event()
            process = FORKS.Process(
                target=evaluators.evaluate_while_it_leads, args=(own, began), daemon=True
            )
            process.start()
            processes.append(process)
            assert began.wait(30)
        until(
            lambda: position(app, acme, inside, rule_id) > now - timedelta(minutes=2),
            "the first windows",
        )
        freeze(processes[0].pid, settings.instance / "state.sqlite")
        frozen = time.monotonic()
        until(lambda: epoch(app) == 2, "another leader")
        took = time.monotonic() - frozen
        before = position(app, acme, inside, rule_id)
        assert processes[0].pid is not None
        os.kill(processes[0].pid, signal.SIGCONT)
        until(lambda: position(app, acme, inside, rule_id) > before, "the next window")
        time.sleep(2)
        assert epoch(app) == 2
    finally:
        for process in processes:
            process.kill()
            process.join()
    assert took < evaluators.LEASE_SECONDS + 3
    assert_once(acme, inside)
    with capsys.disabled():
        print(f"\nanother process led {took:.1f} s after the first was frozen")


def assert_once(acme, inside) -> None:
    """Every window was decided, none twice, and no message is owed twice."""
    with inside(acme):
        windows = db.session.scalars(select(Evaluation.at)).all()
        assert len(windows) == len(set(windows))
        span = (max(windows) - min(windows)) / timedelta(seconds=10) + 1
        assert len(windows) == span, "none is left out"
        keys = db.session.scalars(select(OutboxMessage.key)).all()
        assert keys
        assert len(keys) == len(set(keys))


def position(app, acme, inside, rule_id):
    with inside(acme):
        return db.session.scalars(select(Rule.evaluated_until).where(Rule.id == rule_id)).one()


def epoch(app) -> int:
    with app.app_context():
        return db.session.scalars(select(Lease.epoch)).one()
