"""No text that a stranger sends holds up a regular expression of the console."""

import re
import signal
import time
from collections import deque
from collections.abc import Iterator
from math import inf
from typing import Any

import pytest

from console.ingest.scrub import Scrubber
from console.ingest.scrub_rules import ScrubRules
from tests.architecture.patterns import SIZE, Use, hostile, text_of, uses_in
from tests.architecture.test_sources import MODULES

SECONDS = 0.5  # of processor time: the slowest takes 0.2, and the square of 64 kB 0.5 and more
SMALL = SIZE // 16  # tried first: what takes the square of this takes 256 times as long for SIZE
SLOWEST = 3  # of the small texts are tried in full

# Expressions that are made while the console runs, and why none is slow.
MADE_LATER = {
    "console/core/database_errors.py:explained": "reads what the database says at start",
    "console/errors/agents.py:_compiled": "reads 500 characters at most",
    "console/errors/browsers.py:_compiled": "reads a thousand characters at most",
    "console/errors/colours.py:_pattern": "reads 500 characters of a line at most",
    "console/core/tenancy.py:_mentions": "reads the console's own statements, without values",
    "console/core/tenancy.py:_comparisons": "reads the console's own statements, without values",
    "console/ingest/scrub_rules.py:compiled": "is of RE2, whose time is linear",
    "console/ingest/scrub.py:__init__": "is tried below",
}
USES = [use for path in MODULES for use in uses_in(path)]
NAMES = ScrubRules(names=("kundennummer", "a_a_a_a", "x" * 200))


class TooSlow(BaseException):
    """More than SECONDS of processor time."""


@pytest.fixture(autouse=True)
def alarm() -> Iterator[None]:
    """The timer of `seconds` interrupts an expression of Python's; RE2 needs no interruption."""

    def stop(*_: Any) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGVTALRM, stop)
    yield
    signal.signal(signal.SIGVTALRM, before)


def test_only_these_expressions_are_made_while_the_console_runs():
    assert {use.place for use in USES if use.pattern is None} == set(MADE_LATER)
    assert len(USES) > 100


@pytest.mark.parametrize(
    "use",
    [
        *(use for use in USES if use.pattern is not None),
        Use("Scrubber", Scrubber(NAMES)._pairs),
    ],
    ids=str,
)
def test_an_expression_takes_a_hostile_text_in_its_stride(use):
    for method in use.methods:
        times = {}
        for lead, unit in hostile(use.pattern):
            times[lead, unit] = spent = seconds(use.pattern, method, text_of(lead, unit, SMALL))
            if spent * SIZE / SMALL > SECONDS:  # were it only linear
                check_in_full(use.pattern, method, lead, unit)
        for lead, unit in sorted(times, key=times.__getitem__, reverse=True)[:SLOWEST]:
            check_in_full(use.pattern, method, lead, unit)


def check_in_full(pattern: Any, method: str, lead: str, unit: str) -> None:
    spent = seconds(pattern, method, text_of(lead, unit))
    assert spent < SECONDS, f"{method} of {lead!r} + {unit!r} × n"


def seconds(pattern: Any, method: str, text: str) -> float:
    """The processor time that an expression takes for a text; infinite beyond SECONDS."""
    given = text.encode() if isinstance(pattern.pattern, bytes) and _is_python(pattern) else text
    began = time.thread_time()
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    try:
        try:
            matches = getattr(pattern, method)(given)
            if method == "finditer":
                deque(matches, maxlen=0)
        finally:  # the timer may still end here
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    except TooSlow:
        return inf
    return time.thread_time() - began


def _is_python(pattern: Any) -> bool:
    """RE2 keeps its patterns as bytes, and takes texts."""
    return isinstance(pattern, re.Pattern)


@pytest.mark.parametrize(
    "slow",
    [
        r"/\*.*?\*/",
        r"\bORDER\s+BY\b.*\bOFFSET\b",
        r"\s+$",
    ],
)
def test_the_texts_hurt_what_is_slow(slow):
    with pytest.raises(AssertionError):
        test_an_expression_takes_a_hostile_text_in_its_stride(
            Use("here", re.compile(slow, re.DOTALL))
        )
