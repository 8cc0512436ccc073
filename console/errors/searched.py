"""What the search of the inbox reads of an event, beside the title and the tags."""

from collections.abc import Iterator, Mapping
from typing import Any

from console.core.folding import fold
from console.errors.chain import exceptions_of
from console.errors.frames import frames_of

LONGEST = 4_000
_VALUE = 300
_NAMES = ("function", "filename", "module", "abs_path", "package")


def searched(event: Mapping[str, Any]) -> str:
    """Messages, functions, files, modules of an event, folded, each once; the innermost first."""
    room, lines = LONGEST, dict.fromkeys(filter(None, map(fold, _texts(event))))
    kept = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join(kept)


def _texts(event: Mapping[str, Any]) -> Iterator[str]:
    exceptions = exceptions_of(event)
    for exception in reversed(exceptions):
        yield _text(exception, "type")
        yield _text(exception, "value")[:_VALUE]
    message = event.get("logentry")
    if isinstance(message, Mapping):
        yield _text(message, "formatted")[:_VALUE]
    yield _text(event, "transaction")
    threads = event.get("threads")
    holders = [*reversed(exceptions), *_listed(threads), event]
    for holder in holders:
        for frame in reversed(frames_of(holder)):
            yield from (_text(frame, name)[:_VALUE] for name in _NAMES)


def _listed(threads: Any) -> list[Any]:
    values = threads.get("values") if isinstance(threads, Mapping) else threads
    return values if isinstance(values, list) else []


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
