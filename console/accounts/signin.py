"""Signing in by steps: the first step names the person, a second may follow, then the session.

The first step is a password or another proof of who somebody is; it ends in `advance` with the
number of factors that it has proven. Between the steps the person is half signed in: a note in the
browser's signed session, which opens nothing but the second step.
"""

from datetime import timedelta

from flask import session, url_for

from console.accounts import queries, sessions
from console.accounts.models import User
from console.core import clock
from console.core.config import config
from console.core.crypto import keyed_hash, same

HALF = "half"  # session key of the note
LASTS = timedelta(minutes=10)


def advance(user: User, *, then: str, factors: int = 1) -> str:
    """Go on after a step that named the person; return the path of the next page. No commit."""
    if factors == 1 and user.two_factor_since is not None:
        session.clear()
        session[HALF] = {
            "user": user.id,
            "at": int(clock.now().timestamp()),
            "version": _version(user),
            "then": then,
        }
        return url_for("accounts.login_code")
    sessions.start(user, factors=factors)
    return then


def advance_unwritten(user: User, *, then: str, factors: int = 1) -> str:
    """The same while nothing can be written; the second step is not left out."""
    if factors == 1 and user.two_factor_since is not None:
        return advance(user, then=then)
    sessions.start_unwritten(user, factors=factors)
    return then


def half_signed_in() -> User | None:
    """The person whose second step is awaited; a writing transaction locks the row.

    None if it took too long, or if their password or second factor has changed meanwhile.
    """
    note = session.get(HALF)
    if note is None or clock.now().timestamp() - note["at"] > LASTS.total_seconds():
        return None
    user = queries.user_for_update(note["user"])
    return user if user is not None and same(note["version"], _version(user)) else None


def finish(user: User) -> str:
    """Sign in whoever has done the second step; return where they wanted to go. No commit."""
    then: str = session[HALF]["then"]
    sessions.start(user)
    return then


def finish_unwritten(user: User) -> str:
    """The same while nothing can be written."""
    then: str = session[HALF]["then"]
    sessions.start_unwritten(user)
    return then


def _version(user: User) -> str:
    """A value that changes with the password and the second factor, which voids older notes."""
    since = str(user.two_factor_since)
    return keyed_hash(config().secret_key, "half", str(user.id), user.password_hash, since)
