"""Events larger than the console keeps, made small enough: recursions and endless locals do that.

Many clients limit neither: Python's send 0.9 MB for a recursion of a thousand frames.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from console.ingest.content_encodings import Undecodable
from console.ingest.sentry.event_items import MESSAGE_LENGTH, with_present_names
from console.ingest.sentry.shapes import mapping, objects
from console.ingest.sentry.stacks import without_middle

KEPT_BYTES = 1 << 20
VARIABLES, OUTER_VARIABLES = "vars", "outer_vars"
# What an event can do without, if need be; all else says which bug it is.
PARTS = (
    "extra",
    "breadcrumbs",
    "threads",
    "contexts",
    "modules",
    "debug_meta",
    "request",
    "user",
    "tags",
)


def slimmed(sent: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """An event that is small enough to keep, and the names of the parts that went; it is changed.

    Recursions lose the middle of their frames, and texts their ends, as in every event.
    After that the largest parts go, each whole, but locals of no more outer frames than need be.
    Raises Undecodable for what stays too large.
    """
    event, gone = with_present_names(sent), list[str]()
    for holder in _holders(event):
        holder["stacktrace"] = without_middle(holder["stacktrace"])
    _cut_texts(event)
    surplus = _size(event) - KEPT_BYTES
    sizes = {name: _size(event[name]) for name in PARTS if name in event}
    sizes[VARIABLES] = sum(_size(frame.get(VARIABLES)) for frame in _frames(event))
    for name, size in sorted(sizes.items(), key=lambda part: -part[1]):
        if surplus <= 0:
            return event, gone
        if name == VARIABLES:
            gone.append(_drop_variables(event, surplus))
        else:
            del event[name]
            gone.append(name)
        surplus -= size
    if surplus > 0:
        raise Undecodable(f"more than {KEPT_BYTES:,} bytes, even without locals and contexts")
    return event, gone


def _drop_variables(event: dict[str, Any], surplus: int) -> str:
    """Drop locals, the outermost first, until that many bytes are gone; return what they are."""
    frames = list(_frames(event))
    for frame in frames:
        if surplus <= 0:
            break
        surplus -= _size(frame.pop(VARIABLES, None))
    return OUTER_VARIABLES if any(VARIABLES in frame for frame in frames) else VARIABLES


def _cut_texts(event: dict[str, Any]) -> None:
    """Cut the texts that are cut later anyway, so that no part goes for them."""
    for holder in (event, mapping(event.get("logentry")), *objects(event.get("exception"))):
        for name in ("message", "formatted", "value"):
            text = holder.get(name)
            if isinstance(text, str) and isinstance(holder, dict):
                holder[name] = text[: MESSAGE_LENGTH + 1]


def _holders(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Whatever has a stack."""
    for holder in (event, *objects(event.get("exception")), *objects(event.get("threads"))):
        if isinstance(holder.get("stacktrace"), dict):
            yield holder


def _frames(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for holder in _holders(event):
        yield from objects(holder["stacktrace"].get("frames"))


def _size(value: Any) -> int:
    try:
        return len(orjson.dumps(value))
    except TypeError:  # half of a surrogate pair
        return len(json.dumps(value))
