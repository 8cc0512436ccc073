"""What is only noted, such as a view count: what somebody asked for goes on without it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from console.core import outages, patience, repeated
from console.core.database_errors import concerns_all
from console.core.db import db, writing

LOCK_SECONDS = 1.0
"""A page waits so long for others who write, and then does without the note."""
log = logging.getLogger(__name__)


def note(subject: str, write: Callable[[], object]) -> bool:
    """End the transaction under way, and `write` in one of its own; False if that could not be.

    `subject` says in the log what was not noted, with no id of a row: the log has each such failure
    once, and then ever less often.
    """
    db.session.rollback()
    try:
        with writing(), patience.locks_within(LOCK_SECONDS):
            write()
            db.session.commit()
    except (DBAPIError, PoolTimeoutError) as error:
        db.session.rollback()
        _report(subject, error)
        return False
    repeated.current().succeeded(("note", subject))
    return True


def _report(subject: str, error: DBAPIError | PoolTimeoutError) -> None:
    cause = getattr(error, "orig", None) or error
    words = next(iter(str(cause).splitlines()), type(cause).__name__)
    times = repeated.current().failed(("note", subject), words)
    if not times or outages.present.takes(error):
        return
    if concerns_all(error) or patience.is_locked(error):
        log.warning("%s: not noted, %d times: %s", subject, times, words)
    else:
        log.error("%s: not noted, %d times", subject, times, exc_info=error)
