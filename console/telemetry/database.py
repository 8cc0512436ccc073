"""One organization's DuckDB file, opened alone: no SQL can reach another organization's rows."""

import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
from sqlalchemy import (
    Connection,
    Executable,
    Row,
    delete,
    event,
    insert,
    select,
    text,
)
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from console.core import patience
from console.core.engines import engine_of, without_values
from console.core.explained import Explained
from console.telemetry.driver import DuckDBConnection
from console.telemetry.schema import versions
from console.telemetry.scope import Scope
from console.telemetry.tables import applied

THREADS = 2
DIALECT = "duckdb"
CHECKPOINT_MB = 16
LEAST_MEMORY_MB = 96  # takes batches of 90 MB; at 64 MB, commits of 15 MB failed
RESTING_MEMORY_MB = 48
UPGRADE_MEMORY_MB = 2048  # a new column took 6.6 MB for each million rows
NOT_OPENED, DAMAGED_PART, GONE = "does not open", "has a part that cannot be read", "is gone"
# Other causes that keep a file from being opened for a while.
PASSING = re.compile(
    "Could not set lock|No space left|Too many open files|out of memory"
    "|Cannot allocate|Read-only file system",
    re.IGNORECASE,
)
CORRUPT = re.compile("Corrupt database file|checksum", re.IGNORECASE)
LOG_MAGIC = bytes.fromhex("6400626500")  # an entry of the type "version", with its two fields
NO_LOG = (
    "does not begin as DuckDB's log does. What was stored last may be in it: move it away to go on"
    " without, or restore a backup"
)
MERGES = 8  # each rewrites at most 122,880 rows
Then: TypeAlias = Callable[[Sequence[Row[Any]]], Executable]
OUTAGES = (
    duckdb.IOException,
    duckdb.FatalException,
    duckdb.ConnectionException,
    duckdb.OutOfMemoryException,
    duckdb.SerializationException,
    duckdb.TransactionException,  # a commit that the disk did not take
)

# DuckDB looks whether a bound value is one of pandas', and where that is not installed searches the
# disk for it anew: 270 µs for each parameter of each question, 30 when the import is ruled out.
sys.modules.setdefault("pandas", None)  # type: ignore[arg-type]


class TelemetryUnavailable(Explained, OSError):
    """An organization's telemetry cannot be read or written now: its file, the disk, or memory."""

    cause = "the telemetry file is locked by another process, or the disk does not take or give it"


class TelemetryLacksMemory(TelemetryUnavailable):
    """A question or a batch needs more memory than the engine may have now."""

    cause = "telemetry needs more memory than it may have"


class TelemetryTooSlow(TelemetryUnavailable):
    """A query took longer than its caller may wait."""

    cause = "a question to telemetry took too long"
    sqlstate = patience.TOO_LONG


class TelemetryDamaged(TelemetryUnavailable):
    """An organization's file is damaged: a retry does not help, only the operator does."""

    def __init__(self, name: str, complaint: str, reason: str = "") -> None:
        """`complaint` continues a sentence that begins with the file; `reason` is for logs."""
        super().__init__(f"{name} {complaint}" + (f": {reason}" if reason else ""))
        self.complaint = complaint
        self.cause = f"the telemetry file {complaint}"

    @property
    def sentence(self) -> str:
        """What the pages show to people of the organization."""
        return (
            f"This organization's telemetry file {self.complaint}. Issues and settings are there;"
            " events, traces and vitals are not, until the operator of Pharos restores the file or"
            " sets it aside. What clients send is kept meanwhile."
        )


class UnscopedQuestion(Exception):
    """A statement lacks the organization whose file it is sent to: always a defect."""


