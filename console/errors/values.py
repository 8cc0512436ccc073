"""Values of a client's JSON as people read them: locals as a tree, without quotes of our own.

Clients that send texts of values (Python's and Ruby's reprs) quote themselves what is a text.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NESTED = 10
LONGEST = 4000
MOST, MOST_OF_ALL = 500, 6_000  # values of a frame, and of a page; the raw JSON has the rest
SHORT, FEW = 160, 8


@dataclass(frozen=True, slots=True)
class Value:
    """A value; of a list or object, the `text` is its short form, and `parts` are its own."""

    text: str
    kind: str
    """As JSON calls it: text, number, boolean, null, list or object."""
    parts: tuple[tuple[str, "Value"], ...] = ()


@dataclass(slots=True)
class Room:
    """How many more values a page shows, and how many stacks it has so far."""

    left: int = MOST_OF_ALL
    stacks: int = 0


def tree(variables: Mapping[Any, Any], room: Room | None = None) -> tuple[tuple[str, Value], ...]:
    """The variables of a frame, nested as the client sent them, as long as there is room."""
    room = room or Room()
    reader = _Reader(min(MOST, room.left))
    values = tuple(reader.parts(variables.items(), 0))
    room.left -= min(MOST, room.left) - reader.room
    return values


class _Reader:
    """Reads the values of a frame as long as there is room."""

    def __init__(self, room: int) -> None:
        self.room = room

    def parts(self, items: Any, depth: int) -> Iterator[tuple[str, Value]]:
        for name, raw in items:
            if self.room <= 0:
                yield "…", Value("more values: the JSON of the event has them", "text")
                return
            self.room -= 1
            yield str(name)[:200], self.value(raw, depth)

    def value(self, raw: Any, depth: int) -> Value:
        if isinstance(raw, Mapping):
            kind, items = "object", list(raw.items())
        elif isinstance(raw, list | tuple):
            kind, items = "list", list(enumerate(raw))
        else:
            return Value(_cut(_leaf(raw), LONGEST), _kind(raw))
        if depth >= NESTED:
            return Value("…", kind)
        return Value(_cut(_short(raw, 0), SHORT), kind, tuple(self.parts(items, depth + 1)))


def _kind(raw: Any) -> str:
    if raw is None:
        return "null"
    if isinstance(raw, bool):
        return "boolean"
    return "number" if isinstance(raw, int | float) else "text"


def _leaf(raw: Any) -> str:
    if isinstance(raw, str):
        return raw
    return {None: "null", True: "true", False: "false"}[raw] if _is_word(raw) else str(raw)


def _is_word(raw: Any) -> bool:
    return raw is None or isinstance(raw, bool)


def _short(raw: Any, depth: int) -> str:
    """A value in one line, as far as it is shown."""
    if not isinstance(raw, Mapping | list | tuple):
        return _cut(_leaf(raw), SHORT)
    if raw and depth >= NESTED // 2:
        return "{…}" if isinstance(raw, Mapping) else "[…]"
    inner = list(raw.items())[:FEW] if isinstance(raw, Mapping) else list(raw)[:FEW]
    if isinstance(raw, Mapping):
        texts = [f"{str(name)[:SHORT]}: {_short(value, depth + 1)}" for name, value in inner]
    else:
        texts = [_short(value, depth + 1) for value in inner]
    texts += ["…"] * (len(raw) > FEW)
    left, right = "{}" if isinstance(raw, Mapping) else "[]"
    return f"{left}{', '.join(texts)}{right}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"
