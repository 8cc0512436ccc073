"""A formula over the numbers of a tile: `a / b * 100`, with gaps where there is no number."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TypeGuard

LONGEST = 200
LETTERS = "abcdef"
LARGEST = 1e15  # as documents write numbers
_DEEPEST = 20
_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def fault(text: str, count: int = len(LETTERS)) -> str:
    """Why a text is no formula over the first `count` letters, as a sentence; "" if it is."""
    try:
        names = _names(_parsed(text))
    except ValueError as error:
        return str(error)
    strange = sorted(names - set(LETTERS[:count]))
    if strange:
        known = ", ".join(LETTERS[:count])
        return f"The tile has no {strange[0]}: its metrics are {known}."
    return ""


def value(text: str, numbers: Sequence[float | None]) -> float | None:
    """The number that a formula comes to, for the metrics in their order.

    None where it needs a number that is a gap, divides by zero or leaves what a float can say.
    Raises ValueError for what is no formula.
    """
    named = dict(zip(LETTERS, numbers, strict=False))
    try:
        result = _of(_parsed(text), named)
    except (ZeroDivisionError, OverflowError):
        return None
    return result if result is not None and math.isfinite(result) else None


def series(text: str, columns: Sequence[Sequence[float | None]]) -> list[float | None]:
    """The same for each bucket of several series of the same length."""
    return [value(text, numbers) for numbers in zip(*columns, strict=True)]


@lru_cache(maxsize=256)
def _parsed(text: str) -> ast.expr:
    """The expression of a text; ValueError with a sentence for anything but arithmetic."""
    if len(text) > LONGEST:
        raise ValueError(f"A formula has at most {LONGEST} characters.")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError("Not a formula: write one such as a / b * 100.") from None
    _check(tree, _DEEPEST)
    return tree


def _check(node: ast.expr, deeper: int) -> None:
    if not deeper:
        raise ValueError("The formula is nested too deeply.")
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        _check(node.left, deeper - 1)
        _check(node.right, deeper - 1)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        _check(node.operand, deeper - 1)
    elif isinstance(node, ast.Constant):
        if not _is_number(node.value) or abs(node.value) > LARGEST:
            raise ValueError("A formula has numbers up to 1e15, letters and + - * / ( ).")
    elif not isinstance(node, ast.Name):
        raise ValueError("A formula has numbers, letters and + - * / ( ), nothing else.")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _of(node: ast.expr, named: Mapping[str, float | None]) -> float | None:
    if isinstance(node, ast.BinOp):
        left, right = _of(node.left, named), _of(node.right, named)
        if left is None or right is None:
            return None
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp):
        inner = _of(node.operand, named)
        if inner is None:
            return None
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Constant):
        return float(node.value) if _is_number(node.value) else None
    return named.get(node.id) if isinstance(node, ast.Name) else None
