"""Which rules watch a thing that a page is about, and whether they fire on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_, select

from console.accounts.models import Project
from console.alerting.decide import FIRING, State
from console.alerting.definition import Definition
from console.alerting.models import LONGEST_VALUE, Incident, Rule, RuleSeries
from console.core.db import db

MOST = 200
_FIRING = set(FIRING.values())


@dataclass(frozen=True, slots=True)
class Subject:
    """What a page is about: a value of a dimension, or every metric of some groups.

    Groups are the first parts of the ids of metrics.
    """

    groups: Sequence[str]
    dimension: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """A rule that watches the subject, and its state there; None before its first evaluation."""

    rule: Rule
    state: State | None

    @property
    def fires(self) -> bool:
        """Whether the rule fires on the subject now."""
        return self.state in _FIRING


def watching(project: Project, subjects: Sequence[Subject]) -> Sequence[Watch]:
    """The rules that watch one of the subjects in particular, the ones that fire first."""
    metric = Rule.document["metric"].as_string()
    groups = sorted({group for subject in subjects for group in subject.groups})
    query = (
        select(Rule, RuleSeries.value, RuleSeries.state)
        .outerjoin(RuleSeries, and_(RuleSeries.rule_id == Rule.id, _series_of(subjects)))
        .where(
            Rule.project_id == project.id,
            Rule.enabled,
            or_(*(metric.startswith(f"{group}.") for group in groups)),
        )
        .order_by(Rule.name)
        .limit(MOST)
    )
    watches: dict[int, Watch] = {}
    for rule, value, state in db.session.execute(query):
        for watch in _watches(rule, value, state, subjects):
            known = watches.get(rule.id)
            if known is None or watch.fires:
                watches[rule.id] = watch
    return sorted(watches.values(), key=lambda watch: not watch.fires)


def incidents_about(
    project: Project, dimension: str, value: str, *, or_all: bool = False
) -> ColumnElement[bool]:
    """Whether an incident is of a rule that watches a value of a dimension in particular.

    With `or_all`, also of one that watches all values together: it leaves out only the incidents of
    other values.
    """
    by_value: list[int] = []
    of_it: list[int] = []
    own_rules = select(Rule.id, Rule.document).where(Rule.project_id == project.id)
    for rule_id, document in db.session.execute(own_rules):
        named = document.get("where", {}).get(dimension)
        if document.get("by") == dimension:
            by_value.append(rule_id)
        elif value in named if named is not None else or_all:
            of_it.append(rule_id)
    own = Incident.rule_id.in_(by_value) & (Incident.value == value[:LONGEST_VALUE])
    of_none = Incident.rule_id.is_(None) if or_all else false()
    return or_(of_none, Incident.rule_id.in_(of_it), own)


def _series_of(subjects: Sequence[Subject]) -> ColumnElement[bool]:
    """The series that may be about the subjects; about a whole group, all that fire."""
    values = sorted({"", *(subject.value[:LONGEST_VALUE] for subject in subjects)})
    named = RuleSeries.value.in_(values)
    if all(subject.dimension for subject in subjects):
        return named
    return or_(named, RuleSeries.state.in_(_FIRING))


def _watches(
    rule: Rule, value: str | None, state: State | None, subjects: Sequence[Subject]
) -> Iterator[Watch]:
    definition = rule.definition
    for subject in subjects:
        if not _is_about(definition, subject):
            continue
        by_subject = subject.dimension != "" and definition.by == subject.dimension
        own = subject.value[:LONGEST_VALUE] if by_subject else ""
        is_own = value == own or not subject.dimension
        yield Watch(rule, state if is_own else None)


def _is_about(definition: Definition, subject: Subject) -> bool:
    if definition.metric.split(".")[0] not in subject.groups:
        return False
    if not subject.dimension:
        return True
    named = definition.where.get(subject.dimension)
    if named is not None:
        return subject.value in named
    return definition.by == subject.dimension
