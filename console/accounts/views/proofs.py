"""What a person proves: their password once more, or a second factor; tries of both are limited."""

from collections.abc import Callable
from math import ceil

from flask import current_app, request
from flask_login import current_user
from wtforms import Field

from console.accounts import browsers, passwords, queries, two_factor
from console.accounts.forms import text
from console.accounts.models import User
from console.accounts.throttle import PASSWORD, Attempt
from console.core.db import db, reading


def password_status(field: Field) -> int:
    """200 if the field holds the person's password, else 422 or 429, with an error at the field.

    A session that somebody else got hold of must not be a way to try passwords. Ends the
    transaction under way; the caller commits.
    """
    db.session.rollback()
    with reading():
        email, stored = current_user.email, current_user.password_hash
        browser_id = browsers.known(current_user)
    attempt = Attempt(PASSWORD, email, request.remote_addr or "", browser_id)
    wait = attempt.begin()
    if wait:
        return _too_often(field, ceil(wait.total_seconds()))
    if not passwords.verify(stored, text(field)):
        field.errors = ["This is not your current password."]
        return 422
    attempt.succeeded()
    return 200


def code_status(field: Field, user: User, accepts: Callable[[User, str], bool]) -> int:
    """200 if the field holds a code that `accepts` takes, else 422 or 429, with an error at it.

    The code is used up with the caller's commit. Ends the transaction under way.
    """
    db.session.rollback()
    with reading():
        user_id, email, browser_id = user.id, user.email, browsers.known(user)
    attempt = Attempt(two_factor.GATE, email, request.remote_addr or "", browser_id)
    wait = attempt.begin()
    if wait:
        return _too_often(field, ceil(wait.total_seconds()))
    person = queries.user_for_update(user_id)
    try:
        accepted = person is not None and accepts(person, text(field))
    except two_factor.SecretLost:
        current_app.logger.exception("a code of an authenticator app could not be checked")
        field.errors = ["The console can no longer read your app's secret: use a recovery code."]
        return 422
    if not accepted:
        current_app.logger.warning("failed second step from %s", request.remote_addr)
        field.errors = ["This code is not right, or it was used before."]
        return 422
    attempt.succeeded()
    return 200


def _too_often(field: Field, seconds: int) -> int:
    field.errors = [f"Too many tries. Try again in {seconds} seconds."]
    return 429
