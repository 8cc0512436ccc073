"""Whether a channel works, by what became of the latest tries. Callers commit."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import func, update

from console.alerting.delivery.models import Channel
from console.core.db import db

Health = Literal["works", "failing", "not tried"]


def of(channel: Channel) -> Health:
    """Whether a channel's last try was taken."""
    if channel.failing_since is not None:
        return "failing"
    return "works" if channel.last_sent_at is not None else "not tried"


def works(channel_id: int, at: datetime) -> None:
    """Note that a channel took a message."""
    own = update(Channel).where(Channel.id == channel_id)
    values = {"failing_since": None, "failures": 0, "last_error": ""}
    db.session.execute(own.values(last_sent_at=at, last_tried_at=at, **values))


def fails(channel_id: int, at: datetime, error: str) -> None:
    """Note that a channel did not take a message, and why."""
    own = update(Channel).where(Channel.id == channel_id)
    db.session.execute(
        own.values(
            failing_since=func.coalesce(Channel.failing_since, at),
            failures=Channel.failures + 1,
            last_error=error,
            last_tried_at=at,
        )
    )
