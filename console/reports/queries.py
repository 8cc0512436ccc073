"""What reports ask of the state database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from flask import abort
from sqlalchemy import and_, delete, false, func, or_, select
from sqlalchemy.orm import joinedload

from console.accounts.models import Membership, Project, User
from console.alerting.delivery.models import Channel, OutboxMessage
from console.channels.message import Verb
from console.core import absences
from console.core.db import db, writing
from console.dashboards.models import Dashboard
from console.reports.models import (
    EditionState,
    Report,
    ReportContent,
    ReportEdition,
    ReportFile,
    ReportLink,
    ReportRecipient,
)

KEPT_FOR = timedelta(days=180)
MOST_SHOWN = 50
CHANNELS = ("slack", "slack_webhook", "email", "webhook", "apprise")
"""The kinds of channels that a report may go to; the rest is for incidents."""


def reports(project: Project) -> Sequence[Report]:
    """The reports of a project by name, with their dashboards."""
    own = select(Report).where(Report.project_id == project.id)
    ordered = own.order_by(Report.name, Report.id).options(joinedload(Report.dashboard))
    return db.session.scalars(ordered).all()


def report_or_404(project: Project, report_id: int) -> Report:
    own = select(Report).where(Report.project_id == project.id, Report.id == report_id)
    return db.session.scalar(own) or abort(404)


def recipients(report: Report) -> Sequence[ReportRecipient]:
    """Everybody who was ever added and not removed, in the order of adding."""
    own = select(ReportRecipient).where(ReportRecipient.report_id == report.id)
    about = joinedload(ReportRecipient.user), joinedload(ReportRecipient.channel)
    return db.session.scalars(own.order_by(ReportRecipient.id).options(*about)).all()


def recipient_or_404(report: Report, recipient_id: int) -> ReportRecipient:
    own = select(ReportRecipient).where(
        ReportRecipient.report_id == report.id, ReportRecipient.id == recipient_id
    )
    return db.session.scalar(own) or abort(404)


def readers(report: Report, for_id: int | None = None) -> Sequence[ReportRecipient]:
    """Who gets an edition now: who agreed, has not left, and is still a member or a channel.

    With `for_id`, that person alone.
    """
    member = and_(
        Membership.user_id == ReportRecipient.user_id,
        Membership.organization_id == ReportRecipient.organization_id,
    )
    channel = and_(
        Channel.id == ReportRecipient.channel_id,
        Channel.organization_id == ReportRecipient.organization_id,
    )
    own = (
        select(ReportRecipient)
        .outerjoin(Membership, member)
        .outerjoin(Channel, channel)
        .where(
            ReportRecipient.report_id == report.id,
            ReportRecipient.confirmed_at.is_not(None),
            ReportRecipient.left_at.is_(None),
            or_(
                ReportRecipient.address != "",
                Membership.id.is_not(None),
                and_(Channel.enabled, Channel.deleted_at.is_(None)),
            ),
        )
        .order_by(ReportRecipient.id)
    )
    if for_id is not None:
        own = own.where(ReportRecipient.user_id == for_id)
    return db.session.scalars(own).all()


def counts(shown: Sequence[Report]) -> Mapping[int, int]:
    """How many recipients each report has who have not left."""
    own = (
        select(ReportRecipient.report_id, func.count(ReportRecipient.id))
        .where(
            ReportRecipient.report_id.in_([report.id for report in shown]),
            ReportRecipient.left_at.is_(None),
        )
        .group_by(ReportRecipient.report_id)
    )
    return dict(db.session.execute(own).all())


def latest(shown: Sequence[Report]) -> Mapping[int, ReportEdition]:
    """The latest edition of each report."""
    last = (
        select(func.max(ReportEdition.id))
        .where(ReportEdition.report_id.in_([report.id for report in shown]))
        .group_by(ReportEdition.report_id)
    )
    own = select(ReportEdition).where(ReportEdition.id.in_(last))
    return {edition.report_id: edition for edition in db.session.scalars(own)}


def editions(report: Report, limit: int = MOST_SHOWN) -> Sequence[ReportEdition]:
    """The latest editions of a report."""
    own = select(ReportEdition).where(ReportEdition.report_id == report.id)
    return db.session.scalars(own.order_by(ReportEdition.id.desc()).limit(limit)).all()


def edition_or_404(report: Report, edition_id: int) -> ReportEdition:
    own = select(ReportEdition).where(
        ReportEdition.report_id == report.id, ReportEdition.id == edition_id
    )
    return db.session.scalar(own) or abort(404)


def contents(edition: ReportEdition) -> Sequence[ReportContent]:
    """What an edition says, to members before outsiders."""
    own = select(ReportContent).where(ReportContent.edition_id == edition.id)
    return db.session.scalars(own.order_by(ReportContent.outside, ReportContent.id)).all()


def content(content_id: int | None) -> ReportContent | None:
    return db.session.get(ReportContent, content_id) if content_id is not None else None


def files(content_id: int) -> Mapping[str, bytes]:
    """The pictures and attachments of a content by name."""
    own = select(ReportFile.name, ReportFile.body).where(ReportFile.content_id == content_id)
    return dict(db.session.execute(own.order_by(ReportFile.name)).all())


def file_or_404(content_id: int, name: str) -> bytes:
    own = select(ReportFile.body).where(
        ReportFile.content_id == content_id, ReportFile.name == name
    )
    return db.session.scalar(own) or abort(404)


def file_names(content_id: int) -> Sequence[str]:
    own = select(ReportFile.name).where(ReportFile.content_id == content_id)
    return db.session.scalars(own.order_by(ReportFile.name)).all()


def deliveries(edition: ReportEdition) -> Sequence[OutboxMessage]:
    """The messages of an edition."""
    own = select(OutboxMessage).where(
        OutboxMessage.verb == Verb.REPORT, OutboxMessage.key.like(f"report-{edition.id}-%")
    )
    about = joinedload(OutboxMessage.user)
    return db.session.scalars(own.order_by(OutboxMessage.id).options(about)).all()


def channel_names() -> Mapping[int, str]:
    """The names of the organization's channels by id."""
    return dict(db.session.execute(select(Channel.id, Channel.name)).all())


