"""Whether this process can do its work, with the reasons why not; each layer adds its checks."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import cast

from flask import Flask
from sqlalchemy.exc import InterfaceError, OperationalError

from console.core import clock

EXTENSION = "pharos.readiness"
FRESH_SECONDS = 2.0  # strangers may ask: the checks run this often at most
WAIT_SECONDS = 1.0
STUCK_SECONDS = 5.0
PATIENT_SECONDS = 10.0
"""What was bad that long ago already is a reason: whoever asks once a minute asks seldom enough."""
STUCK, UNKNOWN = "checks-hang", "not-checked"
DATABASE, NO_DATABASE = "state-database", "the state database does not answer"

log = logging.getLogger(__name__)

Question = Callable[[], str]
"""Answers "", or says what is wrong in plain words without names or values."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the process is not ready: a code for machines, and words."""

    code: str
    detail: str
    stops: bool = True
    """Whether it stops the whole console; false if it stops only some organizations."""


@dataclass(slots=True)
class Check:
    """A question, and how often in a row its answer was bad."""

    code: str
    ask: Question
    patience: int
    stops: bool
    failures: int = 0
    failing_since: float = 0.0
    """When the first of them was read, on the steady clock."""
    was_good: bool = False
    is_said: bool = False
    """Whether the log has it already."""

    @property
    def is_patient(self) -> bool:
        """Whether its bad answers may still be a slow reading or two."""
        is_short = clock.monotonic() - self.failing_since < PATIENT_SECONDS
        return self.was_good and self.failures < self.patience and is_short


class Readiness:
    """Runs all checks in a separate thread, so that a hanging check delays no answer."""

    def __init__(self, app: Flask) -> None:
        """Run no check until the first question."""
        self._app = app
        self._checks: list[Check] = []
        self._lock = threading.Lock()
        self._reasons = [Reason(UNKNOWN, "nothing was checked yet")]
        self._asked_at = -FRESH_SECONDS
        self._answered = threading.Event()
        self._answered.set()

    def add(self, code: str, ask: Question, *, patience: int = 1, stops: bool = True) -> None:
        """Add a check. After a good answer, it takes `patience` bad ones in a row to be a reason.

        Two that lie PATIENT_SECONDS apart are enough. One slow reading must not take a console out
        of service: getsentry/sentry, issue 70034.
        """
        self._checks.append(Check(code, ask, patience, stops))

    def reasons(self) -> list[Reason]:
        """What was wrong at most two seconds ago; if no reason stops it, the console is ready."""
        with self._lock:
            begins = self._answered.is_set() and monotonic() - self._asked_at > FRESH_SECONDS
            if begins:
                self._asked_at = monotonic()
                self._answered.clear()
        if begins:
            threading.Thread(target=self._ask_all, name="readiness", daemon=True).start()
            self._answered.wait(WAIT_SECONDS)
        if not self._answered.is_set() and monotonic() - self._asked_at > STUCK_SECONDS:
            return [Reason(STUCK, f"a check gives no answer for more than {STUCK_SECONDS:.0f} s")]
        return self._reasons

    def _ask_all(self) -> None:
        try:
            with self._app.app_context():
                reasons = [r for r in map(self._asked, self._checks) if r is not None]
                self._reasons = _shortened(reasons)
        finally:
            self._answered.set()

    def _asked(self, check: Check) -> Reason | None:
        try:
            problem = check.ask()
        except (InterfaceError, OperationalError):
            problem = NO_DATABASE
        except Exception as error:  # noqa: BLE001 - whatever fails is the answer
            problem = f"the check fails: {type(error).__name__}"
        if not problem:
            check.failures, check.was_good, check.is_said = 0, True, False
            return None
        if not check.failures:
            check.failing_since = clock.monotonic()
        check.failures += 1
        if check.is_patient:
            return None
        if not check.is_said:
            log.warning("not ready: %s, %s", check.code, problem)
            check.is_said = True
        return Reason(check.code, problem, check.stops)


def _shortened(reasons: list[Reason]) -> list[Reason]:
    """The reasons, where a state database that does not answer is one, however many ask it."""
    known = [reason for reason in reasons if reason.detail != NO_DATABASE]
    asked = [reason for reason in reasons if reason.detail == NO_DATABASE]
    if not asked:
        return known
    return [Reason(DATABASE, NO_DATABASE, any(reason.stops for reason in asked)), *known]


def init_app(app: Flask) -> None:
    """Give the app its checks."""
    app.extensions[EXTENSION] = Readiness(app)


def of(app: Flask) -> Readiness:
    """Return the app's checks."""
    return cast("Readiness", app.extensions[EXTENSION])
