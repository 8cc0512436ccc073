"""Which events are one bug: a hash of what stays the same, and the reasons in words."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from console.errors import naming
from console.errors.browsers import kind_in_any_browser
from console.errors.chain import MINIFIED, Branch, branches, exceptions_of, mechanism_of, type_of
from console.errors.conduits import acts_for_caller
from console.errors.distinctions import distinction, worded
from console.errors.frames import (
    Place,
    frames_of,
    has_name,
    innermost,
    is_file,
    is_shortened,
    own_of,
    place,
    written_place,
)
from console.errors.naming import TITLE_LENGTH, filled_in, marked_threads, message_of, title
from console.errors.parametrise import error_codes, parametrise

Event: TypeAlias = Mapping[str, Any]

FRAME_LIMIT = 40
LONGEST_CYCLE = 30  # calls of a recursion
FINGERPRINT_LIMIT = 20
IN_APP, LIBRARY = "in-app frames", "library frames"
_OVERFLOWS = frozenset({
    "RecursionError", "StackOverflowError", "SystemStackError", "System.StackOverflowException",
    "java.lang.StackOverflowError",
})  # fmt: skip
_DEFAULT = re.compile(r"\{\{\s*default\s*\}\}")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")  # in the types of minidumps, what was accessed
_SHORTENED = re.compile(r"[A-Za-z]{1,2}\d?")  # types of an obfuscated program
_BAD_ACCESS = re.compile(r"SIGSEGV|SIGBUS|EXC_BAD_ACCESS|EXCEPTION_ACCESS_VIOLATION")
_VERSION = "1"  # of the form; a change of rules moves those events alone that it is about


@dataclass(frozen=True, slots=True)
class Component:
    """One thing that the hash is made of."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """The group of an event, why it is in it, and how the group is called."""

    hash: str
    variant: str
    components: tuple[Component, ...]
    title: str
    culprit: str
    kind: str
    level: str = "error"


def group(event: Event) -> Grouping:
    """Group a normalised event; any mapping has a group, and equal ones have the same.

    The client's fingerprint counts first, then the exceptions' types, the in-app place that failed
    and what their messages say without values, then the message template or the parametrised
    message. A group of exceptions is what its members are.
    """
    report = event.get("browser_report")
    if isinstance(report, dict):
        return _of_report(event, report)
    caught = branches(exceptions_of(event))
    variant, components = _by_content(event, caught)
    fingerprint = [
        part for part in _list(event.get("fingerprint")) if isinstance(part, str) and part
    ]
    if fingerprint and not all(map(_DEFAULT.fullmatch, fingerprint)):
        given = fingerprint[:FINGERPRINT_LIMIT]
        own = tuple(
            filled_in(part, event, caught) for part in given if not _DEFAULT.fullmatch(part)
        )
        with_default = len(own) < len(given)
        variant = f"fingerprint and {variant}" if with_default else "fingerprint"
        components = (Component("fingerprint", own), *(components if with_default else ()))
    return Grouping(
        hash=_hash(variant, components),
        variant=variant,
        components=components,
        title=title(event, caught),
        culprit=culprit(event, caught),
        kind=naming.kind(caught)[:TITLE_LENGTH],
        level=_text(event.get("level")) or "error",
    )


def _of_report(event: Event, report: Mapping[str, Any]) -> Grouping:
    """A report of a browser is one of its cause; the page that it is of does not count."""
    name = _text(report.get("name"))
    parts = [part for part in _list(report.get("parts")) if len(_list(part)) == 2]
    components = (
        Component("report", (name,)),
        *(Component(_text(label), (_text(value),)) for label, value in parts),
    )
    return Grouping(
        hash=_hash("browser report", components),
        variant="browser report",
        components=components,
        title=message_of(event)[:TITLE_LENGTH],
        culprit=_text(event.get("transaction"))[:TITLE_LENGTH],
        kind=name[:TITLE_LENGTH],
        level=_text(event.get("level")) or "info",
    )


def culprit(event: Event, caught: Sequence[Branch]) -> str:
    """Where it happened: the innermost in-app frame, else what the client names."""
    platform = _text(event.get("platform"))
    holders = [*reversed(caught[0].exceptions)] if caught else []
    for holder in (*holders, event, *marked_threads(event)):
        place_ = written_place(innermost(holder, platform))
        if place_.module or place_.function:
            return str(place_)[:TITLE_LENGTH]
    named = (_text(event.get(name)) for name in ("transaction", "culprit", "logger"))
    return next(filter(None, named), "")[:TITLE_LENGTH]


def _by_content(event: Event, caught: Sequence[Branch]) -> tuple[str, tuple[Component, ...]]:
    platform = _text(event.get("platform"))
    if len(caught) == 1:
        return _by_exceptions(caught[0], platform)
    if caught:
        return _by_members(caught, platform)
    crashed = [thread for thread in marked_threads(event) if thread.get("crashed") is True]
    label, places = _stack([*crashed, event], platform)
    frames = (_frames(label, places),) if places else ()
    if message := message_of(event):
        variant, components = _by_message(event, message)
        if frames and crashed:
            return f"stack and {variant}", (*frames, *components)
        return variant, components
    if frames:
        return "stack", frames
    return "no content", (Component("name", (title(event, caught),)),)


def _by_members(caught: Sequence[Branch], platform: str) -> tuple[str, tuple[Component, ...]]:
    """Tasks of a group end in any order, and several may end alike."""
    members = sorted({_by_exceptions(branch, platform) for branch in caught}, key=repr)
    if len(members) == 1:
        return members[0]
    return "exception group", tuple(component for _, member in members for component in member)


def _by_exceptions(branch: Branch, platform: str) -> tuple[str, tuple[Component, ...]]:
    main = branch.main
    value = worded(main, platform)
    kinds = tuple(dict.fromkeys(_kind(error, platform) for error in branch.carried))
    components = [Component("exception types", kinds)]
    overflows = kinds[-1] in _OVERFLOWS or value == "too much recursion"
    label, places = _stack(reversed(branch.exceptions), platform, overflows=overflows)
    is_placed = label == IN_APP and any(map(has_name, places))
    if any(map(has_name, places)):
        places = _failing(places)
    if places:
        components.append(_frames(label, places))
    wordings = [worded(error, platform) for error in branch.carried]
    codes = _codes_of_all(branch.carried, wordings) if label == IN_APP or not value else ()
    if codes:
        components.append(Component("error code", codes))
    if is_placed and not _is_synthetic(main) and not branch.is_vague:
        words = [
            distinction(error, wording, platform)
            for error, wording in zip(branch.carried, wordings, strict=True)
        ]
        variant, distinct = "exception stack", tuple(dict.fromkeys(filter(None, words)))
        if distinct and is_shortened(places[0], platform):
            variant = "exception type and message"
            components = [part for part in components if part.label != label]
        if distinct:
            components.append(Component("message", distinct))
        return variant, tuple(components)
    components.append(Component("message", (parametrise(value),)))
    return f"exception {'stack' if places else 'type'} and message", tuple(components)


def _failing(places: Sequence[Place]) -> Sequence[Place]:
    """The innermost place, with its callers up to one that does something of its own.

    Who else calls the function that failed, from a request or a task, makes no other bug of it.
    """
    for at, here in enumerate(places):
        is_named = here.function and not here.function.startswith("+0x")
        if is_named and not acts_for_caller(here):
            return places[: at + 1]
    return places


def _by_message(event: Event, message: str) -> tuple[str, tuple[Component, ...]]:
    entry = event.get("logentry")
    template = _text(entry.get("message")) if isinstance(entry, dict) else ""
    if template and isinstance(entry, dict) and entry.get("params"):
        return "message template", (Component("template", (template,)),)
    return "message", (Component("message", (parametrise(message),)),)


def _stack(
    holders: Iterable[Mapping[str, Any]], platform: str, *, overflows: bool = False
) -> tuple[str, Sequence[Place]]:
    """The in-app places of the first holder that has any, else all places of the first stack."""
    stacks = [frames for holder in holders if (frames := frames_of(holder))]
    for frames in stacks:
        own_frames = own_of(frames, platform)
        if own := (overflows and _circle(own_frames, platform)) or _places(own_frames, platform):
            return IN_APP, own
    return LIBRARY, _places(stacks[0], platform) if stacks else []


def _circle(frames: Sequence[Mapping[str, Any]], platform: str) -> Sequence[Place]:
    """The functions that call one another without end: the stack overflows in any of them."""
    counts = Counter(place(frame, platform)._replace(line="") for frame in frames)
    return sorted(here for here, count in counts.items() if count > 1 and here.function)


def _places(frames: Sequence[Mapping[str, Any]], platform: str) -> list[Place]:
    """Each place once, innermost call first; only the innermost with its source line.

    Callers' lines are edited without the bug being another. A recursion is the same at any depth,
    and since clients cut deep stacks, what called it is left out. A wrapper that stands twice in a
    stack is none. Functions without a name are their script, where no other function of it stands.
    """
    calls = [place(frame, platform) for frame in reversed(frames)]
    end = _end_of_recursion([call[:2] for call in calls])
    named = {call.module for call in calls if has_name(call)}
    places: dict[tuple[str, str], Place] = {}
    for frame, here in zip(reversed(frames), calls[:end], strict=False):
        if len(places) == FRAME_LIMIT:
            break
        counts = has_name(here) or (here.module not in named and is_file(frame, here, platform))
        if counts and here[:2] not in places:
            places[here[:2]] = here._replace(line="") if places else here
    return list(places.values())


def _end_of_recursion(calls: Sequence[tuple[str, str]]) -> int:
    """Where the calls end that repeat others, one after the other, at least three times."""
    last: dict[tuple[str, str], int] = {}
    for at, call in enumerate(calls):
        length = at - last.get(call, at)
        last[call] = at
        if 0 < length <= LONGEST_CYCLE and _repeats(calls[: at + 1], length):
            cycle = set(calls[at + 1 - length : at + 1])
            return next(
                (end for end in range(at, len(calls)) if calls[end] not in cycle), len(calls)
            )
    return len(calls)


def _repeats(calls: Sequence[tuple[str, str]], length: int) -> bool:
    cycle = calls[-length:]
    return calls[-2 * length : -length] == cycle == calls[-3 * length : -2 * length]


def _frames(label: str, places: Iterable[Place]) -> Component:
    return Component(label, tuple(map(str, places)))


def _kind(exception: Mapping[str, Any], platform: str) -> str:
    if _is_synthetic(exception):
        return "(synthetic)"
    if type_of(exception) == MINIFIED:
        return MINIFIED
    kind = _ADDRESS.sub("*", _text(exception.get("type")))
    if platform == "dart" and _SHORTENED.fullmatch(kind):
        return MINIFIED
    if _BAD_ACCESS.match(kind):
        return "(memory access)"
    return kind_in_any_browser(kind, platform)


def _is_synthetic(exception: Mapping[str, Any]) -> bool:
    """Whether the client made the exception up, so that its stack shows only the client."""
    return mechanism_of(exception).get("synthetic") is True


def _codes_of_all(
    exceptions: Sequence[Mapping[str, Any]], wordings: Sequence[str]
) -> tuple[str, ...]:
    """The codes of the error and of what caused it, which is what a wrapper carries."""
    codes = (_codes(error, value) for error, value in zip(exceptions, wordings, strict=True))
    return tuple(dict.fromkeys(code for several in codes for code in several))


def _codes(exception: Mapping[str, Any], value: str) -> tuple[str, ...]:
    meta = mechanism_of(exception).get("meta")
    codes = error_codes(value)
    for name, field in (("errno", "number"), ("ns_error", "code")):
        code = meta.get(name) if isinstance(meta, dict) else None
        number = code.get(field) if isinstance(code, dict) else None
        if isinstance(number, int) and not codes:
            return (f"{name} {number}",)
    return codes


def _hash(variant: str, components: Iterable[Component]) -> str:
    parts = [_VERSION, variant, [[component.label, component.values] for component in components]]
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
