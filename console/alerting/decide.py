"""The state machine of alert rules: the one function that says what state a rule is in, and why.

Live evaluation, preview and back-test call it alike. It is pure: it knows no clock and no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

from console.alerting.condition import (
    BREACHES,
    SEVERITY,
    Condition,
    Evaluated,
    Gap,
    Judgement,
    Level,
    Verdict,
)

BROKEN_AFTER = 5
"""So many errors in a row make a rule broken; of one question about many windows, they are one."""


class State(StrEnum):
    """What a rule says of one series."""

    OK = "ok"
    PENDING = "pending"
    WARNING = "warning"
    CRITICAL = "critical"
    RECOVERING = "recovering"
    NO_DATA = "no_data"
    BROKEN = "broken"


FIRING = {Level.WARNING: State.WARNING, Level.CRITICAL: State.CRITICAL}


@dataclass(frozen=True, slots=True)
class Standing:
    """All that the next decision needs to know of the evaluations before it.

    `state` is what is shown; `under` is the state that missing data or errors cover, and that the
    next number goes on from.
    """

    state: State = State.OK
    under: State = State.OK
    level: Level | None = None
    """The level that fires; it stays while the rule recovers."""
    since: Mapping[Level, float] = field(default_factory=dict)
    """The moment from which on each level has been breached often enough."""
    clear_since: float | None = None
    window: tuple[int, ...] = ()
    """The severities of the last conclusive evaluations, 0 for none."""
    errors: int = 0
    newest: float | None = None

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The standing that `document` was made of."""
        level = document["level"]
        return cls(
            state=State(document["state"]),
            under=State(document["under"]),
            level=Level(level) if level else None,
            since={Level(name): at for name, at in document["since"].items()},
            clear_since=document["clear_since"],
            window=tuple(document["window"]),
            errors=document["errors"],
            newest=document["newest"],
        )

    @property
    def is_blank(self) -> bool:
        """Whether it says no more than a series that was never evaluated."""
        quiet = self.state is State.OK and self.under is State.OK and self.level is None
        return quiet and not (self.since or any(self.window) or self.errors)

    def rewound(self, at: float) -> Self:
        """The same as of a moment that its evaluations have passed: the clock was set back."""
        clear_since = None if self.clear_since is None else min(self.clear_since, at)
        newest = None if self.newest is None else min(self.newest, at)
        since = {level: min(began, at) for level, began in self.since.items()}
        return replace(self, since=since, clear_since=clear_since, newest=newest)

    @property
    def document(self) -> dict[str, Any]:
        """All of it in JSON's types, for the time until the next evaluation."""
        return {
            "state": self.state.value,
            "under": self.under.value,
            "level": self.level.value if self.level else None,
            "since": {level.value: at for level, at in self.since.items()},
            "clear_since": self.clear_since,
            "window": list(self.window),
            "errors": self.errors,
            "newest": self.newest,
        }


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state at the evaluation that brought it."""

    at: float
    before: State
    after: State
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What an evaluation led to; nothing changed where there is no transition."""

    standing: Standing
    judgement: Judgement | None
    """None for an evaluation that was left out: it is known already, or older than the newest."""
    transition: Transition | None = None


def decide(condition: Condition, standing: Standing, evaluated: Evaluated) -> Decision:
    """The state after one more evaluation.

    An evaluation as old as the newest, or older, changes nothing: deciding it again is harmless.
    """
    if standing.newest is not None and evaluated.at <= standing.newest:
        return Decision(standing, None)
    return conclude(condition, standing, condition.judge(evaluated), evaluated)


def conclude(
    condition: Condition, standing: Standing, judgement: Judgement, evaluated: Evaluated
) -> Decision:
    """The state after an evaluation that was judged already; it is newer than the newest."""
    after = _after(condition, standing, judgement, evaluated)
    transition = None
    if after.state is not standing.state:
        why = _reason(condition, after, judgement)
        transition = Transition(evaluated.at, standing.state, after.state, why)
    return Decision(after, judgement, transition)


def decisions(
    condition: Condition, series: Iterable[Evaluated], standing: Standing | None = None
) -> Iterator[Decision]:
    """The decisions of a series, one after the other."""
    standing = standing or Standing()
    for evaluated in series:
        decision = decide(condition, standing, evaluated)
        standing = decision.standing
        yield decision


