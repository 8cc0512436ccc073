"""One statement for each row of another: look-ups, or writes, that code sent one by one."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal

from console.performance.describe import statement_of
from console.performance.findings.calls import are_scattered, database_calls
from console.performance.findings.finding import Suspect, text_of
from console.performance.findings.loops import repetition
from console.performance.findings.segment import Segment
from console.performance.names import DB
from console.performance.statements import commands
from console.performance.statements.normal import unwrapped
from console.performance.statements.text import verb
from console.telemetry.finding_kinds import N_PLUS_ONE, WRITE_LOOP
from console.telemetry.spans import SpanRow

# Rounds of a loop. Fewer are common without one: a page with its count, a retry, the same row
# fetched by view, form and template. How long they take says nothing: 16 may take 2 ms in a test
# database and half a second behind a network.
LOOK_UPS = 5
# Single writes are often meant: each has its own reason in a business process. Ten are a loop.
# So it is with procedures, of which nobody knows what they do, and with keys of Redis, which a
# request reads for many reasons, in a tenth of a millisecond each.
WRITES = 10
LEAST = {"look-up": LOOK_UPS, "call": WRITES, "key": WRITES, "write": WRITES}
Kind = Literal["look-up", "call", "key", "write", ""]

_READS = frozenset({"SELECT", "WITH", "MATCH"})
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "UPSERT"})
_CALLS = frozenset({"CALL", "EXEC", "EXECUTE"})
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|--[^\n]*", re.DOTALL)
_NAMED = re.compile(r"%\(\w+\)s")
# Several rows with one statement: lists of values, arrays, what another select brings.
_MANY_ROWS = re.compile(
    r"\bIN\s*\(\s*+(?!SELECT\b)[^(),]++,"
    r"|(?<![\w.])([\w.\"`]{1,100})\s*=\s*[^\s()]{1,60}\s+OR\s+\1\s*="
    r"|\bIN\s*\(\s*+\([^()]*\)\s*,"
    r"|\bIN\s*\(\s*+(?::\w+s\b|\.\.\.|__\[POSTCOMPILE)"
    r"|\bIN\s+(?:\?|:\w|\$\d)"
    r"|=\s*(?:ANY|SOME)\s*\("
    r"|\b(?:UNNEST|OPENJSON|STRING_SPLIT|FIND_IN_SET|JSON_TABLE|JSON_EACH)\s*\("
    r"|\bJSONB?_(?:ARRAY_ELEMENTS|TO_RECORDSET|POPULATE_RECORDSET)\w*\s*\("
    r"|\bVALUES\s*\([^()]*\)\s*,\s*\("
    r"|^INSERT\b.*\bSELECT\b",
    re.IGNORECASE | re.DOTALL,
)
# Reading a table in portions, by offset or from where the last portion ended.
# Each is a row of expressions that must follow one another: as one expression, with .* between
# them, it would take time by the square of the text.
_ORDERED = re.compile(r"\bORDER\s+BY\b", re.IGNORECASE)
_OFFSET = re.compile(
    r"\bOFFSET\s+(?!0\b)|\bFETCH\s+NEXT\b|\bLIMIT\s+[\w?%:$]+\s*,\s*|\bROWNUM\s*[<>]",
    re.IGNORECASE,
)
_VALUE = r"(?:\?|%s|%\(|\$\d|:\w|@\w|\d|'|\(\s*(?:\?|%s|\$\d|:\w|@\w|\d|'))"
_FROM_THERE = (
    re.compile(rf"[<>]=?\s*{_VALUE}", re.IGNORECASE),
    _ORDERED,
    re.compile(r"\b(?:LIMIT|FETCH)\b(?!\s+1\b)", re.IGNORECASE),
)
# A range of rows, and no value that a row has.
_RANGE = re.compile(rf"\bBETWEEN\b|[<>]=?\s*{_VALUE}", re.IGNORECASE)
_EQUAL = re.compile(rf"(?<![<>!])=\s*{_VALUE}|\bIN\s*\(|\bLIKE\b", re.IGNORECASE)
_WHERE = re.compile(r"\bWHERE\b", re.IGNORECASE)
# A driver that looks at the schema, and a worker that takes the next of a queue.
_OTHER_WORK = re.compile(
    r"\b(?:pg_(?:catalog|class|type|attribute|namespace|index|locks|stat\w*)|information_schema|"
    r"sqlite_master|sqlite_schema|pragma_\w+|sys\.\w+|(?:all|user)_(?:tab|ind|cons)\w*|"
    r"(?:django|schema)_migrations|alembic_version|flyway_schema_history|databasechangelog\w*|"
    r"system\.(?:columns|tables|parts))\b"
    r"|\bSKIP\s+LOCKED\b",
    re.IGNORECASE,
)
_FROM = re.compile(r"\bFROM\b", re.IGNORECASE)
_SHORT = 200  # a longer text without FROM may have been cut before it
# The same of commands: lists, portions, and what follows the last portion.
_MANY_DOCUMENTS = re.compile(r'"\$(?:in|or)":|"terms":|"ids":')
_DOCUMENT_PORTION = re.compile(r'"(?:skip|search_after|from|scroll|offset)":')
_DOCUMENT_BOUND = re.compile(r'"\$?(?:gt|lt)e?":')
_DOCUMENT_LIMIT = re.compile(r'"(?:limit|size)":')


def find(segment: Segment) -> Iterator[Suspect]:
    """Every statement that this segment sent once per row."""
    repeated: dict[tuple[Kind, str], list[SpanRow]] = defaultdict(list)
    for span in database_calls(segment):
        repeated[kind_of(span), span.fingerprint].append(span)
    for (kind, _), spans in repeated.items():
        if not kind or (kind == "key" and len({_key(span) for span in spans}) == 1):
            continue
        rounds = repetition(segment, spans, LEAST[kind], LEAST[kind])
        if rounds is not None and not are_scattered(rounds.spans):
            named = WRITE_LOOP if kind == "write" else N_PLUS_ONE
            yield Suspect(named.name, rounds.spans, rounds.saving_us, rounds.at_once)


def kind_of(span: SpanRow) -> Kind:
    """What a call does to one or a few rows; "" for batches, portions and driver statements."""
    statement = statement_of(DB, span)
    name, collection = commands.parts(statement)
    if not name:
        return one_row(text_of(span))
    if name.isupper():  # of Redis
        return "key" if name in commands.LOOK_UPS and collection else ""
    return one_document(name, statement)


def one_document(name: str, statement: str) -> Kind:
    """What a command of MongoDB, Elasticsearch or their kin does, like `one_row`."""
    if commands.writes_single(name):
        return "write"
    if not commands.looks_up(name) or _MANY_DOCUMENTS.search(statement):
        return ""
    bound = _DOCUMENT_BOUND.search(statement)
    is_range = bound is not None and _DOCUMENT_LIMIT.search(statement, bound.end()) is not None
    return "" if is_range or _DOCUMENT_PORTION.search(statement) else "look-up"


@lru_cache(maxsize=4096)
def one_row(text: str) -> Kind:
    """What a statement does to one or a few rows; "" for batches, portions and driver statements.

    Transactions, savepoints, PRAGMA, SET, "connect" and the like are neither look-up nor write.
    """
    bare = _NAMED.sub("?", _COMMENT.sub(" ", unwrapped(text))).lstrip(" \t\r\n(")
    word = re.split(r"[^A-Za-z]", bare, maxsplit=1)[0].upper()
    if word not in _READS | _CHANGES | _CALLS:
        return ""
    if _MANY_ROWS.search(bare) or _OTHER_WORK.search(bare):
        return ""
    if word in _CALLS:
        return "call"
    if word in _CHANGES or (word == "WITH" and verb(bare.upper()) in _CHANGES):
        return "write"
    names_rows = _FROM.search(bare) or _WHERE.search(bare)  # Core Data has no FROM
    is_ping = word != "MATCH" and len(bare) < _SHORT and not names_rows
    return "" if is_ping or _is_portion(bare) else "look-up"


def _is_portion(text: str) -> bool:
    """Whether a statement reads a table on from somewhere; Prisma ends every one with OFFSET."""
    if _OFFSET.search(text) and (_follow_in(text, (_ORDERED, _OFFSET)) or not _names_a_value(text)):
        return True
    return _follow_in(text, _FROM_THERE) or _is_range(text)


def _names_a_value(text: str) -> bool:
    where = _WHERE.search(text)
    return bool(where and _EQUAL.search(text.replace("1=1", ""), where.end()))


def _is_range(text: str) -> bool:
    """Whether a statement asks for the rows between two values, and names none."""
    where = _WHERE.search(text)
    return bool(where and _RANGE.search(text, where.end()) and not _names_a_value(text))


def _key(span: SpanRow) -> str:
    return str(span.attributes.get("db.redis.key") or span.name)


def _follow_in(text: str, patterns: Iterable[re.Pattern[str]]) -> bool:
    """Whether the patterns match in the text one after the other."""
    at = 0
    for pattern in patterns:
        match = pattern.search(text, at)
        if match is None:
            return False
        at = match.end()
    return True
