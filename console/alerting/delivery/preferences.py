"""How a person wants to be notified of an organization's incidents, and what that means now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from flask import abort
from sqlalchemy import Select, select

from console.accounts import queries
from console.accounts.models import User
from console.alerting.delivery.models import Channel, ContactPreference, SlackAccount
from console.alerting.delivery.outbox import Recipient
from console.alerting.escalation.hours import WorkingHours
from console.alerting.models import Severity
from console.core import audit, clock
from console.core.db import db

EMAIL, SLACK = "email", "slack"
WAYS = {EMAIL: "E-mail", SLACK: "Slack, as a direct message"}
EVERY = {"": "One message each", "hourly": "One message an hour", "daily": "One message a day"}
DAY = timedelta(days=1)
UNSUBSCRIBED = "has unsubscribed from this organization's mails"


@dataclass(frozen=True, slots=True)
class Gathering:
    """When messages of low severity are sent in one: at each hour, or at a time of each day."""

    every: str
    at: time
    zone: str

    def after(self, moment: datetime) -> datetime:
        """The next time after a moment."""
        local = moment.astimezone(ZoneInfo(self.zone))
        if self.every == "hourly":
            begun = moment.replace(minute=0, second=0, microsecond=0)
            return begun + timedelta(hours=1)
        for ahead in range(3):
            day = local.date() + ahead * DAY
            due = datetime.combine(day, self.at, ZoneInfo(self.zone)).astimezone(UTC)
            if due > moment:
                return due
        raise AssertionError("a day has its time within two days")


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person has chosen, or the defaults."""

    ways: Mapping[Severity, Sequence[str]] = field(
        default_factory=lambda: dict.fromkeys(Severity, (EMAIL,))
    )
    quiet: WorkingHours | None = None
    """Hours in which nothing but high severity is sent."""
    gathering: Gathering | None = None
    unsubscribed_at: datetime | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Read a person's document; what it lacks is as by default."""
        given = document.get("ways") or {}
        ways = {severity: given.get(severity.value, [EMAIL]) for severity in Severity}
        quiet, digest = document.get("quiet"), document.get("digest")
        ended = document.get("unsubscribed_at")
        return cls(
            ways=ways,
            quiet=WorkingHours.of(quiet) if quiet else None,
            gathering=Gathering(digest["every"], time.fromisoformat(digest["at"]), digest["zone"])
            if digest
            else None,
            unsubscribed_at=datetime.fromisoformat(ended) if ended else None,
        )

    @property
    def document(self) -> dict[str, Any]:
        """What `of` reads."""
        digest = self.gathering
        return {
            "ways": {severity.value: list(chosen) for severity, chosen in self.ways.items()},
            "quiet": self.quiet.document if self.quiet else None,
            "digest": {"every": digest.every, "at": f"{digest.at:%H:%M}", "zone": digest.zone}
            if digest
            else None,
            "unsubscribed_at": self.unsubscribed_at.isoformat() if self.unsubscribed_at else None,
        }

    def begin(self, severity: Severity, at: datetime) -> datetime | None:
        """When a message of a moment may be sent; None for at once."""
        if severity is Severity.HIGH:
            return None
        begin = at
        if severity is Severity.LOW and self.gathering:
            begin = self.gathering.after(at)
        if self.quiet and (end := self.quiet.end_of(begin)):
            begin = end
        return begin if begin > at else None


@dataclass(frozen=True, slots=True)
class Ways:
    """How a person is notified now, and why not in the ways that they chose."""

    recipients: Sequence[Recipient]
    skipped: Sequence[tuple[str, str]]
    """Whom or what, and why."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What everybody in the organization prefers now: read once, for many people and steps."""

    by_user: Mapping[int, Preferences]
    accounts: Mapping[int, SlackAccount]
    """The Slack user who is a person, by the person."""

    @classmethod
    def read(cls) -> Self:
        """The choices as they are now."""
        rows = db.session.scalars(select(ContactPreference))
        preferred = {row.user_id: Preferences.of(row.document) for row in rows}
        accounts = db.session.scalars(_working_accounts().order_by(SlackAccount.id))
        return cls(preferred, {account.user_id: account for account in accounts})

    def of(self, user_id: int) -> Preferences:
        """What a person prefers."""
        return self.by_user.get(user_id) or Preferences()


