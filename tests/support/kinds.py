"""Which tests start processes, found by reading their code, and in what order tests run."""

import multiprocessing
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from inspect import unwrap
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.support import forks, live, postgres

STARTERS = (forks.FORKS, forks.Command, live.Server, subprocess, multiprocessing, sync_playwright)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start processes, and put those first that take longest.

    One worker waits for its processes while another works, and at the end nobody waits for one.
    """
    for item in items:
        if isinstance(item, pytest.Function) and any(map(starts_processes, _functions_of(item))):
            item.add_marker(pytest.mark.live)
    items.sort(key=lambda item: [not item.get_closest_marker(name) for name in ("slow", "live")])


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return one worker more than there are processors: half of a run is waiting for processes.

    `-n logical` is as many as processors, for tests that only compute.
    """
    cores = len(os.sched_getaffinity(0))
    return cores + 1 if config.option.numprocesses == "auto" else None


def _functions_of(test: pytest.Function) -> Iterator[Any]:
    """The test itself, and the fixtures that it asks for in whatever way."""
    yield test.function
    for name in test.fixturenames:
        for definition in test._fixtureinfo.name2fixturedefs.get(name, ()):
            yield definition.func


@cache
def starts_processes(function: Any) -> bool:
    """Whether code of the tests does that a function calls; PostgreSQL is no process of a test."""
    seen: set[int] = set()
    waiting = [_plain(function)]
    while waiting:
        thing = waiting.pop()
        if any(thing is starter for starter in STARTERS):
            return True
        if id(thing) not in seen and _is_of_the_tests(thing):
            seen.add(id(thing))
            waiting += _named_in(thing)
    return False


def _is_of_the_tests(thing: Any) -> bool:
    module = getattr(thing, "__module__", None) or ""
    return module.startswith("tests.") and module != postgres.__name__


def _named_in(thing: Any) -> Iterator[Any]:
    """The functions, classes and modules that the code of a function or class names."""
    if isinstance(thing, type):
        yield from (_plain(member) for member in vars(thing).values())
    elif isinstance(thing, FunctionType):
        names = set(_names(thing.__code__))
        for value in (thing.__globals__[name] for name in names & thing.__globals__.keys()):
            yield _plain(value)
            if isinstance(value, ModuleType) and value.__name__.startswith("tests."):
                yield from (_plain(vars(value)[name]) for name in names & vars(value).keys())


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _plain(value: Any) -> Any:
    """What a method, a decorated or a bound function stands for."""
    if isinstance(value, MethodType):
        value = value.__func__
    return unwrap(value) if callable(value) else value
