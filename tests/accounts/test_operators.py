"""The operators' organization: made once, for those who operate the console, and theirs to run."""

import pytest
from sqlalchemy import select

from console.accounts import operators
from console.accounts.models import Membership, Organization, Project, Role, User
from console.accounts.projects import create_project
from console.core.audit import AuditEntry
from console.core.config import config
from console.core.db import db
from console.ingest import pipeline, spool
from console.integrations.selfmonitor import own_project
from console.telemetry import store
from tests.accounts.reading import found
from tests.accounts.test_entry import FIRST, SETUP
from tests.ingest.conftest import envelope, error
from tests.support.factories import inside as inside_of
from tests.support.factories import make_member, make_organization, public_key, signed_in
from tests.support.scheduled import perform

HOME = "/pharos-operators"


def members(app) -> set[str]:
    with app.app_context():
        organization_id = operators.establish()
        if organization_id is None:
            return set()
    with inside_of(app, organization_id):
        return set(db.session.scalars(select(User.email).join(Membership)))


def test_whoever_sets_the_console_up_operates_it(both_databases, client, app):
    client.post(SETUP, data=FIRST)
    assert members(app) == {"ada@acme.test"}
    assert client.get(f"{HOME}/").status_code == 200


def test_an_existing_console_belongs_to_the_owners_of_the_first_organization(
    both_databases, app, acme, globex
):
    make_member(app, acme.organization, "bob@acme.test", Role.OWNER)
    assert members(app) == {"ada@acme.test", "bob@acme.test"}


def test_while_the_first_organization_has_no_owner_there_are_none(app, inside):
    first = make_organization(app, "acme")
    make_member(app, make_organization(app, "globex"), "eve@globex.test", Role.OWNER)
    assert members(app) == set()
    make_member(app, first, "ada@acme.test", Role.OWNER)
    assert members(app) == {"ada@acme.test"}


def test_who_was_removed_does_not_come_back(app, acme):
    make_member(app, acme.organization, "bob@acme.test", Role.OWNER)
    members(app)
    ada = signed_in(app, "ada@acme.test")
    page = ada.get(f"{HOME}/settings/members").text
    path = found(rf'"({HOME}/settings/members/\d+/removal)"[^>]*hx-confirm="Remove Bob', page)
    assert ada.post(path).status_code == 303
    with app.app_context():
        perform("erase-former-projects")
        own_project()
    make_member(app, acme.organization, "late@acme.test", Role.OWNER)
    assert members(app) == {"ada@acme.test"}
    assert signed_in(app, "bob@acme.test").get(f"{HOME}/").status_code == 404


def test_members_of_other_organizations_do_not_find_it(app, acme, globex):
    members(app)
    for email in ("alice@acme.test", "vic@acme.test", "eve@globex.test"):
        client = signed_in(app, email)
        assert client.get(f"{HOME}/").status_code == 404
        assert "operators" not in client.get("/organizations").text


def test_it_stands_apart_in_what_a_person_belongs_to(app, as_ada):
    members(app)
    assert as_ada.get("/").location == "/acme/", "it is not an organization to choose from"
    assert "This console" in as_ada.get("/acme/").text
    page = as_ada.get("/organizations").text
    assert page.index(">Acme</a>") < page.index(">Pharos operators</a>")
    assert "the console itself" in page
    assert "reports its own errors" in as_ada.get(f"{HOME}/").text


def test_nobody_can_take_its_name(app, as_eve):
    as_eve.post("/organizations", data={"name": "Pharos operators"})
    with app.app_context():
        assert db.session.scalars(select(Organization.slug)).all()[-1] == "pharos-operators-2"


def test_a_slug_that_was_taken_before_is_left_to_its_organization(app, acme):
    make_organization(app, "pharos-operators")
    members(app)
    with app.app_context():
        own = db.session.scalars(select(Organization).where(Organization.builtin)).one()
        assert own.slug == "pharos-operators-2"


@pytest.fixture
def former(app, acme, inside):
    """The console's project where it used to stand, with an event and a dead letter."""
    with inside(acme):
        project = create_project("Pharos", platform="python", builtin=True)
        db.session.commit()
        db.session.refresh(project)
        db.session.expunge(project)
    address = f"/api/{project.id}/envelope/?sentry_key={public_key(app, project)}"
    for kept in (acme, project):
        address = f"/api/{kept.id}/envelope/?sentry_key={public_key(app, kept)}"
        app.test_client().post(address, data=envelope(("event", error())))
    with app.app_context():
        pipeline.current().drain()
        app.test_client().post(address, data=envelope(("event", error())))
        waiting = spool.current()
        waiting.bury(waiting.read()[0], "broken")
    return project


def test_what_it_stored_in_the_first_organization_is_erased(
    both_databases, app, acme, former, inside
):
    """It held addresses of everybody's pages."""
    with app.app_context():
        assert perform("erase-former-projects") == "1 former projects of the console erased"
        assert perform("erase-former-projects") == "0 former projects of the console erased"
        assert spool.current().dead_count() == 0
        with store.current().using(acme.organization_id) as database:
            left = database.transaction()
            with left as connection:
                query = "SELECT DISTINCT project_id FROM error_event"
                assert connection.exec_driver_sql(query).all() == [(acme.id,)]
        store.current().close()
        telemetry = config().instance / "telemetry" / f"{acme.organization_id}.duckdb"
        assert telemetry.exists()
    with inside(acme):
        assert db.session.scalars(select(Project.slug)).all() == ["shop"]
        entries = db.session.scalars(select(AuditEntry.target)).all()
        assert "Pharos" in entries
