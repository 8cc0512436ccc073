"""In each job, one damaged organization among three stops nobody else, and people read of it."""

import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from console import jobs
from console.accounts.models import Membership, Role
from console.accounts.projects import create_project
from console.accounts.rounds import for_each_organization
from console.core import clock as now
from console.core import failures
from console.core.db import db
from console.core.leases import JobRun
from console.core.owner import delete_organization
from console.core.tenancy import current_organization_id
from console.errors.models import Issue, Status
from console.intake.models import Outcome
from console.telemetry import store
from console.telemetry.days import day_of
from console.telemetry.presences import counted_before
from console.telemetry.records import Batch, PageLoad
from console.ticker import Job, run_job
from tests.support import factories
from tests.support.scheduled import named, perform
from tests.telemetry import samples

FAILED = "; failed for 1 of 3 organizations"
OF_EACH = {  # what each organization has to do, and that there is no telemetry to be damaged
    "retention": "rows deleted",
    "tidy-telemetry": "files tidied",
    "roll-up-vitals": "days of page loads counted",
    "count-people": "days of people counted",
    "end-mutes": "mutes ended",
    "forget-outcomes": "lines of the ledger forgotten",
    "forget-sign-ins": "members looked at",
    "erase-former-projects": "former projects of the console erased",  # makes an organization
}
OF_STATE = {"end-mutes", "forget-outcomes", "forget-sign-ins"}
LOADED = timedelta(days=3)  # how long ago a page was loaded
HOLD = """
import sys, duckdb
held = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def three(app, acme, globex, make_issue):
    """Three organizations with one thing to do in each job; the first is to be damaged."""
    zeta = factories.make_cast(app, "zeta", {})
    factories.make_member(app, zeta.organization, "zoe@zeta.test", Role.VIEWER)
    for project in (acme, globex, zeta):
        _fill(app, project)
        soon = now.now() - timedelta(seconds=1)
        make_issue(project, status=Status.MUTED, muted_until=soon)
    yield acme, globex, zeta
    with app.app_context():
        store.current().close()


def _fill(app, project):
    at = now.now()
    own = {"organization_id": project.organization_id, "project_id": project.id}
    old = samples.error(at=at - timedelta(days=91), **own)
    days_ago = at - LOADED
    load = PageLoad(
        position=2,
        page_id="a" * 16,
        timestamp=days_ago,
        received_at=days_ago,
        page="/a",
        device="desktop",
        source="beacon",
        lcp=1000.0,
        **own,
    )
    with factories.inside(app, project):
        create_project("Pharos", platform="python", builtin=True)
        long_ago = {"hour": at - timedelta(days=99), "last_at": at - timedelta(days=99)}
        db.session.add(
            Outcome(
                project_id=project.id, item_type="event", outcome="stored", quantity=1, **long_ago
            )
        )
        db.session.commit()
    with app.app_context():
        store.current().write(project.organization_id, Batch(errors=[old], page_loads=[load]), 2)


@contextmanager
def spoiled(path):
    path.write_bytes(b"\xff\x00" * 5000)
    yield


@contextmanager
def locked(path):
    """Another process holds the file."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield


def run(job: Job) -> JobRun:
    """What the ticker does when the job is due."""
    row = JobRun(job=job.name, due_at=now.now(), epoch=1)
    db.session.add(row)
    db.session.commit()
    run_job(job, row.id)
    return factories.detached(db.session.get_one(JobRun, row.id))


def members(app, project):
    with factories.inside(app, project):
        return db.session.scalar(select(func.count()).select_from(Membership))


@pytest.mark.parametrize("damage", [spoiled, locked])
def test_damaged_telemetry_of_one_stops_nobody_else(
    damage, app, three, instance, caplog, as_alice, as_eve
):
    acme, globex, zeta = three
    with app.app_context():
        store.current().close()
    with damage(instance / "telemetry" / f"{acme.organization_id}.duckdb"), app.app_context():
        noted = {name: run(named(name)) for name in OF_EACH}
    for name, what in OF_EACH.items():
        concerned = three if name in OF_STATE else (globex, zeta)
        count = len(concerned)
        if name == "forget-sign-ins":
            count = sum(members(app, project) for project in concerned)
        if name == "count-people":
            count *= (counted_before() - day_of(now.now() - LOADED)).days - 1
        assert noted[name].summary == f"{count} {what}" + ("" if name in OF_STATE else FAILED)
        assert noted[name].error == ""
        assert noted[name].failed_organizations == (name not in OF_STATE)
        left_out = f"{name} is left out for organization {acme.organization_id}"
        assert (left_out in caplog.text) == (name not in OF_STATE)
    page = as_alice.get("/acme/shop/intake").text
    failed = re.findall(
        r'The job <span class="mono">(.+?)</span> fails for this organization: (.+?) since', page
    )
    assert failed == [(name, "1 time") for name in OF_EACH if name not in OF_STATE]
    assert page.count("Cause: the telemetry file") == len(failed)
    assert "fails for this organization" not in as_eve.get("/globex/shop/intake").text


