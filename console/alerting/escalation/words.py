"""Policies in words: what a step does, and what a version changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from difflib import SequenceMatcher
from typing import Any

from console.alerting.escalation.plan import Plan, PolicyStep
from console.alerting.escalation.recipients import Directory

TERMS = {
    "repeats": "Rounds after the first",
    "repeat_minutes": "Time between rounds",
    "stale_minutes": "An acknowledgement goes stale after",
    "unresolved_minutes": "Start over after",
}


def step_words(step: PolicyStep, directory: Directory) -> str:
    """What a step does: "after 5 minutes: Alice, #ops (Mon to Fri 09:00 to 17:00, UTC)"."""
    names = ", ".join(directory.name(target) for target in step.targets)
    hours = ""
    if step.hours is not None:
        otherwise = "passed" if step.otherwise == "skip" else "waits"
        hours = f" ({step.hours.words}; {otherwise} at other times)"
    return f"{delay_words(step.delay)}: {names}{hours}"


def delay_words(delay: timedelta) -> str:
    """How long a step waits: "at once", "after 1 hour 30 minutes"."""
    return f"after {minutes_words(int(delay.total_seconds() // 60))}" if delay else "at once"


def minutes_words(minutes: int) -> str:
    """Minutes as people say them; "never" for 0."""
    days, rest = divmod(minutes, 1_440)
    hours, minutes = divmod(rest, 60)
    parts = [
        f"{count} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((days, "day"), (hours, "hour"), (minutes, "minute"))
        if count
    ]
    return " ".join(parts) or "never"


def terms(document: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """What holds for the policy as a whole, as pairs of what and how much."""
    return [(label, _term(name, document)) for name, label in TERMS.items()]


def changes(
    before: Mapping[str, Any], after: Mapping[str, Any], directory: Directory
) -> Iterator[str]:
    """What another version changed, in sentences."""
    former, latter = (
        [step_words(step, directory) for step in Plan.of(document).steps]
        for document in (before, after)
    )
    for kind, since, until, begin, end in SequenceMatcher(
        a=former, b=latter, autojunk=False
    ).get_opcodes():
        if kind != "equal":
            yield from (
                f"Step {number + 1} is out: {former[number]}" for number in range(since, until)
            )
            yield from (
                f"Step {number + 1} is new: {latter[number]}" for number in range(begin, end)
            )
    for name, label in TERMS.items():
        if before.get(name) != after.get(name):
            yield f"{label}: {_term(name, after)}, before {_term(name, before)}"


def _term(name: str, document: Mapping[str, Any]) -> str:
    value = document.get(name) or 0
    return str(value) if name == "repeats" else minutes_words(value)
