"""`pharos organization delete`: all of one organization goes, and nothing of another."""

from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, func, select, text

from console import runtime
from console.accounts.models import Organization
from console.cli.main import pharos
from console.core.db import db
from console.core.tenancy import TenantError, scoped_models
from console.ingest import spool
from console.telemetry import store
from tests.support import tenants
from tests.support.databases import SECRET
from tests.support.scheduled import named, perform


@pytest.fixture
def two(app):
    """Two organizations with rows in every table, telemetry and dead letters."""
    found = tenants.make(app, "acme"), tenants.make(app, "globex")
    with app.app_context():
        store.current().close()
    return found


@pytest.fixture
def run(instance, database):
    """`run("delete", "acme", typed="acme")` runs the command in this process."""

    def invoke(*arguments: str, typed: str = ""):
        environ = {"PHAROS_INSTANCE": str(instance), "SECRET_KEY": SECRET, **database.environ}
        return CliRunner().invoke(pharos, ["organization", *arguments], input=typed, env=environ)

    return invoke


def rows_of(inside, tenant) -> dict[str, int]:
    with inside(tenant.organization):
        counts = {
            model.__tablename__: db.session.scalar(select(func.count()).select_from(model))
            for model in scoped_models()
        }
    return {table: count for table, count in counts.items() if count}


def test_all_of_it_goes_and_nothing_of_another(both_databases, app, two, run, inside):
    acme, globex = two
    before = rows_of(inside, globex)
    assert len(before) > 15
    assert rows_of(inside, acme).keys() == before.keys()
    said = run("delete", "acme", typed="secret-acme Inc.\n")
    assert said.exit_code == 0, said.output
    assert "acme is deleted, with 1 requests" in said.output
    assert rows_of(inside, acme) == {}
    assert rows_of(inside, globex) == before
    with app.app_context():
        waiting = spool.current()
        assert waiting.dead(acme.organization.id, acme.project.id) == []
        assert len(waiting.dead(globex.organization.id, globex.project.id)) == 1
        assert store.current().organizations() == [globex.organization.id]
        assert db.session.scalars(select(Organization.slug)).all() == ["globex"]


def test_beside_a_running_console_its_job_deletes_the_telemetry(app, two, run, instance):
    acme, globex = two
    with runtime._alone(instance):
        said = run("delete", "acme", "--yes")
    assert said.exit_code == 0, said.output
    assert "running console deletes its telemetry" in said.output
    with app.app_context():
        assert store.current().organizations() == [acme.organization.id, globex.organization.id]
        assert named("forget-organizations").when == timedelta(minutes=1)
        assert perform("forget-organizations").startswith("1 telemetry files")
        assert store.current().organizations() == [globex.organization.id]


@pytest.mark.parametrize("typed", ["", "globex\n", "ACME\n"])
def test_without_its_name_nothing_is_deleted(run, acme, app, typed):
    assert run("delete", "acme", typed=typed).exit_code == 1
    with app.app_context():
        assert db.session.scalars(select(Organization.slug)).all() == ["acme"]


def test_an_unknown_one_is_an_error(run, acme):
    assert "no organization globex" in run("delete", "globex", "--yes").output


@pytest.mark.parametrize(
    "statement",
    [
        delete(Organization),
        text('DELETE FROM "organization"'),
        text("delete from organization where id = 1"),
    ],
)
def test_the_app_itself_deletes_none(app, acme, statement):
    with app.app_context(), pytest.raises(TenantError, match="owner's role"):
        db.session.execute(statement)
    with app.app_context():
        db.session.delete(db.session.get_one(Organization, acme.organization_id))
        with pytest.raises(TenantError):
            db.session.flush()
