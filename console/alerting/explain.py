"""Why a rule fired at a moment, or why it did not: each step of the decision with its outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from console.alerting import completeness, composite
from console.alerting.completeness import Completeness
from console.alerting.composite import Member
from console.alerting.condition import SEVERITY, Condition, Level, Verdict
from console.alerting.decide import FIRING, State
from console.alerting.definition import Definition
from console.alerting.evaluation import CATCH_UP
from console.alerting.history import KEPT, MOST_STORED, QUIET
from console.alerting.models import Evaluation, Rule, RuleVersion, Silence, SkippedTime
from console.alerting.signal import ProjectIds
from console.alerting.silences import active
from console.core import clock
from console.core.db import db
from console.web.clocks import abbreviation, local, zoned
from console.web.filters import plural


@dataclass(frozen=True, slots=True)
class Step:
    """One question that the decision asked, its answer, and whether it let the rule fire."""

    name: str
    text: str
    passed: bool | None
    """None where the step decides nothing."""
    member: Member | None = None
    """The rule that a step of a composite rule is about, if there still is one."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a rule decided about the window that ended last before a moment, and why."""

    rule: Rule
    value: str
    at: datetime
    conclusion: str
    steps: Sequence[Step]
    evaluation: Evaluation | None
    since: datetime | None
    """The beginning of the window; the rows behind the number lie between it and the end."""
    definition: Definition | None = None
    """The rule as it was then."""


def explain(rule: Rule, at: datetime, value: str = "") -> Explanation:
    """Explain the evaluation that a moment belongs to."""
    evaluation = _evaluation(rule, at, value)
    if evaluation is None:
        return Explanation(rule, value, at, _nothing(rule, at), [], None, None)
    definition = _definition(rule, evaluation.version)
    steps = list(_steps(rule, definition, evaluation))
    since = evaluation.at - definition.window
    conclusion = _conclusion(evaluation)
    return Explanation(rule, value, at, conclusion, steps, evaluation, since, definition)


def _evaluation(rule: Rule, at: datetime, value: str) -> Evaluation | None:
    """The last evaluation up to a moment, if it is the one that covers the moment."""
    own = select(Evaluation).where(Evaluation.rule_id == rule.id, Evaluation.value == value)
    evaluation = db.session.scalar(
        own.where(Evaluation.at <= at).order_by(Evaluation.at.desc()).limit(1)
    )
    if evaluation is None:
        return None
    interval = timedelta(seconds=rule.definition.condition.interval_seconds)
    return evaluation if at - evaluation.at < 2 * interval else None


def _definition(rule: Rule, number: int) -> Definition:
    """The rule as it was in a version."""
    own = select(RuleVersion.document).where(RuleVersion.rule_id == rule.id)
    document = db.session.scalar(own.where(RuleVersion.number == number))
    return Definition.of(document or rule.document)


def _nothing(rule: Rule, at: datetime) -> str:
    """Why there is no evaluation of a moment."""
    if at < rule.created_at:
        return "The rule did not exist yet."
    state = completeness.of(ProjectIds(rule.organization_id, rule.project_id))
    if at > state.until:
        return _not_yet(state)
    if at > rule.evaluated_until:
        return "The rule is switched off." if not rule.enabled else "The evaluation is late."
    return _no_more(rule, at)


def _no_more(rule: Rule, at: datetime) -> str:
    """Why there is no evaluation of a moment that the rule has passed."""
    if at < clock.now() - KEPT:
        return f"Quiet evaluations are kept for {KEPT.days} days: this one was quiet."
    skipped = _skipped(rule, at)
    if skipped is not None:
        since, until = (zoned(at, "%Y-%m-%d %H:%M") for at in (skipped.since, skipped.until))
        return (
            f"Nothing was evaluated from {since} to {until}: the "
            "console was down, and catches up on "
            f"{int(CATCH_UP.total_seconds() // 60)} minutes at most."
        )
    if _precedes_what_is_stored(rule, at):
        kept = f"An organization keeps its latest {MOST_STORED:,} evaluations"
        return f"{kept}: what was quiet before them is gone."
    return "Nothing was evaluated: the rule was switched off or changed, or this value had no data."


def _precedes_what_is_stored(rule: Rule, at: datetime) -> bool:
    """Whether the oldest quiet evaluation of a rule is later, and is not its first one."""
    own = select(func.min(Evaluation.at)).where(Evaluation.rule_id == rule.id)
    oldest = db.session.scalar(own.where(Evaluation.verdict.in_(QUIET)))
    first = rule.created_at + 2 * timedelta(seconds=rule.definition.condition.interval_seconds)
    return oldest is not None and oldest > first and at < oldest


def _not_yet(state: Completeness) -> str:
    """Why a window that has ended is not decided."""
    seconds = int(state.delay.total_seconds())
    text = f"The window is decided {seconds} seconds after its end, when its data has come."
    if state.watermark + completeness.IN_DIGEST >= state.now:
        return text
    return f"{text} What came after {zoned(state.watermark, '%H:%M:%S')} waits for digest."


