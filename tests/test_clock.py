"""The machine's clock leaps ahead and is set back: nothing is erased early, nobody waits for it."""

from datetime import timedelta

from sqlalchemy import func, select

from console.alerting.completeness import of as completeness_of
from console.core import absences
from console.core.db import Model, db
from console.core.tenancy import organization_scope
from console.errors.models import Issue
from console.jobs import JOBS
from console.telemetry import kinds, store
from console.ticker import Ticker
from tests.support import tenants
from tests.support.scheduled import perform

FAR = timedelta(days=800)
ERASING = [
    job.name
    for job in JOBS
    if job.name.startswith("forget-") or job.name in {"retention", "tidy-telemetry"}
]


def counted(app, organization_id):
    """How many rows each table has, of state and of telemetry."""
    with app.app_context(), organization_scope(organization_id):
        rows = {}
        for table in Model.metadata.sorted_tables:
            counting = select(func.count()).select_from(table)
            rows[table.name] = db.session.scalar(counting.execution_options(unscoped=True))
        issue = db.session.scalars(select(Issue.title).order_by(Issue.id)).first()
        db.session.rollback()
        with store.current().using(organization_id) as database, database.transaction() as rows_of:
            for kind in kinds.KINDS:
                counting = select(func.count()).select_from(kind.table)
                rows[kind.table.name] = rows_of.scalar(counting)
    return rows | {"title": issue}


def erase(app):
    with app.app_context():
        for name in ERASING:
            perform(name)


def test_a_clock_that_leaps_ahead_erases_nothing_for_a_day(app, clock):
    clock.set(clock.now())
    acme = tenants.make(app, "acme")
    ticker = Ticker(app, [])
    ticker.lead()
    before = counted(app, acme.organization.id)
    clock.jump(days=FAR.days)
    ticker.lead()
    for _ in range(2):  # it was away again in the meantime
        erase(app)
        clock.move(hours=2)
        ticker.lead()
    after = counted(app, acme.organization.id)
    changed = {name: rows for name, rows in after.items() if rows != before[name]}
    assert changed == {"absence": 3, "job_failure": 0}  # the jobs went well
    for _ in range(30):
        clock.move(minutes=59)
        ticker.lead()
    erase(app)
    gone = counted(app, acme.organization.id)
    lost = {name for name, rows in gone.items() if rows != before[name]}
    assert {"error_event", "span", "title", "issue_change", "outcome"} <= lost


def test_a_clock_that_is_set_back_leaves_no_absence_in_the_future(app, acme, clock, inside):
    clock.set(clock.now())
    ticker = Ticker(app, [])
    ticker.lead()
    clock.jump(days=1)
    ticker.lead()
    clock.jump(days=-1, minutes=30)
    ticker.lead()
    with inside(acme):
        (away,) = absences.between(clock.now() - timedelta(days=1), clock.now())
        assert away.until - away.since == timedelta(minutes=30)
        clock.move(minutes=10)
        state = completeness_of(acme)
        assert state.absent(clock.now(), timedelta(minutes=5)) is None
