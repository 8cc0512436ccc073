"""Accounts are seen by their person, by who names their address, and by fellow members only."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
import pytest
from sqlalchemy import func, select, text, update

from console.accounts import people
from console.accounts.models import Membership, Role, User
from console.accounts.queries import everybody
from console.core.db import db
from console.core.persons import enter_person, present_email
from console.core.tenancy import TenantError
from console.errors.models import Comment
from tests.support.factories import (
    PASSWORD_HASH,
    inside,
    make_issue,
    make_member,
    make_user,
    signed_in,
)

ADA, EVE = "ada@acme.test", "eve@globex.test"
OF_ACME = {ADA, "alice@acme.test", "vic@acme.test"}
SEES = 'SELECT email FROM "user"'


@pytest.fixture
def world(both_databases, app, acme, globex):
    """Two organizations with members, and somebody in neither."""
    make_user(app, "nobody@else.test")
    return app


def seen() -> set[str]:
    """Whom the Session sees: by the ORM, and on PostgreSQL by any statement."""
    by_orm = set(db.session.scalars(select(User.email)))
    if db.engine.dialect.name == "postgresql":
        assert set(db.session.scalars(text(SEES))) == by_orm
    return by_orm


def test_a_session_of_nobody_sees_nobody(world):
    with world.app_context():
        assert seen() == set()
        assert db.session.scalar(select(func.count()).select_from(User)) == 0


def test_a_person_sees_their_own_account(world):
    eve = make_user(world, EVE).id
    with world.app_context():
        enter_person(eve)
        assert seen() == {EVE}
        db.session.commit()
        assert seen() == {EVE}, "the next transaction as well"


def test_who_names_an_address_sees_that_account(world):
    with world.app_context():
        present_email(EVE)
        assert seen() == {EVE}
        present_email("unknown@acme.test")
        assert seen() == set()


def test_members_see_each_other_and_nobody_else(world, acme):
    eve = make_user(world, EVE).id
    with inside(world, acme):
        assert seen() == OF_ACME
        join = select(User.email).join(Membership, Membership.user_id == User.id)
        assert set(db.session.scalars(join)) == OF_ACME
        assert db.session.scalars(select(User).where(User.email == EVE)).all() == []
        assert db.session.get(User, eve) is None


def test_who_left_is_known_by_what_they_wrote(world, acme):
    issue = make_issue(world, acme)
    bob = make_member(world, acme.organization, "bob@acme.test", Role.MEMBER)
    with inside(world, acme):
        db.session.add(Comment(issue_id=issue.id, author_id=bob.id, text="I saw it"))
        left = select(Membership.id).where(Membership.user_id == bob.id)
        path = f"/acme/settings/members/{db.session.scalar(left)}/removal"
        db.session.commit()
    ada = signed_in(world, ADA)
    assert ada.post(path).status_code == 303
    assert "bob@acme.test" not in ada.get("/acme/settings/members").text
    with inside(world, acme):
        author = db.session.scalars(select(Comment)).one().author
        assert author is not None
        assert author.email == "bob@acme.test"


def test_an_account_is_changed_by_its_person_only(world, acme):
    with inside(world, acme):
        enter_person(make_user(world, ADA).id)
        db.session.scalars(select(User).where(User.email == ADA)).one().theme = "dark"
        db.session.commit()
        db.session.scalars(select(User).where(User.email == "vic@acme.test")).one().theme = "dark"
        with pytest.raises(TenantError):
            db.session.commit()
        db.session.rollback()
        db.session.execute(update(User).values(theme="light"))
        db.session.commit()
        rows = db.session.execute(select(User.email, User.theme)).all()
        assert {row.email for row in rows if row.theme == "light"} == {ADA}


def test_an_account_is_made_under_the_named_address(world):
    with world.app_context():
        present_email("new@acme.test")
        db.session.add(User(email="other@acme.test", name="X", password_hash=PASSWORD_HASH))
        with pytest.raises(TenantError):
            db.session.flush()
    with world.app_context():
        assert people.add("new@acme.test", "New", PASSWORD_HASH).id
        db.session.commit()
    with world.app_context():
        assert "new@acme.test" in {row.email for row in everybody()}


WEAKENED = {
    "no row security": 'ALTER TABLE "user" DISABLE ROW LEVEL SECURITY',
    "a policy that reads all": 'CREATE POLICY oops ON "user" FOR SELECT USING (true)',
    "a policy that writes all": 'CREATE POLICY oops ON "user" FOR UPDATE USING (true)',
    "a policy that makes all": 'CREATE POLICY oops ON "user" FOR INSERT WITH CHECK (true)',
}


@pytest.mark.postgresql
class TestByItself:
    """PostgreSQL holds accounts without the ORM; each policy is what does."""

    @pytest.fixture
    def both_databases(self) -> str:
        return "postgresql"

    def test_no_statement_reaches_a_stranger(self, world, database, acme):
        with psycopg.connect(database.database_url) as connection:
            assert leaks(connection, acme.organization_id) == []

    @pytest.mark.parametrize("weakness", WEAKENED)
    def test_a_weakened_table_is_reported(self, world, database, acme, weakness):
        with weakened(database, WEAKENED[weakness]) as connection:
            assert leaks(connection, acme.organization_id) != []

    def test_the_app_deletes_no_account(self, world, database):
        with (
            psycopg.connect(database.database_url) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute('DELETE FROM "user"')


def leaks(connection: psycopg.Connection, organization_id: int) -> list[str]:
    """What a member of acme without an account of their own reaches by plain statements."""
    found = []
    for name, statement in {
        "read": f"{SEES} WHERE email = '{EVE}'",
        "update": f"UPDATE \"user\" SET theme = 'dark' WHERE email = '{EVE}'",
        "update of a member": f"UPDATE \"user\" SET theme = 'dark' WHERE email = '{ADA}'",
        "insert": 'INSERT INTO "user" (email, name, password_hash, theme, created_at)'
        " VALUES ('x@y.test', 'x', 'x', 'auto', now())",
    }.items():
        enter = "SELECT set_config('app.organization_id', %s, true)"
        connection.execute(enter, [str(organization_id)])
        with suppress(psycopg.errors.InsufficientPrivilege):
            found += [name] if connection.execute(statement).rowcount else []
        connection.rollback()
    if connection.execute(SEES).rowcount:
        found.append("read outside of an organization")
    connection.rollback()
    return found


@contextmanager
def weakened(database, statement: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_database_url, autocommit=True) as owner:
        owner.execute(statement)
        try:
            with psycopg.connect(database.database_url) as connection:
                yield connection
        finally:
            owner.execute('DROP POLICY IF EXISTS oops ON "user"')
            owner.execute('ALTER TABLE "user" ENABLE ROW LEVEL SECURITY')
