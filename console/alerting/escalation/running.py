"""An incident's escalation begins, goes on step by step, and ends, in its events' transactions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from console.alerting.chronicle import write
from console.alerting.delivery import outbox
from console.alerting.delivery.outbox import Recipient
from console.alerting.escalation import policies
from console.alerting.escalation.models import Escalation, EscalationState
from console.alerting.escalation.plan import Place, Plan
from console.alerting.escalation.recipients import (
    Reached,
    Skipped,
    all_notified,
    by_mail,
    owners,
    reached,
)
from console.alerting.models import Incident, IncidentEvent, IncidentVerb
from console.channels.message import Verb
from console.core import clock
from console.core.db import db

BEGINS = frozenset({IncidentVerb.OPENED, IncidentVerb.REOPENED, IncidentVerb.WOKEN})


def follow(incident: Incident, event: IncidentEvent, payload: Mapping[str, Any]) -> None:
    """Tell whom it concerns what happened to an incident. The caller commits.

    `event` is the latest of what happened, `payload` what was true then.
    """
    escalation = of(incident)
    if event.verb is IncidentVerb.RESOLVED:
        _end(escalation, incident, event, payload)
    elif escalation is None or event.verb in BEGINS:
        begin(incident, event.at, payload)
    else:
        tell(incident, all_notified(incident), Verb.UPDATE, event, payload)


def acknowledged(incident: Incident, event: IncidentEvent, payload: Mapping[str, Any]) -> None:
    """Stop telling anybody else; it begins anew when the acknowledgement goes stale."""
    escalation = of(incident)
    if escalation is None:
        return
    stale_after = Plan.of(escalation.document).stale_after
    escalation.state = EscalationState.ACKNOWLEDGED
    escalation.next_at = clock.now() + stale_after if stale_after else None
    tell(incident, all_notified(incident), Verb.ACKNOWLEDGE, event, payload)


def of(incident: Incident) -> Escalation | None:
    """Where an incident's escalation stands; None if nobody has been notified of it yet."""
    own = select(Escalation).where(Escalation.incident_id == incident.id)
    return db.session.scalar(own)


def begin(incident: Incident, at: datetime, payload: Mapping[str, Any]) -> Escalation:
    """Begin with the first step of the policy that holds now, or again with that of then."""
    escalation = of(incident)
    if escalation is None:
        policy = policies.chosen(incident)
        escalation = Escalation(
            incident_id=incident.id,
            policy_id=policy.id,
            policy_name=policy.name,
            policy_version=policy.version,
            document=policy.document,
            started_at=at,
        )
        db.session.add(escalation)
    escalation.state = EscalationState.RUNNING
    first = Plan.of(escalation.document).first(clock.now())
    _wait_for(escalation, first)
    if first is not None and first.at <= clock.now():
        perform(escalation, incident, payload)
    return escalation


def perform(escalation: Escalation, incident: Incident, payload: Mapping[str, Any]) -> None:
    """Do the step that is due: notify its targets, and write down who was and who was not.

    A step that reaches nobody is passed at once. When none has reached anybody, the owners are
    notified.
    """
    plan = Plan.of(escalation.document)
    for _ in range(len(plan.steps) * (plan.repeats + 1)):
        place = Place(escalation.step, escalation.round, clock.now())
        answer = _reached(plan, place)
        following = plan.after(place)
        _wait_for(escalation, following)
        if following is None and not answer.recipients and not all_notified(incident):
            answer = Reached([by_mail(owner) for owner in owners()], answer.skipped)
        _tell_step(escalation, incident, place, answer, payload)
        if following is None and plan.unresolved_after:
            escalation.next_at = clock.now() + plan.unresolved_after
        if answer.recipients or following is None:
            return


def tell(
    incident: Incident,
    recipients: Sequence[Recipient],
    verb: Verb,
    event: IncidentEvent,
    payload: Mapping[str, Any],
    step: int | None = None,
) -> None:
    """Owe a message of an event to each recipient."""
    for recipient in recipients:
        outbox.owe(incident, recipient, verb, event.sequence, payload, step=step)


def _reached(plan: Plan, place: Place) -> Reached:
    step = plan.steps[place.step]
    answer = reached(step.targets)
    if step.hours is None or step.hours.holds(place.at):
        return answer
    why = "is notified in other hours"
    return Reached([], [*answer.skipped, *(Skipped(r.name, why) for r in answer.recipients)])


def _tell_step(
    escalation: Escalation,
    incident: Incident,
    place: Place,
    answer: Reached,
    payload: Mapping[str, Any],
) -> None:
    already = {recipient.key for recipient in all_notified(incident)}
    details = {
        "policy": escalation.policy_name,
        "version": escalation.policy_version,
        "step": place.step,
        "round": place.round,
        "notified": [recipient.name for recipient in answer.recipients],
        "skipped": [{"name": skipped.name, "why": skipped.why} for skipped in answer.skipped],
    }
    event = write(incident, IncidentVerb.ESCALATED, clock.now(), details=details)
    for recipient in answer.recipients:
        verb = Verb.ESCALATE if recipient.key in already else Verb.TRIGGER
        reason = {"policy": escalation.policy_name, "step": place.step, "round": place.round}
        tell(incident, [recipient], verb, event, {**payload, "because": reason}, place.step)


def _wait_for(escalation: Escalation, place: Place | None) -> None:
    """Note the step that comes next."""
    if place is None:
        escalation.state, escalation.next_at = EscalationState.EXHAUSTED, None
        return
    escalation.step, escalation.round, escalation.next_at = place.step, place.round, place.at


def _end(
    escalation: Escalation | None,
    incident: Incident,
    event: IncidentEvent,
    payload: Mapping[str, Any],
) -> None:
    """Tell everybody that it is over; whoever was to hear of it first, where nobody has yet."""
    recipients: Sequence[Recipient] = all_notified(incident)
    if escalation is None:
        plan = Plan.of(policies.chosen(incident).document)
        recipients = _reached(plan, Place(0, 0, clock.now())).recipients if plan.steps else []
        recipients = recipients or [by_mail(owner) for owner in owners()]
    else:
        escalation.state, escalation.next_at = EscalationState.ENDED, None
    tell(incident, recipients, Verb.RESOLVE, event, payload)
