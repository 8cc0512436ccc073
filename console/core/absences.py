"""Times in which nobody ran this console's jobs: it was down, frozen, or its clock leapt ahead.

What was not heard in such a time may well have been said.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Index, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from console.core import clock
from console.core.db import Model, db

LEAST = timedelta(seconds=60)
"""Shorter ones are a restart, which delays what is heard and loses nothing."""
LEAP, DOUBTED = timedelta(hours=1), timedelta(days=1)
"""After so long an absence the clock is doubted for so long: it may have leapt ahead."""
SLACK = timedelta(seconds=5)
KEPT = timedelta(days=90)

log = logging.getLogger(__name__)


class Absence(Model):
    """One such time."""

    __tablename__ = "absence"
    __table_args__ = (Index("absence_by_end", "until"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class Away:
    """A time from which the console was away until it was back."""

    since: datetime
    until: datetime

    def touches(self, since: datetime, until: datetime) -> bool:
        """Whether a part of another time lies in it."""
        return self.since < until and since < self.until

    @property
    def words(self) -> str:
        """What to say of whatever was not heard then."""
        form = "%H:%M:%S" if self.since.date() == self.until.date() else "%d %b %H:%M"
        return f"the console was away from {self.since:{form}} to {self.until:{form}} UTC"


def add(since: datetime, until: datetime) -> None:
    """Note that the console was away, if it was for long. Commits."""
    if until - since < LEAST:
        return
    log.warning("nobody ran the jobs of this console from %s to %s", since, until)
    if until - since >= LEAP:
        log.warning("as the clock may be wrong, no more grows too old before %s", until + DOUBTED)
    db.session.add(Absence(since=since, until=until))
    db.session.commit()


def between(since: datetime, until: datetime) -> Sequence[Away]:
    """The absences that touch a time, the first one first."""
    touching = select(Absence.since, Absence.until).where(
        Absence.until > since, Absence.since < until
    )
    rows = db.session.execute(touching.order_by(Absence.since))
    return [Away(*row) for row in rows]


def touching(absences: Sequence[Away], since: datetime, until: datetime) -> Away | None:
    """The last of some absences that touches a time."""
    return next((away for away in reversed(absences) if away.touches(since, until)), None)


def overlap(absences: Sequence[Away], since: datetime, until: datetime) -> timedelta:
    """For how much of a time the console was away."""
    parts = (min(away.until, until) - max(away.since, since) for away in absences)
    return sum((part for part in parts if part > timedelta()), timedelta())


def certain_now() -> datetime:
    """The moment by which it is judged what is so old that it is deleted; at most the present.

    A clock that leaps ahead would have everything deleted at once. It looks like a console that was
    off, so after either nothing is older for a day than it was before.
    """
    now = clock.now()
    lately = between(now - DOUBTED, now)
    return min((away.since for away in lately if away.until - away.since >= LEAP), default=now)


def end_future() -> None:
    """Let absences last no longer than until now: the clock was set back. Commits.

    While it was ahead, whatever came has a later time: the part that has passed stays.
    """
    now = clock.now()
    ahead = Absence.until > now + SLACK
    db.session.execute(delete(Absence).where(ahead, Absence.since >= now))
    db.session.execute(update(Absence).where(ahead).values(until=now))
    db.session.commit()


def forget_old() -> str:
    """Delete absences of long ago. Commits."""
    db.session.execute(delete(Absence).where(Absence.until < certain_now() - KEPT))
    db.session.commit()
    return "done"
