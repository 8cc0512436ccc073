"""Who would be notified of an incident and when, if nobody answered it: what a policy would do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from console.alerting.escalation.plan import Plan
from console.alerting.escalation.recipients import Directory
from console.alerting.escalation.turns import Turn, turn
from console.alerting.models import Severity

MOST = 60
"""So many steps are shown: later rounds are like the ones before."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a policy would do with an incident that opens at a moment."""

    at: datetime
    severity: Severity
    turns: Sequence[Turn]
    is_cut: bool = False
    """Later rounds are not shown."""
    anew_at: datetime | None = None
    """When everything begins anew, if nobody resolves it."""
    failing: Mapping[str, datetime] = field(default_factory=dict)
    """Since when channels do not deliver, by the keys of their recipients."""

    def after(self, turned: Turn) -> timedelta:
        """How long after the incident has opened a step is done."""
        return turned.place.at - self.at


def simulate(plan: Plan, directory: Directory, severity: Severity, at: datetime) -> Simulation:
    """The steps in their order, to the end of all rounds, by the code that does them."""
    turns: list[Turn] = []
    failing = {
        f"channel-{channel.id}": channel.failing_since
        for channel in directory.channels.values()
        if channel.failing_since is not None
    }
    for turned in _turns(plan, directory, severity, at):
        if len(turns) == MOST:
            return Simulation(at, severity, turns, is_cut=True, failing=failing)
        turns.append(turned)
    ended = turns[-1].place.at if turns else at
    anew_at = ended + plan.unresolved_after if plan.unresolved_after else None
    return Simulation(at, severity, turns, anew_at=anew_at, failing=failing)


def _turns(plan: Plan, directory: Directory, severity: Severity, at: datetime) -> Iterator[Turn]:
    place, is_known = plan.first(at), False
    moment, just_notified = at, set[str]()
    while place is not None:
        if place.at != moment:
            moment, just_notified = place.at, set()
        turned = turn(
            plan,
            place,
            directory,
            severity,
            now=place.at,
            is_known=is_known,
            just_notified=just_notified,
        )
        if not turned.waits:
            yield turned
            is_known = is_known or bool(turned.recipients)
            just_notified.update(recipient.key for recipient in turned.recipients)
        place = turned.following
