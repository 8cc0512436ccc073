"""Time limits for the database: no page, event or job waits for it for ever."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from flask import has_request_context
from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

PAGE_SECONDS = 15.0  # a statement of a page: who waits longer has reloaded it
JOB_SECONDS = 600.0  # a statement of the digest, a job or a command
PAGE_LOCK_SECONDS = 5.0
JOB_LOCK_SECONDS = 60.0
POOL_SECONDS = 5.0  # for a connection, when all are in use
TCP = {
    # Data that nobody confirms within 20 s, and 30 + 3 × 10 s of silence, mean a lost server.
    "tcp_user_timeout": 20_000,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
TOO_LONG, LOCKED, FULL, READ_ONLY = "57014", "55P03", "53100", "25006"  # SQLSTATE

NO_ANSWER = "The database does not answer right now. Nothing is lost; try again in a moment."
SENTENCES = {
    TOO_LONG: f"The database took longer than {PAGE_SECONDS:.0f} seconds to answer. "
    "Choose a shorter time range, or try again in a moment.",
    LOCKED: "The database is busy with another change of the same thing. Try again in a moment.",
    FULL: "The disk of the database is full: nothing can be saved until space is freed. "
    "What is stored can be read.",
    READ_ONLY: "The database takes no changes now: nothing can be saved until that is mended. "
    "What is stored can be read.",
}
OF_SQLITE = {
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_INTERRUPT": TOO_LONG,
    "SQLITE_FULL": FULL,
    "SQLITE_READONLY": READ_ONLY,
}

_seconds: ContextVar[float | None] = ContextVar("seconds", default=None)
_ends: ContextVar[float | None] = ContextVar("ends", default=None)  # by time.monotonic()
_lock_seconds: ContextVar[float | None] = ContextVar("lock_seconds", default=None)
_SHORTEST = 0.001
_ENDS = "pharos.statement-ends"
_STEPS_BETWEEN_LOOKS = 20_000  # of SQLite's machine, which takes some ten million a second


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give all statements inside this time limit."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


@contextmanager
def altogether(seconds: float) -> Iterator[None]:
    """Give all statements inside this time limit together."""
    token = _ends.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


@contextmanager
def locks_within(seconds: float) -> Iterator[None]:
    """Let transactions that begin inside wait no longer than this for locks of others."""
    token = _lock_seconds.set(seconds)
    try:
        yield
    finally:
        _lock_seconds.reset(token)


def statement_seconds() -> float:
    """The time limit of a statement that runs now."""
    own = _seconds.get() or (PAGE_SECONDS if has_request_context() else JOB_SECONDS)
    ends = _ends.get()
    return own if ends is None else min(own, max(_SHORTEST, ends - time.monotonic()))


def lock_seconds() -> float:
    """How long a statement that runs now may wait for locks of others."""
    own = PAGE_LOCK_SECONDS if has_request_context() else JOB_LOCK_SECONDS
    return min(own, _lock_seconds.get() or own)


def postgres_limits() -> dict[str, str]:
    """PostgreSQL's parameters for the transaction that begins, with their values."""
    return {
        "statement_timeout": f"{statement_seconds():.3f}s",
        "lock_timeout": f"{min(lock_seconds(), statement_seconds()):.3f}s",
        # A transaction that its client has forgotten keeps rows locked.
        "idle_in_transaction_session_timeout": f"{4 * statement_seconds():.3f}s",
    }


def sentence(error: BaseException) -> str:
    """The sentence for the person whose page met this database error."""
    if isinstance(error, PoolTimeoutError):
        return "Every connection to the database is in use. Try again in a moment."
    return SENTENCES.get(_state(error), NO_ANSWER)


def took_too_long(error: BaseException) -> bool:
    """Whether a statement was ended because its time was over."""
    return _state(error) == TOO_LONG


def is_locked(error: BaseException) -> bool:
    """Whether a statement waited too long for the locks of others."""
    return _state(error) == LOCKED


def _state(error: BaseException) -> str:
    """PostgreSQL's code for what an error means, on SQLite as well; "" if it has none."""
    cause = getattr(error, "orig", None) or error
    name = getattr(cause, "sqlite_errorname", None) or ""
    for own, state in OF_SQLITE.items():
        if name.startswith(own):
            return state
    return getattr(cause, "sqlstate", None) or ""


def limit_sqlite(engine: Engine) -> None:
    """Interrupt statements of this engine on SQLite when their time is over.

    SQLite has no limit of its own. Rows are fetched while the statement runs, within its time.
    """

    @event.listens_for(engine, "connect")
    def watch(connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[_ENDS] = math.inf
        connection.set_progress_handler(
            lambda: time.monotonic() > entry.info[_ENDS], _STEPS_BETWEEN_LOOKS
        )

    @event.listens_for(engine, "before_cursor_execute")
    def begin(connection: Connection, *_rest: object) -> None:
        connection.info[_ENDS] = time.monotonic() + statement_seconds()


def be_patient(engine: Engine) -> None:
    """Make this engine's connections give up on a PostgreSQL server that does not answer."""
    # psycopg takes 0.2 s to load, which commands on SQLite need not wait for
    from console.core.patient_connection import PatientConnection, Silence  # noqa: PLC0415

    silence = Silence()

    @event.listens_for(engine, "do_connect")
    def connect(
        _dialect: Dialect,
        _entry: ConnectionPoolEntry,
        arguments: list[Any],
        options: dict[str, Any],
    ) -> Any:
        return PatientConnection.of(silence, *arguments, **{**TCP, **options})
