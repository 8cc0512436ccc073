"""What becomes of a step at its time, and what comes after: one code for running and trying."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from console.alerting.delivery.outbox import Recipient
from console.alerting.delivery.preferences import by_mail
from console.alerting.escalation.plan import Place, Plan
from console.alerting.escalation.recipients import Directory, Reached, Skipped
from console.alerting.models import Severity

OTHER_HOURS = "is notified in other hours"
JUST_NOTIFIED = "was notified by the step before"


@dataclass(frozen=True, slots=True)
class Turn:
    """A step at its time: whom it notifies, whom not, and what comes after."""

    place: Place
    reached: Reached
    following: Place | None
    waits: bool = False
    """It does nothing yet: its hours begin later."""
    last_resort: bool = False
    """Nobody of the policy could be notified in the whole round: the owners are."""

    @property
    def recipients(self) -> list[Recipient]:
        """Whom it notifies."""
        return list(self.reached.recipients)


def turn(
    plan: Plan,
    place: Place,
    directory: Directory,
    severity: Severity,
    *,
    now: datetime,
    is_known: bool,
    just_notified: Collection[str] = (),
) -> Turn:
    """What a step does that was due at its place's time, and is done `now`.

    A step that reaches nobody is passed at once. `is_known`: somebody was notified before, so that
    the owners need not be when a round has reached nobody. Whoever was `just_notified`, by the key
    of a recipient, is not notified again at the same moment.
    """
    step = plan.steps[place.step]
    if begin := step.waits_until(now):
        return Turn(place, Reached([], []), replace(place, at=begin), waits=True)
    reached = directory.reached(step.targets, severity, now)
    if not step.notifies(now):
        silent = [Skipped(recipient.name, OTHER_HOURS) for recipient in reached.recipients]
        reached = Reached([], [*reached.skipped, *silent])
    is_passed, last_resort = not reached.recipients, False
    if is_passed and plan.ends_round(place) and not is_known:
        mailed = [
            owner
            for owner in directory.owners
            if directory.choices.of(owner.id).unsubscribed_at is None
        ]
        reached = Reached([by_mail(owner) for owner in mailed], reached.skipped)
        last_resort = True
    following = plan.after(place, passed=is_passed)
    return Turn(place, _once(reached, just_notified), following, last_resort=last_resort)


def _once(reached: Reached, just_notified: Collection[str]) -> Reached:
    """The same without those who were notified at this moment already."""
    fresh = [entry for entry in reached.recipients if entry.key not in just_notified]
    again = [entry for entry in reached.recipients if entry.key in just_notified]
    return Reached(
        fresh, [*reached.skipped, *(Skipped(entry.name, JUST_NOTIFIED) for entry in again)]
    )
