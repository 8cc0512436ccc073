"""Links in messages that act: each delivery has a token of its own, stored as its hash.

The token is made of the console's key and the message, so that a message that is sent again says
the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select

from console.accounts.models import Membership, Role, User
from console.accounts.projects import console_url
from console.alerting.chronicle import Actor
from console.alerting.delivery.models import (
    Channel,
    MessageLink,
    OutboxMessage,
    Purpose,
    SlackAccount,
)
from console.alerting.models import Incident
from console.channels.message import Verb
from console.core import absences, audit, clock
from console.core.config import config
from console.core.crypto import Token, derived_token, hash_of, new_token
from console.core.db import db, reading
from console.core.tenancy import bearer, enter_organization

ACTS_FOR = timedelta(days=7)
UNSUBSCRIBES_FOR = timedelta(days=90)
LINKS_FOR = timedelta(minutes=30)
KEPT_FOR = timedelta(days=30)
"""So long after its end, a link is still known to have been one."""
LEFT = "The person who got the message is no longer a member of the organization."


def act_url(message: OutboxMessage) -> str:
    """The page on which a message's receiver acknowledges its incident; "" for one of none.

    To be called in a transaction that writes; the caller commits before the message is sent.
    """
    if message.incident_id is None:
        return ""
    return _url("a", _link(message, Token.ACTION, Purpose.ACT, ACTS_FOR))


def unsubscribe_url(message: OutboxMessage) -> str:
    """The address by which a person gets no more mails; "" for what goes to a channel.

    Likewise to be called in a transaction that writes.
    """
    if message.user_id is None or message.verb is Verb.REPORT:  # a report has a link of its own
        return ""
    return _url("u", _link(message, Token.UNSUBSCRIBE, Purpose.UNSUBSCRIBE, UNSUBSCRIBES_FOR))


def slack_link_url(channel: Channel, app: str, team: str, slack_user: str) -> str:
    """The page on which whoever follows it says that they are a Slack user. The caller commits.

    `app` is the hash of the signing secret by which the channel's app vouches for that user.
    """
    token, hashed = new_token(Token.SLACK_LINK)
    db.session.add(
        MessageLink(
            hash=hashed,
            purpose=Purpose.LINK_SLACK,
            details={
                "app": app,
                "team": team,
                "slack_user": slack_user,
                "channel": channel.id,
            },
            expires_at=clock.now() + LINKS_FOR,
        )
    )
    return _url("slack", token)


def by_token(token: str, purpose: Purpose, *, lock: bool = False) -> MessageLink | None:
    """The link of a token, ended or not; its organization is entered.

    With `lock`, whoever follows it at the same time waits.
    """
    with reading(), bearer(MessageLink, hash_of(token)):
        place = select(MessageLink.organization_id).where(MessageLink.purpose == purpose)
        organization_id = db.session.scalar(place)
        db.session.rollback()
    if organization_id is None:
        return None
    enter_organization(organization_id)
    own = select(MessageLink).where(
        MessageLink.hash == hash_of(token), MessageLink.purpose == purpose
    )
    return db.session.scalar(own.with_for_update() if lock else own)


def has_ended(link: MessageLink) -> bool:
    """Whether it opens nothing any more."""
    return link.expires_at <= clock.now()


@dataclass(frozen=True, slots=True)
class Follower:
    """Who follows a link, and whether they may act."""

    actor: Actor
    name: str
    refusal: str = ""


def follower(link: MessageLink, signed_in: User | None) -> Follower:
    """Who acts by a link: the member who is signed in, else the person whom it was sent to.

    Who follows a link that went to an address which several read, and is not signed in, acts as
    somebody at that address: it is written down, and counts as nobody's response.
    """
    user = signed_in if signed_in and _role(signed_in.id) else link.user
    if user is None and link.user_id is None:
        address = link.details.get("address", "")
        name = f"Someone at {address}" if address else "Someone who followed a link"
        return Follower(Actor(name=name, via="email"), name)
    role = _role(user.id) if user else None
    if user is None or role is None:  # who has left is not to be seen from here
        return Follower(Actor(), "", LEFT)
    name = user.name or user.email
    if not role.may(Role.MEMBER):
        return Follower(Actor(), name, f"{name} is a viewer here: viewers change nothing.")
    return Follower(Actor(user=user, via="email"), name)


def use(link: MessageLink, verb: str) -> bool:
    """Note that a link acts; False if it has done the same before. The caller commits."""
    done = link.details.get("done", {})
    if verb in done:
        return False
    at = clock.now()
    link.details = {**link.details, "done": {**done, verb: at.isoformat()}}
    link.used_at = link.used_at or at
    return True


def link_slack(link: MessageLink, user: User) -> None:
    """Tie the link's Slack user to a person. The caller commits."""
    details = link.details
    same_user = (
        SlackAccount.team == details["team"],
        SlackAccount.slack_user == details["slack_user"],
    )
    # The channel had another signing secret before, by which nobody acts any more.
    former = (SlackAccount.channel_id == details["channel"], SlackAccount.app != details["app"])
    db.session.execute(delete(SlackAccount).where(*same_user, *former))
    own = select(SlackAccount).where(*same_user, SlackAccount.app == details["app"])
    account = db.session.scalar(own)
    if account is None:
        names = {name: details[name] for name in ("app", "team", "slack_user")}
        account = SlackAccount(**names)
        db.session.add(account)
    account.user_id, account.channel_id = user.id, details["channel"]
    account.linked_at = link.used_at = clock.now()
    audit.record("slack.linked", details["slack_user"], team=details["team"])


def member_role(user: User) -> Role | None:
    """What a person may do in the organization that was entered; None for a stranger."""
    return _role(user.id)


def incident_of(link: MessageLink) -> Incident | None:
    """The incident that a link acts on."""
    own = select(Incident).where(Incident.id == link.incident_id)
    return db.session.scalar(own)


def forget_old(organization_id: int) -> Mapping[str, int]:
    """Delete links that ended long ago. Commits."""
    del organization_id  # the Session is bound to it
    old = MessageLink.expires_at < absences.certain_now() - KEPT_FOR
    gone = db.session.scalars(delete(MessageLink).where(old).returning(MessageLink.id)).all()
    db.session.commit()
    return {"links deleted": len(gone)}


def _link(message: OutboxMessage, kind: Token, purpose: Purpose, lasts: timedelta) -> str:
    """The token of a message's link, which is added where it is new."""
    identity = str(message.organization_id), str(message.id), message.key
    token, hashed = derived_token(kind, config().secret_key, *identity)
    if db.session.scalar(select(MessageLink.id).where(MessageLink.hash == hashed)) is None:
        db.session.add(
            MessageLink(
                hash=hashed,
                purpose=purpose,
                incident_id=message.incident_id,
                message_id=message.id,
                user_id=message.user_id,
                details=_receiver(message),
                expires_at=clock.now() + lasts,
            )
        )
        db.session.flush()
    return token


def _receiver(message: OutboxMessage) -> dict[str, str]:
    """The address that several read, where a message goes to one."""
    channel = db.session.get(Channel, message.channel_id) if message.channel_id else None
    return {"address": (channel.settings.get("to") or channel.name)[:200]} if channel else {}


def _role(user_id: int) -> Role | None:
    return db.session.scalar(select(Membership.role).where(Membership.user_id == user_id))


def _url(place: str, token: str) -> str:
    return f"{console_url()}/{place}/{token}"
