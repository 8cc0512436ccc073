"""What pages and the API ask the ledger."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from console.accounts.models import Project
from console.core import clock
from console.core.db import db
from console.intake.ledger import INVALID, OUTCOMES, REFUSED, STORED
from console.intake.models import Outcome

HOUR = timedelta(hours=1)
LINES = 500


@dataclass(frozen=True, slots=True)
class Line:
    """Items of one type that met one fate for one reason, and the latest case of them."""

    item_type: str
    outcome: str
    reason: str
    quantity: int
    last_at: datetime
    detail: str


def ledger(
    project: Project,
    since: datetime,
    until: datetime,
    *,
    item_type: str = "",
    outcome: str = "",
) -> list[Line]:
    """Everything that the project was sent in the hours that touch [since, until), most first."""
    query = (
        select(
            Outcome.item_type,
            Outcome.outcome,
            Outcome.reason,
            func.sum(Outcome.quantity),
            func.max(Outcome.id),
        )
        .where(Outcome.project_id == project.id)
        .where(Outcome.hour >= _hour(since), Outcome.hour < until)
        .group_by(Outcome.item_type, Outcome.outcome, Outcome.reason)
        .order_by(func.sum(Outcome.quantity).desc())
        .limit(LINES)
    )
    if item_type:
        query = query.where(Outcome.item_type == item_type)
    if outcome:
        query = query.where(Outcome.outcome == outcome)
    sums = db.session.execute(query).all()
    latest = {row.id: row for row in _rows([row[4] for row in sums])}
    return [
        Line(kind, fate, reason, int(total), latest[id_].last_at, latest[id_].detail)
        for kind, fate, reason, total, id_ in sums
    ]


def volume(project: Project, buckets: Sequence[datetime], until: datetime) -> dict[str, list[int]]:
    """The items of each outcome in equal buckets of at least an hour, up to `until`."""
    grain = buckets[1] - buckets[0] if len(buckets) > 1 else HOUR
    query = (
        select(Outcome.hour, Outcome.outcome, func.sum(Outcome.quantity))
        .where(Outcome.project_id == project.id)
        .where(Outcome.hour >= _hour(buckets[0]), Outcome.hour < until)
        .group_by(Outcome.hour, Outcome.outcome)
    )
    totals: dict[str, list[int]] = defaultdict(lambda: [0] * len(buckets))
    for hour, outcome, quantity in db.session.execute(query):
        number = max((hour - buckets[0]) // grain, 0)
        totals[outcome][min(number, len(buckets) - 1)] += int(quantity)
    return {outcome: totals[outcome] for outcome in OUTCOMES if outcome in totals}


def recent_refusals(project: Project, within: timedelta, limit: int = 5) -> Sequence[Outcome]:
    """What was turned away or unreadable lately, the latest first."""
    query = (
        select(Outcome)
        .where(Outcome.project_id == project.id)
        .where(Outcome.outcome.in_((REFUSED, INVALID)))
        .where(Outcome.last_at > clock.now() - within)
        .order_by(Outcome.last_at.desc(), Outcome.id.desc())
    )
    return db.session.scalars(query.limit(limit)).all()


def latest_arrivals(project: Project) -> dict[str, datetime]:
    """When items of the project were last stored, by their type."""
    query = (
        select(Outcome.item_type, func.max(Outcome.last_at).label("at"))
        .where(Outcome.project_id == project.id, Outcome.outcome == STORED)
        .group_by(Outcome.item_type)
    )
    return {row.item_type: row.at for row in db.session.execute(query)}


def _rows(ids: Sequence[int]) -> Sequence[Outcome]:
    return db.session.scalars(select(Outcome).where(Outcome.id.in_(ids))).all()


def _hour(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
