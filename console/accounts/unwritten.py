"""Sign-ins while nothing can be written: this process keeps them until the database takes them.

With a full disk, or while another program holds the lock, people have to get in and see why.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from flask import Flask, current_app

from console.core import clock

_EXTENSION = "pharos.unwritten"
_MOST_TRIES, _MOST_SESSIONS = 10_000, 1_000
LASTS, FORGOTTEN_AFTER = timedelta(hours=1), timedelta(hours=12)


@dataclass(slots=True)
class _Tries:
    failures: int = 0
    blocked_until: float = field(default_factory=clock.monotonic)
    """On the steady clock: nobody is locked out when the machine's is set back."""


@dataclass(frozen=True, slots=True)
class UnwrittenSession:
    """Somebody who is signed in by this process's memory alone."""

    user_id: int
    password_hash: str
    """It ends with this password: another process that changes it knows nothing of the session."""
    factors: int
    created_at: datetime
    address: str
    user_agent: str


class Unwritten:
    """Tries and sessions of one process."""

    def __init__(self) -> None:
        """Know of none."""
        self._lock = threading.Lock()
        self._tries: dict[str, _Tries] = {}
        self._sessions: dict[str, UnwrittenSession] = {}
        self._used: dict[str, None] = {}
        self._owed: dict[str, int] = {}

    def wait(self, subjects: Iterable[str]) -> timedelta:
        """How long the strictest of these counts makes the next try wait."""
        now = clock.monotonic()
        waits = [tries.blocked_until - now for s in subjects if (tries := self._tries.get(s))]
        return timedelta(seconds=max(waits, default=0.0))

    def count(self, limits: Mapping[str, Callable[[int], timedelta]]) -> timedelta:
        """Count a try in each of these counts; return how long it must wait, if at all.

        A limit tells how long the next try waits after so many.
        """
        with self._lock:
            wait = self.wait(limits)
            if wait > timedelta():
                return wait
            for subject, wait_after in limits.items():
                tries = self._tries.pop(subject, None) or _Tries()
                self._tries[subject] = tries  # the latest are the last to go
                if tries.blocked_until < clock.monotonic() - FORGOTTEN_AFTER.total_seconds():
                    tries.failures = 0
                tries.failures += 1
                wait = wait_after(tries.failures)
                tries.blocked_until = clock.monotonic() + wait.total_seconds()
            while len(self._tries) > _MOST_TRIES:
                del self._tries[next(iter(self._tries))]
        return timedelta()

    def forget(self, subject: str) -> None:
        """Forget the failures of one count: its try succeeded."""
        with self._lock:
            self._tries.pop(subject, None)

    def add(self, stored: str, session: UnwrittenSession) -> None:
        """Keep a session by the hash of its token."""
        with self._lock:
            self._sessions[stored] = session
            while len(self._sessions) > _MOST_SESSIONS:
                del self._sessions[next(iter(self._sessions))]

    def session(self, stored: str) -> UnwrittenSession | None:
        """The session of this hash, if it has not ended."""
        kept = self._sessions.get(stored)
        if kept is not None and kept.created_at <= clock.now() - LASTS:
            self.end(stored)
            return None
        return kept

    def end(self, stored: str) -> None:
        """End a session, or leave it to the database, which has it now."""
        with self._lock:
            self._sessions.pop(stored, None)

    def use(self, proof: str) -> None:
        """Remember what was used once: a code of an app, or a challenge, good for minutes only."""
        with self._lock:
            self._used[proof] = None
            while len(self._used) > _MOST_SESSIONS:
                del self._used[next(iter(self._used))]

    def was_used(self, proof: str) -> bool:
        """Whether it was used while nothing could be written."""
        return proof in self._used or proof in self._owed

    def owe(self, code: str, user_id: int) -> None:
        """Remember a recovery code that was used, until the database has forgotten it, too."""
        with self._lock:
            self._owed[code] = user_id

    def owed(self, user_id: int) -> list[str]:
        """The recovery codes of a person that the database has still to forget."""
        return [code for code, owner in self._owed.copy().items() if owner == user_id]

    def settle(self, codes: Iterable[str]) -> None:
        """The database has forgotten these codes."""
        with self._lock:
            for code in codes:
                self._owed.pop(code, None)

    def end_of(self, user_id: int, *, but: str = "") -> None:
        """End a person's sessions; `but` is the hash of one that goes on."""
        with self._lock:
            own = [s for s, kept in self._sessions.items() if kept.user_id == user_id and s != but]
            for stored in own:
                del self._sessions[stored]


def init_app(app: Flask) -> None:
    """Give the app its memory of them."""
    app.extensions[_EXTENSION] = Unwritten()


def unwritten() -> Unwritten:
    """What this process keeps."""
    return cast("Unwritten", current_app.extensions[_EXTENSION])
