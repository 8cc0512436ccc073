"""Every regular expression of the console, found by reading its code, and texts that hurt each."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import re2

from tests.support.databases import ROOT

SIZE = 64 << 10
METHODS = {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
REPEATS = {sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT}
SHORT = {"match", "fullmatch"}  # they begin at one place
SAMPLES = "a0A_ -.,:/\\'\"`=%&?#@<>(){}[]*+!$~|;^\n\té\u0301😀"
COMMON = (*"a0 \n/'\\(é", "a ", "a.", "0-", "A1", "\u0301\u0316")
VARIANTS = 4
END = "\x01!"  # what few classes hold, so that most matches fail here


@dataclass(frozen=True)
class Use:
    """A regular expression, and how a module uses it."""

    place: str
    pattern: Any  # of re or re2; None if reading the code does not tell
    methods: frozenset[str] = frozenset({"finditer", "fullmatch"})

    def __str__(self) -> str:
        return self.place


def uses_in(path: Path) -> Iterator[Use]:
    """The expressions that a module of the console has or uses, evaluated as it does."""
    if path.stem == "__main__":  # which runs when it is imported
        return
    names = vars(import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__")))
    if not any(value is re or value is re2 for value in names.values()):
        return  # most have none: every worker reads all of them before its first test
    nodes = list(ast.walk(ast.parse((ROOT / path).read_text())))
    for node in nodes:
        if isinstance(node, ast.Call) and (engine := _engine(node.func, names)):
            yield from _uses_of_call(node, engine, names, nodes, str(path))


def _uses_of_call(
    node: ast.Call, engine: Any, names: dict[str, Any], nodes: list[ast.AST], path: str
) -> Iterator[Use]:
    pattern = _compiled(node, engine, names)
    where = f"{path}:{_function_at(nodes, node.lineno) or node.lineno}"
    if pattern is None:
        yield Use(where, None)
    elif node.func.attr == "compile":  # type: ignore[attr-defined]
        yield Use(where, pattern, _methods(nodes, node) or Use.methods)
    else:
        yield Use(where, pattern, frozenset({_linear(node.func.attr)}))  # type: ignore[attr-defined]


def _function_at(nodes: list[ast.AST], line: int) -> str:
    """The function that a line stands in; "" for a module's own."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= (node.end_lineno or 0):
            return node.name
    return ""


def _methods(nodes: list[ast.AST], call: ast.Call) -> frozenset[str]:
    """How a module uses an expression that a private name of it stands for; none if unclear."""
    for statement in nodes:
        if isinstance(statement, ast.Assign) and statement.value is call:
            (target,) = statement.targets
            if isinstance(target, ast.Name) and target.id.startswith("_"):
                return _uses_of_name(nodes, target.id)
    return frozenset()


def _uses_of_name(nodes: list[ast.AST], name: str) -> frozenset[str]:
    methods, bases = set(), set()
    for node in nodes:
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == name:
            bases.add(node.value)
            methods.add(_linear(node.attr))
    loads = {
        node
        for node in nodes
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
    }
    return frozenset(methods) if loads == bases and methods <= SHORT else frozenset()


def _linear(method: str) -> str:
    """The method to try: what is searched in a text is found again and again."""
    return method if method in SHORT else "finditer"


def _engine(function: ast.expr, names: dict[str, Any]) -> Any:
    """The module of a call such as re.search(…); None for other calls."""
    if not isinstance(function, ast.Attribute) or function.attr not in METHODS:
        return None
    module = names.get(function.value.id) if isinstance(function.value, ast.Name) else None
    return module if module in (re, re2) else None


def _compiled(call: ast.Call, engine: Any, names: dict[str, Any]) -> Any:
    flags = [keyword.value for keyword in call.keywords if keyword.arg == "flags"]
    if call.func.attr == "compile":  # type: ignore[attr-defined]
        flags += call.args[1:]
    elif call.func.attr in {"match", "search", "fullmatch", "findall", "finditer"}:  # type: ignore[attr-defined]
        flags += call.args[2:]
    try:
        pattern, *given = (_value(node, names) for node in (call.args[0], *flags))
    except NameError:
        return None
    return engine.compile(pattern, *given)


def _value(node: ast.expr, names: dict[str, Any]) -> Any:
    return eval(compile(ast.Expression(node), "console", "eval"), names)