class Database:
    """An open file; threads share it: each question has a cursor, writes happen one at a time."""

    def __init__(self, path: Path, organization_id: int, memory_mb: int) -> None:
        """Open or create the file; raise TelemetryUnavailable saying why that cannot be done."""
        self._path = path
        self._organization_id = organization_id
        self._writing = threading.Lock()
        self.broken = False
        self._memory_mb = memory_mb
        self._duckdb = _opened(path, memory_mb)
        with self._outages():
            self._engine = engine_of(
                "duckdb://", creator=self._cursor, poolclass=NullPool, isolation_level="AUTOCOMMIT"
            )
            self._writer = self._engine.execution_options(
                isolation_level="READ COMMITTED", asks_for_nobody=True
            )
            self._snapshots = self._engine.execution_options(isolation_level="READ COMMITTED")
            event.listen(self._engine, "before_cursor_execute", self._refuse_unscoped)
            try:
                self._bring_up_to_date()
            except BaseException:
                self._duckdb.close()  # else the error holds it, and nobody can open the file
                raise

    def rows(
        self, scope: Scope, statement: Executable, then: Then | None = None
    ) -> Sequence[Row[Any]]:
        """Run a query; the scope alone fills its bind parameters named `scope_…`.

        `then` makes another query of its rows, whose answer counts; nothing is written between.
        """
        asked = {
            "scope_organization": scope.organization_id,
            "scope_project": scope.project_id,
            "scope_since": scope.since,
            "scope_until": scope.until,
        }
        if then is None:
            with self._outages(), self._engine.connect() as connection:
                return connection.execute(statement, asked).all()
        with self._outages(), self._snapshots.connect() as connection:
            rows = connection.execute(statement, asked).all()
            return connection.execute(then(rows), asked).all()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write: alone, all or nothing, durable when it returns."""
        with self._writing, self._outages(), self._writer.begin() as connection:
            yield connection

    def limit_memory(self, memory_mb: int) -> None:
        if memory_mb != self._memory_mb:
            self._run(f"SET memory_limit = '{memory_mb}MB'")
            self._memory_mb = memory_mb

    def forget_pages(self) -> None:
        """Return the memory of cached pages to the system, down to the least limit."""
        memory_mb = self._memory_mb
        self.limit_memory(RESTING_MEMORY_MB)
        self.limit_memory(memory_mb)

    def checkpoint(self, *, merge: bool = False) -> None:
        """Move the log into the file; with `merge`, also join the small row groups of many commits.

        Joining rewrites bodies, which blocks writes for seconds per gigabyte: for a quiet hour.
        """
        if merge:
            self._touch()
        with self._writing:
            self._run(f"SET max_vacuum_tasks = {MERGES if merge else 0}")
            self._run("FORCE CHECKPOINT")  # waits for the questions under way
            self._run("SET max_vacuum_tasks = 0")

    def close(self) -> None:
        """Checkpoint and close, after whoever is writing."""
        with self._writing:
            self._duckdb.close()

    def _touch(self) -> None:
        """Rewrite the single row of `applied`: without any change, a checkpoint does nothing."""
        with self.transaction() as connection:
            reached = connection.scalar(select(applied.c.position))
            row = {"organization_id": self._organization_id, "position": reached}
            connection.execute(delete(applied))
            connection.execute(insert(applied).values(**row))

    def _cursor(self) -> DuckDBConnection:
        return DuckDBConnection(self._duckdb.cursor())

    def _run(self, statement: str) -> None:
        with self._outages(), self._writer.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(statement))

    def _refuse_unscoped(
        self,
        connection: Connection,
        cursor: object,  # noqa: ARG002
        statement: str,
        parameters: object,  # noqa: ARG002
        context: DefaultExecutionContext,
        executemany: bool,  # noqa: ARG002, FBT001
    ) -> None:
        if connection.get_execution_options().get("asks_for_nobody"):
            return
        bound = context.compiled_parameters[0] if context.compiled else {}
        if bound.get("scope_organization") != self._organization_id:
            raise UnscopedQuestion(statement)

    def _bring_up_to_date(self) -> None:
        try:
            with self.transaction() as connection:
                behind = versions.is_behind(connection)
                if behind:  # columns that are added lie in memory until they are written
                    connection.execute(text(f"SET memory_limit = '{UPGRADE_MEMORY_MB}MB'"))
                versions.bring_up_to_date(connection, self._organization_id)
            if behind:
                self.checkpoint()
                self._run(f"SET memory_limit = '{self._memory_mb}MB'")
        except versions.UnknownTables as error:
            raise TelemetryDamaged(self._path.name, str(error)) from error

    @contextmanager
    def _outages(self) -> Iterator[None]:
        """Raise failures of the file in plain words; every other exception passes unchanged."""
        try:
            yield
        except UnicodeDecodeError as error:  # what DuckDB says quotes bytes of a damaged block
            self.broken = True
            raise TelemetryDamaged(self._path.name, DAMAGED_PART) from error
        except (DBAPIError, duckdb.Error) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if CORRUPT.search(str(cause)):
                self.broken = True
                reason = without_values(str(cause), DIALECT)
                raise TelemetryDamaged(self._path.name, DAMAGED_PART, reason) from error
            if isinstance(cause, (*OUTAGES, duckdb.InternalException)):
                self.broken = True  # it may hold pages that never reached the disk: open it anew
            if isinstance(cause, duckdb.InterruptException):
                raise TelemetryTooSlow(f"{self._path.name}: a question took too long") from error
            if isinstance(cause, OUTAGES):
                lacks_memory = isinstance(cause, duckdb.OutOfMemoryException)
                kind = TelemetryLacksMemory if lacks_memory else TelemetryUnavailable
                reason = without_values(str(cause), DIALECT)
                raise kind(f"{self._path.name}: {reason}") from error
            raise


def _opened(path: Path, memory_mb: int) -> duckdb.DuckDBPyConnection:
    log = path.with_name(f"{path.name}.wal")
    if log.is_file() and not _begins_as_a_log(log):
        raise TelemetryDamaged(path.name, NOT_OPENED, f"{log.name} {NO_LOG}")
    try:
        connection = duckdb.connect(path, config=_configuration(path, memory_mb))
        connection.execute("SET enable_external_access = false")  # fixes temp_directory too
        connection.execute("SET lock_configuration = true")
    except (duckdb.Error, UnicodeDecodeError) as error:
        if PASSING.search(str(error)):
            raise TelemetryUnavailable(f"{path.name} cannot be opened: {error}") from error
        raise TelemetryDamaged(path.name, NOT_OPENED, str(error)) from error
    return connection


def _begins_as_a_log(log: Path) -> bool:
    """Whether DuckDB would read the log: it silently ignores a file that begins otherwise."""
    with log.open("rb") as file:
        return LOG_MAGIC.startswith(file.read(len(LOG_MAGIC)))


def _configuration(path: Path, memory_mb: int) -> dict[str, Any]:
    return {
        "threads": THREADS,
        "memory_limit": f"{memory_mb}MB",
        "checkpoint_threshold": f"{CHECKPOINT_MB}MB",
        "max_vacuum_tasks": 0,
        "storage_compatibility_version": "v1.5.0",  # that of 2.0 gains nothing, and 1.5 reads this
        "temp_directory": str(path.with_suffix(".tmp")),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
        "allowed_configs": ["memory_limit", "max_vacuum_tasks"],
    }
