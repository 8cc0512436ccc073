"""What a composite rule can be made of, as its form offers it: a few rules, and a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, or_, select

from console.alerting.composite import Member
from console.alerting.models import Rule, RuleSeries
from console.core.db import db

MOST_LISTED = 25
MOST_VALUES = 10
"""So many values of each rule are offered; a search finds the others."""
MOST_CHOSEN = 100
"""So many of the chosen ones stay in a form; fewer can be saved."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A rule, or one value of its breakdown, that a composite rule can be made of."""

    member: Member
    name: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is chosen, then what matches the search, by name."""

    offered: Sequence[Candidate]
    listed: int
    """How many rules that match the search are offered."""
    count: int
    """How many match it."""


def candidates(
    project_id: int, rule_id: int | None, chosen: Sequence[Member], text: str = ""
) -> Candidates:
    """What a composite rule can be made of; the rule with this id is left out.

    Of the values those that are evaluated now. All that is chosen is offered, whatever matches.
    """
    own = select(Rule).where(Rule.project_id == project_id, Rule.id != (rule_id or 0))
    chosen = list(dict.fromkeys(chosen))[:MOST_CHOSEN]
    named = own.where(Rule.id.in_({member.rule_id for member in chosen}))
    names = {rule.id: rule.name for rule in db.session.scalars(named)}
    offered = [
        Candidate(member, _name(names[member.rule_id], member.value), is_chosen=True)
        for member in chosen
        if member.rule_id in names
    ]
    matching = _matching(own, text)
    rules = db.session.scalars(matching.order_by(Rule.name).limit(MOST_LISTED)).all()
    values = _values(rules, text)
    for rule in rules:
        members = [Member(rule.id, value) for value in ("", *values.get(rule.id, ()))]
        offered += [
            Candidate(member, _name(rule.name, member.value), is_chosen=False)
            for member in members
            if member not in chosen
        ]
    count = db.session.scalar(select(func.count()).select_from(matching.subquery())) or 0
    return Candidates(offered, len(rules), count)


def _matching(own: Select[Rule], text: str) -> Select[Rule]:
    """The rules whose name, or a value of whose breakdown, has the text in it."""
    if not text:
        return own
    having = select(RuleSeries.rule_id).where(RuleSeries.value.icontains(text, autoescape=True))
    return own.where(or_(Rule.name.icontains(text, autoescape=True), Rule.id.in_(having)))


def _values(rules: Sequence[Rule], text: str) -> dict[int, list[str]]:
    """The first values of each rule that has a breakdown; of a rule that the text names, all."""
    broken_down = [rule for rule in rules if rule.document.get("by")]
    named = [rule.id for rule in broken_down if text.casefold() in rule.name.casefold()]
    place = func.row_number().over(partition_by=RuleSeries.rule_id, order_by=RuleSeries.value)
    ranked = (
        select(RuleSeries.rule_id, RuleSeries.value, place.label("place"))
        .where(RuleSeries.rule_id.in_([rule.id for rule in broken_down]), RuleSeries.value != "")
        .where(
            or_(
                RuleSeries.rule_id.in_(named),
                RuleSeries.value.icontains(text, autoescape=True),
            )
        )
        .subquery()
    )
    few = select(ranked.c.rule_id, ranked.c.value).where(ranked.c.place <= MOST_VALUES)
    by_rule: dict[int, list[str]] = {}
    for rule_id, value in db.session.execute(few.order_by(ranked.c.rule_id, ranked.c.value)):
        by_rule.setdefault(rule_id, []).append(value)
    return by_rule


def _name(name: str, value: str) -> str:
    return f"{name} ({value})" if value else name