def asked_once(series: Iterable[Evaluated]) -> Iterator[Evaluated]:
    """The answers to one question about several windows: errors in a row in it count as one."""
    failed = False
    for evaluated in series:
        yield replace(evaluated, repeats=True) if failed and evaluated.error else evaluated
        failed = bool(evaluated.error)


def _after(
    condition: Condition, standing: Standing, judgement: Judgement, evaluated: Evaluated
) -> Standing:
    """The standing after a verdict; `state` follows `under` unless something covers it."""
    errors = standing.errors + (not evaluated.repeats) if evaluated.error else 0
    after = replace(standing, errors=errors, newest=evaluated.at)
    verdict = judgement.verdict
    if verdict in SEVERITY:
        after = _conclude(condition, _counted(condition, after, verdict, evaluated.at), verdict)
        after = replace(after, state=after.under)
    elif verdict is Verdict.NO_DATA and condition.no_data is Gap.NO_DATA:
        after = replace(after, state=State.NO_DATA)
    elif standing.state is State.BROKEN:  # the question works again, without an answer
        after = replace(after, state=after.under)
    return replace(after, state=State.BROKEN) if errors >= BROKEN_AFTER else after


def _counted(condition: Condition, standing: Standing, verdict: Verdict, at: float) -> Standing:
    """The standing with one more conclusive evaluation in its window."""
    window = (*standing.window, SEVERITY[verdict])[-condition.of :]
    since: dict[Level, float] = {}
    for level in condition.ordered:
        severity = SEVERITY[BREACHES[level]]
        if sum(counted >= severity for counted in window) >= condition.breaches:
            since[level] = standing.since.get(level, at)
    return replace(standing, window=window, since=since)


def _conclude(condition: Condition, standing: Standing, verdict: Verdict) -> Standing:
    """The state after a number that decides."""
    at = standing.newest or 0.0
    level = _level(condition, standing, at)
    if standing.level is None:
        if level is not None:
            return replace(standing, under=FIRING[level], level=level, clear_since=None)
        return replace(standing, under=State.PENDING if standing.since else State.OK)
    if level is None and verdict is not Verdict.CLEAR:
        level = condition.ordered[0]
    if level is not None:
        return replace(standing, under=FIRING[level], level=level, clear_since=None)
    clear_since = at if standing.clear_since is None else standing.clear_since
    if at - clear_since < condition.keep_firing_seconds:
        return replace(standing, under=State.RECOVERING, clear_since=clear_since)
    return replace(standing, under=State.OK, level=None, clear_since=None)


def _level(condition: Condition, standing: Standing, at: float) -> Level | None:
    """The worst level that fires: breached for the pending time, or firing already."""
    firing = condition.ordered.index(standing.level) if standing.level else -1
    for rank in reversed(range(len(condition.ordered))):
        level = condition.ordered[rank]
        since = standing.since.get(level)
        if since is not None and (rank <= firing or at - since >= condition.pending_seconds):
            return level
    return None


def _reason(condition: Condition, standing: Standing, judgement: Judgement) -> str:
    """Why the state changed, in words."""
    if standing.state is State.BROKEN:
        return f"{standing.errors} errors in a row: {judgement.why}"
    parts = [_breach(condition, standing, judgement)]
    if condition.of > 1 and standing.since:
        parts.append(f"{condition.breaches} of the last {condition.of} evaluations must breach")
    if standing.level and standing.state in FIRING.values() and condition.pending_seconds:
        parts.append(f"for {condition.pending_seconds:g} s")
    return ", ".join(parts)


def _breach(condition: Condition, standing: Standing, judgement: Judgement) -> str:
    """The judgement's reason, of the level that fires where the number breaches a worse one, too.

    The worse one has not lasted long enough to fire.
    """
    level, number = standing.level, judgement.number
    if level is None or number is None or standing.state is not FIRING[level]:
        return judgement.why
    is_worse = SEVERITY.get(judgement.verdict, 0) > SEVERITY[BREACHES[level]]
    return condition.breach(number, level) if is_worse else judgement.why
