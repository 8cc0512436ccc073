"""What checks came to: their past in cells, and single results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import and_, case, func, or_, select, update

from console.core.absences import Away, overlap
from console.telemetry.dialect import bucket
from console.telemetry.question import SINCE, ask, buckets, within
from console.telemetry.records import GOOD_OUTCOMES, CheckOutcome
from console.telemetry.scope import Scope
from console.telemetry.store import current
from console.telemetry.tables import check_result
from console.web.filters import duration

Result = check_result.c


@dataclass(frozen=True, slots=True)
class Cell:
    """The results of one stretch of time; failures that were not confirmed do not count."""

    at: datetime
    """When the stretch begins."""
    up: int = 0
    slow: int = 0
    down: int = 0
    maintained: int = 0
    away: timedelta = timedelta()
    """For how much of it nobody could look."""

    @property
    def tone(self) -> str:
        """How it is shown: bad, warn, good, or mute where nothing is known."""
        if self.down:
            return "bad"
        if self.slow > self.up:
            return "warn"
        return "good" if self.up or self.slow else "mute"

    @property
    def words(self) -> str:
        """What it says."""
        counts = {"up": self.up, "slow": self.slow, "down": self.down}
        counts["during maintenance"] = self.maintained
        known = [f"{count} {name}" for name, count in counts.items() if count]
        if self.away:
            known.append(f"the console was away {duration(self.away)}")
        return ", ".join(known) or "no data"


@dataclass(frozen=True, slots=True)
class Listed:
    """A result as it is listed."""

    at: datetime
    outcome: str
    state: str
    counts: bool
    maintenance: bool
    duration_us: int | None
    status: int | None
    why: str
    answered: str

    @property
    def milliseconds(self) -> float | None:
        """How long the answer took."""
        return None if self.duration_us is None else self.duration_us / 1000


def strips(
    scope: Scope, seconds: int, slugs: Sequence[str], absences: Sequence[Away] = ()
) -> Mapping[str, Sequence[Cell]]:
    """The cells of each of these checks by its slug, as wide as so many seconds.

    `absences` are times in which nobody looked: they are neither up nor down.
    """
    is_good, counts = Result.outcome.in_(GOOD_OUTCOMES), and_(Result.counts, ~Result.maintenance)
    is_slow = Result.outcome == CheckOutcome.SLOW

    mine = within(check_result, scope), Result.slug.in_(slugs)
    number = bucket(Result.timestamp, SINCE, seconds).label("number")
    query = select(
        Result.slug,
        number,
        func.count(case((and_(counts, is_good, ~is_slow), 1))),
        func.count(case((and_(counts, is_slow), 1))),
        func.count(case((and_(counts, ~is_good), 1))),
        func.count(case((and_(Result.counts, Result.maintenance), 1))),
    )
    rows = ask(scope, query.where(*mine).group_by(Result.slug, "number"))
    width = timedelta(seconds=seconds)
    nothing = [Cell(at, away=overlap(absences, at, at + width)) for at in buckets(scope, seconds)]
    cells = {slug: list(nothing) for slug in slugs}
    for slug, place, *numbers in rows:
        empty = nothing[place]
        up, slow, down, maintained = map(int, numbers)
        cells[slug][place] = replace(empty, up=up, slow=slow, down=down, maintained=maintained)
    return cells


def results(scope: Scope, check_id: int, limit: int, *, failures: bool = False) -> Sequence[Listed]:
    """The results of a check, the latest first; with `failures`, the ones that were not good.

    Of failures, a first try is left out where the second one failed as well.
    """
    query = select(
        Result.timestamp, Result.outcome, Result.state, Result.counts, Result.maintenance,
        Result.duration_us, Result.http_status, Result.why, Result.answered,
    ).where(within(check_result, scope), Result.check_id == check_id)  # fmt: skip
    if failures:
        good = (*GOOD_OUTCOMES, CheckOutcome.PAUSED)
        bad = within(check_result, scope), Result.check_id == check_id, Result.outcome.not_in(good)
        # A first try says nothing that the second one, which counts, does not say.
        confirmed = select(Result.client_timestamp).where(*bad, Result.counts).correlate(None)
        is_news = or_(Result.counts, Result.client_timestamp.not_in(confirmed))
        query = query.where(Result.outcome.not_in(good), is_news)
    rows = ask(scope, query.order_by(Result.timestamp.desc(), Result.counts.desc()).limit(limit))
    return [Listed(*row) for row in rows]


def mark_maintenance(
    organization_id: int, project_id: int, since: datetime, until: datetime,
    covered: Sequence[tuple[int | None, datetime, datetime]],
) -> None:  # fmt: skip
    """Say anew which results of a time came while their check was maintained.

    `covered` are windows: a check, None for all of the project, and from when until when.
    """
    maintained = [
        and_(
            Result.timestamp >= starts,
            Result.timestamp < ends,
            *([Result.check_id == check_id] if check_id is not None else []),
        )
        for check_id, starts, ends in covered
    ]
    mine = and_(
        Result.organization_id == organization_id,
        Result.project_id == project_id,
        Result.timestamp >= since,
        Result.timestamp < until,
    )
    with current().using(organization_id) as database, database.transaction() as connection:
        connection.execute(update(check_result).where(mine).values(maintenance=False))
        for condition in maintained:
            marking = update(check_result).where(mine, condition)
            connection.execute(marking.values(maintenance=True))
