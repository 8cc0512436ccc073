"""What PostgreSQL's own catalogue says about the schema that the migrations made."""

import psycopg
import pytest

from console.core.persons import personal_models
from console.core.tenancy import scoped_models

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("both_databases")]
SCOPED = {model.__tablename__ for model in scoped_models()}
BEARERS = {model.__tablename__: model.__bearer__ for model in scoped_models() if model.__bearer__}
PERSONAL = {model.__tablename__ for model in personal_models()}
BY_TOKEN = {model.__tablename__ for model in personal_models() if model.__token__}
HERE = "= current_schema()::regnamespace"


@pytest.fixture
def both_databases() -> str:
    return "postgresql"


@pytest.fixture
def ask(database):
    """Run a query on the migrated database as the app's role."""
    with psycopg.connect(database.database_url) as connection:
        yield lambda query, *values: connection.execute(query, values).fetchall()


def test_scoped_tables_are_those_with_an_organization(ask):
    found = ask(
        "SELECT table_name FROM information_schema.columns"
        " WHERE column_name = 'organization_id' AND is_nullable = 'NO'"
    )
    assert {name for (name,) in found} == SCOPED


def test_row_security_is_enabled_and_forced(ask):
    found = ask(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
        f" AND relkind = 'r' AND relnamespace {HERE}"
    )
    assert {name for (name,) in found} == SCOPED | PERSONAL | {"user"}


def test_policies_check_what_is_read_and_what_is_written(ask):
    found = ask("SELECT tablename, policyname, permissive, cmd, qual, with_check FROM pg_policies")
    own = (
        "(organization_id = ( SELECT (NULLIF(current_setting("
        "'app.organization_id'::text, true), ''::text))::integer"
    )
    for table, name, permissive, command, using, check in found:
        assert permissive == "PERMISSIVE"
        if table == "user":  # tests/core/test_people.py
            continue
        if name == "of_organization":
            assert command == "ALL", table
            assert using == check, table
            assert using.startswith(own), table
        elif name == "of_person":
            assert (command, using) == ("ALL", check), table
            assert using.startswith(
                "(user_id = ( SELECT (NULLIF(current_setting('app.person_id'"
            ), using
        elif name == "of_token":
            assert (command, check) == ("SELECT", None), table
            assert using.startswith("((hash)::text = "), using
            assert "app.token_hash" in using, table
        else:
            assert (name, command, check) == ("of_bearer", "SELECT", None), table
            assert BEARERS[table] in using, table
            assert f"app.{table}_bearer" in using, table
    assert {row[0] for row in found if row[1] == "of_organization"} == SCOPED
    assert {row[0] for row in found if row[1] == "of_bearer"} == set(BEARERS)
    assert {row[0] for row in found if row[1] == "of_person"} == PERSONAL | {"user"}
    assert {row[0] for row in found if row[1] == "of_token"} == BY_TOKEN


def test_unique_keys_name_the_organization_first(ask):
    found = ask(
        "SELECT t.relname, i.relname, array_agg(a.attname ORDER BY k.n)"
        " FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid"
        " JOIN pg_class i ON i.oid = x.indexrelid"
        " CROSS JOIN unnest(x.indkey) WITH ORDINALITY AS k (attnum, n)"
        " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum"
        f" WHERE x.indisunique AND NOT x.indisprimary AND t.relnamespace {HERE} GROUP BY 1, 2"
    )
    for table, index, columns in found:
        if table in SCOPED and columns != [BEARERS.get(table)]:
            assert columns[0] == "organization_id", index


def test_foreign_keys_between_scoped_tables_name_the_organization(ask):
    found = ask(
        "SELECT c.conname, t.relname, p.relname, array_agg(a.attname ORDER BY k.n)"
        " FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid"
        " JOIN pg_class p ON p.oid = c.confrelid"
        " CROSS JOIN unnest(c.conkey) WITH ORDINALITY AS k (attnum, n)"
        " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum"
        f" WHERE c.contype = 'f' AND c.connamespace {HERE} GROUP BY 1, 2, 3"
    )
    assert found
    for name, table, parent, columns in found:
        if table in SCOPED and parent in SCOPED:
            assert columns[0] == "organization_id", name


def test_nothing_runs_or_reads_with_the_rights_of_its_owner(ask):
    assert ask(f"SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace {HERE}") == []
    views = ask(
        "SELECT relname, coalesce(reloptions::text, '') FROM pg_class"
        f" WHERE relkind IN ('v', 'm') AND relnamespace {HERE}"
    )
    assert [name for name, options in views if "security_invoker=true" not in options] == []


def test_partitions_are_not_granted(ask):
    found = ask(
        f"SELECT relname FROM pg_class WHERE relispartition AND relnamespace {HERE}"
        " AND has_table_privilege(current_user, oid, 'SELECT')"
    )
    assert found == []


def test_the_app_role_is_nobody_special(ask):
    roles = ask(
        "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles"
        " WHERE rolname = current_user"
    )
    assert roles == [(False,) * 5]
    assert ask(f"SELECT relname FROM pg_class WHERE relnamespace {HERE}"
               " AND pg_has_role(current_user, relowner, 'MEMBER')") == []  # fmt: skip


def test_grants_are_no_more_than_rows_need(ask):
    found = ask(
        "SELECT table_name, array_agg(privilege_type::text ORDER BY privilege_type)"
        " FROM information_schema.role_table_grants WHERE grantee = current_user GROUP BY 1"
    )
    rows = ["DELETE", "INSERT", "SELECT", "UPDATE"]
    special = {"audit_entry": ["INSERT", "SELECT"], "alembic_version": ["SELECT"]}
    special |= {table: ["INSERT", "SELECT", "UPDATE"] for table in ("organization", "user")}
    for table, rights in found:
        assert rights == special.get(table, rows), table
