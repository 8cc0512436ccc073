"""An incident's escalation begins, goes on step by step, and ends, in its events' transactions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update

from console.alerting.chronicle import Actor, write
from console.alerting.decide import State
from console.alerting.delivery import outbox, preferences
from console.alerting.delivery.models import OutboxMessage
from console.alerting.delivery.outbox import Recipient
from console.alerting.delivery.payload import snapshot
from console.alerting.delivery.preferences import by_mail
from console.alerting.escalation import policies
from console.alerting.escalation.models import Escalation, EscalationState, Policy
from console.alerting.escalation.plan import Place, Plan
from console.alerting.escalation.recipients import Directory, all_notified, is_known
from console.alerting.escalation.turns import Turn, turn
from console.alerting.models import (
    Incident,
    IncidentEvent,
    IncidentState,
    IncidentVerb,
    Rule,
)
from console.channels.message import Verb
from console.core import clock
from console.core.db import db

BEGINS = frozenset({IncidentVerb.OPENED, IncidentVerb.REOPENED, IncidentVerb.WOKEN})
LATE = timedelta(minutes=1)
"""A step that is done so much after its time says that it is delayed."""
WORSE_NOW = "It is critical now, and was acknowledged as less."


def follow(incident: Incident, event: IncidentEvent, payload: Mapping[str, Any]) -> None:
    """Notify whom it concerns of what happened to an incident. The caller commits.

    `event` is the latest of what happened, `payload` what was true then. Whoever acknowledged a
    warning has not seen that it is critical: it is escalated anew.
    """
    escalation = of(incident)
    if event.verb is IncidentVerb.RESOLVED:
        _end(escalation, incident, event, payload)
    elif incident.state is IncidentState.ACKNOWLEDGED:
        _remind(escalation, incident, event, payload)
    elif escalation is None or event.verb in BEGINS:
        start(escalation or _of_policy(incident, event.at), incident, clock.now(), payload)
    else:
        tell(incident, all_notified(incident), Verb.UPDATE, event, payload)


def acknowledged(incident: Incident, event: IncidentEvent, payload: Mapping[str, Any]) -> None:
    """Notify nobody else; it begins anew when the acknowledgement goes stale."""
    escalation = of(incident)
    if escalation is None:
        return
    if escalation.state is not EscalationState.ENDED:  # a group speaks for it
        _wait_for_end(escalation)
    tell(incident, all_notified(incident), Verb.ACKNOWLEDGE, event, payload)


def take_back(incident: Incident, why: str, after: Sequence[IncidentEvent] = ()) -> None:
    """Open an acknowledged incident again, and begin its escalation anew. The caller commits.

    So are the members of a group: whoever acknowledged it acknowledged them.
    Everybody who was notified of it hears that, and of the events before it: whom the first step
    notifies now by its message.
    """
    for member in _acknowledged_members(incident):
        reopen(member, why)
    event, before = reopen(incident, why), all_notified(incident)
    payload = snapshot(incident, [*after, event], tags=_tags(incident))
    escalation = of(incident) or _of_policy(incident, event.at)
    start(escalation, incident, clock.now(), payload)
    notified_now = _keys_of(incident, event.sequence)
    rest = [recipient for recipient in before if recipient.key not in notified_now]
    tell(incident, rest, Verb.UNACKNOWLEDGE, event, payload)


def reopen(incident: Incident, why: str) -> IncidentEvent:
    """Open an acknowledged incident again, and say so in its history only."""
    incident.state = IncidentState.OPEN
    return write(incident, IncidentVerb.UNACKNOWLEDGED, clock.now(), details={"why": why})


def of(incident: Incident) -> Escalation | None:
    """Where an incident's escalation stands; None if nobody has been notified of it yet."""
    own = select(Escalation).where(Escalation.incident_id == incident.id)
    return db.session.scalar(own)


def start(
    escalation: Escalation, incident: Incident, at: datetime, payload: Mapping[str, Any] | None
) -> None:
    """Begin with the first step at a moment, by the version of then, and do what is due of it."""
    escalation.state = EscalationState.RUNNING
    escalation.step, escalation.round = 0, 0
    plan = Plan.of(escalation.document)
    _wait_for(escalation, plan, plan.first(at), since=at)
    perform(escalation, incident, payload)


