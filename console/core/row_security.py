"""Row-level security on PostgreSQL: policies for revisions, and grants for the app's role."""

from alembic import op
from sqlalchemy import text
from sqlalchemy.engine import Connection

ORGANIZATION, PERSON, TOKEN = "app.organization_id", "app.person_id", "app.token_hash"
EMAIL = "app.email"
# The app's rights on tables where it may not read, add, change and delete rows.
APPEND_ONLY = frozenset({"audit_entry"})
READ_ONLY = frozenset({"alembic_version"})
# Only the owner may delete rows that take others along (`pharos organization`).
UNDELETABLE = frozenset({"organization", "user"})


def protect(table: str, *, bearer: str = "", bearer_type: str = "text") -> None:
    """Let a table's rows be seen and written only by a transaction of their organization.

    To be called by the revision that creates the table. `bearer` names the column whose presented
    value lets a row be read before the organization is known. A parameter that was never set is
    NULL, and one of an earlier transaction is the empty string: both mean no rows. FORCE holds the
    owner as well, so a later revision that changes rows must lift it for its own transaction.
    Does nothing on SQLite.
    """
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    name = connection.dialect.identifier_preparer.quote(table)
    own = f"organization_id = {_presented(ORGANIZATION, 'int')}"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_organization ON {name} USING ({own}) WITH CHECK ({own})")
    if bearer:
        presented = f"{bearer} = {_presented(f'app.{table}_bearer', bearer_type)}"
        op.execute(f"CREATE POLICY of_bearer ON {name} FOR SELECT USING ({presented})")


def protect_person(table: str, *, presented: str = "") -> None:
    """Let a table's rows be seen and written only by a transaction of their person.

    `presented` names the column by whose value a row may be read before the person is known.
    To be called by the revision that creates the table; see `protect`. Does nothing on SQLite.
    """
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    name = connection.dialect.identifier_preparer.quote(table)
    own = f"user_id = {_presented(PERSON, 'int')}"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_person ON {name} USING ({own}) WITH CHECK ({own})")
    if presented:
        by_value = f"{presented} = {_presented(TOKEN, 'text')}"
        op.execute(f"CREATE POLICY of_token ON {name} FOR SELECT USING ({by_value})")


def protect_accounts() -> None:
    """Let an account be seen by its person, by who names its address, and by fellow members.

    It is changed by its person alone, and made under the address that was named. The owner of the
    tables, who runs commands of operators, sees all. Does nothing on SQLite.
    """
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    own = f"id = {_presented(PERSON, 'int')}"
    named = f"email = {_presented(EMAIL, 'text')}"
    organization = f"organization_id = {_presented(ORGANIZATION, 'int')}"
    fellow = " OR ".join(
        f'EXISTS (SELECT 1 FROM {table} WHERE user_id = "user".id AND {organization})'  # noqa: S608
        for table in ("membership", "former_member")
    )
    for statement in (
        'ALTER TABLE "user" ENABLE ROW LEVEL SECURITY',
        'ALTER TABLE "user" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY of_person ON "user" FOR UPDATE USING ({own}) WITH CHECK ({own})',
        f'CREATE POLICY by_email ON "user" FOR SELECT USING ({own} OR {named})',
        f'CREATE POLICY of_members ON "user" FOR SELECT USING ({fellow})',
        f'CREATE POLICY new ON "user" FOR INSERT WITH CHECK ({named})',
        'CREATE POLICY of_owner ON "user" TO CURRENT_USER USING (true) WITH CHECK (true)',
    ):
        op.execute(statement)


def unprotect(table: str, *policies: str) -> None:
    """Take the policies of a table back, as a downgrade does. Does nothing on SQLite."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    name = connection.dialect.identifier_preparer.quote(table)
    for policy in policies:
        op.execute(f"DROP POLICY {policy} ON {name}")
    op.execute(f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY")


def append_only(table: str, *columns: str) -> None:
    """Let no statement change these columns or delete a row while its organization exists.

    On PostgreSQL the app's role has no right to either (see `grant`); SQLite has no roles, so
    triggers stand in for them. A later revision that rebuilds the table must call this again.
    """
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return
    refusal = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    alive = "EXISTS (SELECT 1 FROM organization WHERE id = OLD.organization_id)"
    changes = f"BEFORE UPDATE OF {', '.join(columns)} ON {table}"
    op.execute(f"CREATE TRIGGER {table}_kept {changes} {refusal}")
    op.execute(f"CREATE TRIGGER {table}_held BEFORE DELETE ON {table} WHEN {alive} {refusal}")


def grant(connection: Connection, role: str) -> None:
    """Give the app's role what it needs on every table of the schema, and nothing more.

    Runs after every upgrade: `pharos migrate` also serves a role newly named in DATABASE_URL.
    """
    quote = connection.dialect.identifier_preparer.quote
    to = quote(role)
    tables = connection.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relkind = 'r'"
            " AND relnamespace = current_schema()::regnamespace AND pg_has_role(relowner, 'MEMBER')"
        )
    )
    for table in tables.all():
        connection.execute(text(f"REVOKE ALL ON TABLE {quote(table)} FROM {to}"))
        connection.execute(text(f"GRANT {_rights(table)} ON TABLE {quote(table)} TO {to}"))
    schema = quote(connection.scalar(text("SELECT current_schema()")))
    connection.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {to}"))


def _presented(parameter: str, kind: str) -> str:
    # The sub-select makes it one look-up per query (an init plan), not one per row.
    return f"(SELECT nullif(current_setting('{parameter}', true), '')::{kind})"


def _rights(table: str) -> str:
    if table in READ_ONLY:
        return "SELECT"
    if table in UNDELETABLE:
        return "SELECT, INSERT, UPDATE"
    return "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
