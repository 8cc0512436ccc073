"""A person's passkeys: adding one, removing one, and logging in with one."""

from math import ceil

from flask import Response, abort, flash, make_response, render_template, request, url_for
from flask_login import current_user

from console.accounts import passkeys, signin
from console.accounts.access import account_view, current_shell, public_view, safe_path
from console.accounts.forms import text
from console.accounts.models import User
from console.accounts.passkeys import PasskeyRefused
from console.accounts.signin_forms import (
    LoginForm,
    PasskeyForm,
    PasskeyLoginForm,
    PasskeyProofForm,
)
from console.accounts.throttle import Attempt
from console.accounts.views.blueprint import bp, changed, recognised
from console.accounts.views.login import login_page
from console.accounts.views.proofs import password_status
from console.core.db import db, reading
from console.core.noting import CannotWrite, writing_soon
from console.web.htmx import go_to

PART = "accounts/_passkeys.html"


@bp.get("/account/passkeys/new")
@account_view
def new_passkey() -> Response:
    """Where a passkey is added: first the password, then the device."""
    return _page()


@bp.post("/account/passkeys/challenge")
@account_view
def begin_passkey() -> Response:
    """Take the password, and give this browser five minutes to add a passkey."""
    form = PasskeyProofForm()
    status = password_status(form.current) if form.validate() else 422
    if status != 200:
        return _page(status=status, proof=form)
    db.session.commit()
    passkeys.begin_registration()
    return go_to(url_for("accounts.new_passkey"))


@bp.post("/account/passkeys")
@account_view
def add_passkey() -> Response:
    """Keep the public key of the pair that the device made."""
    form = PasskeyForm()
    if not form.validate():
        form.form_errors = [*form.form_errors, *form.credential.errors]
        return _page(status=422, passkey=form)
    try:
        passkeys.register(_person(), text(form.credential), text(form.name))
    except PasskeyRefused as refusal:
        db.session.rollback()
        return _page(status=422, problem=str(refusal))
    db.session.commit()
    flash("The passkey was added. You can log in with it from now on.", "good")
    return go_to(url_for("accounts.account", _anchor="passkeys"))


@bp.post("/account/passkeys/<id:passkey_id>/removal")
@account_view
def remove_passkey(passkey_id: int) -> Response:
    """Let a passkey sign in no more; the password and the second factor remain."""
    if not passkeys.remove(_person(), passkey_id):
        abort(404)
    db.session.commit()
    rest = passkeys.owned(_person())
    return changed(PART, ".account", "This passkey no longer works.", {}, passkeys=rest)


@bp.post("/login/passkey/challenge")
@public_view
def passkey_challenge() -> Response:
    """What a script hands to the browser, which looks for a passkey; as JSON, never cached."""
    try:
        options = passkeys.request_options()
    except PasskeyRefused:
        abort(404)
    return Response(options, content_type="application/json", headers={"Cache-Control": "no-store"})


@bp.post("/login/passkey")
@public_view
def passkey_login() -> Response:
    """Sign in whoever's device answers; it asked them for a second factor itself."""
    form = PasskeyLoginForm()
    if not form.validate():
        return _refused(form, str(form.credential.errors[0]) if form.credential.errors else "")
    attempt = passkeys.attempt(request.remote_addr or "")
    wait = attempt.begin() if passkeys.awaits_sign_in() else None
    if wait:
        seconds = ceil(wait.total_seconds())
        answer = _refused(form, f"Too many failed tries. Try again in {seconds} seconds.", 429)
        answer.headers["Retry-After"] = str(seconds)
        return answer
    try:
        return go_to(_signed_in(form, attempt))
    except PasskeyRefused as refusal:
        db.session.rollback()
        return _refused(form, str(refusal))


def _signed_in(form: PasskeyLoginForm, attempt: Attempt) -> str:
    """Sign in, also while nothing can be written; the path of the next page.

    Raises PasskeyRefused.
    """
    answer, then = text(form.credential), safe_path(form.next.data)
    challenge = passkeys.sign_in_challenge()
    try:
        with writing_soon():
            user = passkeys.person_of(answer, challenge)
            attempt.succeeded()
            path = signin.advance(user, then=then, factors=2)
            db.session.commit()
    except CannotWrite:
        with reading():
            user = passkeys.person_of_unwritten(answer, challenge)
            path = signin.advance_unwritten(user, then=then, factors=2)
            db.session.rollback()
    return path


def _person() -> User:
    person: User = current_shell().user
    return person


def _refused(form: PasskeyLoginForm, words: str, status: int = 422) -> Response:
    page = LoginForm(formdata=None, next=safe_path(form.next.data))
    page.form_errors = [words]
    return login_page(page, fresh=False, status=status)


def _page(
    *,
    status: int = 200,
    proof: PasskeyProofForm | None = None,
    passkey: PasskeyForm | None = None,
    problem: str = "",
) -> Response:
    name = recognised(request.user_agent.string) or "Passkey"
    page = render_template(
        "accounts/new_passkey.html",
        person=_person(),
        possible=passkeys.site() is not None,
        options=passkeys.creation_options(current_user),
        proof=proof or PasskeyProofForm(formdata=None),
        passkey=passkey or PasskeyForm(formdata=None, name=name),
        problem=problem,
    )
    answer = make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer
