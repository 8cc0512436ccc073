"""What is wrong with a policy's document, by field and in words, and what is only unusual."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from console.alerting.escalation.plan import Plan, PolicyStep, Target
from console.alerting.escalation.recipients import Directory
from console.web import clocks

MOST_STEPS, MOST_TARGETS = 20, 20
DAY_MINUTES = 1_440
BOUNDS: Mapping[str, tuple[int, int, str]] = {
    "repeats": (0, 20, "Between 0 and 20 times."),
    "repeat_minutes": (1, 7 * DAY_MINUTES, "Between a minute and 7 days."),
    "stale_minutes": (0, 30 * DAY_MINUTES, "At most 30 days, in minutes; 0 for never."),
    "unresolved_minutes": (0, 30 * DAY_MINUTES, "At most 30 days, in minutes; 0 for never."),
}
DELAY = (0, 7 * DAY_MINUTES, "Between 0 and 7 days, in minutes.")
MEMBERS = frozenset({"steps", *BOUNDS})
OF_STEP = frozenset({"delay_minutes", "targets", "hours", "otherwise"})
OF_HOURS = frozenset({"zone", "days", "since", "until"})
NO_STEP, NO_TARGET = "Add a step.", "Say who is notified."
REACHES_NOBODY = "No one in this step can be notified."
Fault = tuple[str, str]
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def faults(document: Mapping[str, Any], directory: Directory) -> Iterator[Fault]:
    """The path of each member that is wrong, and what is wrong; a valid document has none.

    Whoever a target names must be there, and somebody must be reached by each step.
    """
    yield from _strange(document, MEMBERS, "")
    for name, bounds in BOUNDS.items():
        yield from _outside(document.get(name), bounds, name)
    steps = document.get("steps")
    if not isinstance(steps, list) or not steps:
        yield "steps", NO_STEP
        return
    if len(steps) > MOST_STEPS:
        yield "steps", f"At most {MOST_STEPS} steps."
        return
    for number, step in enumerate(steps):
        yield from _of_step(step, f"steps.{number}", directory)


def warnings(plan: Plan, directory: Directory) -> Iterator[Fault]:
    """What will not happen as written: the targets that cannot be notified now, by path."""
    for number, step in enumerate(plan.steps):
        for target in step.targets:
            if why := directory.fault(target):
                yield f"steps.{number}.targets", _capital(f"{directory.name(target)} {why}.")


def reaches_nobody(plan: Plan, directory: Directory) -> bool:
    """Whether no step of a policy can notify anybody now."""
    return not any(_reaches(step, directory) for step in plan.steps)


def _reaches(step: PolicyStep, directory: Directory) -> bool:
    return any(not directory.fault(target) for target in step.targets)


def _of_step(step: Any, path: str, directory: Directory) -> Iterator[Fault]:
    if not isinstance(step, dict):
        yield path, "An object with delay_minutes and targets."
        return
    yield from _strange(step, OF_STEP, f"{path}.")
    yield from _outside(step.get("delay_minutes"), DELAY, f"{path}.delay_minutes")
    if step.get("otherwise", "skip") not in ("skip", "wait"):
        yield f"{path}.otherwise", "Either skip or wait."
    if step.get("hours") is not None:
        yield from _of_hours(step["hours"], f"{path}.hours")
    yield from ((f"{path}.targets", fault) for fault in _of_targets(step.get("targets"), directory))


def _of_targets(targets: Any, directory: Directory) -> Iterator[str]:
    if not isinstance(targets, list) or not targets:
        yield NO_TARGET
        return
    if len(targets) > MOST_TARGETS:
        yield f"At most {MOST_TARGETS} in a step."
        return
    if not all(map(_is_target, targets)):
        yield 'Each is {"owners": true}, {"user": id} or {"channel": id}.'
        return
    whys = [(target, directory.fault(target)) for target in map(Target.of, targets)]
    gone = [
        f"{directory.name(target)} {why}"
        for target, why in whys
        if why and not _is_off(target, directory)
    ]
    if gone:
        yield f"{_capital('; '.join(gone))}. Take it out."
    elif all(why for _, why in whys):
        reasons = "; ".join(f"{directory.name(target)} {why}" for target, why in whys)
        yield f"{REACHES_NOBODY} {_capital(reasons)}."


def _is_off(target: Target, directory: Directory) -> bool:
    """Whether it is a channel that is only switched off, or the owners: they may come back."""
    if target.reach == "owners":
        return True
    channel = directory.channels.get(target.id or 0) if target.reach == "channel" else None
    return channel is not None and channel.deleted_at is None


def _is_target(target: Any) -> bool:
    if not isinstance(target, dict) or len(target) != 1:
        return False
    ((reach, value),) = target.items()
    if reach == "owners":
        return value is True
    return reach in ("user", "channel") and is_id(value)


def _of_hours(hours: Any, path: str) -> Iterator[Fault]:
    if not isinstance(hours, dict):
        yield path, "An object with zone, days, since and until."
        return
    yield from _strange(hours, OF_HOURS, f"{path}.")
    zone, days = hours.get("zone"), hours.get("days")
    if not isinstance(zone, str) or not clocks.is_zone(zone):
        yield f"{path}.zone", "Unknown time zone. Use a name such as Europe/Berlin."
    if not isinstance(days, list) or not days or not all(map(_is_day, days)):
        yield f"{path}.days", "Choose a day."
    for name in ("since", "until"):
        if not _is_time(hours.get(name)):
            yield f"{path}.{name}", "A time of day such as 09:00."


def _outside(value: Any, bounds: tuple[int, int, str], path: str) -> Iterator[Fault]:
    least, most, sentence = bounds
    if not _is_whole(value) or not least <= value <= most:
        yield path, sentence


def _strange(document: Mapping[str, Any], known: frozenset[str], path: str) -> Iterator[Fault]:
    for name in sorted(str(name)[:50] for name in document if name not in known):
        yield f"{path}{name}", "Unknown field."


def is_id(value: Any) -> bool:
    """Whether a member of a document can be the id of a row."""
    return _is_whole(value) and 0 < value < 2**31


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_day(value: Any) -> bool:
    return _is_whole(value) and 0 <= value <= 6


def _is_time(value: Any) -> bool:
    return isinstance(value, str) and _TIME.fullmatch(value) is not None


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
