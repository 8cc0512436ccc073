"""Bringing the state database to the newest revision, by one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Engine, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from console.core import row_security
from console.core.config import Config, ConfigError
from console.core.database_errors import APP, OWNER, naming
from console.core.engines import engine_of
from console.core.revisions import FOLDER
from console.core.tenancy import UnsafeRoleError

LOCK = 0x7068_6172_6F73  # "pharos"
PATIENCE_MS = 120_000


def upgrade(settings: Config) -> tuple[str | None, str | None]:
    """Apply the revisions that the state database lacks, all in one transaction.

    Returns the revision that it was at, None for a database without tables, and the present one.

    A process that comes second waits, and then finds nothing to do; one that is killed leaves the
    database as it was. Raises UnsafeRoleError when the owner's role is also the app's, ConfigError
    when the database is newer than this code.
    """
    with owner_connection(settings) as connection:
        place = MigrationContext.configure(connection)
        before = place.get_current_revision()
        try:
            command.upgrade(alembic_config(settings, connection), "head")
        except CommandError as error:  # it does not know the revision that the database is at
            raise ConfigError(f"the state database was made by a newer Pharos: {error}") from error
        return before, place.get_current_revision()


def alembic_config(settings: Config, connection: Connection) -> AlembicConfig:
    """Return what Alembic's commands need to work on this connection."""
    options = AlembicConfig()
    options.set_main_option("script_location", str(FOLDER))
    options.attributes.update(connection=connection, settings=settings)
    return options


@contextmanager
def owner_connection(settings: Config) -> Iterator[Connection]:
    """Open a transaction of the owner's role that no other migration runs beside."""
    _refuse_one_role(settings)
    with naming(OWNER):
        yield from _owner_connection(settings)


def _owner_connection(settings: Config) -> Iterator[Connection]:
    engine = engine_of(settings.owner_url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        _lock_sqlite(engine)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            _refuse_who_owns_nothing(connection)
        yield connection
        if engine.dialect.name == "postgresql":
            row_security.grant(connection, _app_role(settings))
        else:
            _check_foreign_keys(connection)


def _app_role(settings: Config) -> str:
    """The app's role as the server knows it: a pooler's user name may say more (role.project)."""
    engine = engine_of(
        settings.state_url, poolclass=NullPool, connect_args={"prepare_threshold": None}
    )
    with naming(APP), engine.connect() as connection:
        return str(connection.scalar(text("SELECT current_user")))


def _refuse_one_role(settings: Config) -> None:
    app, owner = make_url(settings.state_url), make_url(settings.owner_url)
    if app.get_backend_name() == "postgresql" and app.username == owner.username:
        raise UnsafeRoleError(
            "on PostgreSQL two roles are needed: OWNER_DATABASE_URL's owns the tables, and"
            " DATABASE_URL's owns nothing, so that row-level security holds it"
        )


def _refuse_who_owns_nothing(connection: Connection) -> None:
    """Swapped roles would pass where there is nothing to migrate, and grant nothing."""
    query = text(
        "SELECT min(tablename) FROM pg_tables WHERE schemaname = current_schema()"
        " AND NOT pg_has_role(current_user, tableowner, 'MEMBER')"
    )
    foreign = connection.scalar(query)
    if foreign is not None:
        raise UnsafeRoleError(
            f"OWNER_DATABASE_URL's role does not own the table {foreign}:"
            " are the two addresses swapped?"
        )


def _lock_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
        # Rebuilding a table drops the old one, which must not cascade: checked at the end instead.
        cursor.execute("PRAGMA foreign_keys=OFF")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if broken:
        raise RuntimeError(f"the migration would leave rows without their parents: {broken[:5]}")
