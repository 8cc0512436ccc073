"""What a normalised statement does, to which tables, and how it is shown in a line."""

import re

from console.performance.statements import commands

_WRITING = (
    "INSERT|UPDATE|DELETE|MERGE|REPLACE|UPSERT|COPY|LOAD|TRUNCATE|CREATE|ALTER|DROP|CALL|EXECUTE"
)
_MONGO_READING = "find|aggregate|count|distinct|getMore|listCollections|listIndexes"
_MONGO_WRITING = "insert|update|delete|findAndModify|createIndexes|drop|create"
WRITES = (
    rf"^\(*({_WRITING})\b"
    r"|^WITH .*(\(| )(INSERT INTO|DELETE FROM|MERGE INTO) "
    r"|^WITH .*[()] ?UPDATE "
    rf'|^\{{"({_MONGO_WRITING})":'
    rf"|{commands.WRITES}"
)
"""Regular expression: the statement changes rows, itself or in one of its WITH clauses."""
READS = (
    r"^\(*(SELECT|WITH|VALUES|TABLE|SHOW|EXPLAIN|DESCRIBE|PRAGMA|FETCH)\b"
    rf'|^\{{"({_MONGO_READING})":'
    rf"|{commands.READS}"
)
"""Regular expression: the statement asks for rows; of those that change some, WRITES says so."""

_MAIN = re.compile(r"[()]|\b(?:SELECT|INSERT|UPDATE|DELETE|MERGE|REPLACE|VALUES)\b")
_FIRST = re.compile(r"\w+")
# Up to eight parts: no database has longer names, and every FROM in a text may begin with some.
_NAME = r"""(?:[\w$.#]{1,128}+|"[^"]{0,128}"|`[^`]{0,128}`|\[[^\]]{0,128}\]){1,8}+"""
_TABLE = re.compile(
    rf"""(?x)
      \b(?:(?<!DISTINCT\ )FROM | JOIN | INTO | (?<!FOR\ )(?<!DO\ )(?<!KEY\ )UPDATE | TABLE)
      \ (?:(?:IF|NOT|EXISTS|ONLY|LATERAL|IGNORE|LOW_PRIORITY)\ )*
      (?P<first>{_NAME})(?!\()
      (?P<more>(?:(?:\ (?:AS\ )?\w+)?,\ {_NAME}(?!\())*)
    """
)
_MORE = re.compile(rf", ({_NAME})")
_COMMON = re.compile(rf"(?:\bWITH (?:RECURSIVE )?|\), )({_NAME})(?: ?\([^()]*\))? AS ")
_OF_FUNCTIONS = re.compile(
    r"\b(?:extract|substring|trim|overlay|position)\([^()]*\)", re.IGNORECASE
)
_NO_TABLES = frozenset({"SELECT", "SET", "VALUES", "WHERE", "LATERAL", "UNNEST", "DUAL"})
_COLUMNS = re.compile(r"[()]| FROM ")
_INSERTED = re.compile(rf"^(INSERT (?:IGNORE )?INTO {_NAME}) \([^()]*\)")
_SHORT_COLUMNS = 30


def verb(statement: str) -> str:
    """What a statement does: SELECT, INSERT, …; after WITH the verb that follows its clauses."""
    bare = statement.lstrip("( {\"'")
    first = _FIRST.match(bare)
    if first is None:
        return ""
    word = first[0].upper()
    if word != "WITH":
        return word
    depth = 0
    for match in _MAIN.finditer(bare):
        if match[0] in "()":
            depth += 1 if match[0] == "(" else -1
        elif depth <= 0:
            return match[0]
    return word


def tables(statement: str) -> tuple[str, ...]:
    """The tables that a normalised statement names, in order, without quotes; best effort.

    Names that WITH defines are left out, and functions that stand for a table.
    """
    verb_of_command, collection = commands.parts(statement)
    if verb_of_command:
        return (collection,) if collection else ()
    text = _OF_FUNCTIONS.sub("f", statement)
    common = {_bare(name) for name in _COMMON.findall(text)}
    names: dict[str, None] = {}
    for match in _TABLE.finditer(text):
        for name in (match["first"], *_MORE.findall(match["more"])):
            names[_bare(name)] = None
    return tuple(name for name in names if name not in common and name.upper() not in _NO_TABLES)


def shortened(statement: str, length: int = 160) -> str:
    """A statement in one line: long lists of columns as …, the rest cut at `length`."""
    text = _INSERTED.sub(r"\1 (…)", statement)
    if text.startswith("SELECT "):
        end = _end_of_columns(text)
        if end > len("SELECT ") + _SHORT_COLUMNS:
            text = f"SELECT …{text[end:]}"
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


def _end_of_columns(text: str) -> int:
    depth = 0
    for match in _COLUMNS.finditer(text):
        if match[0] == "(":
            depth += 1
        elif match[0] == ")":
            depth -= 1
        elif depth == 0:
            return match.start()
    return 0


def _bare(name: str) -> str:
    return re.sub(r'["`\[\]]', "", name)