def perform(
    escalation: Escalation, incident: Incident, payload: Mapping[str, Any] | None = None
) -> int:
    """Do the steps that are due, oldest first; answers how many were done.

    After a time in which nothing was done, each is done once, late, and whoever several of them
    would notify gets one message.
    """
    now, plan = clock.now(), Plan.of(escalation.document)
    is_new = escalation.id is None  # nobody can know of it
    done: set[int] = set()
    just_notified: set[str] = set()
    is_due, only_working = _is_due(escalation, now), bool(incident.watch)
    directory = Directory.read(only_working=only_working) if is_due else None
    while directory is not None and _is_due(escalation, now) and escalation.next_at is not None:
        place = Place(escalation.step, escalation.round, escalation.next_at)
        if place.step in done:  # a whole round was missed
            _wait_for(escalation, plan, plan.after(place), since=place.at)
            continue
        turned = turn(
            plan,
            place,
            directory,
            incident.severity,
            now=now if now - place.at >= LATE else place.at,
            is_known=bool(just_notified) or (not is_new and is_known(incident)),
            just_notified=just_notified,
        )
        if not turned.waits:
            done.add(place.step)
            _tell_step(escalation, incident, turned, now - place.at, payload, is_new=is_new)
            just_notified.update(recipient.key for recipient in turned.recipients)
        due_at = escalation.due_at or place.at
        _wait_for(escalation, plan, turned.following, since=place.at)
        escalation.due_at = due_at if turned.waits else None
    return len(done)


def move(escalation: Escalation, policy: Policy) -> None:
    """Go on with a policy's latest version, at the step of the same number. The caller commits."""
    escalation.policy_id, escalation.policy_name = policy.id, policy.name
    escalation.policy_version, escalation.document = policy.version, policy.document
    plan, now = Plan.of(policy.document), clock.now()
    if escalation.state is EscalationState.ACKNOWLEDGED:
        escalation.next_at = now + plan.stale_after if plan.stale_after else None
    elif escalation.state is EscalationState.EXHAUSTED:
        _wait_for(escalation, plan, None, since=now)
    elif escalation.step >= len(plan.steps):  # it has fewer steps than the one before
        last = Place(len(plan.steps) - 1, escalation.round, now)
        _wait_for(escalation, plan, plan.after(last), since=now)


def move_to_latest(incident: Incident, *, by: Actor) -> bool:
    """Let an incident go by its policy's latest version; False where it does already, or cannot.

    Its history says who wanted that.
    """
    db.session.refresh(incident, with_for_update=True)
    escalation = of(incident)
    if escalation is None or escalation.state is EscalationState.ENDED:
        return False
    policy = db.session.get(Policy, escalation.policy_id) if escalation.policy_id else None
    if policy is None or policy.version == escalation.policy_version:
        return False
    move(escalation, policy)
    text = f"From now on, version {policy.version} of the policy {policy.name} holds for it."
    write(incident, IncidentVerb.NOTED, clock.now(), by=by, text=text)
    return True


def hand_over(incident_ids: Collection[int]) -> None:
    """End the escalations of incidents for which a group speaks from now on."""
    own = update(Escalation).where(Escalation.incident_id.in_(incident_ids))
    db.session.execute(own.values(state=EscalationState.ENDED, next_at=None))


def escalated(incident_ids: Collection[int]) -> set[int]:
    """Which incidents anybody was notified of by themselves."""
    own = select(Escalation.incident_id).where(Escalation.incident_id.in_(incident_ids))
    return set(db.session.scalars(own))


def tell(
    incident: Incident,
    recipients: Sequence[Recipient],
    verb: Verb,
    event: IncidentEvent,
    payload: Mapping[str, Any],
    step: int | None = None,
) -> None:
    """Owe a message of an event to each recipient, as people prefer."""
    for recipient in recipients:
        preferred = preferences.as_preferred(recipient, incident.severity, clock.now())
        if preferred is not None:
            outbox.owe(incident, preferred, verb, event.sequence, payload, step=step)


def _of_policy(incident: Incident, at: datetime) -> Escalation:
    """The escalation of an incident that had none, by the policy that holds for it now."""
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
    return escalation


def _is_due(escalation: Escalation, now: datetime) -> bool:
    is_running = escalation.state is EscalationState.RUNNING
    return is_running and escalation.next_at is not None and escalation.next_at <= now


