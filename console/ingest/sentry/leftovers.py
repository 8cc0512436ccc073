"""What an event loses on its way into one shape: too many elements, and parts in no known shape.

The page of the event says it, so that nobody looks for what is not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from console.ingest.sentry.shapes import elements

NAME = "_pharos"
"""Where the normalised event has these notes."""
MOST = 50
_OBJECTS = ("user", "request", "contexts", "sdk", "debug_meta", "stacktrace")
_LISTS = ("breadcrumbs", "exception", "threads")


def notes(
    sent: Mapping[str, Any], limits: Mapping[str, int], gone: Sequence[str] = ()
) -> dict[str, Any]:
    """What is lost by kind.

    `gone`: parts without which the event is small enough; `left_out`: how many elements are beyond
    the limits; `unread`: parts in no known shape; `cut`: what the client itself cut, with the
    length that it had (0 where it does not say).
    """
    kinds = {
        "gone": list(gone),
        "left_out": dict(_left_out(sent, limits)),
        "unread": dict(_unread(sent)),
        "cut": _cut(sent.get("_meta")),
    }
    return {name: values for name, values in kinds.items() if values}


def _left_out(sent: Mapping[str, Any], limits: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    for name, limit in limits.items():
        surplus = len(_listed(sent.get(name))) - limit
        if surplus > 0:
            yield name, surplus


def _listed(raw: Any) -> list[Any] | dict[str, Any]:
    """The elements of an interface; of tags, which are an object or pairs, all of them."""
    if isinstance(raw, dict) and isinstance(raw.get("values"), list | dict):
        raw = raw["values"]
    return raw if isinstance(raw, list | dict) else []


def _unread(sent: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in _OBJECTS:
        part = sent.get(name)
        if part and not isinstance(part, dict):
            yield name, part
    for name in _LISTS:
        odd = [element for element in _elements(sent.get(name)) if not isinstance(element, dict)]
        if odd:
            yield name, odd[:MOST]


def _elements(raw: Any) -> list[Any]:
    listed = raw["values"] if isinstance(raw, dict) and "values" in raw else raw
    if isinstance(listed, list):
        return elements(listed)
    return elements(listed) if isinstance(listed, dict) else [listed] if listed else []


def _cut(meta: Any) -> dict[str, int]:
    """The paths that a client's `_meta` has notes on (develop.sentry.dev, "Contexts: _meta")."""
    cut: dict[str, int] = {}
    waiting: list[tuple[tuple[str, ...], Any]] = [((), meta)]
    while waiting and len(cut) < MOST:
        path, node = waiting.pop()
        if not isinstance(node, dict):
            continue
        if isinstance(note := node.get(""), dict) and path:
            length = note.get("len")
            cut[".".join(path)[:200]] = length if isinstance(length, int) else 0
        inner = list(node.items())[:MOST]
        waiting += [((*path, str(name)), below) for name, below in reversed(inner) if name != ""]
    return cut
