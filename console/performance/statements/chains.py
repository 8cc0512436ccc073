"""Chains in a normalised statement: a term that is repeated once per value is left once.

`CASE WHEN`, `OR`, `UNION ALL`, `FIELD(…)` and several equal statements in one text are as long as
the list that an application made them of. Terms are compared after their values became `?`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

_STARTERS = frozenset({"WHEN", "OR", "UNION", ";", "ROW", "ALL"})
_CLAUSES = frozenset(
    {"FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR", "RETURNING",
     "UNION", "UNION ALL", "INTERSECT", "EXCEPT", ";"}
)  # fmt: skip
# What ends a chain, by the word between its terms; the inner ones come first.
_ENDS = {
    "OR": _CLAUSES
    | {"WHEN", "THEN", "ELSE", "END", "ON", "SET", "SELECT", ",", "JOIN", "LEFT", "INNER"},
    "WHEN": frozenset({"ELSE", "END", "CASE"}),
    "UNION ALL": frozenset({"ORDER", "LIMIT", "OFFSET", "FETCH", "FOR", "ON", "RETURNING", ";"}),
    "UNION": frozenset({"ORDER", "LIMIT", "OFFSET", "FETCH", "FOR", "ON", "RETURNING", ";"}),
    "INTO": frozenset({"SELECT", "ALL"}),  # Oracle's INSERT ALL
    ";": frozenset[str](),
}
# Functions that take any number of values.
_OF_VALUES = ("FIELD", "ELT", "DECODE", "CHOOSE", "GREATEST", "LEAST", "ARRAY_POSITION")
_DEEPEST = 100  # no application nests as deep; each level costs the length of what is in it
_CLOSERS = {"(": ")", "[": "]", "{": "}", "CASE": "END"}


@dataclass(slots=True)
class _Level:
    """What stands in one pair of brackets, or in one CASE: words, and whole levels as one item."""

    opener: str
    items: list[str] = field(default_factory=list)
    takes_values: bool = False


def has_chains(pieces: Iterable[str]) -> bool:
    """Whether a statement has a word between terms; most have none, and cost no more."""
    return any(
        piece.strip() in _STARTERS or piece.strip().upper().endswith(_OF_VALUES) for piece in pieces
    )


def unchained(pieces: Sequence[str]) -> str:
    """The statement of these pieces with each term of a chain once.

    A last term that the text was cut in is left out where an earlier one begins alike.
    """
    levels = [_Level("")]
    for piece in pieces:
        word = piece.strip()
        if word in _CLOSERS:
            if len(levels) > _DEEPEST:
                return "".join(pieces)
            before = levels[-1].items[-1].strip().upper() if levels[-1].items else ""
            levels.append(_Level(word, [piece], word == "(" and before.endswith(_OF_VALUES)))
            continue
        if word in _CLOSERS.values():
            _end_cases(levels, word)
            if _CLOSERS.get(levels[-1].opener) == word:
                level = levels.pop()
                levels[-1].items.append(_closed(level, piece))
                continue
        levels[-1].items.append(piece)
    while len(levels) > 1:
        level = levels.pop()
        levels[-1].items.append("".join(_shortened(level, is_cut=True)))
    return "".join(_shortened(levels[0], is_cut=True))


def _end_cases(levels: list[_Level], closer: str) -> None:
    """Close what began with CASE and has no END before the bracket around it closes."""
    while closer != "END" and levels[-1].opener == "CASE":
        case = levels.pop()
        levels[-1].items.append("".join(_shortened(case)))


def _closed(level: _Level, closer: str) -> str:
    """A whole level; brackets around what is left of a chain go, if it has brackets itself."""
    items = _shortened(level)
    inner = items[1].strip() if len(items) == 2 else ""
    if level.opener == "(" and len(level.items) > 2 and inner.startswith("("):
        return level.items[0].replace("(", "") + inner
    return "".join([*items, closer])


def _shortened(level: _Level, *, is_cut: bool = False) -> list[str]:
    items = _with_unions(level.items)
    words = {item.strip() for item in items}
    for separator, ends in _ENDS.items():
        if separator in words:
            items = _without_repeats(items, separator, ends, is_cut=is_cut)
    if "ROW" in words:
        items = _without_repeats(items, ",", frozenset({"VALUES"}), is_cut=is_cut)
    return _values_once(items) if level.takes_values else items


def _with_unions(items: Sequence[str]) -> list[str]:
    """UNION and ALL as one item."""
    joined: list[str] = []
    for item in items:
        if item.strip() == "ALL" and joined and joined[-1].strip() == "UNION":
            joined[-1] += item
        else:
            joined.append(item)
    return joined


def _without_repeats(
    items: Iterable[str], separator: str, ends: frozenset[str], *, is_cut: bool
) -> list[str]:
    kept: list[str] = []
    begin, chain = 0, dict[str, int]()
    for item in items:
        word = item.strip()
        if word != separator and word not in ends and word not in _CLOSERS:
            kept.append(item)
            continue
        _end(kept, begin, chain)
        if word != separator:
            chain = {}
        kept.append(item)
        begin = len(kept)
    is_left_out = not _end(kept, begin, chain, is_cut=is_cut)
    while is_cut and is_left_out and chain:  # the term before it is the last one now
        _, begin = chain.popitem()
        is_left_out = not _end(kept, begin, chain, is_cut=True)
    return kept


def _end(kept: list[str], begin: int, chain: dict[str, int], *, is_cut: bool = False) -> bool:
    """Keep the term that began there, unless an earlier one of its chain is equal.

    `chain` has the terms that were kept, in their order, and where each begins. Returns whether
    this one is kept.
    """
    term = _bare("".join(kept[begin:]))
    if term in chain or (is_cut and any(former.startswith(term) for former in chain)):
        del kept[begin - 1 :]
        return False
    chain[term] = begin
    return True


def _bare(term: str) -> str:
    """A term without brackets around the whole of it."""
    term = term.strip()
    while term.startswith("(") and term.endswith(")") and _encloses_all(term):
        term = term[1:-1].strip()
    return term


def _encloses_all(term: str) -> bool:
    depth = 0
    for place, character in enumerate(term):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place == len(term) - 1
    return False


def _values_once(items: Iterable[str]) -> list[str]:
    """Of values that follow one another, the first."""
    kept: list[str] = []
    for item in items:
        repeats = item.strip() == "?" and [at.strip() for at in kept[-2:]] == ["?", ","]
        if repeats:
            del kept[-1]
        else:
            kept.append(item)
    return kept
