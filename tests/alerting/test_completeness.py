"""A window is decided on whole data: after the delay that was measured, and after its digest."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.alerting import completeness
from console.alerting.condition import Verdict
from console.alerting.evaluation import evaluate
from console.alerting.models import Evaluation, Rule, SkippedTime
from console.core.db import database_time, db
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.telemetry.samples import NOON, error

pytestmark = pytest.mark.usefixtures("both_databases")


@pytest.fixture
def waiting(app, monkeypatch):
    """`waiting(at)`: the oldest row that waits for digest came then."""

    def waiting(at: object) -> None:
        known = app.extensions[completeness.EXTENSION]
        monkeypatch.setattr(known, "waiting", lambda _organization, _project: at)

    return waiting


def decided(acme, inside) -> list[tuple[float, Verdict, str]]:
    """The evaluations: minutes after noon, verdict and reason."""
    with inside(acme):
        evaluate(acme.organization_id)
        rows = db.session.scalars(select(Evaluation).order_by(Evaluation.at)).all()
        return [((row.at - NOON) / timedelta(minutes=1), row.verdict, row.why) for row in rows]


def test_the_time_of_the_database_moves_with_the_clock_of_tests(app, clock):
    with app.app_context():
        clock.move(hours=3)
        before = clock.now()
        assert timedelta(seconds=-5) < database_time() - before < timedelta(seconds=5)
        clock.set(NOON)
        assert database_time() == NOON


def test_a_rule_waits_for_digest_and_then_says_that_it_is_late(
    acme, inside, clock, make_rule, counted_requests, waiting
):
    clock.set(NOON)
    make_rule(acme, window_seconds=60)
    counted_requests(acme, lambda at: 2_000 if at.minute == 1 else 100, minutes=4)
    waiting(NOON + timedelta(seconds=40))
    clock.move(minutes=3)
    assert decided(acme, inside) == []
    clock.move(minutes=3, seconds=40)
    late = "late: what came after 12:00:40 UTC waits for digest"
    assert decided(acme, inside) == [(1, Verdict.INCONCLUSIVE, late)]
    clock.move(minutes=1)
    assert decided(acme, inside)[1:] == [(2, Verdict.CRITICAL, "2 s > 1 s (critical)")]
    waiting(None)
    assert [verdict for _, verdict, _ in decided(acme, inside)][2:] == [
        Verdict.CLEAR, Verdict.CLEAR, *[Verdict.NO_DATA] * 3,
    ]  # fmt: skip
    with inside(acme):
        watermarks = db.session.scalars(select(Evaluation.watermark).order_by(Evaluation.at)).all()
        assert watermarks[0] == NOON + timedelta(seconds=40)
        assert watermarks[-1] == clock.now()


def test_the_delay_follows_the_arrivals_of_the_last_hour(app, acme, inside, clock, make_rule):
    clock.set(NOON)
    rule_id = make_rule(acme)
    own = {"organization_id": acme.organization_id, "project_id": acme.id}
    at = NOON - timedelta(minutes=9)
    late = {"received_at": at + timedelta(seconds=100)}
    with inside(acme):
        assert completeness.delay(acme) == completeness.LEAST_DELAY
        events = [error(1, at=at, **own, **late) for _ in range(30)]
        app.extensions[EXTENSION].write(acme.organization_id, Batch(errors=events), 1)
        clock.move(minutes=6)
        assert completeness.delay(acme) == timedelta(seconds=100)
        evaluate(acme.organization_id)
        rule = db.session.get_one(Rule, rule_id)
        assert rule.evaluated_until == NOON + timedelta(minutes=4)
        assert rule.next_due == NOON + timedelta(minutes=5, seconds=100)
        old = {"received_at": at + timedelta(hours=3)}
        events = [error(2, at=at, **own, **old) for _ in range(30)]
        app.extensions[EXTENSION].write(acme.organization_id, Batch(errors=events), 2)
        clock.move(minutes=6)
        assert completeness.delay(acme) == completeness.MOST_DELAY


def test_a_database_whose_clock_is_ahead_decides_no_window_before_its_time(acme, inside, clock):
    clock.set(NOON)
    with inside(acme):
        state = completeness.of(acme, NOON + timedelta(seconds=90))
        assert state.until == NOON - completeness.LEAST_DELAY


def test_a_jump_is_recorded(acme, inside, clock, make_rule):
    clock.set(NOON)
    make_rule(acme)
    clock.move(hours=30)
    with inside(acme):
        evaluate(acme.organization_id)
        skipped = db.session.scalars(select(SkippedTime)).one()
        first = min(db.session.scalars(select(Evaluation.at)))
        assert (skipped.since, skipped.until) == (NOON, first - timedelta(minutes=1))


def test_the_oldest_row_of_a_project_is_known_apart(app, acme, globex):
    waiting = app.extensions["pharos.spool"].oldest
    assert waiting(acme.organization_id, acme.id) is None
