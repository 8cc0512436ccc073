"""Who is signed in: rows that end when a person or the clock says so.

The cookie is Flask's signed one and holds the row's token; without the row it opens nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from flask import Flask, Response, g, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, login_user, logout_user
from sqlalchemy import delete, or_, select, update

from console.accounts import browsers, two_factor
from console.accounts.models import LoginSession, Membership, User
from console.accounts.unwritten import LASTS, UnwrittenSession, unwritten
from console.core import absences, clock
from console.core.crypto import Token, hash_of, new_token
from console.core.db import db
from console.core.noting import note
from console.core.persons import enter_person, person_scope, token_scope
from console.web import clocks
from console.web.below import front_path
from console.web.csp import bound_name, by_https

IDLE, ABSOLUTE = timedelta(days=14), timedelta(days=30)
SEEN_EVERY = timedelta(minutes=10)
TOKEN = "_user_id"  # noqa: S105 - Flask-Login's name for what it hands to the loader


class Cookies(SecureCookieSessionInterface):
    """Flask's signed cookie; for https requests it is Secure and bound to this host.

    PHAROS_URL need not be set for that: a trusted proxy says how the request came.
    """

    def get_cookie_name(self, app: Flask) -> str:
        name = super().get_cookie_name(app)
        return bound_name(name)

    def get_cookie_path(self, app: Flask) -> str:  # noqa: ARG002 - Flask's signature
        return front_path()

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002 - Flask's signature
        return by_https()


class Logins(LoginManager):  # type: ignore[misc]  # the library is untyped
    """Flask-Login without its second cookie, whose upkeep would open every answer's session."""

    def _update_remember_cookie(self, response: Response) -> Response:
        return response


logins = Logins()


def init_app(app: Flask) -> None:
    """Keep people signed in by a cookie that only this host and no script can read."""
    app.config.update(
        SESSION_COOKIE_NAME="pharos",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=ABSOLUTE,
        WTF_CSRF_TIME_LIMIT=None,  # a form is good as long as its session is
        # Pages with a token in their address send no referrer; web/csp.py looks at Sec-Fetch-Site.
        WTF_CSRF_SSL_STRICT=False,
    )
    app.session_interface = Cookies()
    logins.session_protection = None  # a phone changes its address all day
    logins.init_app(app)


@logins.user_loader  # type: ignore[untyped-decorator]
def load(token: str) -> User | None:
    """Return the person of a session that has neither ended nor expired."""
    now, stored = clock.now(), hash_of(token)
    with token_scope(stored):
        login = db.session.scalar(
            select(LoginSession)
            .where(LoginSession.hash == stored, LoginSession.expires_at > now)
            .where(LoginSession.last_seen_at > now - IDLE)
        )
    if login is None:
        return _of_memory(stored)
    enter_person(login.user_id)
    user = db.session.get(User, login.user_id)
    g.login_session_id, g.login_browser_id = login.id, login.browser_id
    g.login_factors = login.factors
    if login.last_seen_at < now - SEEN_EVERY:
        _saw(login.id)
    clocks.choose(user.zone if user else "")
    return user


def start(user: User, *, factors: int = 1) -> None:
    """Sign a person in on this browser, under a new id, and know it from now on. No commit.

    `factors` is what the first step proved: with 2 no second step was asked for.
    """
    token, stored = new_token(Token.SESSION)
    now = clock.now()
    enter_person(user.id)
    user.last_login_at = now
    db.session.add(
        LoginSession(
            hash=stored,
            user_id=user.id,
            browser_id=browsers.remember(user),
            factors=factors,
            created_at=now,
            last_seen_at=now,
            expires_at=now + ABSOLUTE,
            address=(request.remote_addr or "")[:64],
            user_agent=request.user_agent.string[:200],
        )
    )
    db.session.flush()
    session.clear()  # nothing that was put there before the sign-in outlives it
    login_user(user)
    session[TOKEN] = token
    session.permanent = True


