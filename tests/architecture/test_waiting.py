"""No test waits for ever: a loop that waits has a deadline."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.test_sources import COMMITTED
from tests.support.databases import ROOT

TESTS = [path for path in COMMITTED if path.parts[0] == "tests" and path.suffix == ".py"]
PAUSES = {"sleep", "wait", "join", "wait_for_rows", "wait_for_timeout"}
# Calls in a loop's condition that ask nothing but values of the test itself.
PURE = {"len", "isinstance", "pop", "list", "monotonic"}


def waiting_loops(source: str) -> Iterator[int]:
    """The lines of the loops that wait for something and look at no clock.

    A loop waits if it has no end in its condition, if it pauses, if it does nothing, or if its
    condition asks something again; `while page := next(page)` reads on, and is no such loop.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.While) and _waits(node) and "monotonic" not in _calls(node):
            yield node.lineno


def _waits(loop: ast.While) -> bool:
    endless = isinstance(loop.test, ast.Constant)
    idle = not _calls(loop.test) and all(isinstance(step, ast.Pass) for step in loop.body)
    reads_on = any(isinstance(node, ast.NamedExpr) for node in ast.walk(loop.test))
    asks = not reads_on and not _calls(loop.test) <= PURE
    return endless or idle or asks or bool(_calls(loop) & PAUSES)


def _calls(tree: ast.AST) -> set[str]:
    """The names of the functions and methods that are called in a piece of code."""
    functions = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {
        function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        for function in functions
    }


def test_every_loop_that_waits_has_a_deadline():
    endless = [
        f"{module}:{line}"
        for module in TESTS
        for line in waiting_loops((ROOT / module).read_text())
    ]
    assert endless == []


@pytest.mark.parametrize(
    "loop",
    [
        "while True: send()",
        "while rows(): pass",
        "while busy: pass",
        "while not event.wait(1): send()",
        "while len(sent) < 3: time.sleep(1)",
        "while send().status_code != 200: tries += 1",
        "while (x := look()):\n  sleep(1)",
    ],
)
def test_a_loop_without_one_is_found(loop):
    assert list(waiting_loops(loop)) == [1]
    assert list(waiting_loops(f"{loop}; assert time.monotonic() < deadline")) == []
