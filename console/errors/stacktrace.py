"""An event's exceptions, threads and frames, in the order and shape in which a page shows them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from console.errors.frames import frames_of, is_in_app, is_minified
from console.errors.grouping import exceptions_of

NESTED = 10
VALUE_LENGTH = 4000
LINE_LENGTH = 500
SHOWN_IN_RUN = 1  # a library frame alone is not worth a fold
# A recursion has hundreds of frames that say the same: a megabyte of page for its two ends.
INNERMOST_SHOWN, OUTERMOST_SHOWN = 30, 10


@dataclass(frozen=True, slots=True)
class Line:
    """A source line; `is_current` is the one that was executing."""

    number: int | None
    text: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """One call; texts that are not known are ""."""

    function: str
    module: str
    filename: str
    path: str
    line_number: int | None
    column: int | None
    in_app: bool
    minified: bool
    lines: tuple[Line, ...]
    variables: tuple[tuple[str, str], ...]

    @property
    def location(self) -> str:
        """Where the frame is, as editors understand it: shop/cart.py:17."""
        name = self.filename or self.module or self.path or "?"
        number = "" if self.line_number is None else f":{self.line_number}"
        column = "" if self.column is None or not number else f":{self.column}"
        return f"{name}{number}{column}"


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring frames that are shown together: all in-app, or a fold of library frames.

    A run without frames stands for `omitted` ones in the middle of an endless stack.
    """

    frames: tuple[Frame, ...]
    folded: bool
    omitted: int = 0


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack, innermost call first; `raw_order` is how the client's language prints it."""

    frames: tuple[Frame, ...]
    prints_innermost_last: bool

    @property
    def in_app(self) -> tuple[Frame, ...]:
        return tuple(frame for frame in self.frames if frame.in_app)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The frames, innermost first, library frames folded; nothing is folded if all are."""
        omitted = len(self.frames) - INNERMOST_SHOWN - OUTERMOST_SHOWN
        if omitted <= 0:
            return tuple(self._runs(self.frames))
        return (
            *self._runs(self.frames[:INNERMOST_SHOWN]),
            Run((), folded=True, omitted=omitted),
            *self._runs(self.frames[-OUTERMOST_SHOWN:]),
        )

    def _runs(self, frames: tuple[Frame, ...]) -> Iterator[Run]:
        some_own = any(frame.in_app for frame in self.frames)
        for own, group in groupby(frames, lambda frame: frame.in_app):
            run = tuple(group)
            yield Run(run, folded=some_own and not own and len(run) > SHOWN_IN_RUN)

    @property
    def raw_order(self) -> tuple[Frame, ...]:
        return self.frames[::-1] if self.prints_innermost_last else self.frames

    @property
    def minified(self) -> bool:
        """Whether source maps would make the stack readable."""
        return any(frame.minified for frame in self.in_app or self.frames)


@dataclass(frozen=True, slots=True)
class Raised:
    """One exception of the chain."""

    type: str
    value: str
    module: str
    handled: bool | None
    mechanism: str
    relation: str
    """How it belongs to the exception shown above it; "" for the main error."""
    stack: Stack


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread as it was when the event was made."""

    name: str
    crashed: bool
    current: bool
    stack: Stack


@dataclass(frozen=True, slots=True)
class StackTrace:
    """What the page shows: the main error first, then its causes; a bare stack for a message."""

    exceptions: tuple[Raised, ...]
    threads: tuple[Thread, ...]
    stack: Stack | None

    @property
    def handled(self) -> bool | None:
        """Whether the application caught the main error; None if the client does not say."""
        return self.exceptions[0].handled if self.exceptions else None


def stacktrace(event: Mapping[str, Any]) -> StackTrace:
    """The stack trace of a stored event; malformed parts are left out and raise nothing."""
    platform = _text(event.get("platform"))
    chain = list(reversed(exceptions_of(event)))
    raised = tuple(_raised(exception, place, platform) for place, exception in enumerate(chain))
    own = _stack(event, platform)
    return StackTrace(
        exceptions=raised,
        threads=tuple(_threads(event, platform)),
        stack=own if own.frames else None,
    )


