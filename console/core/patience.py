"""How long a database may take: no page, event or job waits on it for ever."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Self

import psycopg
from flask import has_request_context
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

PAGE_SECONDS = 15.0  # a statement of a page: who waits longer has reloaded it
JOB_SECONDS = 600.0  # a statement of the digest, a job or a command
PAGE_LOCK_SECONDS = 5.0
JOB_LOCK_SECONDS = 60.0
CONNECT_SECONDS = 5
POOL_SECONDS = 5.0  # for a connection, when all are in use
# The first statement of a transaction says whose rows it may see: it takes no lock and reads no
# table, so that a server that has not answered it by now is frozen, gone or out of reach.
FIRST_SECONDS = 5.0
# While an outage lasts, so that pages fail at once instead of holding their places.
PROBE_SECONDS = 1.0
PROBE_CONNECT_SECONDS = 2  # psycopg takes no less
# The server's own limit comes first: it says more, and the connection can go on.
MARGIN_SECONDS = 3.0
TCP = {
    # Data that nobody confirms within 20 s, and 30 + 3 × 10 s of silence, mean a lost server.
    "tcp_user_timeout": 20_000,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
TOO_LONG, LOCKED = "57014", "55P03"  # SQLSTATE
BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")

NO_ANSWER = "The database does not answer right now. Nothing is lost; try again in a moment."
SENTENCES = {
    TOO_LONG: f"The database took longer than {PAGE_SECONDS:.0f} seconds to answer. "
    "Choose a shorter time range, or try again in a moment.",
    LOCKED: "The database is busy with another change of the same thing. Try again in a moment.",
}

_seconds: ContextVar[float | None] = ContextVar("seconds", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give statements inside so long, whoever asks."""
    token = _seconds.set(seconds)
    try:
        yield
    finally:
        _seconds.reset(token)


def statement_seconds() -> float:
    """How long a statement of whoever runs now may take."""
    return _seconds.get() or (PAGE_SECONDS if has_request_context() else JOB_SECONDS)


def lock_seconds() -> float:
    """How long a statement of whoever runs now may wait for others to let go of rows."""
    return PAGE_LOCK_SECONDS if has_request_context() else JOB_LOCK_SECONDS


def postgres_limits() -> dict[str, str]:
    """PostgreSQL's parameters for the transaction that begins, with their values."""
    return {
        "statement_timeout": f"{statement_seconds():.3f}s",
        "lock_timeout": f"{min(lock_seconds(), statement_seconds()):.3f}s",
        # A transaction that its client has forgotten keeps rows locked.
        "idle_in_transaction_session_timeout": f"{4 * statement_seconds():.3f}s",
    }


def sentence(error: BaseException) -> str:
    """What to tell the person whose page met this error of a database."""
    if isinstance(error, PoolTimeoutError):
        return "Every connection to the database is in use. Try again in a moment."
    cause = getattr(error, "orig", None) or error
    if getattr(cause, "sqlite_errorname", "").startswith(BUSY):
        return SENTENCES[LOCKED]
    return SENTENCES.get(getattr(cause, "sqlstate", None) or "", NO_ANSWER)


class Silence:
    """Whether the server was last heard of by its not answering."""

    lasts = False


class PatientConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server that does not answer.

    PostgreSQL's own limits are the server's: a frozen one keeps none of them, and its kernel goes
    on to confirm what is sent, so that no limit of TCP ends the wait either.
    """

    silence: Silence

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        """Consume a generator of psycopg; close the connection if that takes too long."""
        limit = self._limit() if timeout is None else timeout
        began = time.monotonic()
        try:
            answer = super().wait(gen, interval, timeout=limit)
        except psycopg.OperationalError:
            if time.monotonic() - began >= limit:
                self.close()
                self.silence.lasts = True
            raise
        self.silence.lasts = False
        return answer

    def _limit(self) -> float:
        if self.silence.lasts:
            return PROBE_SECONDS
        if self.pgconn.transaction_status == TransactionStatus.IDLE:
            return FIRST_SECONDS
        return statement_seconds() + MARGIN_SECONDS

    @classmethod
    def of(cls, silence: Silence, *arguments: Any, **options: Any) -> Self:
        """Connect to the server that `silence` is about."""
        seconds = PROBE_CONNECT_SECONDS if silence.lasts else CONNECT_SECONDS
        connection = cls.connect(*arguments, **{"connect_timeout": seconds, **options})
        connection.silence = silence
        return connection


def be_patient(engine: Engine) -> None:
    """Make this engine's connections to PostgreSQL ones that give up."""
    silence = Silence()

    @event.listens_for(engine, "do_connect")
    def connect(
        _dialect: Dialect,
        _entry: ConnectionPoolEntry,
        arguments: list[Any],
        options: dict[str, Any],
    ) -> PatientConnection:
        return PatientConnection.of(silence, *arguments, **{**TCP, **options})