def start_unwritten(user: User, *, factors: int = 1) -> None:
    """Sign a person in for an hour at most, without a row: nothing can be written now."""
    token, stored = new_token(Token.SESSION)
    kept = UnwrittenSession(
        user_id=user.id,
        password_hash=user.password_hash,
        factors=factors,
        created_at=clock.now(),
        address=(request.remote_addr or "")[:64],
        user_agent=request.user_agent.string[:200],
    )
    unwritten().add(stored, kept)
    session.clear()
    session[TOKEN] = token
    session.permanent = True


def end() -> None:
    """Sign this browser out. The caller commits."""
    stored = hash_of(session.get(TOKEN, ""))
    unwritten().end(stored)
    db.session.execute(delete(LoginSession).where(LoginSession.hash == stored))
    logout_user()
    session.clear()


def end_one(login: LoginSession, user: User) -> None:
    """Sign one of the person's browsers out and, unless it is this one, forget it. No commit."""
    known = login.browser_id
    with person_scope(user.id):
        db.session.delete(login)
    if known is not None and known != g.get("login_browser_id"):
        browsers.forget(user, known)


def end_others(user: User) -> None:
    """Sign the person out everywhere but here, and know only this browser. The caller commits."""
    unwritten().end_of(user.id, but=hash_of(session.get(TOKEN, "")))
    elsewhere = LoginSession.id != g.get("login_session_id", 0)
    with person_scope(user.id):
        db.session.execute(
            delete(LoginSession).where(LoginSession.user_id == user.id).where(elsewhere)
        )
    browsers.forget_all(user, but=g.get("login_browser_id") or 0)


def end_all(user: User) -> None:
    """Sign the person out everywhere, and forget their browsers. The caller commits."""
    unwritten().end_of(user.id)
    with person_scope(user.id):
        db.session.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    browsers.forget_all(user)


def active(user: User) -> Sequence[LoginSession]:
    """The browsers that the person is signed in on, last seen first."""
    now = clock.now()
    lasting = (
        select(LoginSession)
        .where(LoginSession.user_id == user.id, LoginSession.expires_at > now)
        .where(LoginSession.last_seen_at > now - IDLE)
        .order_by(LoginSession.last_seen_at.desc())
    )
    with person_scope(user.id):
        return db.session.scalars(lasting).all()


def forget_ended_of_members(_organization_id: int) -> Mapping[str, int]:
    """Delete the ended sessions of the members of the Session's organization. Commits."""
    people = db.session.scalars(select(Membership.user_id)).all()
    forget_ended(people)
    db.session.commit()
    return {"members looked at": len(people)}


def forget_ended(people: Iterable[int]) -> None:
    """Delete the expired sessions of these people. The caller commits."""
    now = absences.certain_now()
    old = or_(LoginSession.expires_at <= now, LoginSession.last_seen_at <= now - IDLE)
    for user_id in people:
        with person_scope(user_id):
            of_person = LoginSession.user_id == user_id
            db.session.execute(delete(LoginSession).where(of_person, old))


def _of_memory(stored: str) -> User | None:
    """The person of a session that could not be written; it is written as soon as that can be."""
    kept = unwritten().session(stored)
    if kept is None:
        return None
    with person_scope(kept.user_id):
        user = db.session.get(User, kept.user_id)
    if user is None or user.password_hash != kept.password_hash:
        unwritten().end(stored)
        return None
    row = LoginSession(
        hash=stored,
        user_id=kept.user_id,
        factors=kept.factors,
        created_at=kept.created_at,
        last_seen_at=clock.now(),
        expires_at=kept.created_at + LASTS,
        address=kept.address,
        user_agent=kept.user_agent,
    )

    used: list[str] = []

    def write() -> None:
        with person_scope(kept.user_id):
            db.session.add(row)
            db.session.flush()
            person = db.session.get_one(User, kept.user_id)
        used.extend(two_factor.settle_recovery_codes(person))

    if note("a sign-in", write):
        unwritten().end(stored)
        unwritten().settle(used)
    enter_person(kept.user_id)
    user = db.session.get(User, kept.user_id)
    g.login_session_id, g.login_browser_id, g.login_factors = 0, None, kept.factors
    clocks.choose(user.zone if user else "")
    return user


def _saw(login_id: int) -> None:
    seen = update(LoginSession).where(LoginSession.id == login_id).values(last_seen_at=clock.now())
    note("when somebody was here last", lambda: db.session.execute(seen))