def _tell_step(
    escalation: Escalation,
    incident: Incident,
    turned: Turn,
    late: timedelta,
    payload: Mapping[str, Any] | None,
    *,
    is_new: bool,
) -> None:
    """Write down whom a step notifies and whom not, and owe its messages."""
    place, reached = turned.place, turned.reached
    already = set() if is_new else {recipient.key for recipient in all_notified(incident)}
    delayed = late if late >= LATE else timedelta(0)
    details = {
        "policy": escalation.policy_name,
        "version": escalation.policy_version,
        "step": place.step,
        "round": place.round,
        "notified": [recipient.name for recipient in reached.recipients],
        "skipped": [{"name": skipped.name, "why": skipped.why} for skipped in reached.skipped],
    }
    if turned.last_resort:
        details["last_resort"] = True
    if delayed:
        details["delayed_seconds"] = int(delayed.total_seconds())
    event = write(incident, IncidentVerb.ESCALATED, clock.now(), details=details)
    reason = {"policy": escalation.policy_name, "step": place.step, "round": place.round}
    facts = payload or snapshot(incident, [event], tags=_tags(incident), delayed=delayed)
    for recipient in reached.recipients:
        verb = Verb.ESCALATE if recipient.key in already else Verb.TRIGGER
        tell(incident, [recipient], verb, event, {**facts, "because": reason}, place.step)


def _wait_for(escalation: Escalation, plan: Plan, place: Place | None, *, since: datetime) -> None:
    """Note the step that comes next after one that was due; after the last, the new beginning."""
    escalation.due_at = None
    if place is not None:
        escalation.step, escalation.round, escalation.next_at = place.step, place.round, place.at
        return
    now = clock.now()
    ended = since if now - since < LATE else now
    escalation.state = EscalationState.EXHAUSTED
    escalation.next_at = ended + plan.unresolved_after if plan.unresolved_after else None


def _wait_for_end(escalation: Escalation) -> None:
    """Wait whether somebody who is on it ends it in time."""
    stale_after = Plan.of(escalation.document).stale_after
    escalation.state = EscalationState.ACKNOWLEDGED
    escalation.next_at = clock.now() + stale_after if stale_after else None


def _remind(
    escalation: Escalation | None,
    incident: Incident,
    event: IncidentEvent,
    payload: Mapping[str, Any],
) -> None:
    """Something happened to an incident that somebody has acknowledged."""
    is_critical = event.verb is IncidentVerb.LEVEL and incident.level is State.CRITICAL
    if is_critical and _level_acknowledged(incident) is not State.CRITICAL:
        take_back(incident, WORSE_NOW, [event])
        return
    if escalation is not None and event.verb is IncidentVerb.WOKEN:
        _wait_for_end(escalation)  # whoever let it be quiet begins to look after it now
    tell(incident, all_notified(incident), Verb.UPDATE, event, payload)


def _level_acknowledged(incident: Incident) -> State | None:
    """The level at which it was acknowledged last; None if its history does not say."""
    own = select(IncidentEvent.details).where(
        IncidentEvent.incident_id == incident.id, IncidentEvent.verb == IncidentVerb.ACKNOWLEDGED
    )
    details = db.session.scalar(own.order_by(IncidentEvent.sequence.desc()).limit(1)) or {}
    return State(details["level"]) if "level" in details else None


def _acknowledged_members(group: Incident) -> Sequence[Incident]:
    """The members of a group that somebody looks after.

    Whoever changes one right now decides about it: to wait for them could be to wait for ever.
    """
    if not group.is_group:
        return ()
    own = select(Incident).where(
        Incident.parent_id == group.id, Incident.state == IncidentState.ACKNOWLEDGED
    )
    locked = own.order_by(Incident.value).with_for_update(skip_locked=True)
    return db.session.scalars(locked.execution_options(populate_existing=True)).all()


def _keys_of(incident: Incident, after: int) -> set[str]:
    """Whom messages are owed that were written after an event."""
    own = select(OutboxMessage.recipient).where(
        OutboxMessage.incident_id == incident.id, OutboxMessage.sequence > after
    )
    return set(db.session.scalars(own))


def _tags(incident: Incident) -> Sequence[str]:
    rule = db.session.get(Rule, incident.rule_id) if incident.rule_id else None
    return rule.tags if rule is not None else ()


def _end(
    escalation: Escalation | None,
    incident: Incident,
    event: IncidentEvent,
    payload: Mapping[str, Any],
) -> None:
    """Notify everybody that it is over; whom the first step names, where nobody knows of it yet."""
    recipients: Sequence[Recipient] = all_notified(incident)
    if escalation is not None:
        escalation.state, escalation.next_at = EscalationState.ENDED, None
    else:
        directory, now = Directory.read(), clock.now()
        plan = Plan.of(policies.chosen(incident).document)
        step = plan.steps[0]
        if step.notifies(now):
            recipients = directory.reached(step.targets, incident.severity, now).recipients
        recipients = recipients or [by_mail(owner) for owner in directory.owners]
    tell(incident, recipients, Verb.RESOLVE, event, payload)