def hostile(pattern: Any) -> list[tuple[str, str]]:
    """What leads to each repetition in the expression, and what to repeat behind it.

    `text_of` makes texts of these in which the expression begins often and fails late.
    """
    flags = pattern.flags if isinstance(pattern, re.Pattern) else re.UNICODE
    source = pattern.pattern
    if isinstance(source, bytes):
        source = source.decode("latin-1")
    tree = _parser.parse(source, flags & ~re.DEBUG)
    units: dict[tuple[str, str], None] = dict.fromkeys(("", unit) for unit in COMMON)
    for lead, body in _repetitions(tree, ""):
        again = (body, body + body[:1], f"{body} ")
        units |= dict.fromkeys((lead, unit) for unit in again if unit)
        if lead:
            units |= dict.fromkeys(("", unit) for unit in (lead + body, lead + body * 3, lead))
    whole = next(iter(_texts(tree)), "")
    ends = (whole, whole[:-1], f"{whole} ", f"{whole}\n")
    return list(units | dict.fromkeys(("", unit) for unit in ends if unit))


def text_of(lead: str, unit: str, size: int = SIZE) -> str:
    """A text of this size that ends in what few expressions take."""
    return lead + unit * max((size - len(lead)) // len(unit), 1) + END


def _repetitions(tree: Any, lead: str) -> Iterator[tuple[str, str]]:
    """What leads to each repetition, and samples of what it repeats."""
    for kind, value in tree:
        if kind in REPEATS:
            _, most, body = value
            yield from _repetitions(body, lead)
            if most > 8:
                for sample in _texts(body):
                    yield lead, sample
        elif kind is sre.SUBPATTERN:
            yield from _repetitions(value[-1], lead)
        elif kind is sre.ATOMIC_GROUP:
            yield from _repetitions(value, lead)
        elif kind in {sre.ASSERT, sre.ASSERT_NOT}:
            yield from _repetitions(value[1], lead)
        elif kind is sre.BRANCH:
            for branch in value[1]:
                yield from _repetitions(branch, lead)
        lead += next(iter(_texts([(kind, value)])), "")


def _texts(tree: Any) -> list[str]:
    """A few texts that the expression matches, or nearly."""
    found = [""]
    for kind, value in tree:
        pieces = _pieces(kind, value)
        found = [text + pieces[i % len(pieces)] for i, text in enumerate(_spread(found, pieces))]
    return list(dict.fromkeys(found))


def _spread(found: list[str], pieces: list[str]) -> list[str]:
    return (found * len(pieces))[: max(VARIANTS, len(found))] if len(pieces) > 1 else found


def _pieces(kind: Any, value: Any) -> list[str]:
    """Texts for one node of the expression; empty ones for what takes no character."""
    if kind in REPEATS:
        return [text * max(value[0], 1) for text in _texts(value[2])]
    pieces = {
        sre.LITERAL: lambda: [chr(value)],
        sre.NOT_LITERAL: lambda: [c for c in SAMPLES if ord(c) != value][:VARIANTS],
        sre.ANY: lambda: ["a", " ", "."],
        sre.IN: lambda: _of_class(value),
        sre.BRANCH: lambda: [t for branch in value[1] for t in _texts(branch)][: 3 * VARIANTS],
        sre.SUBPATTERN: lambda: _texts(value[-1]),
        sre.ATOMIC_GROUP: lambda: _texts(value),
    }
    return pieces.get(kind, lambda: [""])() or [""]


def _of_class(members: Any) -> list[str]:
    negated = members[0][0] is sre.NEGATE
    chosen = [c for c in SAMPLES if _holds(members, c) is not negated]
    if not chosen:
        chosen = [chr(value) for kind, value in members if kind is sre.LITERAL]
        chosen += [chr(value[0]) for kind, value in members if kind is sre.RANGE]
    return (chosen or ["a"])[:VARIANTS]


def _holds(members: Any, character: str) -> bool:
    return any(_is(kind, value, character) for kind, value in members if kind is not sre.NEGATE)


def _is(kind: Any, value: Any, character: str) -> bool:
    if kind is sre.LITERAL:
        return chr(value) == character
    if kind is sre.RANGE:
        return bool(value[0] <= ord(character) <= value[1])
    category = str(value).removeprefix("CATEGORY_")
    negated = category.startswith("NOT_")
    holds = {
        "DIGIT": character.isdigit(),
        "SPACE": character.isspace(),
        "WORD": character.isalnum() or character == "_",
    }.get(category.removeprefix("NOT_"), False)
    return bool(holds) is not negated
