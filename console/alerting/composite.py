"""Rules of other rules: they fire while all their members fire, as the members' evaluations say."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

from sqlalchemy import func, select

from console.alerting.condition import Condition, Evaluated, Level
from console.alerting.decide import State
from console.alerting.definition import Definition
from console.alerting.models import Evaluation, Rule
from console.core.db import db

METRIC = "rules.firing"
"""What stands for a metric in the definition of a composite rule: how many members fire."""
FEWEST, MOST = 2, 20
LONGEST_NAME = 60
LONGEST_ID = 9
FIRING = (State.WARNING, State.CRITICAL, State.RECOVERING, State.NO_DATA)
"""The states in which a rule has an incident open."""


@dataclass(frozen=True, slots=True)
class Member:
    """Another rule, or the series of it that has one value of its breakdown."""

    rule_id: int
    value: str = ""
    """"" for any series."""

    @classmethod
    def of(cls, text: str) -> Self:
        """The member that `str` has written: "12", or "12:GET /cart"; raises ValueError."""
        number, _, value = text.partition(":")
        if not number.isascii() or not number.isdecimal() or len(number) > LONGEST_ID:
            raise ValueError(text)
        return cls(int(number), value)

    def __str__(self) -> str:
        return f"{self.rule_id}:{self.value}" if self.value else str(self.rule_id)


@dataclass(frozen=True, slots=True)
class Past:
    """The states of a member's series by time, and how long each of them holds."""

    name: str
    by_value: Mapping[str, tuple[Sequence[float], Sequence[State]]]
    holds: float
    """Seconds for which an evaluation speaks: its interval, and the next one's way to it."""
    until: float
    """What comes after this moment was not evaluated."""
    is_broken_down: bool

    def fires(self, at: float) -> bool | None:
        """Whether a series fires at a moment, None if none was evaluated; ValueError if broken."""
        if at >= self.until:
            raise ValueError(f"{self.name} is late")
        states = list(self._states(at))
        if State.BROKEN in states:
            raise ValueError(f"{self.name} is broken")
        if not states and not self.is_broken_down:
            return None
        return any(state in FIRING for state in states)

    def in_words(self, at: float) -> tuple[str, bool | None]:
        """The state at a moment, or how many values fire; and whether that counts as firing."""
        try:
            fires = self.fires(at)
        except ValueError as error:
            return str(error), None
        states = list(self._states(at))
        if not states:
            return "no value has data" if self.is_broken_down else "not evaluated", fires
        if len(states) == 1:
            return states[0].value.replace("_", " "), fires
        return f"{sum(state in FIRING for state in states)} of {len(states)} values fire", fires

    def _states(self, at: float) -> Iterator[State]:
        for times, states in self.by_value.values():
            place = bisect_right(times, at) - 1
            if place >= 0 and at - times[place] < self.holds:
                yield states[place]


def definition(members: Sequence[Member], condition: Condition) -> Definition:
    """What a composite rule is: its number counts the members that fire, all are a breach."""
    seconds = int(condition.interval_seconds)
    return Definition(
        metric=METRIC,
        members=tuple(map(str, members)),
        condition=condition,
        window_seconds=seconds,
    )


def condition(
    members: Sequence[Member], level: Level = Level.CRITICAL, **fields: float
) -> Condition:
    """Breached while all members fire."""
    return Condition(op=">=", levels={level: len(members)}, **fields)  # type: ignore[arg-type]


def at(definition: Definition, moments: Sequence[datetime]) -> Sequence[Evaluated]:
    """How many members fired at each moment; an error where that cannot be said."""
    members = [Member.of(text) for text in definition.members]
    rules = _rules(members)
    pasts = [_past(rules.get(member.rule_id), member, moments) for member in members]
    return [_evaluated(pasts, moment.timestamp()) for moment in moments]


def known_until(definition: Definition) -> datetime | None:
    """Up to when the members' states are known; None where no member is evaluated at all."""
    rules = _rules([Member.of(text) for text in definition.members])
    ends = [rule.evaluated_until + _interval(rule) for rule in rules.values() if rule.enabled]
    return min(ends) - timedelta(seconds=1) if ends else None


def ids(definition: Definition) -> set[int]:
    """The rules that a composite rule is made of."""
    return {Member.of(text).rule_id for text in definition.members}


def inner_first(rules: Iterable[Rule]) -> list[Rule]:
    """The composite rules among rules, each after the composite rules that it is made of."""
    together = {rule.id: rule for rule in rules if rule.document.get("members")}
    members = {
        rule_id: ids(rule.definition) & together.keys() for rule_id, rule in together.items()
    }
    ordered: dict[int, Rule] = {}
    while ready := [
        own for own in together if own not in ordered and members[own] <= ordered.keys()
    ]:
        ordered |= {rule_id: together[rule_id] for rule_id in ready}
    return [*ordered.values()]


