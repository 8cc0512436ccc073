"""A person's own page: name, password, theme, and the browsers they are signed in on."""

from flask import Response, abort, g, make_response, request
from flask_login import current_user

from console.accounts import (
    browsers,
    passkeys,
    passwords,
    queries,
    sessions,
    single_sign_on,
    two_factor,
)
from console.accounts.access import account_view, public_view, safe_path
from console.accounts.forms import ProfileForm, text
from console.accounts.signin_forms import PasswordForm
from console.accounts.views.blueprint import bp, changed
from console.accounts.views.proofs import password_status
from console.core.db import db
from console.web.below import front_path
from console.web.csp import by_https
from console.web.frame import THEMES
from console.web.htmx import go_to, page_or_part

PAGE, BROWSERS = "accounts/account.html", "accounts/_sessions.html"
YEAR = 31_536_000


@bp.get("/account")
@account_view
def account() -> Response:
    return _page("accounts/_profile_form.html")


@bp.post("/account/profile")
@account_view
def rename_person() -> Response:
    form = ProfileForm()
    if not form.validate():
        return _page("accounts/_profile_form.html", status=422, profile=form)
    current_user.name, current_user.zone = text(form.name), form.zone.data
    db.session.commit()
    return changed("accounts/_profile_form.html", ".account", "Saved.", {}, profile=form)


@bp.post("/account/password")
@account_view
def change_password() -> Response:
    """Set a new password, and sign the person out everywhere else."""
    form = PasswordForm(current_user.email, current_user.name)
    part = "accounts/_password_form.html"
    if not form.validate():
        return _page(part, status=422, password=form)
    status = password_status(form.current)
    if status != 200:
        return _page(part, status=status, password=form)
    hashed = passwords.hash_password(text(form.password))
    current_user.password_hash = hashed
    sessions.end_others(current_user)
    db.session.commit()
    note = "Your password was changed, and other browsers were signed out."
    return changed(part, ".account", note, {}, password=PasswordForm("", ""))


@bp.post("/account/sessions/ending")
@account_view
def end_other_sessions() -> Response:
    """Sign the person out everywhere but here, and know only this browser."""
    sessions.end_others(current_user)
    db.session.commit()
    return changed(BROWSERS, ".account", "All other browsers were signed out.", {}, **_sessions())


@bp.post("/account/browsers/<id:browser_id>/ending")
@account_view
def forget_browser(browser_id: int) -> Response:
    """Forget a browser on which the person is not signed in."""
    if not browsers.forget(current_user, browser_id):
        abort(404)
    db.session.commit()
    return changed(BROWSERS, ".account", "That browser was forgotten.", {}, **_sessions())


@bp.post("/account/sessions/<id:session_id>/ending")
@account_view
def end_session(session_id: int) -> Response:
    """Sign one of the person's browsers out, and forget it."""
    sessions.end_one(queries.login_session_or_404(current_user, session_id), current_user)
    db.session.commit()
    return changed(BROWSERS, ".account", "That browser was signed out.", {}, **_sessions())


@bp.post("/theme")
@public_view
def set_theme() -> Response:
    """Choose light or dark for this browser and, when signed in, for the person."""
    theme = request.form.get("theme", "auto")
    if theme not in {*THEMES, "auto"}:
        abort(400)
    if current_user.is_authenticated:
        current_user.theme = theme
        db.session.commit()
    answer = make_response(go_to(safe_path(request.form.get("next"))))
    answer.set_cookie(
        "theme",
        theme,
        max_age=YEAR,
        path=front_path(),
        samesite="Lax",
        httponly=True,
        secure=by_https(),
    )
    return answer


def _page(
    part: str,
    *,
    status: int = 200,
    profile: ProfileForm | None = None,
    password: PasswordForm | None = None,
) -> Response:
    return page_or_part(
        PAGE,
        part,
        status=status,
        profile=profile or ProfileForm(formdata=None, obj=current_user),
        password=password or PasswordForm("", ""),
        codes_left=two_factor.recovery_codes_left(current_user),
        passkeys=passkeys.owned(current_user),
        identities=single_sign_on.linked(current_user),
        **_sessions(),
    )


def _sessions() -> dict[str, object]:
    logins = sessions.active(current_user)
    return {
        "sessions": logins,
        "browsers": browsers.signed_out(current_user, but={login.browser_id for login in logins}),
        "this_session": g.get("login_session_id"),
    }