def test_an_exception_in_one_stops_nobody_else(both_databases, app, three, caplog):
    """In each job that goes through organizations; acme's is done when it can be."""
    for job in (job for job in jobs.JOBS if job.per_organization):
        _break_and_mend(app, job, three)
        assert f"{job.name} failed for organization {three[0].organization_id}" in caplog.text


def _break_and_mend(app, job, three):
    broken, *others = (project.organization_id for project in three)
    seen: list[int] = []

    def work(organization_id):
        assert current_organization_id() == organization_id
        if organization_id == broken:
            db.session.execute(select(Outcome.id)).all()
            raise ZeroDivisionError("somebody's value")
        seen.append(organization_id)
        assert job.per_organization is not None
        return job.per_organization(organization_id)

    with app.app_context():
        noted = run(replace(job, per_organization=work))
        assert "; failed for 1 of " in noted.summary
        assert (noted.failed_organizations, noted.error) == (1, "")
        healthy = run(job)
        assert current_organization_id() is None
        assert "failed" not in healthy.summary
        assert healthy.failed_organizations == 0
    assert seen[:2] == others


def test_failures_are_counted_until_the_job_succeeds(both_databases, app, three, clock):
    acme, globex, _ = three
    clock.set(clock.now())
    began = clock.now()

    def fail(organization_id):
        if organization_id == acme.organization_id:
            raise ZeroDivisionError("somebody's value")
        return {"things": 1}

    def present(project):
        with factories.inside(app, project):
            return [
                (row.job, row.times, row.cause, row.since, row.last_at)
                for row in failures.present()
            ]

    with app.app_context():
        for _ in range(3):
            assert str(for_each_organization(fail, job="x")) == f"2 things{FAILED}"
            clock.move(minutes=1)
    last = began + timedelta(minutes=2)
    assert present(acme) == [("x", 3, "ZeroDivisionError", began, last)]
    assert present(globex) == []
    with app.app_context():
        assert str(for_each_organization(lambda _: {"things": 1}, job="other")) == "3 things"
    assert len(present(acme)) == 1, "another job says nothing of this one"
    with app.app_context():
        assert str(for_each_organization(lambda _: {"things": 1}, job="x")) == "3 things"
    assert present(acme) == []


def test_what_a_failed_job_left_in_its_session_is_not_committed(both_databases, app, three):
    def fail(_organization_id):
        for issue in db.session.scalars(select(Issue)):
            issue.title = "half"
        db.session.flush()
        raise ZeroDivisionError

    with app.app_context():
        assert for_each_organization(fail, job="x").failed == 3
    for project in three:
        with factories.inside(app, project):
            assert "half" not in db.session.scalars(select(Issue.title)).all()


def test_a_note_that_cannot_be_written_stops_nobody(app, three, monkeypatch, caplog):
    seen = []

    def fail(organization_id):
        seen.append(organization_id)
        raise ZeroDivisionError

    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr(failures, "add", refuse)
    with app.app_context():
        assert for_each_organization(fail, job="x").failed == 3
    assert seen == [project.organization_id for project in three]
    assert caplog.text.count("was not noted") == 3


def test_a_file_that_cannot_be_deleted_stops_no_other(app, settings, three, monkeypatch):
    acme, globex, zeta = three
    with app.app_context():
        telemetry = store.current()
        for project in (acme, globex):
            delete_organization(settings, project.organization_id)
        erase = telemetry.delete_organization

        def refused(organization_id):
            if organization_id == acme.organization_id:
                raise PermissionError
            erase(organization_id)

        monkeypatch.setattr(telemetry, "delete_organization", refused)
        words = "1 telemetry files of deleted organizations removed"
        assert perform("forget-organizations") == f"{words}; failed for 1 of 2 organizations"
        assert telemetry.organizations() == [acme.organization_id, zeta.organization_id]