def ways(user: User, severity: Severity, at: datetime, choices: Choices) -> Ways:
    """Where a message of a severity goes at a moment, by what a person prefers.

    Who has chosen Slack, and cannot be reached there, gets mail.
    """
    own = choices.of(user.id)
    name = user.name or user.email
    if not own.ways[severity]:
        return Ways([], [(name, f"wants no messages of {severity} severity")])
    begin = own.begin(severity, at)
    is_gathered = severity is Severity.LOW and own.gathering is not None
    recipients, skipped = [], []
    if SLACK in own.ways[severity]:
        account = choices.accounts.get(user.id)
        if account is None:
            skipped.append((f"{name} in Slack", "has no linked Slack account"))
        else:
            recipients.append(by_slack(user, account))
    if EMAIL in own.ways[severity] or not recipients:
        if own.unsubscribed_at:
            skipped.append((f"{name} by e-mail", UNSUBSCRIBED))
        else:
            recipients.append(by_mail(user))
    return Ways([replace(r, at=begin, digest=is_gathered) for r in recipients], skipped)


def as_preferred(recipient: Recipient, severity: Severity, at: datetime) -> Recipient | None:
    """A recipient of whatever message, as its person prefers now; None for mail they do not want.

    It holds for news of an incident that they were notified of before, too.
    """
    if recipient.user_id is None:
        return recipient
    own = of(recipient.user_id)
    if own.unsubscribed_at and recipient.channel_id is None:
        return None
    is_gathered = severity is Severity.LOW and own.gathering is not None
    return replace(recipient, at=own.begin(severity, at), digest=is_gathered)


def by_mail(user: User) -> Recipient:
    """A person's mail."""
    name = user.name or user.email
    return Recipient(f"user-{user.id}-email", f"{name} by e-mail", user_id=user.id)


def by_slack(user: User, account: SlackAccount) -> Recipient:
    """A direct message to a person in Slack."""
    name = user.name or user.email
    return Recipient(
        f"user-{user.id}-slack", f"{name} in Slack", account.channel_id, user_id=user.id
    )


def slack_accounts(user_id: int) -> Sequence[SlackAccount]:
    """The Slack users who are this person, the latest first."""
    own = select(SlackAccount).where(SlackAccount.user_id == user_id)
    return db.session.scalars(own.order_by(SlackAccount.id.desc())).all()


def unlink(user_id: int, account_id: int) -> None:
    """Forget that a Slack user is a person; aborts with 404 if they are not. The caller commits."""
    accounts = {account.id: account for account in slack_accounts(user_id)}
    account = accounts.get(account_id) or abort(404)
    audit.record("slack.unlinked", account.slack_user, team=account.team)
    db.session.delete(account)


def can_link_slack() -> bool:
    """Whether a channel's buttons in Slack lead here, so that somebody can be linked."""
    own = select(Channel.id).where(Channel.kind == SLACK, Channel.deleted_at.is_(None))
    return db.session.scalar(own.limit(1)) is not None


def of(user_id: int) -> Preferences:
    """What a person prefers in this organization."""
    row = _row(user_id)
    return Preferences.of(row.document) if row else Preferences()


def save(user_id: int, preferences: Preferences) -> None:
    """Keep what a person prefers. The caller commits."""
    row = _row(user_id)
    if row is None:
        db.session.add(ContactPreference(user_id=user_id, document=preferences.document))
        return
    row.document, row.changed_at = preferences.document, clock.now()


def unsubscribe(user_id: int, *, until_undone: bool = True) -> bool:
    """Send a person no more mails of this organization, or some again; False if nothing changes.

    The caller commits.
    """
    own = of(user_id)
    if (own.unsubscribed_at is not None) is until_undone:
        return False
    save(user_id, replace(own, unsubscribed_at=clock.now() if until_undone else None))
    return True


def owners_without_mail() -> tuple[Sequence[str], int]:
    """The names of owners who get no mails, and how many owners there are."""
    owners = queries.owners()
    gone = [user.name or user.email for user in owners if of(user.id).unsubscribed_at]
    return gone, len(owners)


def _working_accounts() -> Select[SlackAccount]:
    """The Slack users who are members, where a channel that works leads to the workspace."""
    own = select(SlackAccount).join(Channel, Channel.id == SlackAccount.channel_id)
    return own.where(Channel.deleted_at.is_(None), Channel.enabled)


def _row(user_id: int) -> ContactPreference | None:
    own = select(ContactPreference).where(ContactPreference.user_id == user_id)
    return db.session.scalar(own)
