"""The exceptions of an event and how they belong together: causes, groups, and what names the bug.

Clients send a list, causes first and the error that was caught last. Newer ones number it
(`mechanism.exception_id` and `parent_id`), so that it is a tree: an ExceptionGroup, AggregateError
or joined error has members. A group says nothing itself; its members do.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Exception_: TypeAlias = Mapping[str, Any]

# What groups are called by clients that do not mark them.
_GROUPS = frozenset({
    "ExceptionGroup", "BaseExceptionGroup", "AggregateError", "AggregateException",
    "errors.joinError", "fmt.wrapErrors", "multierror.Error", "CompositeException",
})  # fmt: skip
# dart2js's name of a type, whose letters are others in each build.
MINIFIED = "minified"
_MINIFIED = re.compile(r"minified:\w+(?:<.*>)?")
# Types that only carry another error: that one names the bug.
_WRAPPERS = frozenset({
    "fmt.wrapError", "errors.withStack", "errors.withMessage", "ExecutionException",
    "CompletionException", "InvocationTargetException", "UndeclaredThrowableException",
    "TargetInvocationException", "NestedServletException", "ServletException",
    "TypeInitializationException", "ActionView::Template::Error", "xerrors.wrapError",
    "withstack.withStack", "errutil.withPrefix", "stacktrace.stacktrace",
})  # fmt: skip
# Types that anything may be: their message tells one bug from another.
_VAGUE = _WRAPPERS | {
    "", "Error", "Exception", "RuntimeException", "RuntimeError", "StandardError", "Throwable",
    "ErrorException", "errors.errorString", "errors.fundamental", "NSError", "ApplicationException",
    "panic", "UnhandledRejection", "exception", "runtime_error", "FatalError", "error", "string",
    "errors.Error", "Ensure failed", "Assertion failed", "Assert", "Die", "ErrorCall",
    "simpleError", "expression", MINIFIED,
}  # fmt: skip
# Packages of a language itself, whose types say nothing; Mysql2::Error is not in them.
_OF_LANGUAGES = frozenset({
    "java.lang", "kotlin", "scala", "groovy.lang", "System", "builtins", "exceptions", "std",
    "core", "dart.core", "Swift", "Foundation", "global",
})  # fmt: skip
_MEMBER = re.compile(r"(?i)^(?:exceptions|errors|inner_?exceptions|members)\b")
_CAUSE = frozenset({"__cause__", "__context__", "cause", "InnerException"})


@dataclass(frozen=True, slots=True)
class Node:
    """An exception in its place in the tree; `depth` is in how many groups it is."""

    exception: Exception_
    depth: int
    is_group: bool
    is_member: bool
    children: tuple["Node", ...]

    def walk(self) -> Iterator["Node"]:
        """This node and all below it, each before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Branch:
    """One error and what caused it: causes first, the error itself last, as clients send them."""

    exceptions: tuple[Exception_, ...]

    @property
    def main(self) -> Exception_:
        return self.exceptions[-1]

    @property
    def telling(self) -> Exception_:
        """The outermost exception whose type says what went wrong, else the main one."""
        types = (error for error in reversed(self.exceptions) if type_of(error) not in _VAGUE)
        return next(types, self.main)

    @property
    def carried(self) -> Sequence[Exception_]:
        """The exceptions without those that only carry another, unless all do."""
        own = [error for error in self.exceptions if type_of(error) not in _WRAPPERS]
        return own or self.exceptions

    @property
    def named_by(self) -> Exception_:
        """What people call the bug by: the main exception, unless it only carries another."""
        return self.carried[-1]

    @property
    def is_vague(self) -> bool:
        return type_of(self.telling) in _VAGUE


def type_of(exception: Exception_) -> str:
    """The type without its package and Go's stars: "errors.errorString", "ExecutionException"."""
    name = exception.get("type")
    name = name.lstrip("*&") if isinstance(name, str) else ""
    if name.rpartition("/")[2] in _KEPT_WHOLE:
        return name.rpartition("/")[2]
    if _MINIFIED.fullmatch(name):
        return MINIFIED
    short = re.split(r"\.|::|\\", name)[-1]
    package = name.removesuffix(short).rstrip(".:\\")
    return name if short in _VAGUE and package and package not in _OF_LANGUAGES else short


