"""The past that the demonstration's checks are given."""

from datetime import timedelta

from sqlalchemy import select

from console.core.db import db
from console.telemetry import checks as telemetry
from console.uptime import metrics, queries
from console.uptime.models import Check, CheckState, MaintenanceWindow, Outage
from demo import checks_past


def test_checks_have_lived_through_an_outage_a_slow_hour_and_a_move(
    acme, inside, clock, monkeypatch
):
    monkeypatch.setattr(checks_past, "EVERY", timedelta(hours=1))
    now = clock.now()
    with inside(acme):
        checks_past.live_through(acme.organization_id, timedelta(days=5))
    clock.set(now)
    with inside(acme):
        checks = {check.name: check for check in db.session.scalars(select(Check))}
        assert {check.state for check in checks.values()} == {CheckState.UP}
        dues = [check.next_due for check in checks.values() if check.next_due]
        assert len(dues) == 3
        assert min(dues) > now, "nothing is asked yet"
        outages = [(o.check_id, o.maintenance) for o in db.session.scalars(select(Outage))]
        home, products, payments = (checks[name].id for name in checks_past.PAGES)
        assert sorted(outages) == [(home, True), (products, True), (payments, False)]
        assert len(db.session.scalars(select(MaintenanceWindow)).all()) == 1
        scope = queries.lately(acme, timedelta(days=6))
        readings = queries.by_check(metrics.UPTIME, scope, list(checks.values()))
        shares = {slug: reading.number or 0.0 for slug, reading in readings.items()}
        assert shares["shop-home"] == shares["shop-products"] == 1.0
        assert 0.98 < shares["payment-provider"] < 1.0
        (cells,) = telemetry.strips(scope, 86_400 * 6, ["shop-products"]).values()
        assert (sum(cell.slow for cell in cells), sum(cell.maintained for cell in cells)) == (1, 1)
