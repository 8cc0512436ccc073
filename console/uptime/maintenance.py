"""Maintenance: times in which failures are expected, planned or marked afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from console.core.db import db
from console.uptime.models import MaintenanceWindow


def windows_since(moment: datetime) -> Sequence[MaintenanceWindow]:
    """The windows of the Session's organization that end after a moment."""
    own = select(MaintenanceWindow).where(MaintenanceWindow.ends_at > moment)
    return db.session.scalars(own).all()
