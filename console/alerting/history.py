"""How long the evaluations of rules are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select

from console.alerting.condition import Verdict
from console.alerting.models import Evaluation, SkippedTime
from console.core import absences
from console.core.db import db, reading

KEPT, HISTORY_KEPT = timedelta(days=30), timedelta(days=365)
QUIET = (Verdict.CLEAR, Verdict.BETWEEN, Verdict.NO_DATA, Verdict.INCONCLUSIVE)
"""Verdicts of which only the last 30 days are kept."""
MOST_STORED = 10_000_000
"""Evaluations of an organization, about 2.7 GB: 2,000 rules of 200 values each would fill a disk.

Of older ones only what is not quiet stays, as many again.
"""
FORGOTTEN_TOGETHER = 5_000


def forget_old(organization_id: int) -> Mapping[str, int]:
    """Thin out evaluations of long ago in the Session's organization, and commit.

    What changed a state is kept a year, so that an incident's history can be read.
    """
    del organization_id  # the Session is bound to it
    now = absences.certain_now()
    quiet = Evaluation.at < now - KEPT, Evaluation.verdict.in_(QUIET)
    ancient = (Evaluation.at < now - HISTORY_KEPT,)
    forgotten = sum(_forget(*conditions) for conditions in (quiet, ancient))
    for most, conditions in (MOST_STORED, quiet[1:]), (2 * MOST_STORED, ()):
        if (oldest := _oldest_of(most)) is not None:
            forgotten += _forget(Evaluation.at < oldest, *conditions)
    db.session.execute(delete(SkippedTime).where(SkippedTime.until < now - HISTORY_KEPT))
    db.session.commit()
    return {"evaluations forgotten": forgotten}


def _oldest_of(count: int) -> datetime | None:
    """When the oldest of the latest so many evaluations was; None if there are not so many."""
    with reading():
        latest = select(Evaluation.at).order_by(Evaluation.at.desc())
        oldest = db.session.scalar(latest.offset(count - 1).limit(1))
        db.session.rollback()
    return oldest


def _forget(*conditions: ColumnElement[bool]) -> int:
    """Delete some evaluations at a time: others write in between. Commits; returns how many."""
    forgotten = 0
    while True:
        old_ids = select(Evaluation.id).where(*conditions).limit(FORGOTTEN_TOGETHER)
        gone = delete(Evaluation).where(Evaluation.id.in_(old_ids)).returning(Evaluation.id)
        count = len(db.session.scalars(gone.execution_options(synchronize_session=False)).all())
        db.session.commit()
        forgotten += count
        if count < FORGOTTEN_TOGETHER:
            return forgotten
