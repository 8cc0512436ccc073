"""One statement for each row of another: look-ups, or writes, that a loop sent one by one."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

from console.performance.findings.finding import (
    made_of,
    succeeded,
    text_of,
)
from console.performance.findings.loops import looped
from console.performance.findings.segment import Segment
from console.performance.names import DB
from console.telemetry.finding_kinds import N_PLUS_ONE, WRITE_LOOP
from console.telemetry.records import Finding
from console.telemetry.spans import SpanRow

# Rounds of a loop. Fewer are common without one: a page with its count, a retry, the same row
# fetched by view, form and template. How long they take says nothing: 16 may take 2 ms in a test
# database and half a second behind a network.
LOOK_UPS = 5
# Single writes are often meant: each has its own reason in a business process. Ten are a loop.
WRITES = 10

_READS = frozenset({"SELECT", "WITH"})
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "UPSERT"})
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|--[^\n]*", re.DOTALL)
_NAMED = re.compile(r"%\(\w+\)s")
# Several rows with one statement: lists of values, arrays, what another select brings.
_MANY_ROWS = re.compile(
    r"\bIN\s*\(\s*+(?!SELECT\b)[^(),]++,"
    r"|=\s*ANY\s*\("
    r"|\bUNNEST\s*\("
    r"|\bVALUES\s*\([^()]*\)\s*,\s*\("
    r"|^INSERT\b.*\bSELECT\b",
    re.IGNORECASE | re.DOTALL,
)
# Reading a table in portions, by offset or from where the last portion ended.
# Each is a row of expressions that must follow one another: as one expression, with .* between
# them, it would take time by the square of the text.
_ORDERED = re.compile(r"\bORDER\s+BY\b", re.IGNORECASE)
_PORTION = (_ORDERED, re.compile(r"\b(?:OFFSET|FETCH\s+NEXT)\b", re.IGNORECASE))
_FROM_THERE = (
    re.compile(r"[<>]=?\s*(?:\?|%s|\$\d|:\w|\d|')", re.IGNORECASE),
    _ORDERED,
    re.compile(r"\b(?:LIMIT|FETCH)\b(?!\s+1\b)", re.IGNORECASE),
)
# A driver that looks at the schema, and a worker that takes the next of a queue.
_OTHER_WORK = re.compile(
    r"\b(?:pg_catalog|information_schema|sqlite_master|sqlite_schema|pragma_\w+)\b|\bSKIP\s+LOCKED\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"\bFROM\b", re.IGNORECASE)
_SHORT = 200  # a longer text without FROM may have been cut before it


def find(segment: Segment) -> Iterator[Finding]:
    """Every statement that a loop of this segment sent once per row."""
    repeated: dict[tuple[str, str], list[SpanRow]] = defaultdict(list)
    for span in segment.spans:
        if span.category == DB and span.fingerprint and succeeded(span) and not _is_batch(span):
            repeated[one_row(text_of(span)), span.fingerprint].append(span)
    for (kind, _), spans in repeated.items():
        if kind and (rounds := looped(spans, LOOK_UPS if kind == "look-up" else WRITES)):
            times = [span.duration_us for span in rounds]
            yield made_of(
                segment,
                rounds,
                kind=N_PLUS_ONE if kind == "look-up" else WRITE_LOOP,
                saving_us=sum(times) - max(times),  # one statement for all is no quicker than one
            )


@lru_cache(maxsize=4096)
def one_row(text: str) -> Literal["look-up", "write", ""]:
    """What a statement does to one or a few rows; "" for batches, portions and driver statements.

    Transactions, savepoints, PRAGMA, SET, "connect" and the like are neither look-up nor write.
    """
    bare = _NAMED.sub("?", _COMMENT.sub(" ", text)).lstrip(" \t\r\n(")
    word = re.split(r"[^A-Za-z]", bare, maxsplit=1)[0].upper()
    if word not in _READS | _CHANGES or _MANY_ROWS.search(bare) or _OTHER_WORK.search(bare):
        return ""
    if word in _CHANGES:
        return "write"
    is_ping = len(bare) < _SHORT and not _FROM.search(bare)
    is_part = _follow_in(bare, _PORTION) or _follow_in(bare, _FROM_THERE)
    return "" if is_ping or is_part else "look-up"


def _follow_in(text: str, patterns: Iterable[re.Pattern[str]]) -> bool:
    """Whether the patterns match in the text one after the other."""
    at = 0
    for pattern in patterns:
        match = pattern.search(text, at)
        if match is None:
            return False
        at = match.end()
    return True


def _is_batch(span: SpanRow) -> bool:
    return span.attributes.get("db.executemany") is True
