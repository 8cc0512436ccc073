"""How many rules are late or broken, for whoever must not load the catalogue of metrics."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from console.accounts.models import Project
from console.alerting.decide import State
from console.alerting.models import Rule, RuleSeries
from console.core import clock
from console.core.db import db

LATE = timedelta(minutes=2)
"""A rule is late when its next window could have been decided so long ago."""


def late_rules(project: Project) -> int:
    """How many rules should have decided a window for a while."""
    late = select(func.count(Rule.id)).where(Rule.project_id == project.id, Rule.enabled)
    return db.session.scalar(late.where(Rule.next_due < clock.now() - LATE)) or 0


def troubles() -> dict[str, int]:
    """How many rules of the Session's organization are late, and how many are broken."""
    late = select(func.count(Rule.id)).where(Rule.enabled, Rule.next_due < clock.now() - LATE)
    broken = (
        select(func.count(RuleSeries.rule_id.distinct()))
        .join(Rule, Rule.id == RuleSeries.rule_id)
        .where(RuleSeries.state == State.BROKEN, Rule.enabled)
    )
    return {
        "rules_late": db.session.scalar(late) or 0,
        "rules_broken": db.session.scalar(broken) or 0,
    }
