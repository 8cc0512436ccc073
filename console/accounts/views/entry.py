"""Ways in and out: the first set-up, login, logout, invitations."""

from flask import (
    Response,
    abort,
    current_app,
    flash,
    make_response,
    render_template,
    request,
    url_for,
)
from flask_login import current_user
from sqlalchemy import exists, select
from sqlalchemy.exc import IntegrityError

from console.accounts import members, passwords, projects, sessions, throttle
from console.accounts.access import account_view, link_view, public_view, safe_path
from console.accounts.forms import JoinForm, LoginForm, SetupForm, text
from console.accounts.models import User
from console.accounts.queries import user_by_email
from console.accounts.views.blueprint import bp
from console.core.config import config
from console.core.crypto import same, setup_token
from console.core.db import db, hold_alone, reading
from console.core.tenancy import enter_organization
from console.web.htmx import go_to

SETUP = "setup"


@bp.route("/setup", methods=["GET", "POST"])
@link_view
def setup() -> Response:
    given = request.args.get("token", "")
    if request.method == "POST":
        hold_alone(SETUP)  # of two who come at once, the second finds the first one's account
    if not same(given, setup_token(config().secret_key)) or not is_fresh():
        abort(404)
    form = SetupForm()
    if not form.validate_on_submit():
        return _page("accounts/setup.html", form=form, token=given)
    hashed = passwords.hash_password(text(form.password))
    user = User(name=text(form.name), email=text(form.email), password_hash=hashed)
    db.session.add(user)
    db.session.flush()
    sessions.start(user)
    organization = projects.create_organization(text(form.organization), owner=user)
    project = projects.create_project(text(form.project), platform=form.platform.data)
    path = f"/{organization.slug}/{project.slug}/connect"
    db.session.commit()
    return go_to(path)


@bp.route("/login", methods=["GET", "POST"])
@public_view
def login() -> Response:
    if current_user.is_authenticated:
        return go_to(safe_path(request.args.get("next")))
    form = LoginForm(next=safe_path(request.args.get("next")))
    if not form.validate_on_submit():
        return _page("accounts/login.html", form=form, fresh=is_fresh())
    address = request.remote_addr or ""
    wait = throttle.attempt(text(form.email), address)
    if wait:
        return _too_often(form, round(wait.total_seconds()) + 1)
    user = _person(text(form.email), text(form.password))
    if user is None:
        current_app.logger.warning("failed sign-in from %s", address)
        form.form_errors = ["This e-mail address and password do not belong together."]
        return _page("accounts/login.html", form=form, fresh=False)
    throttle.succeeded(text(form.email), address)
    sessions.start(user)
    db.session.commit()
    return go_to(safe_path(form.next.data))


@bp.post("/logout")
@account_view
def logout() -> Response:
    sessions.end()
    db.session.commit()
    return go_to(url_for("accounts.login"))


@bp.route("/invite/<token>", methods=["GET", "POST"])
@link_view
def invitation(token: str) -> Response:
    """Accept an invitation: as who is signed in, or as a new person under the invited address."""
    offer = members.invitation_of(token)
    if offer is None:
        page = render_template("accounts/invitation_gone.html")
        return make_response(page, 404)
    organization = offer.organization
    known = user_by_email(offer.email)
    form = JoinForm(offer.email)
    signed_in = current_user.is_authenticated
    asked = (
        form.validate_on_submit() if not signed_in and known is None else request.method == "POST"
    )
    if not asked or (known is not None and not signed_in):
        return _page(
            "accounts/invitation.html",
            form=form,
            offer=offer,
            organization=organization,
            known=known,
        )
    enter_organization(offer.organization_id)
    user = current_user if signed_in else _new_person(offer.email, form)
    if not members.accept(offer, user):
        abort(404)
    if not signed_in:
        sessions.start(user)
    slug = organization.slug
    _commit_or_retry()
    flash(f"You are a member of {organization.name} now.", "good")
    return go_to(url_for("accounts.projects", organization=slug))


def is_fresh() -> bool:
    """Whether nobody has an account yet, so that the set-up link works."""
    return not db.session.scalar(select(exists().where(User.id.is_not(None))))


def _person(email: str, password: str) -> User | None:
    """The person of these credentials; takes as long when there is no such account."""
    with reading():
        user = user_by_email(email)
        stored = user.password_hash if user else None
        db.session.rollback()  # nothing is locked while the password is hashed
    return user if passwords.verify(stored, password) else None


def _new_person(email: str, form: JoinForm) -> User:
    hashed = passwords.hash_password(text(form.password))
    user = User(name=text(form.name), email=email, password_hash=hashed)
    db.session.add(user)
    db.session.flush()
    return user


def _commit_or_retry() -> None:
    try:
        db.session.commit()
    except IntegrityError:  # the same link was used twice at the same moment
        db.session.rollback()
        abort(409, "This was done a moment ago in another window.")


def _too_often(form: LoginForm, seconds: int) -> Response:
    form.form_errors = [f"Too many failed sign-ins. Try again in {seconds} seconds."]
    answer = make_response(render_template("accounts/login.html", form=form, fresh=False), 429)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def _page(template: str, *, form: SetupForm | LoginForm | JoinForm, **context: object) -> Response:
    """The page of a form; 422 when it was sent with errors."""
    status = 422 if form.errors else 200
    return make_response(render_template(template, form=form, **context), status)
