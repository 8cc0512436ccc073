"""Rules whose position lies in the future, because the clock was set back, go on from now."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import InstrumentedAttribute

from console.alerting.decide import Standing
from console.alerting.evaluation import begin
from console.alerting.models import Evaluation, Incident, Rule, RuleSeries
from console.core.db import database_time, db, reading, writing

log = logging.getLogger(__name__)


def put_right(organization_id: int) -> Mapping[str, int]:
    """Let rules that were evaluated on a later clock decide the windows from now on. Commits.

    They would be silent until the time that the clock had shown. What was decided for times that
    have not come is forgotten; states and incidents stay.
    """
    del organization_id  # the Session is bound to it
    with reading():
        now = database_time()
        ahead = select(Rule.id).where(Rule.enabled, Rule.evaluated_until > now)
        ids = db.session.scalars(ahead).all()
        db.session.rollback()
    if ids:
        log.warning("the clock was set back: %d rules go on from %s", len(ids), now)
        with writing():
            for rule in db.session.scalars(select(Rule).where(Rule.id.in_(ids))):
                _put_right(rule, now)
            db.session.commit()
    return {"rules put right after the clock was set back": len(ids)}


def _put_right(rule: Rule, now: datetime) -> None:
    begin(rule)
    at = rule.evaluated_until.timestamp()
    for series in db.session.scalars(select(RuleSeries).where(RuleSeries.rule_id == rule.id)):
        series.standing = Standing.of(series.standing).rewound(at).document
        series.changed_at = min(series.changed_at, now)
    future = delete(Evaluation).where(
        Evaluation.rule_id == rule.id, Evaluation.at > rule.evaluated_until
    )
    db.session.execute(future.execution_options(synchronize_session=False))
    for column in (
        Incident.breached_at,
        Incident.opened_at,
        Incident.noticed_at,
        Incident.notified_at,
        Incident.acknowledged_at,
        Incident.resolved_at,
    ):
        _no_later(rule, column, now)


def _no_later(
    rule: Rule,
    column: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    now: datetime,
) -> None:
    own = update(Incident).where(Incident.rule_id == rule.id, column > now)
    db.session.execute(own.values({column: now}).execution_options(synchronize_session=False))
