"""What the daily rules judge: each subject's number of each day, from the catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select

from console.accounts.models import Project, Release
from console.changes.judged import Course, Day
from console.changes.models import SUBJECT
from console.changes.rules import MOST_SUBJECTS, DailyRule, together
from console.core.db import db
from console.telemetry import metric as catalogue
from console.telemetry.metric import Metric, Parts
from console.telemetry.scope import Scope

SECONDS = 86_400
DAY = timedelta(seconds=SECONDS)
MOST_ENVIRONMENTS = 5
"""Of a project, the ones that were seen first: a preview of each branch has no days before it."""


@dataclass(frozen=True, slots=True)
class Place:
    """An environment whose numbers are judged; "" for rows that name none, or for all together."""

    environment: str = ""
    where: Mapping[str, str] = field(default_factory=dict)

    def scope(self, project: Project, first: date, last: date) -> Scope:
        """The days from the first to the last one, as a question takes them."""
        return Scope(
            organization_id=project.organization_id,
            project_id=project.id,
            since=midnight(first),
            until=midnight(last) + DAY,
            environment=self.environment,
        )


@dataclass(frozen=True, slots=True)
class Readings:
    """The days of the subjects of one rule in one place, as far as they had any rows."""

    rule: DailyRule
    place: Place
    courses: Mapping[str, Course]


def readings(project: Project, first: date, last: date) -> Iterator[Readings]:
    """The numbers of all rules for the days from `first` to `last`.

    One statement for each group of rules and environment, whatever the number of subjects.
    """
    places = _places(project, first)
    for rules in together():
        for place in [Place()] if rules[0].everywhere else places:
            yield from _answered(project, rules, place, days(first, last))


def given(metric: Metric, project: Project) -> Metric:
    """The metric; its parameter is the project's threshold of response times."""
    names = [parameter.name for parameter in metric.parameters]
    return metric.given_that(**dict.fromkeys(names, project.monitoring.api_p95_ms))


def days(first: date, last: date) -> list[date]:
    """The days from the first to the last one."""
    return [first + DAY * number for number in range((last - first).days + 1)]


def midnight(day: date) -> datetime:
    """When a day of UTC begins."""
    return datetime.combine(day, time(), UTC)


def _places(project: Project, first: date) -> Sequence[Place]:
    query = (
        select(Release.environment)
        .where(Release.project_id == project.id)
        .group_by(Release.environment)
        .having(func.max(Release.last_seen) >= midnight(first))
        .order_by(func.min(Release.first_seen), Release.environment)
    )
    names = list(db.session.scalars(query.limit(MOST_ENVIRONMENTS)))
    if len(names) < 2:
        return [Place(name) for name in names or [""]]
    return [Place(name, {} if name else {"environment": ""}) for name in names]


def _answered(
    project: Project, rules: Sequence[DailyRule], place: Place, asked: Sequence[date]
) -> Iterator[Readings]:
    metrics = {rule.id: given(rule.metric, project) for rule in rules}
    hits = {rule.hits_id: rule.hits for rule in rules if rule.hits}
    answers = catalogue.courses(
        list({metric.id: metric for metric in (*metrics.values(), *hits.values())}.values()),
        place.scope(project, asked[0], asked[-1]),
        SECONDS,
        rules[0].by or None,
        where=place.where,
        limit=MOST_SUBJECTS,
    )
    for rule in rules:
        number = answers[metrics[rule.id].id]
        yield Readings(rule, place, _courses(rule, number, answers.get(rule.hits_id), asked))


def _courses(
    rule: DailyRule,
    numbers: Parts[catalogue.Course],
    hits: Parts[catalogue.Course] | None,
    asked: Sequence[date],
) -> Mapping[str, Course]:
    """By subject its days; a day on which nobody had any rows says nothing, and is no zero."""
    everybody = [*numbers.by_value.values(), *([numbers.rest] if numbers.rest else [])]
    active = [any(course.samples[place] for course in everybody) for place in range(len(asked))]
    courses = {}
    for subject, course in numbers.by_value.items():
        if (rule.by and not subject) or len(subject) > SUBJECT:
            continue
        concerned = hits.by_value.get(subject) if hits else None
        people = concerned.numbers if concerned else course.samples
        courses[subject] = {
            at: Day(at, number, samples, float(people[place] or 0))
            for place, (at, number, samples) in enumerate(
                zip(asked, course.numbers, course.samples, strict=True)
            )
            if active[place]
        }
    return courses
