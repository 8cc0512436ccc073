"""Which events are one bug: a hash of what stays the same, and the reasons in words."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from console.errors.frames import Place, frames_of, is_in_app, place
from console.errors.parametrise import error_codes, parametrise

Event: TypeAlias = Mapping[str, Any]

TITLE_LENGTH = 200
FRAME_LIMIT = 40
FINGERPRINT_LIMIT = 20
IN_APP, LIBRARY = "in-app frames", "library frames"
_DEFAULT = re.compile(r"\{\{\s*default\s*\}\}")
_VERSION = "1"  # a change of the rules that moves events to other groups is a new version


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

    The client's fingerprint counts first, then the exceptions' types and in-app frames, then their
    parametrised message, then the message template or the parametrised message.
    """
    variant, components = _by_content(event)
    fingerprint = [
        part for part in _list(event.get("fingerprint")) if isinstance(part, str) and part
    ]
    if fingerprint and not all(map(_DEFAULT.fullmatch, fingerprint)):
        own = tuple(
            part for part in fingerprint[:FINGERPRINT_LIMIT] if not _DEFAULT.fullmatch(part)
        )
        with_default = len(own) < len(fingerprint[:FINGERPRINT_LIMIT])
        variant = f"fingerprint and {variant}" if with_default else "fingerprint"
        components = (Component("fingerprint", own), *(components if with_default else ()))
    return Grouping(
        hash=_hash(variant, components),
        variant=variant,
        components=components,
        title=title(event),
        culprit=culprit(event),
        kind=_text(main_exception(event).get("type"))[:TITLE_LENGTH],
        level=_text(event.get("level")) or "error",
    )


def exceptions_of(event: Event) -> Sequence[Mapping[str, Any]]:
    """The event's exceptions, as clients send them: causes first, the main error last."""
    exception = event.get("exception")
    values = exception.get("values") if isinstance(exception, dict) else None
    return [value for value in _list(values) if isinstance(value, dict)]


def main_exception(event: Event) -> Mapping[str, Any]:
    """The error that was not handled, an empty mapping if there is none."""
    exceptions = exceptions_of(event)
    return exceptions[-1] if exceptions else {}


def message_of(event: Event) -> str:
    """The event's message with its parameters in it."""
    entry = event.get("logentry")
    if isinstance(entry, dict):
        return _text(entry.get("formatted")) or _text(entry.get("message"))
    return _text(entry) or _text(event.get("message"))


def title(event: Event) -> str:
    """The title of the event: "KeyError: 'book'", or the first line of its message."""
    main = main_exception(event)
    if main:
        words = (_text(main.get("type")), _first_line(_text(main.get("value"))))
        text = ": ".join(filter(None, words))
    else:
        text = _first_line(message_of(event))
    return (text or "(no message)")[:TITLE_LENGTH]


def culprit(event: Event) -> str:
    """Where it happened: the innermost in-app frame, else the transaction, else the logger."""
    platform = _text(event.get("platform"))
    for holder in (main_exception(event), event):
        frames = frames_of(holder)
        own = [frame for frame in frames if is_in_app(frame)] or frames
        if own and (innermost := place(own[-1], platform)).module:
            return str(innermost._replace(line=""))[:TITLE_LENGTH]
    return (_text(event.get("transaction")) or _text(event.get("logger")))[:TITLE_LENGTH]


def _by_content(event: Event) -> tuple[str, tuple[Component, ...]]:
    exceptions = exceptions_of(event)
    if exceptions:
        return _by_exceptions(exceptions, _text(event.get("platform")))
    if message := message_of(event):
        return _by_message(event, message)
    label, places = _stack([event], _text(event.get("platform")))
    if places:
        return "stack", (_frames(label, places),)
    return "no content", (Component("transaction", (_text(event.get("transaction")),)),)


def _by_exceptions(
    exceptions: Sequence[Mapping[str, Any]], platform: str
) -> tuple[str, tuple[Component, ...]]:
    main = exceptions[-1]
    value = _text(main.get("value"))
    kinds = tuple(dict.fromkeys(_kind(exception) for exception in exceptions))
    components = [Component("exception types", kinds)]
    label, places = _stack([main, *reversed(exceptions[:-1])], platform)
    if places:
        components.append(_frames(label, places))
    if label == IN_APP and not _is_synthetic(main):
        if codes := _codes(main, value):
            components.append(Component("error code", codes))
        return "exception stack", tuple(components)
    components.append(Component("message", (parametrise(value),)))
    return f"exception {'stack' if places else 'type'} and message", tuple(components)


def _by_message(event: Event, message: str) -> tuple[str, tuple[Component, ...]]:
    entry = event.get("logentry")
    template = _text(entry.get("message")) if isinstance(entry, dict) else ""
    if template and isinstance(entry, dict) and entry.get("params"):
        return "message template", (Component("template", (template,)),)
    return "message", (Component("message", (parametrise(message),)),)


def _stack(holders: Iterable[Mapping[str, Any]], platform: str) -> tuple[str, list[Place]]:
    """The in-app places of the first holder that has any, else all places of the first stack."""
    stacks = [frames for holder in holders if (frames := frames_of(holder))]
    for frames in stacks:
        if own := _places([frame for frame in frames if is_in_app(frame)], platform):
            return IN_APP, own
    return LIBRARY, _places(stacks[0], platform) if stacks else []


def _places(frames: Sequence[Mapping[str, Any]], platform: str) -> list[Place]:
    """Each place once, innermost call first; only the innermost with its source line.

    Callers' lines are edited without the bug being another. A recursion is the same at any depth,
    and since clients cut deep stacks, what called it is left out.
    """
    places: dict[tuple[str, str], Place] = {}
    recursive = False
    for frame in reversed(frames):
        here = place(frame, platform)
        if places:
            here = here._replace(line="")
        key = (here.module, here.function)
        if key in places:
            recursive = True
        elif recursive or len(places) == FRAME_LIMIT:
            break
        elif here:
            places[key] = here
    return list(places.values())


def _frames(label: str, places: Iterable[Place]) -> Component:
    return Component(label, tuple(map(str, places)))


def _kind(exception: Mapping[str, Any]) -> str:
    return "(synthetic)" if _is_synthetic(exception) else _text(exception.get("type"))


def _is_synthetic(exception: Mapping[str, Any]) -> bool:
    """Whether the client made the exception up, so that its stack shows only the client."""
    mechanism = exception.get("mechanism")
    return isinstance(mechanism, dict) and mechanism.get("synthetic") is True


def _codes(exception: Mapping[str, Any], value: str) -> tuple[str, ...]:
    mechanism = exception.get("mechanism")
    meta = mechanism.get("meta") if isinstance(mechanism, dict) else None
    errno = meta.get("errno") if isinstance(meta, dict) else None
    number = errno.get("number") if isinstance(errno, dict) else None
    codes = error_codes(value)
    if isinstance(number, int) and not codes:
        return (f"errno {number}",)
    return codes


def _hash(variant: str, components: Iterable[Component]) -> str:
    parts = [_VERSION, variant, [[component.label, component.values] for component in components]]
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _first_line(text: str) -> str:
    return next((line.strip() for line in text[:4000].splitlines() if line.strip()), "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
