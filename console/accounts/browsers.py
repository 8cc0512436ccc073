"""Browsers that a person has signed in with, known again by a cookie until they are forgotten.

A browser may be several people's: its cookie holds a token for each of the latest.
"""

from collections.abc import Sequence
from datetime import timedelta

from flask import Response, after_this_request, current_app, request
from sqlalchemy import Select, delete, select

from console.accounts.models import KnownBrowser, User
from console.core import clock
from console.core.crypto import Token, hash_of, new_token
from console.core.db import db
from console.core.persons import person_scope
from console.web.below import front_path
from console.web.csp import bound_name

KEPT = timedelta(days=180)  # since the last sign-in
MOST_PEOPLE, MOST_BROWSERS = 5, 20
COOKIE = "pharos-browser"


def known(user: User | None) -> int:
    """The number of this browser if the person has signed in with it, else 0.

    It runs the same statement when there is no such person, so that the time reveals nothing.
    """
    tokens = _presented()
    if not tokens:
        return 0
    user_id = user.id if user else 0
    with person_scope(user_id):
        browser = db.session.scalar(_lasting(user_id, tokens))
    return browser.id if browser else 0


def remember(user: User) -> int:
    """Know this browser from now on, and give its cookie to the answer; return its number."""
    tokens = _presented()
    with person_scope(user.id):
        browser = db.session.scalar(_lasting(user.id, tokens))
        if browser is None:
            token, stored = new_token(Token.BROWSER)
            browser = KnownBrowser(user_id=user.id, hash=stored)
            db.session.add(browser)
            tokens = [*tokens, token][-MOST_PEOPLE:]
        browser.last_login_at = clock.now()
        browser.address = (request.remote_addr or "")[:64]
        browser.user_agent = request.user_agent.string[:200]
        db.session.flush()
        _forget_oldest(user.id)
        browser_id = browser.id
    after_this_request(lambda answer: _hand_over(answer, tokens))
    return browser_id


def signed_out(user: User, but: set[int | None]) -> Sequence[KnownBrowser]:
    """The person's known browsers without the ones in `but`, last used first."""
    with person_scope(user.id):
        rows = db.session.scalars(
            select(KnownBrowser)
            .where(KnownBrowser.user_id == user.id)
            .where(KnownBrowser.last_login_at > clock.now() - KEPT)
            .order_by(KnownBrowser.last_login_at.desc())
        ).all()
    return [row for row in rows if row.id not in but]


def forget(user: User, browser_id: int) -> bool:
    """Forget one of the person's browsers, which signs it out; False if it is not theirs.

    The caller commits.
    """
    with person_scope(user.id):
        of_person = KnownBrowser.user_id == user.id
        gone = delete(KnownBrowser).where(of_person, KnownBrowser.id == browser_id)
        return bool(db.session.scalars(gone.returning(KnownBrowser.id)).all())


def forget_all(user: User, *, but: int = 0) -> None:
    """Forget all of the person's browsers but one. The caller commits."""
    with person_scope(user.id):
        of_person = KnownBrowser.user_id == user.id
        db.session.execute(delete(KnownBrowser).where(of_person, KnownBrowser.id != but))


def _presented() -> list[str]:
    tokens = request.cookies.get(_cookie(), "").split(".")
    return [token for token in tokens if token.startswith(f"{Token.BROWSER}_")][-MOST_PEOPLE:]


def _lasting(user_id: int, tokens: Sequence[str]) -> Select[KnownBrowser]:
    return (
        select(KnownBrowser)
        .where(KnownBrowser.user_id == user_id, KnownBrowser.hash.in_(map(hash_of, tokens)))
        .where(KnownBrowser.last_login_at > clock.now() - KEPT)
    )


def _forget_oldest(user_id: int) -> None:
    """Keep only as many as a person may have, so that no job needs to delete old ones."""
    kept = (
        select(KnownBrowser.id)
        .where(KnownBrowser.user_id == user_id)
        .order_by(KnownBrowser.last_login_at.desc(), KnownBrowser.id.desc())
        .limit(MOST_BROWSERS)
    )
    ids = db.session.scalars(kept).all()
    of_person = KnownBrowser.user_id == user_id
    db.session.execute(delete(KnownBrowser).where(of_person, KnownBrowser.id.not_in(ids)))


def _hand_over(answer: Response, tokens: Sequence[str]) -> Response:
    """Set the cookie, which only this host and no script can read."""
    answer.set_cookie(
        _cookie(),
        ".".join(tokens),
        max_age=KEPT,
        path=front_path(),
        secure=_is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return answer


def _cookie() -> str:
    return bound_name(COOKIE)


def _is_secure() -> bool:
    """Whether the cookie may go by https alone: as the session's does."""
    return current_app.session_interface.get_cookie_secure(current_app)
