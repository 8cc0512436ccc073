"""What is kept with a version of a rule: what the rule would have done when it was saved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from console.accounts.models import Project
from console.alerting import composite, signal
from console.alerting.composite import Member
from console.alerting.definition import Definition
from console.alerting.editor.preview import RANGES, USUAL_RANGE, Watched, outcome, watch
from console.alerting.evaluation import DELAY
from console.alerting.models import RuleSeries
from console.core import clock
from console.core.db import db

MEMBERS_RANGES = (USUAL_RANGE, "24h")
"""The ranges that a composite rule is replayed over: the first that its members allow."""
MOST_STATES = 200_000
"""So many evaluations of members are read at most: about as many as take a second."""


def tried_out(project: Project, definition: Definition) -> dict[str, Any]:
    """The back-test of a rule that is saved; raises as `preview.watch`.

    A composite rule is replayed over what its members' evaluations said. Nothing is kept of one
    whose members have more of them, even in a day, than can be read while somebody waits.
    """
    if not definition.members:
        return outcome(watch(project, definition, USUAL_RANGE), definition)
    for name in MEMBERS_RANGES:
        if _states(definition, RANGES[name]) <= MOST_STATES:
            return outcome(_together(definition, name), definition)
    return {}


def _together(definition: Definition, name: str) -> Watched:
    """How many members of a composite rule fired over a range."""
    interval = timedelta(seconds=definition.condition.interval_seconds)
    now = clock.now() - DELAY
    until = signal.latest_moment(definition, min(composite.known_until(definition) or now, now))
    since = until - min(RANGES[name], interval * signal.MOST_EVALUATIONS)
    moments = list(signal.grid(definition, since, until))
    members = composite.rules_of(definition).values()
    # Before the youngest of them was made, they could not fire together.
    is_known = all(rule.enabled for rule in members) and members
    known = min(max(rule.created_at for rule in members), until) if is_known else None
    return Watched(definition, name, since, until, {"": composite.at(definition, moments)}, known)


def _states(definition: Definition, length: timedelta) -> float:
    """About how many evaluations the members of a composite rule have in a range."""
    members = [Member.of(text) for text in definition.members]
    rules = composite.rules_of(definition)
    own = select(RuleSeries.rule_id, func.count(RuleSeries.id)).where(
        RuleSeries.rule_id.in_(rules.keys())
    )
    series = dict(db.session.execute(own.group_by(RuleSeries.rule_id)).all())
    return sum(
        (1 if member.value else max(1, series.get(member.rule_id, 0)))
        * length.total_seconds()
        / rules[member.rule_id].definition.condition.interval_seconds
        for member in members
        if member.rule_id in rules
    )