def rules_of(definition: Definition) -> Mapping[int, Rule]:
    """The rules that a composite rule is made of, those that exist still, by id."""
    return _rules([Member.of(text) for text in definition.members])


def names(definition: Definition) -> list[str]:
    """The members in words, for a sentence."""
    members = [Member.of(text) for text in definition.members]
    rules = _rules(members)
    return [
        (
            rules[member.rule_id].name
            if member.rule_id in rules
            else f"rule {member.rule_id}, deleted"
        )
        + (f" ({member.value})" if member.value else "")
        for member in members
    ]


@dataclass(frozen=True, slots=True)
class Standpoint:
    """What a member said at a moment: whether it fired, and in which state it was, in words."""

    member: Member
    name: str
    text: str
    fires: bool | None
    """None where that cannot be said."""
    exists: bool


def standpoints(definition: Definition, at: datetime) -> Iterator[Standpoint]:
    """What each member of a composite rule said at a moment, as late data has left it."""
    members = [Member.of(text) for text in definition.members]
    rules = _rules(members)
    for member, name in zip(members, names(definition), strict=True):
        past = _past(rules.get(member.rule_id), member, [at])
        text, fires = (past, None) if isinstance(past, str) else past.in_words(at.timestamp())
        yield Standpoint(member, name, text, fires, exists=member.rule_id in rules)


def faults(project_id: int, members: Sequence[Member], rule_id: int | None) -> Iterator[str]:
    """What is wrong with the members of a new rule, or of the rule with this id."""
    if not FEWEST <= len(set(members)) <= MOST or len(set(members)) < len(members):
        yield f"{FEWEST} to {MOST} different rules."
        return
    own = select(Rule).where(Rule.project_id == project_id)
    rules = {rule.id: rule for rule in db.session.scalars(own)}
    for member in members:
        rule = rules.get(member.rule_id)
        if rule is None:
            yield f"There is no rule {member.rule_id} in this project."
        elif member.value and rule.definition.by is None:
            yield f"{rule.name} has no values: it is not broken down."
    if rule_id is not None and _reaches(rules, {member.rule_id for member in members}, rule_id):
        yield "A rule cannot depend on itself, not by way of other rules either."


def _reaches(rules: Mapping[int, Rule], begin: set[int], goal: int) -> bool:
    """Whether rules lead to another one by their members."""
    seen: set[int] = set()
    waiting = set(begin)
    while waiting:
        seen |= waiting
        members = [rules[i].document.get("members", ()) for i in waiting if i in rules]
        waiting = {Member.of(text).rule_id for texts in members for text in texts} - seen
    return goal in seen


def _rules(members: Sequence[Member]) -> Mapping[int, Rule]:
    own = select(Rule).where(Rule.id.in_({member.rule_id for member in members}))
    return {rule.id: rule for rule in db.session.scalars(own)}


def _interval(rule: Rule) -> timedelta:
    return timedelta(seconds=rule.definition.condition.interval_seconds)


def _past(rule: Rule | None, member: Member, moments: Sequence[datetime]) -> Past | str:
    """What a member's evaluations say of a time, or why they say nothing."""
    if rule is None:
        return f"rule {member.rule_id} was deleted"
    if not rule.enabled:
        return f"{rule.name} is switched off"
    interval = _interval(rule)
    known = func.coalesce(Evaluation.settled_state, Evaluation.state)
    own = select(Evaluation.value, Evaluation.at, known).where(
        Evaluation.rule_id == rule.id,
        Evaluation.at > moments[0] - 2 * interval,
        Evaluation.at <= moments[-1],
    )
    if member.value:
        own = own.where(Evaluation.value == member.value)
    by_value: dict[str, tuple[list[float], list[State]]] = {}
    for value, at, state in db.session.execute(own.order_by(Evaluation.at)):
        times, states = by_value.setdefault(value, ([], []))
        times.append(at.timestamp())
        states.append(state)
    until = (rule.evaluated_until + interval).timestamp()
    is_broken_down = rule.definition.by is not None
    return Past(
        rule.name[:LONGEST_NAME], by_value, interval.total_seconds() * 2, until, is_broken_down
    )


def _evaluated(pasts: Sequence[Past | str], at: float) -> Evaluated:
    firing = 0
    for past in pasts:
        if isinstance(past, str):
            return Evaluated(at, error=past)
        try:
            fires = past.fires(at)
        except ValueError as error:
            return Evaluated(at, error=str(error))
        if fires is None:
            return Evaluated(at)
        firing += fires
    return Evaluated(at, float(firing))
