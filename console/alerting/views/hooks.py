"""Where services report back what happened there: signed requests, without a session."""

from __future__ import annotations

from flask import Blueprint, Response, request

from console.accounts.access import link_view
from console.alerting.delivery import channels, pagerduty_in, slack_in
from console.alerting.delivery.models import Channel
from console.alerting.delivery.slack_in import NotGenuine, Unreadable
from console.channels.kinds import NotDelivered
from console.core.db import db, reading, writing
from console.web.frame import csrf

bp = Blueprint("hooks", __name__, url_prefix="/hooks")
UNKNOWN = "Unknown channel.", 404
REPEATED = "The request was taken before.", 409
UNSIGNED = "The signature is not the channel's.", 401


@bp.post("/slack/<token>")
@link_view
def slack(token: str) -> Response:
    """Do what a button in Slack says; a private answer says why nothing was done."""
    body = request.get_data()
    with reading():
        channel = _channel(token, "slack")
        if channel is None:
            return _plain(*UNKNOWN)
        try:
            app = slack_in.app_of(channel, dict(request.headers), body)
            press = slack_in.press_of(body)
        except NotGenuine:
            return _plain(*UNSIGNED)
        except Unreadable:
            return _plain("The request is not what Slack sends.", 400)
        channel_id = channel.id
        db.session.rollback()
    if press is not None:
        with writing():
            own = channels.channel_or_404(channel_id)
            if not slack_in.is_fresh(own, dict(request.headers)):
                return _plain(*REPEATED)
            slack_in.act(own, press, app)
    return _plain("")


@bp.post("/pagerduty/<token>")
@link_view
def pagerduty(token: str) -> Response:
    """Keep an event, and do what it says; whatever is genuine is taken."""
    body = request.get_data()
    with reading():
        channel = _channel(token, "pagerduty")
        if channel is None:
            return _plain(*UNKNOWN)
        try:
            pagerduty_in.check(channel, request.headers.get("X-PagerDuty-Signature", ""), body)
        except NotGenuine:
            return _plain(*UNSIGNED)
        except NotDelivered:  # an operator can put it right while PagerDuty tries again
            return _plain("The channel's secrets cannot be read.", 503)
        channel_id = channel.id
        db.session.rollback()
    with writing():
        event_id = pagerduty_in.keep(channels.channel_or_404(channel_id), body)
    if event_id is not None:
        pagerduty_in.settle(event_id)
    return _plain("", 202)


for view in (slack, pagerduty):
    csrf.exempt(view)  # services have no session, and sign what they send


def _channel(token: str, kind: str) -> Channel | None:
    channel = channels.by_hook(token)
    return channel if channel is not None and channel.kind == kind else None


def _plain(text: str, status: int = 200) -> Response:
    return Response(text and f"{text}\n", status, mimetype="text/plain")
