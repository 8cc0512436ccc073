"""What is only noted, such as a view count: what somebody asked for goes on without it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask, current_app
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from console.core import clock, outages, patience, repeated
from console.core.database_errors import concerns_all
from console.core.db import db, writing

LOCK_SECONDS = 1.0
"""A page waits so long for others who write, and then does without the note."""
PAUSE_SECONDS = 5.0
"""After that no page waits for the lock again for a while."""
_LOCKED_UNTIL = "pharos.locked-until"
log = logging.getLogger(__name__)


class CannotWrite(Exception):
    """Nothing at all can be written now: the disk is full, or somebody holds the lock."""


def init_app(app: Flask) -> None:
    """Wait for nobody's lock yet."""
    app.extensions[_LOCKED_UNTIL] = 0.0


def note(subject: str, write: Callable[[], object]) -> bool:
    """End the transaction under way, and `write` in one of its own; False if that could not be.

    `subject` says in the log what was not noted, with no id of a row: the log has each such failure
    once, and then ever less often.
    """
    db.session.rollback()
    if clock.monotonic() < current_app.extensions[_LOCKED_UNTIL]:
        return False
    try:
        with writing(), patience.locks_within(LOCK_SECONDS):
            write()
            db.session.commit()
    except (DBAPIError, PoolTimeoutError) as error:
        db.session.rollback()
        if patience.is_locked(error):
            current_app.extensions[_LOCKED_UNTIL] = clock.monotonic() + PAUSE_SECONDS
        _report(subject, error)
        return False
    repeated.current().succeeded(("note", subject))
    return True


@contextmanager
def writing_soon() -> Iterator[None]:
    """Wait for others who write no longer than a note does; raise CannotWrite if nothing can be."""
    try:
        with patience.locks_within(LOCK_SECONDS):
            yield
    except (DBAPIError, PoolTimeoutError) as error:
        db.session.rollback()
        if not _cannot_write(error):
            raise
        raise CannotWrite from error


def _cannot_write(error: BaseException) -> bool:
    return concerns_all(error) or patience.is_locked(error)


def _report(subject: str, error: DBAPIError | PoolTimeoutError) -> None:
    cause = getattr(error, "orig", None) or error
    words = next(iter(str(cause).splitlines()), type(cause).__name__)
    times = repeated.current().failed(("note", subject), words)
    if not times or outages.present.takes(error):
        return
    if _cannot_write(error):
        log.warning("%s: not noted, %d times: %s", subject, times, words)
    else:
        log.error("%s: not noted, %d times", subject, times, exc_info=error)
