"""What only the owner of the tables may do in the state database, besides migrations."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from console.core import deadlocks
from console.core.config import Config
from console.core.engines import engine_of

PATIENCE_MS = 30_000


@contextmanager
def owner_transaction(settings: Config) -> Iterator[Connection]:
    """Open a transaction of OWNER_DATABASE_URL's role, in which deletions cascade; commit it."""
    engine = engine_of(settings.owner_url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
            connection.isolation_level = None
            cursor = connection.cursor()
            cursor.execute(f"PRAGMA busy_timeout={PATIENCE_MS}")
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA secure_delete=ON")
            cursor.close()

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    with engine.begin() as connection:
        yield connection


def delete_organization(settings: Config, organization_id: int) -> bool:
    """Delete an organization with all its rows; whether there was one.

    It works beside a console that digests, evaluates and tries checks.
    """

    def delete() -> int:
        with owner_transaction(settings) as connection:
            statement = text("DELETE FROM organization WHERE id = :id")
            return connection.execute(statement, {"id": organization_id}).rowcount

    return bool(deadlocks.again(delete))
