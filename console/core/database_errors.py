"""What PostgreSQL's failures mean: which variable is concerned, and what a person can do."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from console.core.config import ConfigError
from console.core.valid import ENCODE

APP, OWNER = "DATABASE_URL", "OWNER_DATABASE_URL"
TWO_ROLES = f"{OWNER}'s role owns the tables and {APP}'s owns nothing"
# A failure to connect has no code, only a text. A server that speaks another language has its own
# words, which are then shown as they are.
MEANINGS = (
    (r"password authentication failed|no password supplied", f"wrong password, or none; {ENCODE}"),
    (r'role "[^"]*" does not exist', "the role is not there: CREATE ROLE … LOGIN PASSWORD '…'"),
    (r'database "[^"]*" does not exist', "the database is not there: CREATE DATABASE … OWNER …"),
    (r"permission denied for database", "the role may not connect: GRANT CONNECT ON DATABASE …"),
    (r"is not permitted to log in", "the role may not log in: ALTER ROLE … LOGIN"),
    (
        r"must be (able to SET ROLE|owner|member)|permission denied",
        (
            f"the role lacks a right; {TWO_ROLES}, so the two may be swapped,"
            " or `pharos migrate` has not run since the role was made"
        ),
    ),
    (r"no pg_hba.conf entry", "the server lets nobody in from here so: see its pg_hba.conf"),
    (
        r"SSL|certificate|TLS",
        "TLS cannot be agreed on: see sslmode and sslrootcert in the address",
    ),
    (
        r"translate host name|resolve host|Name or service|[Nn]o such host|getaddrinfo",
        f"no such host; {ENCODE}",
    ),
    (r"Connection refused|No such file or directory", "no server listens there"),
    (r"timeout|timed out|No route to host|unreachable", "the server cannot be reached"),
    (r"too many clients|connection slots|too many connections", "the server has no place left"),
    (r"starting up|shutting down|recovery", "the server starts or stops: try again"),
)
# Codes of broken connections, of a server that stops or starts, and of one with no place left.
LOST = ("08", "57", "53300")

# Of SQLite: no room, a failing disk, another writer, no right to write, no file, a damaged file.
SQLITE_ITSELF = tuple(
    f"SQLITE_{name}"
    for name in ("FULL", "IOERR", "BUSY", "LOCKED", "READONLY", "CANTOPEN", "CORRUPT", "NOTADB")
)
DEADLOCK, FOREIGN_KEY = "40P01", "23503"
# Of PostgreSQL: no room, memory or place; a server that only reads; others who wait for this one.
POSTGRESQL_ITSELF = ("53", "25006", DEADLOCK)


class DatabaseProblem(ConfigError):
    """The state database cannot be used as it is set; the message names the variable."""


@contextmanager
def naming(variable: str) -> Iterator[None]:
    """Raise DatabaseProblem instead of failures that the variable's value explains."""
    try:
        yield
    except DBAPIError as error:
        if not _is_any_of(error.orig, "OperationalError", "InsufficientPrivilege"):
            raise
        raise DatabaseProblem(explained(error, variable)) from error


def explained(error: DBAPIError, variable: str = APP) -> str:
    """One sentence: the variable, what is wrong, and the driver's own words."""
    words = " ".join(str(error.orig).split())
    meanings = (meaning for pattern, meaning in MEANINGS if re.search(pattern, words))
    return f"{variable}: {next(meanings, 'the database does not answer')} ({words})"


def is_of_postgresql(error: BaseException | None) -> bool:
    """Whether the error comes from PostgreSQL's driver."""
    return _is_any_of(error, "Error")


def is_deadlock(error: DBAPIError) -> bool:
    """Whether PostgreSQL has ended one of some transactions that waited for each other."""
    return getattr(error.orig, "sqlstate", None) == DEADLOCK


def is_outage(error: BaseException | None) -> bool:
    """Whether PostgreSQL was lost or full, so that waiting helps; a slow statement is no outage."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if not _is_any_of(cause, "OperationalError") or _is_any_of(cause, "QueryCanceled"):
        return False
    sqlstate = getattr(cause, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(LOST)


def concerns_all(error: BaseException | None) -> bool:
    """Whether the state database itself fails: lost, full, locked, deadlocked or not to be written.

    It is no fault of the rows that were asked for or written: the same happens to all others.
    """
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(error, PoolTimeoutError) or is_outage(error):
        return True
    name = getattr(cause, "sqlite_errorname", None) or ""
    state = getattr(cause, "sqlstate", None) or ""
    return name.startswith(SQLITE_ITSELF) or state.startswith(POSTGRESQL_ITSELF)


def lacks_its_parent(error: BaseException) -> bool:
    """Whether a row could not be written because what it belongs to was deleted meanwhile."""
    cause = getattr(error, "orig", None) or error
    is_sqlite = getattr(cause, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_FOREIGNKEY"
    return is_sqlite or getattr(cause, "sqlstate", None) == FOREIGN_KEY


def _is_any_of(error: BaseException | None, *names: str) -> bool:
    """Whether the error is one of psycopg's.

    If psycopg is not loaded, the answer is no: a command on SQLite does not import it for 0.2 s.
    """
    psycopg: Any = sys.modules.get("psycopg.errors")
    return psycopg is not None and isinstance(error, tuple(getattr(psycopg, n) for n in names))
