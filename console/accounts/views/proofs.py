"""What a signed-in person proves again before a change to how they sign in."""

from math import ceil

from flask import request
from flask_login import current_user
from wtforms import Field

from console.accounts import browsers, passwords
from console.accounts.forms import text
from console.accounts.throttle import PASSWORD, Attempt
from console.core.db import db, reading


def password_status(field: Field) -> int:
    """200 if the field holds the person's password, else 422 or 429, with an error at the field.

    A session that somebody else got hold of must not be a way to try passwords. Ends the
    transaction under way; the caller commits.
    """
    with reading():
        db.session.rollback()
        email, stored = current_user.email, current_user.password_hash
        browser_id = browsers.known(current_user)
    attempt = Attempt(PASSWORD, email, request.remote_addr or "", browser_id)
    wait = attempt.begin()
    if wait:
        field.errors = [f"Too many tries. Try again in {ceil(wait.total_seconds())} seconds."]
        return 429
    if not passwords.verify(stored, text(field)):
        field.errors = ["This is not your present password."]
        return 422
    attempt.succeeded()
    return 200
