"""Who gets a report: members, channels, and people outside who have agreed. Callers commit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update

from console.accounts.models import User
from console.accounts.projects import console_url
from console.alerting.delivery import outbox
from console.alerting.delivery.models import Channel, MessageState, OutboxMessage
from console.alerting.delivery.outbox import Recipient
from console.channels.message import Verb
from console.core import audit, clock
from console.core.config import config
from console.core.crypto import Token, derived_token, hash_of
from console.core.db import db, reading
from console.core.tenancy import bearer, enter_organization
from console.reports.making import Made
from console.reports.models import (
    LinkPurpose,
    Report,
    ReportContent,
    ReportEdition,
    ReportLink,
    ReportRecipient,
)

LASTS = {
    LinkPurpose.OPEN: timedelta(days=30),
    LinkPurpose.CONFIRM: timedelta(days=14),
    LinkPurpose.LEAVE: timedelta(days=400),
}
MOST = 50
FULL = f"A report has at most {MOST} recipients."
DAY = timedelta(days=1)
MOST_ASKED = 100
"""People outside whom an organization asks in a day."""
ASKED = "report-ask-"
"""How the keys of those mails begin."""


def add(
    report: Report,
    *,
    user: User | None = None,
    channel: Channel | None = None,
    address: str = "",
    variables: Mapping[str, str] | None = None,
) -> ReportRecipient:
    """Add one recipient, or let one who has left come back; outsiders are asked first."""
    contact = _contact(user, channel, address)
    row = _of_contact(report, contact)
    is_agreed = row is not None and row.confirmed_at is not None and row.left_at is None
    if row is None:
        row = ReportRecipient(
            report_id=report.id,
            contact=contact,
            user_id=user.id if user else None,
            channel_id=channel.id if channel else None,
            address=address,
        )
        db.session.add(row)
    row.variables = dict(variables or {})
    row.left_at = None
    if not address:
        row.confirmed_at = row.confirmed_at or clock.now()
    elif not is_agreed:
        row.confirmed_at, row.added_at = None, clock.now()
    db.session.flush()
    audit.record("report.recipient-added", report.name, contact=contact)
    if address and not is_agreed:
        _ask(report, row)
    return row


def obstacle(report: Report, address: str) -> str:
    """Why somebody outside cannot be asked now, as a sentence; "" if they can, or need not.

    A mailbox is asked once a day, and not everybody's on one day, so that nobody has the console
    write to strangers again and again.
    """
    row = _of_contact(report, _contact(None, None, address))
    if row is not None and row.confirmed_at is not None and row.left_at is None:
        return ""
    asked = select(func.count(OutboxMessage.id)).where(
        OutboxMessage.verb == Verb.REPORT,
        OutboxMessage.key.startswith(ASKED),
        OutboxMessage.created_at > clock.now() - DAY,
    )
    of_address = asked.where(func.lower(OutboxMessage.address) == address.lower())
    if db.session.scalar(of_address):
        return f"{address} was asked in the last 24 hours already. Ask again tomorrow."
    if (db.session.scalar(asked) or 0) >= MOST_ASKED:
        return f"{MOST_ASKED} people outside were asked in the last 24 hours. Go on tomorrow."
    return ""


def remove(report: Report, recipient: ReportRecipient) -> None:
    """Take a recipient off; what is owed to them is not sent."""
    forget_owed(recipient)
    audit.record("report.recipient-removed", report.name, contact=recipient.contact)
    db.session.delete(recipient)


def agree(recipient: ReportRecipient) -> None:
    """Note that an outsider wants a report."""
    recipient.confirmed_at, recipient.left_at = recipient.confirmed_at or clock.now(), None
    audit.record("report.agreed", recipient.contact)


def leave(recipient: ReportRecipient, *, undo: bool = False) -> None:
    """Note that a recipient wants no more, or again; what is owed to them is not sent."""
    recipient.left_at = None if undo else recipient.left_at or clock.now()
    if not undo:
        forget_owed(recipient)
    audit.record("report.resubscribed" if undo else "report.unsubscribed", recipient.contact)


def owe(edition: ReportEdition, made: Made, contents: Mapping[str, ReportContent]) -> None:
    """Owe an edition to its recipients, each under a key of its own: a second try adds nothing."""
    title = {"title": edition.report.name, "report": edition.report_id}
    if edition.for_id is not None:
        mine = Recipient(f"user-{edition.for_id}-email", "", user_id=edition.for_id)
        payload = {**title, "content": next(iter(contents.values())).id}
        outbox.owe_news(mine, Verb.REPORT, f"report-{edition.id}-me", payload)
        return
    own = select(ReportRecipient).where(ReportRecipient.id.in_(made.variants))
    for row in db.session.scalars(own.order_by(ReportRecipient.id)):
        if row.left_at is not None:
            continue
        content = contents[made.variants[row.id]]
        url_of(row, LinkPurpose.LEAVE)
        if row.address:
            url_of(row, LinkPurpose.OPEN, content.id)
        payload = {**title, "content": content.id, "recipient": row.id}
        outbox.owe_news(_receiver(row), Verb.REPORT, f"report-{edition.id}-{row.id}", payload)


def url_of(recipient: ReportRecipient, purpose: LinkPurpose, content_id: int | None = None) -> str:
    """A recipient's link, the same whenever it is asked for; it is added where it is new."""
    identity = recipient.organization_id, purpose.value, recipient.id, content_id or ""
    parts = [*map(str, identity), recipient.contact]  # an id may come again after a restore
    if purpose is LinkPurpose.CONFIRM:
        parts.append(recipient.added_at.isoformat())
    token, hashed = derived_token(Token.REPORT, config().secret_key, *parts)
    if db.session.scalar(select(ReportLink.id).where(ReportLink.hash == hashed)) is None:
        db.session.add(
            ReportLink(
                hash=hashed,
                purpose=purpose,
                recipient_id=recipient.id,
                content_id=content_id,
                expires_at=clock.now() + LASTS[purpose],
            )
        )
        db.session.flush()
    return f"{console_url()}/r/{token}"


