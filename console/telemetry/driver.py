"""DuckDB for SQLAlchemy: a PEP 249 connection that reads results at once, and a small dialect.

No library does this for DuckDB 2 yet, and Pharos needs no more than this.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any
from typing import cast as cast_to

import duckdb
from sqlalchemy import Connection as Session
from sqlalchemy import text
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection, IsolationLevel

from console.core import patience
from console.telemetry.time_limit import limit

NAME = "duckdb"


class DuckDBCursor:
    """A statement's rows, fetched when it has run: an open result would own the connection."""

    arraysize = 1

    def __init__(self, native: duckdb.DuckDBPyConnection) -> None:
        """Run statements on `native`, one after the other."""
        self._native = native
        self._rows: deque[tuple[Any, ...]] = deque()
        self.description: Sequence[Any] | None = None
        self.rowcount = -1

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        with limit.held(patience.statement_seconds(), self._native.interrupt):
            self._native.execute(statement, list(parameters))
            self.description = self._native.description or None
            self._rows = deque(self._native.fetchall())
        counted = self.description and self.description[0][0] == "Count" and len(self._rows) == 1
        self.rowcount = self._rows[0][0] if counted else len(self._rows)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        for row in rows:
            self.execute(statement, row)

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        return [self._rows.popleft() for _ in range(min(size, len(self._rows)))]

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = list(self._rows), deque()
        return rows

    def close(self) -> None:
        self._rows.clear()


class DuckDBConnection:
    """A separate connection to an open file; transactions begin only by an explicit statement."""

    def __init__(self, native: duckdb.DuckDBPyConnection) -> None:
        """Take over `native`, which nothing else may use."""
        self.native = native
        self.autocommit = False
        self._in_transaction = False

    def begin(self) -> None:
        if not self.autocommit:
            self.native.begin()
            self._in_transaction = True

    def cursor(self) -> DuckDBCursor:
        return DuckDBCursor(self.native)

    def commit(self) -> None:
        if self._in_transaction:
            self._in_transaction = False
            self.native.commit()

    def rollback(self) -> None:
        if self._in_transaction:
            self._in_transaction = False
            self.native.rollback()

    def close(self) -> None:
        self.native.close()


class DuckDBDialect(PGDialect):
    """PostgreSQL's dialect, which DuckDB mostly shares; `telemetry.dialect` has the differences."""

    name = NAME
    driver = NAME
    default_paramstyle = "numeric_dollar"
    supports_statement_cache = True
    supports_sane_rowcount = False
    supports_native_decimal = True
    div_is_floordiv = False

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        return duckdb

    def create_connect_args(self, url: URL) -> tuple[list[Any], dict[str, Any]]:
        return [url.database or ":memory:"], {}

    def connect(self, *args: Any, **options: Any) -> DBAPIConnection:
        """Open the file of the address, where the engine has no creator of its own."""
        return cast_to("DBAPIConnection", DuckDBConnection(duckdb.connect(*args, **options)))

    def initialize(self, connection: Session) -> None:  # noqa: ARG002
        """Ask nothing of a server that is not there."""
        self.default_schema_name = "main"

    def get_isolation_level_values(
        self,
        dbapi_conn: DBAPIConnection,  # noqa: ARG002
    ) -> tuple[IsolationLevel, ...]:
        return ("AUTOCOMMIT", "READ COMMITTED")

    def set_isolation_level(self, dbapi_connection: Any, level: IsolationLevel) -> None:
        dbapi_connection.autocommit = level == "AUTOCOMMIT"

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.begin()

    def has_table(
        self,
        connection: Session,
        table_name: str,
        schema: str | None = None,  # noqa: ARG002
        **kw: Any,  # noqa: ARG002
    ) -> bool:
        named = text("SELECT count(*) FROM information_schema.tables WHERE table_name = :name")
        return bool(connection.scalar(named, {"name": table_name}))


registry.register(NAME, __name__, DuckDBDialect.__name__)
