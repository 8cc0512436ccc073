"""Silences: when a rule's incidents notify nobody."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select

from console.alerting.models import Rule, Silence
from console.core.cron import Cron
from console.core.db import db


def active(rule: Rule, value: str, at: datetime) -> Silence | None:
    """The silence that holds back what a rule's series would say at a moment; None if none does."""
    present = select(Silence).where(
        Silence.project_id == rule.project_id,
        or_(Silence.rule_id.is_(None), Silence.rule_id == rule.id),
        or_(Silence.value == "", Silence.value == value),
        Silence.starts_at <= at,
        Silence.ends_at > at,
    )
    silences = db.session.scalars(present.order_by(Silence.ends_at.desc(), Silence.id))
    return next((silence for silence in silences if is_active(silence, at)), None)


def is_active(silence: Silence, at: datetime) -> bool:
    """Whether a silence holds at a moment: all the time, or in its recurring hours."""
    if not silence.starts_at <= at < silence.ends_at:
        return False
    if not silence.cron:
        return True
    begun = Cron(silence.cron, silence.zone).latest(at)
    return at < begun + timedelta(minutes=silence.minutes)
