"""PostgreSQL holds the rows by itself, whatever statement reaches it; each policy is what does."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from console.core.db import Model
from console.core.tenancy import scoped_models
from tests.core.rows import fill
from tests.support import postgres
from tests.support.factories import make_organization
from tests.support.run import shared

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("both_databases")]
TABLES = sorted(model.__tablename__ for model in scoped_models())
APPEND_ONLY = {"audit_entry"}
# Each takes away a part of what protects a table.
MUTATIONS = {
    "no row security": "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
    "a policy for all": "CREATE POLICY oops ON {} USING (true) WITH CHECK (true)",
    "a policy that reads all": "CREATE POLICY oops ON {} FOR SELECT USING (true)",
    "a policy that writes all": "CREATE POLICY oops ON {} FOR INSERT WITH CHECK (true)",
}


@pytest.fixture
def both_databases() -> str:
    return "postgresql"


@pytest.fixture
def two(app):
    """One row of every model in each of two organizations: ids by table, and the organizations."""
    own, other = fill(app, "acme"), fill(app, "globex")
    return own, other, make_organization(app, "acme").id, make_organization(app, "globex").id


def test_no_statement_reaches_another_organization(database, two):
    own, other, acme, globex = two
    leaks: list[str] = []
    probes = 0
    with psycopg.connect(database.database_url) as app:
        for table in TABLES:
            found, count = probed(app, table, own[table], other[table], acme, globex)
            leaks, probes = leaks + found, probes + count
    print(f"row-level security: {len(leaks)} leaks of {probes} probes")
    assert leaks == []
    assert probes == len(TABLES) * 10


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_weakened_table_is_reported(database, two, mutation):
    """Or the probes would prove nothing: they must find leaks on every weakened table."""
    own, other, acme, globex = two
    silent = []
    for table in TABLES:
        with mutated(database, table, MUTATIONS[mutation]) as app:
            found, _count = probed(app, table, own[table], other[table], acme, globex)
            silent += [] if found else [table]
    assert silent == []


def test_a_dropped_policy_hides_the_own_rows_too(database, two):
    """Row security without a policy lets nothing through: no leak, but an outage."""
    own, _other, acme, _globex = two
    with mutated(database, "issue", "DROP POLICY of_organization ON {}") as app:
        assert visible(app, "issue", own["issue"], acme) == 0


def test_the_parameter_ends_with_its_transaction(database, two):
    own, _other, acme, _globex = two
    with psycopg.connect(database.database_url) as app:
        assert visible(app, "issue", own["issue"], acme) == 1
        app.commit()
        assert app.execute("SELECT count(*) FROM issue").fetchone() == (0,)
        app.rollback()
        assert app.execute("SELECT current_setting('app.organization_id', true)").fetchone() in (
            (None,),
            ("",),
        )


def test_a_savepoint_takes_the_parameter_back(database, two):
    own, other, acme, globex = two
    with psycopg.connect(database.database_url) as app:
        enter(app, acme)
        app.execute("SAVEPOINT before")
        enter(app, globex)
        app.execute("ROLLBACK TO SAVEPOINT before")
        assert count(app, "issue", own["issue"]) == 1
        assert count(app, "issue", other["issue"]) == 0


def test_prepared_statements_keep_organizations_apart(database, two):
    own, other, acme, globex = two
    with psycopg.connect(database.database_url, prepare_threshold=1) as app:
        for turn in range(60):
            mine, theirs, here = (other, own, globex) if turn % 2 else (own, other, acme)
            enter(app, here)
            assert count(app, "project", mine["project"]) == 1
            assert count(app, "project", theirs["project"]) == 0
            app.commit()


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE issue",
        "ALTER TABLE issue DISABLE ROW LEVEL SECURITY",
        "DROP POLICY of_organization ON issue",
        "CREATE POLICY mine ON issue USING (true)",
        "SET row_security = off; SELECT * FROM issue",
        "UPDATE audit_entry SET actor = 'nobody'",
        "DELETE FROM audit_entry",
        "DELETE FROM organization",
        "UPDATE alembic_version SET version_num = 'x'",
        "CREATE TABLE mine (id int)",
    ],
)
def test_the_app_role_cannot(database, two, statement):
    _own, _other, acme, _globex = two
    with psycopg.connect(database.database_url) as app:
        enter(app, acme)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(statement)


def test_the_owner_is_held_as_well(database, two):
    with psycopg.connect(database.owner_database_url) as owner:
        for table in TABLES:
            assert owner.execute(f'SELECT count(*) FROM "{table}"').fetchone() == (0,)


def test_a_foreign_key_cannot_point_into_another_organization(database, two):
    own, other, acme, _globex = two
    with psycopg.connect(database.database_url) as app:
        enter(app, acme)
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            app.execute(
                "UPDATE issue SET project_id = %s WHERE id = %s", [other["project"], own["issue"]]
            )


def test_deleting_an_organization_takes_all_its_rows(server_of, database, two):
    """Cascades run as the owner, whom FORCE would stop, had PostgreSQL not exempted them."""
    _own, other, acme, _globex = two
    with psycopg.connect(database.owner_database_url) as owner:
        owner.execute("DELETE FROM organization WHERE id = %s", [acme])
    left = everything(server_of, database)
    for table in TABLES:
        assert left[table] == [other[table]], table


def test_deleting_a_project_takes_its_rows_only(server_of, database, two):
    own, other, acme, _globex = two
    with psycopg.connect(database.database_url) as app:
        enter(app, acme)
        app.execute("DELETE FROM project WHERE id = %s", [own["project"]])
    left = everything(server_of, database)
    gone = {"project"}
    for table in Model.metadata.sorted_tables:  # parents first
        if any(key.column.table.name in gone for key in table.foreign_keys):
            gone.add(table.name)
    for table in TABLES:
        kept = [other[table]] if table in gone else [own[table], other[table]]
        assert left[table] == kept, table


@pytest.fixture
def server_of() -> postgres.Server:
    return postgres.server(shared())


def probed(app, table, own, other, acme, globex):
    """Try to reach the other row; return what leaked, and how many ways were tried."""
    enter(app, acme)
    missing = [] if count(app, table, own) == 1 else [f"{table}: own row not seen"]
    assert not missing
    app.rollback()
    name = sql.Identifier(table)
    attempts = {
        "select": sql.SQL("SELECT * FROM {} WHERE id = {}").format(name, other),
        "count": sql.SQL("SELECT 1 FROM {} HAVING count(*) > 1").format(name),
        "join": sql.SQL(
            "SELECT 1 FROM {} t JOIN organization o ON o.id = t.organization_id WHERE o.id = {}"
        ).format(name, globex),
        "or": sql.SQL(
            "SELECT 1 FROM {} WHERE organization_id = {} OR organization_id = {} OFFSET 1"
        ).format(name, acme, globex),
        "update": sql.SQL("UPDATE {} SET id = id WHERE id = {}").format(name, other),
        "delete": sql.SQL("DELETE FROM {} WHERE id = {}").format(name, other),
        "move": sql.SQL("UPDATE {} SET organization_id = {} WHERE id = {}").format(
            name, globex, own
        ),
        "insert": sql.SQL(
            "INSERT INTO {} SELECT (r).* FROM (SELECT (jsonb_populate_record("
            "t, jsonb_build_object('organization_id', {}::int, 'id', -1))) r"
            " FROM {} t WHERE id = {}) copy"
        ).format(name, globex, name, own),
    }
    leaks = []
    for way, statement in attempts.items():
        enter(app, acme)
        if reached(app, statement):
            leaks.append(f"{way} of {table}")
        app.rollback()
    for row in (own, other):  # in no organization
        if count(app, table, row):
            leaks.append(f"{table} without an organization")
        app.rollback()
    return leaks, len(attempts) + 2


def reached(app, statement) -> int:
    """Rows that a statement reached. Refused by row security or a grant: none.

    A constraint that refuses means that row security let it through.
    """
    try:
        return int(app.execute(statement).rowcount)
    except psycopg.errors.InsufficientPrivilege:
        return 0
    except psycopg.errors.IntegrityError:
        return 1


@contextmanager
def mutated(database, table: str, change: str) -> Iterator[psycopg.Connection]:
    """The app's connection while the owner has weakened a table; mended afterwards."""
    name = sql.Identifier(table)
    policies = (
        "SELECT pg_get_expr(polqual, polrelid) FROM pg_policy"
        " WHERE polname = 'of_organization' AND polrelid = %s::regclass"
    )
    with psycopg.connect(database.owner_database_url, autocommit=True) as owner:
        quoted = name.as_string(owner)
        own = owner.execute(policies, [quoted]).fetchone()
        assert own is not None
        owner.execute(sql.SQL(change).format(name))
        try:
            with psycopg.connect(database.database_url) as app:
                yield app
        finally:
            owner.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name))
            owner.execute(sql.SQL("DROP POLICY IF EXISTS oops ON {}").format(name))
            owner.execute(sql.SQL("DROP POLICY IF EXISTS of_organization ON {}").format(name))
            owner.execute(
                f"CREATE POLICY of_organization ON {quoted} USING ({own[0]}) WITH CHECK ({own[0]})"
            )


def enter(app, organization_id: int) -> None:
    app.execute("SELECT set_config('app.organization_id', %s, true)", [str(organization_id)])


def visible(app, table: str, row: int, organization_id: int) -> int:
    enter(app, organization_id)
    return count(app, table, row)


def count(app, table: str, row: int) -> int:
    found = app.execute(f'SELECT count(*) FROM "{table}" WHERE id = %s', [row]).fetchone()
    return int(found[0])


def everything(server: postgres.Server, database) -> dict[str, list[int]]:
    """The ids in every scoped table, as the superuser sees them."""
    name = psycopg.conninfo.conninfo_to_dict(database.database_url)["dbname"]
    with psycopg.connect(server.conninfo, dbname=name) as superuser:
        return {
            table: [i for (i,) in superuser.execute(f'SELECT id FROM "{table}" ORDER BY id')]
            for table in TABLES
        }
