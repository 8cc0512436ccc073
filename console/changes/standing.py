"""What becomes of a subject's rows when its days are judged: some go on, end, begin, or go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import delete, select

from console.accounts.models import Project
from console.changes import cause
from console.changes.judged import ChangeState, Life, lives, replayed
from console.changes.models import NAME, Change
from console.changes.readings import Place, Readings
from console.changes.rules import BY_ID, DailyRule
from console.core.db import db
from console.metrics import subjects

MOST_EXPLAINED = 10
"""Of a project at a time, the largest: each asks telemetry some more."""


class Key(NamedTuple):
    """What a change is of: a subject of a daily rule in an environment."""

    rule_id: str
    environment: str
    subject: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A change as its days make it, and the row that it has; without a life the row goes."""

    key: Key
    place: Place
    life: Life | None
    row_id: int | None = None
    was: tuple[date, ChangeState] | None = None
    """The last news of its row until now."""
    name: str = ""
    cause: Mapping[str, Any] | None = None
    """What came with it, if that was looked for."""

    @property
    def rule(self) -> DailyRule:
        return BY_ID[self.key.rule_id]

    @property
    def is_news(self) -> bool:
        """Whether it says something else than its row."""
        return self.life is not None and (self.life.moved_on, self.life.state) != self.was


def standings(
    own: Readings, rows: Mapping[Key, Sequence[Change]], days: Sequence[date]
) -> Iterator[Standing]:
    """What the changes of all subjects of a rule in a place are after these days."""
    for subject, course in own.courses.items():
        key = Key(own.rule.id, own.place.environment, subject)
        known = rows.get(key, ())
        past = [
            (life, row)
            for row in known
            if (life := replayed(own.rule, row.life, days[0])) is not None
        ]
        after = lives(own.rule, course, days, [life for life, _ in past])
        homes = [row for life, row in past if not life.is_over]
        free = {row.first_day: row for row in known if row.first_day >= days[0]}
        for number, life in enumerate(after):
            row = homes[number] if number < len(homes) else free.pop(life.first_day, None)
            was = (row.moved_on, row.state) if row else None
            yield Standing(key, own.place, life, row.id if row else None, was)
        for row in free.values():
            yield Standing(key, own.place, None, row.id)


def explained(project: Project, standings: Iterable[Standing], first: date) -> Sequence[Standing]:
    """The standings, with the causes of the largest of those that are news."""
    ordered = sorted(standings, key=_impact, reverse=True)
    room = MOST_EXPLAINED
    answers = []
    for own in ordered:
        life = own.life
        if not room or not own.is_news or not life or life.is_over or life.moved_on < first:
            answers.append(own)
            continue
        room -= 1
        came_with = cause.explained(project, own.rule, own.place, own.key.subject, life)
        answers.append(replace(own, cause=came_with.document))
    return answers


def named(project: Project, standings: Sequence[Standing]) -> Sequence[Standing]:
    """The standings with what people call their subjects; a statement for issues and for checks."""
    names: dict[str, subjects.Subjects] = {}
    for by in {own.rule.by for own in standings} - {""}:
        values = {own.key.subject for own in standings if own.rule.by == by}
        names[by] = subjects.named(project, by, values)
    return [
        replace(own, name=names[own.rule.by].names.get(own.key.subject, "")[:NAME])
        if own.rule.by
        else replace(own, name=own.rule.whole)
        for own in standings
    ]


def write(project_id: int, standings: Sequence[Standing]) -> Mapping[str, int]:
    """Bring the rows in step in the present transaction; how many of each news there are."""
    gone = [own.row_id for own in standings if own.life is None]
    kept = {own.row_id for own in standings if own.life and own.row_id is not None}
    query = select(Change).where(Change.project_id == project_id, Change.id.in_(kept))
    rows = {row.id: row for row in db.session.scalars(query.order_by(Change.id))}
    if gone:
        db.session.execute(delete(Change).where(Change.id.in_(gone)))
    news: Counter[str] = Counter()
    # What ends makes room: a subject has one living change.
    for own in sorted(standings, key=lambda own: own.life is None or not own.life.is_over):
        if own.life is None:
            continue
        row = rows.get(own.row_id or 0)
        if row is None:
            row = Change(project_id=project_id, **own.key._asdict(), cause={})
            db.session.add(row)
        _fill(row, own, own.life)
        if own.is_news:
            news[f"changes {own.life.state.value}"] += 1
        if own.life.is_over:
            db.session.flush()
    return news


def _fill(row: Change, own: Standing, life: Life) -> None:
    rule, latest = own.rule, life.latest(own.rule)
    row.name = own.name or row.name or own.key.subject  # an issue that is gone keeps its title
    row.state, row.ending, row.way = life.state, life.ending, life.way
    row.first_day, row.last_day = life.first_day, latest.at
    row.judged_day, row.moved_on = life.days[-1].at, life.moved_on
    row.quiet_days = life.quiet
    row.before, row.after, row.peak = life.before, latest.number or 0.0, life.peak
    row.samples, row.impact = latest.samples, life.impact(rule)
    row.course = {
        "former": list(life.former),
        "days": [[day.at.isoformat(), day.number, day.samples, day.hits] for day in life.days],
        "mark": life.mark,
    }
    if own.cause is not None:
        row.cause = dict(own.cause)


def _impact(own: Standing) -> int:
    return own.life.impact(own.rule) if own.life else 0
