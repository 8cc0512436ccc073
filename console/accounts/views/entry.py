"""Ways to an account: the first set-up, invitations."""

from flask import (
    Response,
    abort,
    flash,
    make_response,
    render_template,
    request,
    url_for,
)
from flask_login import current_user

from console.accounts import members, operators, passwords, people, projects, sessions
from console.accounts.access import link_view
from console.accounts.forms import JoinForm, SetupForm, text
from console.accounts.models import User
from console.accounts.queries import is_fresh, user_by_email
from console.accounts.views.blueprint import bp
from console.core.config import config
from console.core.crypto import same, setup_token
from console.core.db import Clash, db, hold_alone, noticing_clashes
from console.core.tenancy import enter_organization
from console.web.below import front_path
from console.web.htmx import go_to

SETUP = "setup"
NO_SETUP = "This link sets nothing up: the console has printed another link since."


@bp.route("/setup", methods=["GET", "POST"])
@link_view
def setup() -> Response:
    given = request.args.get("token", "")
    if request.method == "POST":
        hold_alone(SETUP)  # of two who come at once, the second finds the first one's account
    if not is_fresh():
        return make_response(render_template("accounts/already_set_up.html"), 404)
    if not same(given, setup_token(config().secret_key)):
        abort(404, NO_SETUP)
    form = SetupForm()
    if not form.validate_on_submit():
        return _page("accounts/setup.html", form=form, token=given)
    hashed = passwords.hash_password(text(form.password))
    user = people.add(text(form.email), text(form.name), hashed)
    sessions.start(user)
    organization = projects.create_organization(text(form.organization), owner=user)
    project = projects.create_project(text(form.project), platform=form.platform.data)
    path, person = f"{front_path()}{organization.slug}/{project.slug}/connect", user.id
    db.session.commit()
    operators.establish_for([person])
    return go_to(path)


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


def _new_person(email: str, form: JoinForm) -> User:
    hashed = passwords.hash_password(text(form.password))
    return people.add(email, text(form.name), hashed)


def _commit_or_retry() -> None:
    try:
        with noticing_clashes():
            db.session.commit()
    except Clash:  # the same link was used twice at the same moment
        abort(409, "This was done a moment ago in another window.")


def _page(template: str, *, form: SetupForm | JoinForm, **context: object) -> Response:
    """The page of a form; 422 when it was sent with errors."""
    status = 422 if form.errors else 200
    return make_response(render_template(template, form=form, **context), status)
