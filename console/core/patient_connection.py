"""Connections to PostgreSQL that give up on a server that does not answer."""

import time
from typing import Any, Self

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus

from console.core.patience import statement_seconds

CONNECT_SECONDS = 5
# The first statement of a transaction says whose rows it may see: it takes no lock and reads no
# table, so that a server that has not answered it by now is frozen, gone or out of reach.
FIRST_SECONDS = 5.0
# While an outage lasts, so that pages fail at once instead of holding their places.
PROBE_SECONDS = 1.0
PROBE_CONNECT_SECONDS = 2  # psycopg takes no less
# The server's own limit comes first: it says more, and the connection can go on.
MARGIN_SECONDS = 3.0


class Silence:
    """Whether the server left the last statement unanswered."""

    lasts = False


class PatientConnection(psycopg.Connection[Any]):
    """A connection that gives up on a server that does not answer.

    PostgreSQL enforces its own limits in the server: a frozen server keeps no limit, and its kernel
    still confirms what is sent, so that no TCP limit ends the wait either.
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
