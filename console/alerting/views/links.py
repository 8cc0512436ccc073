"""The pages that links in messages lead to: to acknowledge, to unsubscribe, to link an account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask_login import current_user

from console.accounts.access import link_view, me
from console.accounts.models import Organization, Project, User
from console.alerting import incidents
from console.alerting.delivery import guesses, links, preferences
from console.alerting.delivery.compose import in_words
from console.alerting.delivery.models import MessageLink, Purpose
from console.alerting.models import Incident
from console.core import audit
from console.core.db import db
from console.web.frame import csrf
from console.web.htmx import go_to

bp = Blueprint("links", __name__)
ACTS = {"acknowledge": incidents.acknowledge, "resolve": incidents.resolve}
USED = "This link has done that before, and acts no second time. Open the incident."
UNKNOWN = "It was cut on its way, or is very old. Open the console to see what is going on."
ENDED = {
    Purpose.ACT: "Links in messages act for seven days. Open the incident in the console.",
    Purpose.UNSUBSCRIBE: "Choose what you get among the notifications of the organization.",
    Purpose.LINK_SLACK: "Press the button in Slack again: it answers with a new link.",
}


@bp.get("/a/<token>")
@link_view
def act(token: str) -> Response:
    """The incident in short, with buttons; whoever only looks changes nothing."""
    link = _open(token, Purpose.ACT)
    return link if isinstance(link, Response) else _acting(link)


@bp.post("/a/<token>/acknowledgement")
@link_view
def acknowledge(token: str) -> Response:
    return _acted(token, "acknowledge")


@bp.post("/a/<token>/resolution")
@link_view
def resolve(token: str) -> Response:
    return _acted(token, "resolve")


@bp.get("/u/<token>")
@link_view
def unsubscribing(token: str) -> Response:
    """A page that posts: what looks at links, such as a scanner, unsubscribes nobody."""
    link = _open(token, Purpose.UNSUBSCRIBE)
    return link if isinstance(link, Response) else _unsubscribing(link)


@bp.post("/u/<token>")
@link_view
def unsubscribe(token: str) -> Response:
    """Send no more mails, at once: mail programs post here without a session (RFC 8058)."""
    link = _open(token, Purpose.UNSUBSCRIBE, lock=True)
    if isinstance(link, Response):
        return link
    user = link.user
    if user and preferences.unsubscribe(user.id, until_undone=not request.form.get("undo")):
        undone = "resubscribed" if request.form.get("undo") else "unsubscribed"
        audit.record(f"mail.{undone}", user.email, actor=user.email)
    db.session.commit()
    return _unsubscribing(link)


for view in (acknowledge, resolve, unsubscribe):
    csrf.exempt(view)  # the token in the address is what lets them act


@bp.route("/slack/<token>", methods=["GET", "POST"])
@link_view
def link_slack(token: str) -> Response:
    """Whoever is signed in says that they are the Slack user that got the link."""
    if not current_user.is_authenticated:
        return go_to(url_for("accounts.login", next=request.script_root + request.path))
    link = _open(token, Purpose.LINK_SLACK, lock=request.method == "POST")
    if isinstance(link, Response):
        return link
    user = me()
    role = links.member_role(user)
    if role is None:
        return _gone("You are not a member here", "Log in as a member of the organization.", 403)
    if link.used_at is not None:
        return _gone("This link was used", ENDED[Purpose.LINK_SLACK], 410)
    if request.method == "POST":
        links.link_slack(link, user)
        db.session.commit()
        organization = _organization(link)
        return go_to(url_for("notifications.notifications", organization=organization.slug))
    return _page("alerting/link_slack.html", link=link, organization=_organization(link), user=user)


def _acted(token: str, verb: str) -> Response:
    link = _open(token, Purpose.ACT, lock=True)
    if isinstance(link, Response):
        return link
    incident, follower = links.incident_of(link), links.follower(link, _signed_in())
    if incident is None:
        return _gone("The incident is gone", "It was deleted.", 410)
    if follower.refusal:
        return _acting(link, follower.refusal, status=403)
    if not links.use(link, verb):
        return _acting(link, USED, status=409)
    ACTS[verb](incident, by=follower.actor)
    db.session.commit()
    return make_response(redirect(url_for(".act", token=token), 303))


def _acting(link: MessageLink, refusal: str = "", *, status: int = 200) -> Response:
    incident = links.incident_of(link)
    if incident is None:
        return _gone("The incident is gone", "It was deleted.", 410)
    follower = links.follower(link, _signed_in())
    if follower.refusal == links.LEFT:  # how things stand now is for members
        return _gone("You are no longer a member here", links.LEFT, 403)
    project = db.session.get_one(Project, incident.project_id)
    return _page(
        "alerting/acting.html",
        status,
        incident=incident,
        project=project,
        organization=_organization(link),
        follower=follower,
        refusal=refusal,
        wrong=in_words(incident.why or ""),
        token=(request.view_args or {}).get("token", ""),
    )


def _unsubscribing(link: MessageLink) -> Response:
    user = link.user
    if user is None:
        return _gone("The account is gone", "It no longer gets mails.", 410)
    return _page(
        "alerting/unsubscribing.html",
        user=user,
        organization=_organization(link),
        is_unsubscribed=preferences.of(user.id).unsubscribed_at is not None,
    )


def _open(token: str, purpose: Purpose, *, lock: bool = False) -> MessageLink | Response:
    """The link of a token, or the page that says why there is none."""
    link = links.by_token(token, purpose, lock=lock)
    if link is None:
        return _unknown(request.remote_addr or "")
    if links.has_ended(link):
        incident = links.incident_of(link)
        return _gone("This link has ended", ENDED[purpose], 410, incident, _organization(link))
    return link


def _unknown(address: str) -> Response:
    """The answer to a token that is none; it never stands in the way of a link that is one.

    Whole offices, or everybody behind a proxy, share the address from which somebody guesses.
    """
    if guesses.are_many(address):
        return _gone("Too many links that do not exist", "Wait a minute, and try again.", 429)
    guesses.count(address)
    return _gone("This link is not known here", UNKNOWN, 404)


def _gone(
    heading: str,
    text: str,
    status: int,
    incident: Incident | None = None,
    organization: Organization | None = None,
) -> Response:
    project = db.session.get(Project, incident.project_id) if incident else None
    named: dict[str, Any] = {"heading": heading, "text": text, "incident": incident}
    return _page(
        "alerting/link_gone.html", status, **named, project=project, organization=organization
    )


def _page(template: str, status: int = 200, **context: Any) -> Response:
    return make_response(render_template(template, **context), status)


def _organization(link: MessageLink) -> Organization:
    return db.session.get_one(Organization, link.organization_id)


def _signed_in() -> User | None:
    return me() if current_user.is_authenticated else None
