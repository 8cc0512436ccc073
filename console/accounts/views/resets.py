"""A forgotten password: asking for a link, and following it."""

from functools import partial
from math import ceil

from flask import Response, abort, flash, make_response, render_template, request, url_for

from console.accounts import browsers, passwords, queries, resets
from console.accounts.access import link_view, public_view
from console.accounts.forms import text
from console.accounts.signin_forms import ForgottenForm, ResetForm
from console.accounts.throttle import Attempt
from console.accounts.views.blueprint import bp, recognised
from console.channels import outgoing
from console.core import clock
from console.core.db import db, reading
from console.web.htmx import go_to

SENT = (
    "If there is an account with this address, a mail with a link is on its way to it."
    " The link works once, and for an hour."
)
TOO_OFTEN = "A link was asked for a moment ago: look into the mailbox, also among the spam."


@bp.route("/forgot-password", methods=["GET", "POST"])
@public_view
def forgot_password() -> Response:
    """Ask for a link by mail; the answer is the same whether there is such an account or not."""
    form = ForgottenForm()
    if not resets.by_mail() or not form.validate_on_submit():
        return _page("accounts/forgot_password.html", form, by_mail=resets.by_mail())
    email = text(form.email)
    with reading():
        browser_id = browsers.known(queries.user_by_email(email))
    wait = Attempt(resets.GATE, email, request.remote_addr or "", browser_id).begin()
    if wait:
        return _too_often(form, ceil(wait.total_seconds()))
    if not outgoing.current().send_later(partial(resets.mail_link, _caller(email))):
        abort(503, "Too many mails are waiting to be sent. Try again in a minute.")
    flash(SENT, "good")
    return go_to(url_for("accounts.login"))


@bp.route(f"{resets.PATH}<token>", methods=["GET", "POST"])
@link_view
def reset_password(token: str) -> Response:
    """Set a new password for the person whom the link was mailed to."""
    user = resets.person_of(token)
    if user is None:
        return make_response(render_template("accounts/reset_gone.html"), 404)
    form = ResetForm(user.email, user.name)
    if not form.validate_on_submit():
        return _page("accounts/reset_password.html", form, email=user.email)
    hashed = passwords.hash_password(text(form.password))
    if not resets.change_password(user, token, hashed):
        abort(409, "This was done a moment ago in another window.")
    notice = partial(resets.mail_notice, _caller(user.email))
    db.session.commit()
    outgoing.current().send_later(notice)
    flash("Your password was changed. Log in with it.", "good")
    return go_to(url_for("accounts.login"))


def _caller(email: str) -> resets.Caller:
    browser = recognised(request.user_agent.string) or "an unknown program"
    return resets.Caller(email, request.remote_addr or "", browser, clock.now())


def _too_often(form: ForgottenForm, seconds: int) -> Response:
    minutes = ceil(seconds / 60)
    wait = f"{minutes} minutes" if minutes > 1 else "a minute"
    form.form_errors = [f"{TOO_OFTEN} You can ask for another in {wait}."]
    answer = _page("accounts/forgot_password.html", form, by_mail=True, status=429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _page(
    template: str, form: ForgottenForm | ResetForm, *, status: int = 0, **context: object
) -> Response:
    """The page of a form; 422 when it was sent with errors."""
    status = status or (422 if form.errors else 200)
    return make_response(render_template(template, form=form, **context), status)