_KEPT_WHOLE = {name for name in _VAGUE | _GROUPS if "." in name}


def exceptions_of(event: Mapping[str, Any]) -> Sequence[Exception_]:
    """The event's exceptions as clients send them: causes first, the one that was caught last."""
    exception = event.get("exception")
    listed = exception.get("values") if isinstance(exception, dict) else None
    return (
        [error for error in listed if isinstance(error, dict)] if isinstance(listed, list) else []
    )


def branches(exceptions: Sequence[Exception_]) -> list[Branch]:
    """What went wrong: one branch, or one for each member of the group that was caught.

    Members stand by their numbers; groups within groups are opened, and empty ones are themselves.
    """
    root = tree(exceptions)
    if root is None:
        return []
    if not root.is_group:
        return [Branch(tuple(exceptions))]
    return [Branch(tuple(_causes_first(leaf))) for leaf in _leaves(root)]


def tree(exceptions: Sequence[Exception_]) -> Node | None:
    """The exceptions as a tree under the one that was caught; None if there are none.

    What names no parent, or one that is not there, caused the exception after it in the list.
    """
    if not exceptions:
        return None
    below: dict[int, list[int]] = {}
    places = _places(exceptions)
    last = len(exceptions) - 1
    for index in range(last - 1, -1, -1):
        below.setdefault(_parent(exceptions, index, places), []).append(index)
    return _node(exceptions, last, below, 0, is_member=False)


def _places(exceptions: Sequence[Exception_]) -> dict[int, int]:
    """The place in the list of each number that clients gave; the outermost of two with one."""
    return {
        number: index
        for index, exception in enumerate(exceptions)
        if (number := _number(exception, "exception_id")) is not None
    }


def _parent(exceptions: Sequence[Exception_], index: int, places: Mapping[int, int]) -> int:
    """The place of the parent, always a later one in the list, so that no circle comes of it."""
    number = _number(exceptions[index], "parent_id")
    parent = places.get(number) if number is not None else None
    if parent is not None and parent > index:
        return parent
    last = len(exceptions) - 1
    return last if is_group(exceptions[last]) and not places else index + 1


def _node(
    exceptions: Sequence[Exception_],
    index: int,
    below: Mapping[int, list[int]],
    depth: int,
    *,
    is_member: bool,
) -> Node:
    exception = exceptions[index]
    indexes = sorted(below.get(index, []), key=lambda child: _order(exceptions, child))
    group = is_group(exception) and any(_may_be_member(exceptions[child]) for child in indexes)
    children = tuple(
        _node(
            exceptions,
            child,
            below,
            depth + group,
            is_member=group and _may_be_member(exceptions[child]),
        )
        for child in indexes
    )
    return Node(exception, depth, group, is_member, children)


def _order(exceptions: Sequence[Exception_], index: int) -> tuple[int, int]:
    number = _number(exceptions[index], "exception_id")
    return (len(exceptions) if number is None else number, -index)


def _leaves(group: Node) -> Iterator[Node]:
    for child in group.children:
        if child.is_member and child.is_group:
            yield from _leaves(child)
        elif child.is_member:
            yield child


def _causes_first(leaf: Node) -> list[Exception_]:
    return [node.exception for node in leaf.walk()][::-1]


def is_group(exception: Exception_) -> bool:
    """Whether an exception is a container of others, by its mark or its type."""
    return (
        mechanism_of(exception).get("is_exception_group") is True or type_of(exception) in _GROUPS
    )


def _may_be_member(exception: Exception_) -> bool:
    """Members say so; what says nothing is one, unless it is a cause of the group itself."""
    source = mechanism_of(exception).get("source")
    if not isinstance(source, str) or not source:
        return mechanism_of(exception).get("type") != "suppressed"
    return bool(_MEMBER.match(source)) or source not in _CAUSE


def mechanism_of(exception: Exception_) -> Mapping[str, Any]:
    """How the client caught the exception, an empty mapping if it does not say."""
    mechanism = exception.get("mechanism")
    return mechanism if isinstance(mechanism, dict) else {}


def _number(exception: Exception_, name: str) -> int | None:
    value = mechanism_of(exception).get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