def _skipped(rule: Rule, at: datetime) -> SkippedTime | None:
    """The time around a moment whose windows were left out."""
    own = select(SkippedTime).where(SkippedTime.rule_id == rule.id)
    return db.session.scalar(own.where(SkippedTime.since < at, SkippedTime.until >= at).limit(1))


def _conclusion(evaluation: Evaluation) -> str:
    state = evaluation.state
    if state in FIRING.values():
        return f"The rule fired: {state}."
    return {
        State.OK: "The rule did not fire.",
        State.PENDING: "The rule did not fire yet: the breach had not lasted long enough.",
        State.RECOVERING: "The rule still fired: it had not been clear for long enough.",
        State.NO_DATA: "The rule had no data to decide on.",
        State.BROKEN: "The rule was broken: its question failed five times in a row.",
    }[state]


def _steps(rule: Rule, definition: Definition, evaluation: Evaluation) -> Sequence[Step]:
    condition = definition.condition
    return [
        _window(definition, evaluation),
        _number(definition, evaluation),
        *_settled(definition, evaluation),
        *_members(definition, evaluation),
        *_levels(definition, evaluation),
        *_repeated(rule, condition, evaluation),
        *_lasting(rule, condition, evaluation),
        *_silenced(rule, evaluation),
    ]


def _window(definition: Definition, evaluation: Evaluation) -> Step:
    since, until = local(evaluation.at - definition.window), local(evaluation.at)
    took = (evaluation.decided_at - evaluation.at).total_seconds()
    end = f"{until:%H:%M:%S}" if since.date() == until.date() else f"{until:%Y-%m-%d %H:%M:%S}"
    text = (
        f"{since:%Y-%m-%d %H:%M:%S} to {end} {abbreviation(until)}, "
        f"decided {took:.0f} s after its end"
    )
    return Step("Window", text, None)


def _number(definition: Definition, evaluation: Evaluation) -> Step:
    if evaluation.number is None or evaluation.verdict is Verdict.INCONCLUSIVE:
        decides = evaluation.verdict in SEVERITY
        return Step("Number", evaluation.why, decides)
    shown = definition.condition.subject(evaluation.number)
    samples = "" if evaluation.samples is None else f", from {plural(evaluation.samples, 'sample')}"
    return Step("Number", f"{shown}{samples}", True)


def _settled(definition: Definition, evaluation: Evaluation) -> Sequence[Step]:
    """What the number came to after late data; it decides in a re-check, and not here."""
    settled = evaluation.settled_number
    if settled is None or settled == evaluation.number:
        return []
    return [Step("After late data", definition.condition.subject(settled), None)]


def _members(definition: Definition, evaluation: Evaluation) -> Iterator[Step]:
    """What each member of a composite rule said then."""
    if not definition.members:
        return
    for point in composite.standpoints(definition, evaluation.at):
        member = point.member if point.exists else None
        yield Step(point.name, point.text, point.fires, member)


def _levels(definition: Definition, evaluation: Evaluation) -> Sequence[Step]:
    condition, number = definition.condition, evaluation.number
    if number is None or evaluation.verdict not in SEVERITY:
        return []
    return [
        Step(
            f"{level.capitalize()} level",
            f"{condition.op} {condition.words(condition.levels[level])}",
            condition.is_breached(number, condition.levels[level]),
        )
        for level in reversed(condition.ordered)
    ]


def _before(rule: Rule, evaluation: Evaluation, count: int) -> Sequence[Evaluation]:
    """The conclusive evaluations up to this one, the latest first."""
    own = select(Evaluation).where(
        Evaluation.rule_id == rule.id,
        Evaluation.value == evaluation.value,
        Evaluation.version == evaluation.version,
        Evaluation.at <= evaluation.at,
        Evaluation.verdict.in_(list(SEVERITY)),
    )
    return db.session.scalars(own.order_by(Evaluation.at.desc()).limit(count)).all()


def _repeated(rule: Rule, condition: Condition, evaluation: Evaluation) -> Sequence[Step]:
    if condition.of == 1:
        return []
    last = _before(rule, evaluation, condition.of)
    least = SEVERITY[Verdict.WARNING if Level.WARNING in condition.levels else Verdict.CRITICAL]
    breaches = sum(SEVERITY[past.verdict] >= least for past in last)
    text = f"{breaches} of the last {condition.of} evaluations, {condition.breaches} are needed"
    return [Step("Breaches", text, breaches >= condition.breaches)]


def _lasting(rule: Rule, condition: Condition, evaluation: Evaluation) -> Sequence[Step]:
    if not condition.pending_seconds or evaluation.state in (State.OK, State.NO_DATA):
        return []
    most = int(condition.pending_seconds // condition.interval_seconds) + condition.of + 1
    pending = [past for past in _before(rule, evaluation, most) if past.state is not State.OK]
    lasted = (evaluation.at - pending[-1].at).total_seconds() if pending else 0.0
    text = f"{lasted:g} of {condition.pending_seconds:g} seconds"
    return [Step("Breached for", text, evaluation.state is not State.PENDING)]


def _silenced(rule: Rule, evaluation: Evaluation) -> Sequence[Step]:
    silence: Silence | None = active(rule, evaluation.value, evaluation.at)
    if silence is None:
        return []
    return [Step("Silence", f"{silence.reason}: nobody is notified", False)]
