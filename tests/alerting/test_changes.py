"""What stands around an incident: what changed before it, and where its number comes from."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.accounts import releases
from console.alerting import changes
from console.alerting import rules as domain
from console.alerting.evaluation import evaluate
from console.alerting.models import Incident, Rule
from console.core import audit
from console.core.db import db
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.telemetry.samples import NOON, error, span

INCIDENTS = "/acme/shop/alerts/incidents/"
BEFORE = NOON - timedelta(minutes=10)


@pytest.fixture
def incident(app, acme, inside, clock, make_rule, make_issue) -> int:
    """Requests of shop@2 and their errors are slow from noon on; a person changed things before."""
    clock.set(BEFORE)
    rule_id = make_rule(acme, window_seconds=300)
    own = {"organization_id": acme.organization_id, "project_id": acme.id}
    issue = make_issue(acme, title="Timeout in checkout", hash="c" * 32, first_seen=NOON)
    with inside(acme):
        domain.change(
            db.session.get_one(Rule, rule_id),
            _quicker(db.session.get_one(Rule, rule_id)),
            by=None,
        )
        releases.saw(acme.id, [("production", "shop@2", BEFORE + timedelta(minutes=2))])
        audit.record("monitoring.changed", "shop", actor="ada@acme.test")
        audit.record("monitoring.changed", "another project", actor="eve")
        db.session.commit()
        spans = [
            span(
                number,
                at=BEFORE + timedelta(seconds=10 * number),
                category="request", is_segment=True, endpoint="GET /checkout",
                release="shop@2" if number >= 60 else "shop@1",
                duration_us=2_000_000 if number >= 60 else 100_000,
                trace_id=f"{number + 1:032x}", **own,
            )
            for number in range(95)
        ]  # fmt: skip
        events = [
            error(number, at=NOON + timedelta(seconds=number), grouping_hash="c" * 32, **own)
            for number in range(1, 6)
        ]
        store = app.extensions[EXTENSION]
        store.write(acme.organization_id, Batch(spans=spans, errors=events), 1)
    clock.move(minutes=16)
    with inside(acme):
        evaluate(acme.organization_id)
        incident = db.session.scalars(select(Incident)).one()
    assert issue.id
    return incident.id


def _quicker(rule: Rule):
    document = {**rule.document, "minimum_samples": 5}
    return type(rule.definition).of(document)


def test_an_incident_shows_what_changed_before_it(as_vic, incident):
    page = as_vic.get(f"{INCIDENTS}{incident}/context").text
    assert "Release shop@2 was seen first" in page
    assert "The rule API is slow was changed to version 2" in page
    assert "New issue: Timeout in checkout" in page
    assert page.count("The thresholds were changed by") == 1
    assert "Related issue" in page
    assert "5 more event" in page, page[page.index("Related issue") :][:400]


def test_the_share_that_moved_most_leads_to_its_metric(as_vic, inside, acme, incident):
    with inside(acme):
        row = db.session.get_one(Incident, incident)
        rule = db.session.get_one(Rule, row.rule_id)
        moved = changes.context(acme, row, rule, row.opened_at + timedelta(minutes=1)).moved
    assert moved is not None
    assert (moved.dimension, moved.value) == ("release", "shop@2")
    assert moved.before < 0.1
    assert moved.now > 0.5
    page = as_vic.get(f"{INCIDENTS}{incident}/context").text
    assert "metric=requests.p95" in page
    assert "only=release" in page
    assert "value=shop%402" in page or "value=shop@2" in page


def test_the_slowest_traces_and_all_rows_are_linked(as_vic, incident):
    page = as_vic.get(f"{INCIDENTS}{incident}/context").text
    assert "/performance/traces/" in page or "/trace" in page
    assert "The requests of this time" in page
    assert "since=2026-11-20T" in page


def test_strangers_see_nothing(as_eve, incident):
    assert as_eve.get(f"{INCIDENTS}{incident}/context").status_code == 404