def _raised(exception: Mapping[str, Any], place: int, platform: str) -> Raised:
    mechanism = _mapping(exception.get("mechanism"))
    handled = mechanism.get("handled")
    return Raised(
        type=_text(exception.get("type")) or "Error",
        value=_text(exception.get("value")),
        module=_text(exception.get("module")),
        handled=handled if isinstance(handled, bool) else None,
        mechanism=_text(mechanism.get("type")),
        relation=_relation(mechanism) if place else "",
        stack=_stack(exception, platform),
    )


def _relation(mechanism: Mapping[str, Any]) -> str:
    """The meaning of `mechanism.source` in words (develop.sentry.dev, "Exception Interface")."""
    source = _text(mechanism.get("source"))
    if source == "__context__":
        return "Raised while handling"
    if source.startswith(("exceptions[", "errors[")):
        return "Part of the group"
    return "Caused by"


def _threads(event: Mapping[str, Any], platform: str) -> Iterator[Thread]:
    """Threads that have a stack, the crashed and the current one first."""
    listed = _mapping(event.get("threads")).get("values")
    threads = (
        [thread for thread in listed if isinstance(thread, dict)]
        if isinstance(listed, list)
        else []
    )
    threads.sort(
        key=lambda thread: (thread.get("crashed") is not True, thread.get("current") is not True)
    )
    for thread in threads:
        stack = _stack(thread, platform)
        if stack.frames:
            name = _text(thread.get("name")) or f"Thread {_shown(thread.get('id', '?'))}"
            crashed, current = thread.get("crashed") is True, thread.get("current") is True
            yield Thread(name, crashed, current, stack)


def _stack(holder: Mapping[str, Any], platform: str) -> Stack:
    frames = tuple(_frame(frame, platform) for frame in reversed(frames_of(holder)))
    return Stack(frames, prints_innermost_last=platform == "python")


def _frame(frame: Mapping[str, Any], platform: str) -> Frame:
    return Frame(
        function=_text(frame.get("function")) or "<unknown>",
        module=_text(frame.get("module")),
        filename=_text(frame.get("filename")),
        path=_text(frame.get("abs_path")),
        line_number=_number(frame.get("lineno")),
        column=_number(frame.get("colno")),
        in_app=is_in_app(frame),
        minified=is_minified(frame, platform),
        lines=tuple(_lines(frame)),
        variables=tuple(_variables(frame.get("vars"), platform)),
    )


def _lines(frame: Mapping[str, Any]) -> Iterator[Line]:
    current = frame.get("context_line")
    if not isinstance(current, str):
        return
    before, after = _texts(frame.get("pre_context")), _texts(frame.get("post_context"))
    at = _number(frame.get("lineno"))
    for offset, text in enumerate((*before, current, *after), start=-len(before)):
        number = None if at is None else at + offset
        yield Line(number, text[:LINE_LENGTH].rstrip("\r\n"), is_current=offset == 0)


def _variables(variables: Any, platform: str) -> Iterator[tuple[str, str]]:
    for name, value in _mapping(variables).items():
        yield name, _shown(_of_reprs(value) if platform == "python" else value)


def _of_reprs(value: Any, depth: int = 0) -> str:
    """A value of Python's SDK, whose leaves are reprs and keys are texts: none is quoted again."""
    if isinstance(value, dict | list) and depth == NESTED:
        return "…"
    if isinstance(value, dict):
        pairs = (f"{key}: {_of_reprs(inner, depth + 1)}" for key, inner in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(_of_reprs(inner, depth + 1) for inner in value)}]"
    return _shown(value)


def _shown(value: Any) -> str:
    """A text as it is (Python's are reprs already), anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= VALUE_LENGTH else text[:VALUE_LENGTH] + "…"


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _texts(value: Any) -> Sequence[str]:
    return [_text(element) for element in value] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
