"""Signing in by steps: a first one names the person, a second one may follow, then a session.

A first step is a password, or whatever else proves who somebody is; it ends in `advance`, and says
how many factors it has proven.
"""

from console.accounts import sessions
from console.accounts.models import User


def advance(user: User, *, then: str) -> str:
    """Go on after a step that named the person; return the path of what comes next. No commit."""
    sessions.start(user)
    return then
