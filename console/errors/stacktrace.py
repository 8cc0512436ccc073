"""An event's exceptions, threads and frames, in the order and shape in which a page shows them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

from console.errors.chain import Node, exceptions_of, mechanism_of
from console.errors.chain import tree as tree_of
from console.errors.colours import coloured
from console.errors.frames import (
    address,
    frames_of,
    image_of,
    is_in_app,
    is_minified,
    offset_in_image,
    path_in_repository,
)
from console.errors.recursion import Rounds, with_rounds
from console.errors.values import Room, Value, tree

Values: TypeAlias = tuple[tuple[str, Value], ...]

OF_FRAMES = frozenset({
    "function", "raw_function", "symbol", "module", "package", "filename", "abs_path", "lineno",
    "colno", "pre_context", "context_line", "post_context", "in_app", "vars", "platform",
    "instruction_addr", "addr_mode", "symbol_addr", "image_addr", "trust", "data", "debug_id",
})  # fmt: skip
OF_EXCEPTIONS = frozenset({
    "type", "value", "module", "mechanism", "stacktrace", "raw_stacktrace", "thread_id",
})  # fmt: skip
OF_MECHANISMS = frozenset({
    "type", "handled", "source", "exception_id", "parent_id", "is_exception_group", "synthetic",
})  # fmt: skip
VALUE_LENGTH = 4000
LINE_LENGTH = 500
SHOWN_IN_RUN = 1  # a library frame alone is not worth a fold
# A recursion has hundreds of frames that say the same: a megabyte of page for its two ends.
INNERMOST_SHOWN, OUTERMOST_SHOWN = 30, 10
# So have many stacks: of a group of fifty exceptions, a page of 3 MB.
MANY_STACKS, INNERMOST_OF_MANY, OUTERMOST_OF_MANY = 10, 6, 2
CONTEXT_LINES = 20  # on each side of the line that was executing; clients send 3 to 10


@dataclass(frozen=True, slots=True)
class Line:
    """A source line; `is_current` is the one that was executing."""

    number: int | None
    text: str
    is_current: bool
    language: str = ""

    @property
    def coloured(self) -> Iterator[tuple[str, str]]:
        """The text in pieces, each with its colour."""
        return coloured(self.text, self.language)


@dataclass(frozen=True, slots=True)
class Frame:
    """One call; texts that are not known are ""."""

    function: str
    """Of a native frame without a symbol, where it is in its image: "+0x10040"."""
    module: str
    filename: str
    image: str
    """The file of a native frame's program or library."""
    path: str
    address: str
    line_number: int | None
    column: int | None
    in_app: bool
    minified: bool
    lines: tuple[Line, ...]
    variables: Values
    more: Values
    """What the client sent beside that."""

    @property
    def location(self) -> str:
        """Where the frame is, as editors understand it: shop/cart.py:17. An image by its name."""
        name = self.filename or self.module or self.image or self.path or self.address
        number = "" if self.line_number is None else f":{self.line_number}"
        column = "" if self.column is None or not number else f":{self.column}"
        return f"{name or 'a place that was not sent'}{number}{column}"

    @property
    def source_path(self) -> str:
        """The file within a repository, "" for a library's and for what was loaded from a page."""
        if not self.in_app or self.line_number is None:
            return ""
        return path_in_repository(self.filename or self.path, self.module)

    @property
    def call(self) -> tuple[str, str, int | None]:
        """What it has in common with the same call of another round of a recursion."""
        return (self.function, self.location, self.line_number)

    @property
    def copied(self) -> str:
        """Place and source line, to paste into a ticket."""
        current = next((line.text.strip() for line in self.lines if line.is_current), "")
        return f"{self.words}\n    {current}" if current else self.words

    @property
    def words(self) -> str:
        """The whole place in one text: "shop/cart.py:17 in total", "Till +0x10040"."""
        if not self.function:
            return self.location
        between = " " if self.function.startswith("+0x") else " in "
        return f"{self.location}{between}{self.function}"


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring frames that are shown together: all in-app, or a fold of library frames.

    A run without frames stands for `omitted` ones in the middle of an endless stack, or for
    `rounds` of a recursion.
    """

    frames: tuple[Frame, ...]
    folded: bool
    omitted: int = 0
    rounds: Rounds | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack, innermost call first; `raw_order` is how the client's language prints it."""

    frames: tuple[Frame, ...]
    prints_innermost_last: bool
    not_kept: int = 0
    """Frames in the middle that were left out before the event was stored."""
    among_many: bool = False
    """Whether it stands after many stacks, so that it shows fewer frames."""

    @property
    def in_app(self) -> tuple[Frame, ...]:
        return tuple(frame for frame in self.frames if frame.in_app)

    @property
    def runs(self) -> tuple[Run, ...]:
        """The frames, innermost first: rounds of a recursion and library frames are folded.

        Nothing is folded as the library's if all frames are.
        """
        shown = list(with_rounds(self.frames, [frame.call for frame in self.frames]))
        innermost, outermost = INNERMOST_SHOWN, OUTERMOST_SHOWN
        if self.among_many:
            innermost, outermost = INNERMOST_OF_MANY, OUTERMOST_OF_MANY
        omitted = len(shown) - innermost - outermost
        if omitted <= 0:
            return tuple(self._runs(shown))
        return (
            *self._runs(shown[:innermost]),
            Run((), folded=True, omitted=omitted),
            *self._runs(shown[-outermost:]),
        )

    def _runs(self, shown: Sequence[Frame | Rounds]) -> Iterator[Run]:
        some_own = any(frame.in_app for frame in self.frames)
        for kind, group in groupby(
            shown, lambda part: part if isinstance(part, Rounds) else part.in_app
        ):
            if isinstance(kind, Rounds):
                yield Run((), folded=True, rounds=kind)
                continue
            run = tuple(part for part in group if isinstance(part, Frame))
            yield Run(run, folded=some_own and not kind and len(run) > SHOWN_IN_RUN)

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
    """How it belongs to the exception that it is under; "" for the main error."""
    depth: int
    """In how many groups it is; 0 for the main error."""
    more: Values
    """What the client says beside that: data of the mechanism, attributes of its own."""
    stack: Stack


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread as it was when the event was made."""

    name: str
    state: str
    """As its language calls it: "BLOCKED", "waiting"."""
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
    root = tree_of(exceptions_of(event))
    room = Room()
    raised = tuple(_raised(node, root, platform, room) for node in root.walk()) if root else ()
    own = _stack(event, platform, room)
    return StackTrace(
        exceptions=raised,
        threads=tuple(_threads(event, platform, room)),
        stack=own if own.frames else None,
    )


def _raised(node: Node, root: Node, platform: str, room: Room) -> Raised:
    exception = node.exception
    mechanism = mechanism_of(exception)
    handled = mechanism.get("handled")
    return Raised(
        type=_text(exception.get("type")) or "Error",
        value=_text(exception.get("value")),
        module=_text(exception.get("module")),
        handled=handled if isinstance(handled, bool) else None,
        mechanism=_text(mechanism.get("type")),
        relation="" if node is root else _relation(node),
        depth=node.depth,
        more=(
            *_unknown(mechanism, OF_MECHANISMS, room),
            *_unknown(exception, OF_EXCEPTIONS, room),
        ),
        stack=_stack(exception, platform, room),
    )


def _relation(node: Node) -> str:
    """The meaning of `mechanism` in words (develop.sentry.dev, "Exception Interface")."""
    mechanism = mechanism_of(node.exception)
    if node.is_member:
        return "Part of the group"
    if _text(mechanism.get("source")) == "__context__":
        return "Raised while handling"
    return "Suppressed" if mechanism.get("type") == "suppressed" else "Caused by"


def _threads(event: Mapping[str, Any], platform: str, room: Room) -> Iterator[Thread]:
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
        stack = _stack(thread, platform, room)
        if stack.frames:
            number = "" if thread.get("id") is None else f" {_shown(thread['id'])}"
            name = _text(thread.get("name")) or f"Thread{number}"
            crashed, current = thread.get("crashed") is True, thread.get("current") is True
            yield Thread(name, _text(thread.get("state")), crashed, current, stack)


def _stack(holder: Mapping[str, Any], platform: str, room: Room) -> Stack:
    frames = tuple(_frame(frame, platform, room) for frame in reversed(frames_of(holder)))
    room.stacks += bool(frames)
    return Stack(
        frames,
        prints_innermost_last=platform == "python",
        not_kept=_omitted(holder),
        among_many=room.stacks > MANY_STACKS,
    )


def _omitted(holder: Mapping[str, Any]) -> int:
    """How many frames are left out: `frames_omitted` is the first and the one after the last."""
    ends = _mapping(holder.get("stacktrace")).get("frames_omitted")
    if not isinstance(ends, list) or len(ends) != 2:
        return 0
    first, end = map(_number, ends)
    return max(0, end - first) if first is not None and end is not None else 0


def _frame(frame: Mapping[str, Any], platform: str, room: Room) -> Frame:
    return Frame(
        function=_text(frame.get("function")) or offset_in_image(frame),
        module=_text(frame.get("module")),
        filename=_text(frame.get("filename")),
        image=image_of(frame),
        path=_text(frame.get("abs_path")) or _text(frame.get("package")),
        address="" if (at := address(frame.get("instruction_addr"))) is None else hex(at),
        line_number=_number(frame.get("lineno")),
        column=_number(frame.get("colno")),
        in_app=is_in_app(frame, platform),
        minified=is_minified(frame, platform),
        lines=tuple(_lines(frame, _text(frame.get("platform")) or platform)),
        variables=tree(_mapping(frame.get("vars")), room),
        more=_unknown(frame, OF_FRAMES, room),
    )


def _lines(frame: Mapping[str, Any], language: str) -> Iterator[Line]:
    current = frame.get("context_line")
    if not isinstance(current, str):
        return
    before = _texts(frame.get("pre_context"))[-CONTEXT_LINES:]
    after = _texts(frame.get("post_context"))[:CONTEXT_LINES]
    at = _number(frame.get("lineno"))
    for offset, text in enumerate((*before, current, *after), start=-len(before)):
        number = None if at is None else at + offset
        plain = text[:LINE_LENGTH].rstrip("\r\n")
        yield Line(number, plain, is_current=offset == 0, language=language)


def _unknown(part: Mapping[str, Any], known: AbstractSet[str], room: Room) -> Values:
    """What the page knows no place for."""
    more = {name: value for name, value in part.items() if name not in known and value}
    return tree(more, room)


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
