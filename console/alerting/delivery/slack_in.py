"""What people press in Slack: buttons acknowledge and resolve, as the member who is linked."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from sqlalchemy import select

from console.accounts.models import Membership, Role, User
from console.alerting import incidents
from console.alerting.chronicle import Actor
from console.alerting.delivery import links
from console.alerting.delivery.channels import given
from console.alerting.delivery.models import Channel, ReceivedEvent, SlackAccount
from console.alerting.delivery.threads import incident_of
from console.channels import outgoing
from console.channels.kinds import NotDelivered
from console.channels.signatures import slack_is_genuine
from console.channels.slack_blocks import ACKNOWLEDGE, RESOLVE
from console.channels.way import way
from console.core import clock, http
from console.core.crypto import hash_of
from console.core.db import Clash, db, noticing_clashes
from console.core.http import Call, CallFailed
from console.core.urls import split_url
from console.web.incoming import JsonReader

ACTS = {ACKNOWLEDGE: incidents.acknowledge, RESOLVE: incidents.resolve}
DONE = {ACKNOWLEDGE: "Someone has already acknowledged it.", RESOLVE: "It is resolved already."}
SECONDS = 5.0
LONGEST_ID = 30
log = logging.getLogger(__name__)


class NotGenuine(Exception):
    """A request was not signed by the service of the channel."""


class Unreadable(Exception):
    """A genuine request is not what the service's documentation describes."""


@dataclass(frozen=True, slots=True)
class Press:
    """A button that somebody pressed."""

    action: str
    thread: str
    team: str
    user: str
    answer_url: str
    """Where Slack takes an answer that only this person sees."""


def app_of(channel: Channel, headers: Mapping[str, str], body: bytes) -> str:
    """The app that signed a request with the channel's secret, as the hash of that secret.

    Raises NotGenuine for a request that is not signed so.
    """
    try:
        secret = given(channel).get("signing_secret", "")
    except NotDelivered as failure:
        raise NotGenuine(str(failure)) from None
    if not slack_is_genuine(secret, headers, body, clock.now()):
        raise NotGenuine
    return hash_of(secret)


def press_of(body: bytes) -> Press | None:
    """The button that a request is about; None for one that only opens a page.

    Raises Unreadable.
    """
    try:
        fields = parse_qs(body.decode(), max_num_fields=20)
        payload = JsonReader.loads(fields["payload"][0].encode())
        if payload["type"] != "block_actions":
            return None
        action = payload["actions"][0]
        if action["action_id"] not in ACTS:
            return None
        press = Press(
            action["action_id"],
            action["value"],
            payload["team"]["id"],
            payload["user"]["id"],
            payload.get("response_url") or "",
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise Unreadable from error
    ids = (press.team, press.user)
    texts = all(isinstance(text, str) for text in (press.thread, press.answer_url, *ids))
    if not texts or any(not text.isalnum() or len(text) > LONGEST_ID for text in ids):
        raise Unreadable
    return press


def is_fresh(channel: Channel, headers: Mapping[str, str]) -> bool:
    """Whether a genuine request comes for the first time; noted with what the caller commits.

    Whoever has overheard a request repeats it within the minutes in which its signature holds.
    """
    key = f"slack-{headers['X-Slack-Signature']}"
    event = ReceivedEvent(channel_id=channel.id, event_key=key, body="", done_at=clock.now())
    try:
        with noticing_clashes():
            db.session.add(event)
            db.session.flush()
    except Clash:
        return False
    return True


def act(channel: Channel, press: Press, app: str) -> None:
    """Do what a button says, and commit; answers whoever pressed it, where nothing was done.

    Only the app that signed the request vouches for who pressed the button: its link counts.
    """
    own = select(SlackAccount).where(
        SlackAccount.app == app,
        SlackAccount.team == press.team,
        SlackAccount.slack_user == press.user,
    )
    account = db.session.scalar(own)
    user = account.user if account else None
    role = _role(user)
    if user is None or role is None:
        url = links.slack_link_url(channel, app, press.team, press.user)
        sentence = f"Pharos does not know yet who you are. Link your account: {url}"
    elif not role.may(Role.MEMBER):
        sentence = "You are a viewer in Pharos: viewers change nothing."
    elif (incident := incident_of(press.thread, channel.organization_id)) is None:
        sentence = "Pharos no longer has this incident."
    else:
        is_done = ACTS[press.action](incident, by=Actor(user=user, via="slack"))
        sentence = "" if is_done else DONE[press.action]
    db.session.commit()
    if sentence and press.answer_url:
        _answer(press.answer_url, sentence)


def _role(user: User | None) -> Role | None:
    if user is None:
        return None
    return db.session.scalar(select(Membership.role).where(Membership.user_id == user.id))


def _answer(url: str, sentence: str) -> None:
    """Tell only whoever pressed the button, after Slack has its answer: it waits three seconds.

    The address is Slack's, or none: another could keep the mails waiting that are sent so, too.
    """
    if not _is_of_slack(url):
        log.warning("an answer to a button was to go elsewhere than to Slack")
        return
    answer = {"response_type": "ephemeral", "replace_original": False, "text": sentence}
    call = Call(
        url=url,
        method="POST",
        headers={"Content-Type": "application/json"},
        body=json.dumps(answer).encode(),
        seconds=SECONDS,
        redirects=0,
        allow_private=way().allow_private,
    )
    outgoing.current().send_later(lambda: _send(call))


def _is_of_slack(url: str) -> bool:
    """Whether an address is on the host of Slack's API, or under it, as hooks.slack.com is."""
    try:
        host = split_url(url).hostname or ""
    except ValueError:
        return False
    own = split_url(way().slack_url).hostname or ""
    return host == own or host.endswith(f".{own}")


def _send(call: Call) -> None:
    try:
        reply = http.call(call)
    except CallFailed as failure:
        log.warning("Slack took no answer to a button: %s", failure)
        return
    if reply.status >= 300:
        log.warning("Slack took no answer to a button: status %s", reply.status)


def text_of(value: Any) -> str:
    """A value of a service's document as text; "" for anything else."""
    return value if isinstance(value, str) else ""
