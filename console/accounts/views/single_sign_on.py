"""Logging in by an OpenID Connect provider."""

from dataclasses import asdict
from datetime import timedelta
from math import ceil
from typing import Any

from flask import Response, abort, flash, make_response, render_template, request, session, url_for
from flask_login import current_user

from console.accounts import browsers, passwords, projects, queries, signin, single_sign_on
from console.accounts.access import account_view, link_view, public_view, safe_path
from console.accounts.forms import text
from console.accounts.signin_forms import LinkForm
from console.accounts.single_sign_on import CALLBACK, Identity, SignOnRefused
from console.accounts.throttle import PASSWORD, Attempt
from console.accounts.views.blueprint import bp
from console.core import clock
from console.core.config import config
from console.core.crypto import new_nobodys_password
from console.core.db import Clash, db, noticing_clashes, reading, writing
from console.core.noting import CannotWrite, writing_soon
from console.web.htmx import go_to, part_or_redirect

THEN, LINKING = "sso_then", "sso_linking"  # session keys
LASTS = timedelta(minutes=10)
PART = "accounts/_identities.html"


@bp.get("/login/single-sign-on")
@public_view
def single_sign_on_start() -> Response:
    """Send the person to the provider."""
    _offered_or_404()
    session[THEN] = safe_path(request.args.get("next"))
    try:
        return single_sign_on.to_provider(f"{projects.console_url()}{CALLBACK}")
    except SignOnRefused as refusal:
        return _refused(str(refusal), 503)


@bp.get(CALLBACK)
@link_view
def single_sign_on_answer() -> Response:
    """Take the provider's answer: it opens the linked account, or a new one for who may join."""
    _offered_or_404()
    then = safe_path(session.pop(THEN, None))
    try:
        identity = single_sign_on.answered()
    except SignOnRefused as refusal:
        return _refused(str(refusal), 403)
    hashed = passwords.hash_password(new_nobodys_password())  # before anything is locked
    try:
        with writing(), writing_soon():
            db.session.rollback()
            with noticing_clashes():
                return _signed_in(identity, then, hashed)
    except Clash:  # the same person in another window
        abort(409, "This was done a moment ago in another window.")
    except CannotWrite as refusal:
        cause = refusal.__cause__
    path = _advance_unwritten(identity, then)
    if not path and cause is not None:  # an account can be neither made nor linked
        raise cause
    return go_to(path)


@bp.route("/login/single-sign-on/account", methods=["GET", "POST"])
@public_view
def single_sign_on_account() -> Response:
    """Ask once for the password of an account that is there already.

    Otherwise a stranger who made it under this address first could share it with its owner.
    """
    note: dict[str, Any] | None = session.get(LINKING)
    if note is None or clock.now().timestamp() - note["at"] > LASTS.total_seconds():
        flash("Log in again: this step takes ten minutes at most.", "warn")
        return go_to(url_for("accounts.login"))
    identity, form = Identity(**note["identity"]), LinkForm()
    status = 200
    if form.validate_on_submit():
        status = _password_status(form, identity.email)
        user = queries.user_by_email(identity.email) if status == 200 else None
        if user is not None:
            single_sign_on.link(user, identity)
            path = signin.advance(user, then=note["then"], factors=identity.factors)
            db.session.commit()
            return go_to(path)
        db.session.rollback()
    elif form.errors:
        status = 422
    page = render_template(
        "accounts/link_identity.html", form=form, email=identity.email, provider=config().oidc_name
    )
    return make_response(page, status)


@bp.post("/account/identities/<id:identity_id>/removal")
@account_view
def unlink_identity(identity_id: int) -> Response:
    """Unlink an identity at the provider from the account."""
    if not single_sign_on.unlink(current_user, identity_id):
        abort(404)
    db.session.commit()
    identities = single_sign_on.linked(current_user)
    return part_or_redirect(PART, ".account", identities=identities)


def _signed_in(identity: Identity, then: str, hashed: str) -> Response:
    user = single_sign_on.person_of(identity)
    if user is None and queries.user_by_email(identity.email) is not None:
        db.session.rollback()
        at = int(clock.now().timestamp())
        session[LINKING] = {"identity": asdict(identity), "then": then, "at": at}
        return go_to(url_for("accounts.single_sign_on_account"))
    if user is None and not identity.may_join:
        db.session.rollback()
        words = f"There is no account for {identity.email} here. Ask an admin to invite you."
        return _refused(words, 403)
    user = user or single_sign_on.join(identity, hashed)
    path = signin.advance(user, then=then, factors=identity.factors)
    db.session.commit()
    return go_to(path)


def _advance_unwritten(identity: Identity, then: str) -> str:
    """Sign in whose account is linked while nothing can be written; "" for everybody else."""
    with reading():
        user_id = single_sign_on.known(identity)
        user = queries.user_for_update(user_id) if user_id is not None else None
        path = user and signin.advance_unwritten(user, then=then, factors=identity.factors)
        db.session.rollback()
    return path or ""


def _password_status(form: LinkForm, email: str) -> int:
    """200 if it is the account's password, else 422 or 429 with an error at the field."""
    with reading():
        user = queries.user_by_email(email)
        stored = user.password_hash if user else None
        attempt = Attempt(PASSWORD, email, request.remote_addr or "", browsers.known(user))
        db.session.rollback()
    wait = attempt.begin()
    if wait:
        form.password.errors = [
            f"Too many tries. Try again in {ceil(wait.total_seconds())} seconds."
        ]
        return 429
    if not passwords.verify(stored, text(form.password)):
        form.password.errors = ["This is not the account's password."]
        return 422
    attempt.succeeded()
    return 200


def _offered_or_404() -> None:
    if not single_sign_on.is_offered():
        abort(404)


def _refused(words: str, status: int) -> Response:
    page = render_template(
        "accounts/sign_on_refused.html", words=words, provider=config().oidc_name
    )
    return make_response(page, status)