def by_token(token: str) -> ReportLink | None:
    """The link of a token, ended or not; its organization is entered."""
    with reading(), bearer(ReportLink, hash_of(token)):
        organization_id = db.session.scalar(select(ReportLink.organization_id))
        db.session.rollback()
    if organization_id is None:
        return None
    enter_organization(organization_id)
    return db.session.scalar(select(ReportLink).where(ReportLink.hash == hash_of(token)))


def has_ended(link: ReportLink, now: datetime) -> bool:
    """Whether it opens nothing any more."""
    return link.expires_at <= now


def _ask(report: Report, recipient: ReportRecipient) -> None:
    """Owe the mail by which an outsider agrees."""
    url_of(recipient, LinkPurpose.CONFIRM)
    payload = {"title": report.name, "report": report.id, "recipient": recipient.id}
    key = f"{ASKED}{recipient.id}-{int(recipient.added_at.timestamp() * 1000)}"
    outbox.owe_news(_receiver(recipient), Verb.REPORT, key, payload)


def _receiver(row: ReportRecipient) -> Recipient:
    if row.channel_id is not None:
        return Recipient(f"channel-{row.channel_id}", "", channel_id=row.channel_id)
    if row.user_id is not None:
        return Recipient(f"user-{row.user_id}-email", "", user_id=row.user_id)
    return Recipient(f"outside-{row.id}", row.address, address=row.address)


def _of_contact(report: Report, contact: str) -> ReportRecipient | None:
    own = select(ReportRecipient).where(
        ReportRecipient.report_id == report.id, ReportRecipient.contact == contact
    )
    return db.session.scalar(own)


def _contact(user: User | None, channel: Channel | None, address: str) -> str:
    if user is not None:
        return f"user-{user.id}"
    return f"channel-{channel.id}" if channel is not None else f"address-{address.lower()}"


def forget_owed_of(report: Report) -> None:
    """Send nothing more of a report, nor to who asked for an edition for themselves."""
    waiting = update(OutboxMessage).where(
        OutboxMessage.verb == Verb.REPORT,
        OutboxMessage.state == MessageState.WAITING,
        OutboxMessage.payload["report"].as_integer() == report.id,
    )
    db.session.execute(waiting.values(state=MessageState.DISCARDED, lease="", leased_until=None))


def forget_owed(recipient: ReportRecipient) -> None:
    waiting = update(OutboxMessage).where(
        OutboxMessage.verb == Verb.REPORT,
        OutboxMessage.state == MessageState.WAITING,
        or_(
            OutboxMessage.key.like(f"report-%-{recipient.id}"),
            OutboxMessage.key.startswith(f"{ASKED}{recipient.id}-"),
        ),
    )
    db.session.execute(waiting.values(state=MessageState.DISCARDED, lease="", leased_until=None))