def usable_channels() -> Sequence[Channel]:
    """The channels that a report can go to, by name."""
    own = select(Channel).where(
        Channel.deleted_at.is_(None), Channel.enabled, Channel.kind.in_(CHANNELS)
    )
    return db.session.scalars(own.order_by(Channel.name)).all()


def members() -> Sequence[User]:
    """The people of the organization by their addresses."""
    own = select(User).join(Membership, Membership.user_id == User.id)
    return db.session.scalars(own.order_by(User.email)).all()


def dashboards(project: Project, *, across: bool = True) -> Sequence[Dashboard]:
    """The dashboards that a report of a project can be about: its own, and the organization's."""
    of_organization = Dashboard.project_id.is_(None) if across else false()
    own = select(Dashboard).where(or_(Dashboard.project_id == project.id, of_organization))
    return db.session.scalars(own.order_by(Dashboard.title, Dashboard.id)).all()


def forget_old(organization_id: int) -> Mapping[str, int]:
    """Delete editions and links that are over for long. Commits."""
    del organization_id  # the Session is bound to it
    now = absences.certain_now()
    with writing():
        old = ReportEdition.created_at < now - KEPT_FOR
        ended = delete(ReportEdition).where(old, ReportEdition.state != EditionState.MAKING)
        gone = db.session.scalars(ended.returning(ReportEdition.id)).all()
        db.session.execute(delete(ReportLink).where(ReportLink.expires_at < now - KEPT_FOR))
        db.session.commit()
    return {"editions forgotten": len(gone)}
