"""A forgotten password: whoever reads the account's mail may set another."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app, render_template
from sqlalchemy import delete, select

from console.accounts import browsers, passkeys, person_log, queries, sessions
from console.accounts.models import PasswordReset, User
from console.accounts.throttle import Gate, Limit
from console.channels import email, smtp
from console.core import clock
from console.core.config import config
from console.core.crypto import Token, hash_of, new_token
from console.core.db import db
from console.core.persons import enter_person, person_scope, token_scope

PATH = "/reset-password/"
LASTS = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
# This limits how much mail a stranger can have sent to somebody.
GATE = Gate(
    "reset",
    pair=Limit(2, first=_MINUTE, longest=LASTS),
    account=Limit(4, first=_MINUTE, longest=LASTS),
    browser=Limit(3, first=_MINUTE, longest=LASTS),
)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks for a link: the named account, and the address and browser of the request."""

    email: str
    address: str
    browser: str
    at: datetime


def by_mail() -> bool:
    """Whether links can be mailed: it takes a mail server, and the console's address.

    A request's Host header is not good enough for a link that lets in: its sender chooses it.
    """
    settings = config()
    return bool(settings.smtp_url and settings.base_url)


def mail_link(caller: Caller) -> None:
    """Mail a link to the person, if there is such a person. Commits.

    It is called after the answer, which is the same if there is no such person.
    """
    user = queries.user_by_email(caller.email)
    if user is None:
        return
    token, stored = new_token(Token.PASSWORD_RESET)
    now = clock.now()
    with person_scope(user.id):
        old = PasswordReset.expires_at <= now
        db.session.execute(delete(PasswordReset).where(PasswordReset.user_id == user.id, old))
        db.session.add(
            PasswordReset(user_id=user.id, hash=stored, created_at=now, expires_at=now + LASTS)
        )
    to = user.email
    db.session.commit()
    link = f"{config().base_url}{PATH}{token}"
    _mail(to, "Set a new password for Pharos", "password_reset", caller=caller, link=link)


def mail_notice(caller: Caller) -> None:
    """Tell the person that their password was changed by such a link."""
    _mail(caller.email, "Your password for Pharos was changed", "password_changed", caller=caller)


def person_of(token: str) -> User | None:
    """The person whose password a link's token may change; None if it was used or has expired."""
    with token_scope(hash_of(token)):
        user_id = db.session.scalar(
            select(PasswordReset.user_id)
            .where(PasswordReset.hash == hash_of(token))
            .where(PasswordReset.expires_at > clock.now())
        )
    if user_id is None:
        return None
    enter_person(user_id)
    return db.session.get(User, user_id)


def change_password(user: User, token: str, hashed: str) -> bool:
    """Use the token up and set the password; False if it was already used. The caller commits.

    Everybody who is signed in to the account is signed out; this browser is known from now on, so
    that others' tries do not keep it from signing in. Passkeys go, for whoever had the
    account may have added one; two-factor sign-in stays as it is.
    """
    with person_scope(user.id):
        own = delete(PasswordReset).where(PasswordReset.user_id == user.id)
        presented = own.where(PasswordReset.hash == hash_of(token))
        if not db.session.scalars(presented.returning(PasswordReset.id)).all():
            return False
        db.session.execute(own)
    user.password_hash = hashed
    sessions.end_all(user)
    passkeys.remove_all(user)
    browsers.remember(user)
    person_log.record(user, "password.reset")
    return True


def _mail(to: str, subject: str, template: str, **context: object) -> None:
    settings = config()
    text = render_template(f"accounts/{template}_mail.txt", **context)
    message = email.Mail(to=to, subject=subject, text=text)
    try:
        email.send(message, smtp_url=settings.smtp_url, sender=settings.mail_from)
    except smtp.MailError as error:
        current_app.logger.warning("a mail about a password was not sent: %s", error)
