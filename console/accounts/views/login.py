"""Logging in, step by step, and out."""

from collections.abc import Callable
from math import ceil

from flask import Response, current_app, flash, make_response, render_template, request, url_for
from flask_login import current_user

from console.accounts import (
    browsers,
    passkeys,
    passwords,
    queries,
    resets,
    sessions,
    signin,
    single_sign_on,
    throttle,
    two_factor,
)
from console.accounts.access import account_view, public_view, safe_path
from console.accounts.forms import text
from console.accounts.signin_forms import CodeForm, LoginForm, PasskeyLoginForm, RecoveryForm
from console.accounts.two_factor import Factor
from console.accounts.views.blueprint import bp
from console.accounts.views.proofs import code_status
from console.core.config import config
from console.core.db import db, reading
from console.core.noting import CannotWrite, writing_soon
from console.web.htmx import go_to

PAGE = "accounts/login.html"


@bp.route("/login", methods=["GET", "POST"])
@public_view
def login() -> Response:
    """The first step: an e-mail address and its password."""
    if _is_signed_in():
        return go_to(safe_path(request.args.get("next")))
    form = LoginForm(next=safe_path(request.args.get("next")))
    if not form.validate_on_submit():
        return login_page(form, fresh=queries.is_fresh())
    email, address = text(form.email), request.remote_addr or ""
    with reading():
        user = queries.user_by_email(email)
        known = (user.id, user.password_hash) if user else None
        attempt = throttle.Attempt(throttle.PASSWORD, email, address, browsers.known(user))
    wait = attempt.begin()
    if wait:
        return _too_often(form, ceil(wait.total_seconds()))
    if not passwords.verify(known and known[1], text(form.password)):
        current_app.logger.warning("failed sign-in from %s", address)
        return _refused(form)
    try:
        with writing_soon():
            attempt.succeeded()
            path = _advance(known, safe_path(form.next.data), signin.advance)
            db.session.commit()
    except CannotWrite:
        with reading():
            path = _advance(known, safe_path(form.next.data), signin.advance_unwritten)
            db.session.rollback()
    return go_to(path) if path else _refused(form)


def _advance(known: tuple[int, str] | None, then: str, advance: Callable[..., str]) -> str:
    """Take the next step with the person; "" if their password was changed meanwhile."""
    user = queries.user_for_update(known[0]) if known else None
    if known is None or user is None or user.password_hash != known[1]:
        db.session.rollback()
        return ""
    return advance(user, then=then)


@bp.route("/login/code", methods=["GET", "POST"])
@public_view
def login_code() -> Response:
    """The second step: a code of the authenticator app."""
    return _second_step(CodeForm(), "accounts/login_code.html", two_factor.CODE)


@bp.route("/login/recovery-code", methods=["GET", "POST"])
@public_view
def login_recovery_code() -> Response:
    """The second step without the app: a recovery code."""
    template = "accounts/login_recovery_code.html"
    return _second_step(RecoveryForm(), template, two_factor.RECOVERY_CODE)


@bp.post("/logout")
@account_view
def logout() -> Response:
    sessions.end()
    db.session.commit()
    return go_to(url_for("accounts.login"))


def login_page(form: LoginForm, *, fresh: bool, status: int = 0) -> Response:
    """The page of the first step, with all ways to take it."""
    provider = config().oidc_name if single_sign_on.is_offered() else ""
    page = render_template(
        PAGE,
        form=form,
        fresh=fresh,
        by_mail=resets.by_mail(),
        provider=provider,
        passkey=PasskeyLoginForm(formdata=None, next=form.next.data) if passkeys.site() else None,
    )
    return make_response(page, status or (422 if form.errors else 200))


def _second_step(form: CodeForm | RecoveryForm, template: str, factor: Factor) -> Response:
    try:
        with writing_soon():
            return _second_step_written(form, template, factor)
    except CannotWrite:
        return _second_step_unwritten(form, template, factor)


def _second_step_written(form: CodeForm | RecoveryForm, template: str, factor: Factor) -> Response:
    user = signin.half_signed_in()
    if user is None:
        db.session.rollback()
        flash("Log in again: the second step takes ten minutes at most.", "warn")
        return go_to(url_for("accounts.login"))
    status = 200
    if form.validate_on_submit():
        status = code_status(form.code, user, factor.accepts)
        user = signin.half_signed_in() if status == 200 else None
        if user is not None:
            path = signin.finish(user)
            db.session.commit()
            return go_to(path)
        db.session.rollback()
    elif form.errors:
        status = 422
    return make_response(render_template(template, form=form), status)


def _second_step_unwritten(
    form: CodeForm | RecoveryForm, template: str, factor: Factor
) -> Response:
    """The same while nothing can be written: memory counts the tries."""
    with reading():
        user = signin.half_signed_in()
        email = user.email if user else ""
        db.session.rollback()
    if not form.validate_on_submit():
        return make_response(render_template(template, form=form), 422 if form.errors else 200)
    attempt = throttle.Attempt(two_factor.GATE, email, request.remote_addr or "")
    wait = attempt.begin()
    if wait:
        form.code.errors = [f"Too many tries. Try again in {ceil(wait.total_seconds())} seconds."]
        return make_response(render_template(template, form=form), 429)
    with reading():
        path = _proven_unwritten(text(form.code), factor)
        db.session.rollback()
    if path:
        attempt.succeeded_unwritten()
        return go_to(path)
    form.code.errors = ["This code is not right, or it was used before."]
    return make_response(render_template(template, form=form), 422)


def _proven_unwritten(code: str, factor: Factor) -> str:
    """Finish the sign-in if the code is right; the path of the next page, or ""."""
    user = signin.half_signed_in()
    try:
        accepted = user is not None and factor.is_right(user, code)
    except two_factor.SecretLost:
        current_app.logger.exception("a code of an authenticator app could not be checked")
        return ""
    if user is None or not accepted:
        return ""
    factor.use_up_in_memory(user, code)
    return signin.finish_unwritten(user)


def _is_signed_in() -> bool:
    """Whether somebody is; asked as a reader, so that a flood of tries never waits to write."""
    with reading():
        signed_in = bool(current_user.is_authenticated)
        db.session.rollback()
    return signed_in


def _refused(form: LoginForm) -> Response:
    form.form_errors = ["Wrong e-mail address or password."]
    return login_page(form, fresh=False)


def _too_often(form: LoginForm, seconds: int) -> Response:
    form.form_errors = [f"Too many failed sign-ins. Try again in {seconds} seconds."]
    answer = login_page(form, fresh=False, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer
