"""Reports that fail are an incident of the console's own, as other troubles of delivery are."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select

from console.alerting.delivery.models import MessageState, OutboxMessage
from console.alerting.watchdog import Fault, Lookout
from console.channels.message import Verb
from console.core.db import db
from console.reports.models import EditionState, Report, ReportEdition
from console.web.filters import plural

LATE = timedelta(minutes=15)


def look(now: datetime) -> Fault | None:
    """What has not gone out: late reports, failed editions, and messages not delivered."""
    return _late(now) or _failed() or _undelivered()


LOOKOUT = Lookout("reports", "Reports do not go out", look)


def _late(now: datetime) -> Fault | None:
    late = select(func.count(Report.id), func.min(Report.next_at), func.min(Report.project_id))
    own = late.where(Report.enabled, Report.next_at < now - LATE)
    count, since, project_id = db.session.execute(own).one()
    if not count:
        return None
    verb = "was" if count == 1 else "were"
    return Fault(f"{plural(count, 'report')} {verb} not made in time", since or now, project_id)


def _failed() -> Fault | None:
    """The reports whose latest edition failed."""
    last = (
        select(func.max(ReportEdition.id))
        .where(ReportEdition.state != EditionState.MAKING)
        .group_by(ReportEdition.report_id)
    )
    own = (
        select(Report.name, ReportEdition.why, ReportEdition.created_at, Report.project_id)
        .join(
            ReportEdition,
            (ReportEdition.report_id == Report.id)
            & (ReportEdition.organization_id == Report.organization_id),
        )
        .where(ReportEdition.id.in_(last), ReportEdition.state == EditionState.FAILED)
    )
    rows = db.session.execute(own.order_by(ReportEdition.created_at)).all()
    if not rows:
        return None
    names = "; ".join(f"{name} ({why})" for name, why, _, _ in rows)
    return Fault(f"Not made: {names}", rows[0][2], rows[0][3])


def _undelivered() -> Fault | None:
    own = select(
        func.count(OutboxMessage.id),
        func.min(OutboxMessage.created_at),
        func.max(OutboxMessage.error),
    ).where(OutboxMessage.verb == Verb.REPORT, OutboxMessage.state == MessageState.FAILED)
    count, since, error = db.session.execute(own).one()
    if not count:
        return None
    why = (error or "").rstrip(".")  # who shows it ends the sentence
    return Fault(f"{plural(count, 'recipient')} did not get a report: {why}", since)
