"""How many checks are late, for whoever must not load the catalogue of metrics."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select

from console.core import clock
from console.core.db import db
from console.uptime.models import Check

LATE = timedelta(minutes=2)
"""A check that was due so long ago is late: a try takes as long at most."""


def late_checks() -> int:
    """How many checks of the Session's organization were to be looked at, and were not."""
    own = select(func.count(Check.id)).where(Check.next_due < clock.now() - LATE)
    return db.session.scalar(own) or 0
