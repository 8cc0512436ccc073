"""Checks that are deleted while the jobs of all checks are under way."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from console.core.db import db
from console.telemetry.store import TelemetryStore
from console.uptime.expectation import Expectation
from console.uptime.models import Check, CheckKind, CheckState
from tests.support.scheduled import perform

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_job_that_is_deleted_while_others_are_moved_stops_none(
    both_databases, acme, app, clock, inside, monkeypatch
):
    clock.set(NOON)
    settings = Expectation(every_seconds=60).document
    with inside(acme):
        for slug in ("first", "second"):
            late = {"kind": CheckKind.HEARTBEAT, "next_due": NOON - timedelta(seconds=5)}
            db.session.add(
                Check(project_id=acme.id, slug=slug, name=slug, settings=settings, **late)
            )
        db.session.commit()
    write_own = TelemetryStore.write_own

    def deleted_meanwhile(*given):
        with inside(acme):
            db.session.delete(db.session.scalars(select(Check).where(Check.slug == "first")).one())
            db.session.commit()
        return write_own(*given)

    monkeypatch.setattr(TelemetryStore, "write_own", deleted_meanwhile)
    with app.app_context():
        assert "failed" not in perform("settle-check-ins")
    with inside(acme):
        (check,) = db.session.scalars(select(Check)).all()
        assert (check.slug, check.state) == ("second", CheckState.DOWN)
