"""The console does not start with a role that could read past row-level security."""

from dataclasses import replace
from secrets import token_hex

import pytest

from console.app import create_app
from console.core import migrations
from console.core.db import db
from console.core.tenancy import UnsafeRoleError
from tests.support import postgres
from tests.support.run import shared

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("both_databases")]


@pytest.fixture
def both_databases() -> str:
    return "postgresql"


@pytest.fixture
def pg() -> postgres.Server:
    return postgres.server(shared())


@pytest.fixture
def role(pg):
    """Make a role with these attributes; gone after the test."""
    made = []

    def make(attributes: str, *grants: str) -> str:
        name = f"pharos_{token_hex(4)}"
        made.append(name)
        pg.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret' {attributes}")
        pg.execute(*(grant.format(name) for grant in grants))
        return name

    yield make
    pg.execute(*(f"DROP ROLE {name}" for name in made))


def as_role(url: str, name: str) -> str:
    """The URL with another login."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{name}:secret@{rest.partition('@')[2]}"


def test_a_plain_role_starts(settings):
    assert login_page(settings) == 200


@pytest.mark.parametrize("attributes", ["SUPERUSER", "NOSUPERUSER BYPASSRLS"])
def test_a_role_above_the_policies_is_refused(settings, role, attributes):
    url = as_role(settings.database_url, role(attributes))
    with pytest.raises(UnsafeRoleError, match="could bypass row-level security"):
        create_app(replace(settings, database_url=url))


def test_the_owner_is_refused(settings):
    with pytest.raises(UnsafeRoleError, match="OWNER_DATABASE_URL"):
        create_app(replace(settings, database_url=settings.owner_database_url))


def test_a_member_of_the_owner_is_refused(settings, role, pg):
    """It could become the owner by SET ROLE."""
    name = role("NOINHERIT", f"GRANT {postgres.OWNER}{pg.suffix} TO {{}}")
    with pytest.raises(UnsafeRoleError):
        create_app(replace(settings, database_url=as_role(settings.database_url, name)))


def test_migrating_with_one_role_is_refused(settings):
    with pytest.raises(UnsafeRoleError, match="two roles"):
        migrations.upgrade(replace(settings, owner_database_url=""))


def test_a_new_app_role_is_served_by_migrating_again(settings, role, pg):
    name = role("")
    other = replace(settings, database_url=as_role(settings.database_url, name))
    assert login_page(other) == 500  # permission denied
    migrations.upgrade(other)
    assert login_page(other) == 200
    database = settings.database_url.partition("@/")[2].partition("?")[0]
    pg.execute(f"DROP OWNED BY {name}", database=database)


def login_page(settings) -> int:
    app = create_app(settings)
    status = app.test_client().get("/login").status_code
    with app.app_context():
        db.engine.dispose()
    return status
