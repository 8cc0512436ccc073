"""Normalised SQL: what statements that differ only in their values have in common.

One regular expression cuts a text of any dialect into tokens; a pass over them drops the values.
Nothing is parsed, so that placeholders of every driver, truncated texts and what is no SQL at all
(MongoDB commands) have a stable form too. The cost is linear in the length of the text.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from console.performance.statements.chains import has_chains, unchained

_TOKEN = re.compile(
    r"""(?xs) \s*+ (?:
      (?P<escape> [eE][sS][cC][aA][pP][eE]\s*+'\\'(?!') )    # Django's LIKE ? ESCAPE '\'
    | (?P<word> [^\W\d][\w$]*+ (?:\.(?:[^\W\d][\w$]*+|"[^"\\]++"|`[^`]++`|\*))*+ (?!') )
    | (?P<mark> [(){}\],;] | \[(?![^\W\d][\w\ $.\#-]*+\]) )
    | (?P<path> (?:"[^"\\]++"|`[^`]++`)(?:\.(?:[^\W\d][\w$]*+|"[^"\\]++"|`[^`]++`|\*))++ )
    | (?P<comment> --[^\n]*+ | /\*.*?(?:\*/|\Z) )
    | (?P<literal>
          '\\'(?=\s+[uU][sS][iI][nN][gG]\b)                  # the same on Oracle
        | (?:[eEnNbBxX]|[uU]&|_[a-z\d]++)?'(?:[^'\\]|''|\\.)*+(?:'|\\?\Z)
        | \?(?![|&](?!\|))\d*+ | %[sbt](?!\w) | %\(\w*+(?:\)[a-z]|\)?\Z)
        | \$(?P<tag>(?:[^\W\d]\w*+)?)\$.*?(?:\$(?P=tag)\$|\Z)
        | \$\w++ | (?<!@)@\w++ | (?<![\w":]):\w++
        | 0x[\da-fA-F]*+(?!\w)
        | (?:\d[\d_]*+(?:\.\d*+)?+|(?<![\w$"`\]])\.\d++)(?:[eE][+-]?\d++)?+(?!\w)
        | \[Filtered\]                                       # what scrubbing leaves
      )
    | (?P<double> "(?:[^"\\]|""|\\.)*+(?:"|\\?\Z) )
    | (?P<quoted> `(?:[^`]|``)*+(?:`|\Z) | \[[^\W\d][\w\ $.\#-]*+\] )
    | (?P<odd> \#{0,2}\w[\w$]*+(?:\.\w[\w$]*+)*+ )
    | (?P<ellipsis> \.{2,} | …+ )
    | (?P<dot> \. )
    | (?P<cast> :: )
    | (?P<operator>
          <=> | ->> | \#>> | !~~\* | !~~ | !~\* | !~ | ~~\* | ~~ | ~\* | <-> | -> | \#> | \#-
        | <> | <= | >= | != | \|\| | := | => | @> | <@ | @@ | && | << | >> | \?[|&] | \S
      ) )
    """
)
# A statement with parameters as SQL Server's drivers send it.
_WRAPPED = re.compile(
    r"\s*EXEC(?:UTE)?\s+(?:sys\.)?sp_(?:executesql|prepexec)\s[^']{0,200}'((?:[^']|'')*+)",
    re.IGNORECASE,
)
_KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        """
    SELECT DISTINCT FROM WHERE AND OR NOT IN IS NULL LIKE ILIKE SIMILAR BETWEEN EXISTS CASE WHEN
    THEN ELSE END AS ON USING JOIN INNER LEFT RIGHT FULL OUTER CROSS NATURAL LATERAL GROUP ORDER BY
    HAVING LIMIT OFFSET FETCH ONLY UNION ALL INTERSECT EXCEPT INSERT INTO VALUES VALUE UPDATE SET
    DELETE RETURNING WITH RECURSIVE ASC DESC FOR OVER PARTITION CONFLICT DO NOTHING DUPLICATE MERGE
    REPLACE CREATE ALTER DROP TRUNCATE TABLE INDEX VIEW TEMPORARY IF BEGIN COMMIT ROLLBACK SAVEPOINT
    RELEASE TO DEFAULT ARRAY ANY SOME ESCAPE EXPLAIN ANALYZE SHOW CALL EXECUTE DECLARE CLOSE CURSOR
    DEALLOCATE PREPARE PRAGMA MOVE TOP NULLS
    """,
    )
)
_FUNCTIONS = frozenset(
    re.findall(r"\w+", "COUNT SUM MIN MAX AVG COALESCE LOWER UPPER CAST NOW LENGTH ROUND EXTRACT")
)
_BOOLEANS = frozenset({"TRUE", "FALSE"})
# What may stand in a list of values beside the values.
_PLAIN = frozenset({"NULL", "DEFAULT", "DATE", "TIME", "TIMESTAMP", "INTERVAL"})
# Names after these may be made up by a driver: savepoints, cursors, temporary tables.
_CURSOR_AFTER = frozenset(
    {"SAVEPOINT", "RELEASE", "DECLARE", "CLOSE", "DEALLOCATE", "PREPARE", "EXECUTE"}
)
_CURSOR_IN = {"ROLLBACK": "TO", "FETCH": "FROM", "MOVE": "FROM"}
_TABLE_AFTER = frozenset({"FROM", "JOIN", "INTO", "TABLE", "UPDATE", "EXISTS"})
_NAMED_AFTER = _CURSOR_AFTER | _TABLE_AFTER | {"TO"}
_TEMPORARY = re.compile(r"\W*+(?:pg_)?te?mp_?(?:\w*_)?[a-f]*+\d[\da-f]*+\W*+", re.IGNORECASE)
_LONGEST_NAME = 128
_DIGIT = re.compile(r"\d")
_IDENTIFIER = re.compile(r'"[^\W\d][\w $.#-]*"')

# Kinds of pieces, one letter each: k keyword, n keyword that is an operand, a ARRAY, w name,
# t name after INTO, b name in brackets, v value, o operator, * : . themselves, c cast, e ellipsis,
# and brackets and separators as ( [ { ) ,
_CUT_PLACEHOLDERS = frozenset("%$@")  # what is left of a placeholder that the text ends in
_CLOSERS = {"(": ")", "[": "]"}
_SIGNED_AFTER = frozenset("ka(*[{o:.c,")  # where a minus is part of the number after it
_EVERY = "knawtbvo*:.ce([{),"
# After a kind, the kinds that no space stands before: whatever the spacing was, it is one now.
_GLUED = {
    **{kind: frozenset("),c") for kind in "knvo*e,"},
    **{kind: frozenset(_EVERY) for kind in "([{c"},
    ":": frozenset("),"),
    "a": frozenset("),c[b"),
    "v": frozenset("),c[b"),
    "w": frozenset("),c[b.:("),
    **{kind: frozenset("),c[b.:") for kind in ")bt"},
    ".": frozenset("),cwtb[*"),
}


def unwrapped(sql: str) -> str:
    """The statement itself where a driver sends it as a parameter of sp_executesql."""
    wrapped = _WRAPPED.match(sql)
    return wrapped[1].replace("''", "'") if wrapped else sql


def normalise(sql: str) -> str:
    """The statement with every value as `?`, lists of values as one, and one spacing.

    `IN (1, 2)` becomes `IN (?)`, the rows of `VALUES` one `(?)`, `ARRAY[1, 2]` becomes `ARRAY[?]`;
    equal terms of `OR`, `CASE WHEN`, `UNION` and the like are left once.
    Comments go; keywords are in capitals; identifiers stay as they are written, except names that
    drivers number (savepoints, cursors, temporary tables), which are values too. A text that was
    cut in a value or a list of values ends as if the list ended there. Idempotent.
    """
    sql = unwrapped(
        sql
    ).rstrip()  # at the end, every space would be looked at from every one before it
    statement = _Statement(sql)
    takers = statement.takers()
    for token in _TOKEN.finditer(sql):
        kind = token.lastgroup or ""
        takers[kind](token[kind], token.end())
    return statement.text()


@lru_cache(maxsize=4096)
def _classified(word: str) -> tuple[str, str, bool]:
    """A bare word as it is written, its kind, and whether it may stand in a list of values."""
    upper = word.upper()
    if upper in _BOOLEANS:
        return word, "v", True
    if upper in _KEYWORDS:
        kind = "n" if upper in {"NULL", "END", "DEFAULT"} else "a" if upper == "ARRAY" else "k"
        return upper, kind, upper in _PLAIN
    return word, "*" if word[-1] == "*" else "w", upper in _PLAIN


@dataclass(slots=True)
class _Group:
    """An open bracket, or the statement as a whole."""

    opener: str
    at: int
    """The piece that is the bracket."""
    is_list: bool = False
    is_row: bool = False
    spoiled_at: int | None = None
    """The first piece in it that is no value."""
    casting: bool = False
    rows: set[str] | None = None
    """The different rows of the VALUES that stands in this group, while it goes on."""


class _Statement:
    """The pieces of the normal form so far, each with the space before it, and its open groups."""

    def __init__(self, sql: str) -> None:
        self._sql = sql
        self._pieces: list[str] = []
        self._kinds: list[str] = []
        self._last = ""
        """The last piece without its space."""
        self._kind = "("
        """The kind of the last piece, as the space after it sees it."""
        self._first = ""
        self._group = _Group("", -1)
        self._outer: list[_Group] = []
        self._has_backticks = False
        self._colons = 0

    def takers(self) -> dict[str, Callable[[str, int], None]]:
        """What each kind of token adds, given its text and where it ends."""
        return {
            "comment": self._comment,
            "literal": self._value,
            "escape": self._escape,
            "double": self._double,
            "quoted": self._quoted,
            "path": self._path,
            "word": self._word,
            "odd": self._word,
            "ellipsis": self._ellipsis,
            "dot": self._dot,
            "cast": self._cast,
            "mark": self._mark,
            "operator": self._operator,
        }

    def text(self) -> str:
        """What has been taken, as a statement; groups of values that are still open are closed."""
        trailing = "…;," if self._group.rows else "…;"
        while self._last and self._last in trailing:
            self._cut(len(self._pieces) - 1)
        if self._last in _CUT_PLACEHOLDERS:
            self._cut(len(self._pieces) - 1)
            self._value()
        while self._outer and self._closes_at_end():
            pass
        return unchained(self._pieces) if has_chains(self._pieces) else "".join(self._pieces)

    def _closes_at_end(self) -> bool:
        """End the innermost group where the text ends; False if it holds more than values."""
        group, self._group = self._group, self._outer.pop()
        if group.is_row and self._group.rows:
            self._cut(group.at - 1)
            return True
        whole_until = len(self._pieces)
        if self._kind == "w" and "." not in self._last:
            whole_until -= 1  # what the text was cut in: NUL, DEFAU
        if group.spoiled_at is not None and group.spoiled_at < whole_until:
            return False
        if group.is_list:
            self._collapse(group)
            self._put(_CLOSERS[group.opener], ")")
        return True

    def _value(self, _text: str = "", _end: int = 0) -> None:
        if self._kind == "o":
            while self._last in {"-", "+"} and (
                len(self._kinds) == 1 or self._kinds[-2] in _SIGNED_AFTER
            ):
                self._cut(len(self._pieces) - 1)
        self._put("?", "v")

    def _word(self, text: str, end: int) -> None:
        piece, kind, plain = _classified(text)
        if kind in {"w", "*"}:
            plain = plain or self._group.casting
            if self._last in _NAMED_AFTER or "`" in text:
                self._name(text, kind, plain=plain)
            else:
                self._put(text, kind, plain=plain)
        elif self._last == "." or self._dot_follows(end):
            self._put(text, "w", plain=False)
        elif kind == "v" and self._last not in {"IS", "NOT"}:
            self._value()
        else:
            self._put(piece, "k" if kind == "v" else kind, plain=plain)

    def _name(self, text: str, kind: str, *, plain: bool = False) -> None:
        if self._last in _NAMED_AFTER:
            if self._is_numbered(text):
                self._value()
                return
            kind = "t" if self._last == "INTO" and kind == "w" else kind
        if "`" in text:
            self._has_backticks = True
        self._put(text, kind, plain=plain)

    def _is_numbered(self, text: str) -> bool:
        """Whether a driver made this name up: a savepoint, a cursor, a temporary table."""
        if self._last in _CURSOR_AFTER or self._last == _CURSOR_IN.get(self._first):
            return bool(_DIGIT.search(text))
        is_table = self._last in _TABLE_AFTER and len(text) <= _LONGEST_NAME
        return is_table and bool(_TEMPORARY.fullmatch(text))

    def _quoted(self, text: str, _end: int) -> None:
        if text[0] != "[":
            self._name(text, "w")
            return
        self._name(f"[{' '.join(text[1:-1].split())}]", "b")

    def _double(self, text: str, end: int) -> None:
        """Text in double quotes: a name to most, a value to MySQL and in JSON."""
        if self._first == "{":
            is_name = self._sql.startswith(":", end) or (self._colons, self._last) == (1, ":")
        else:
            is_name = bool(
                not self._has_backticks
                and _IDENTIFIER.fullmatch(text)
                and (self._dot_follows(end) or not self._compares_a_bare_name())
            )
        if is_name:
            self._name(text, "w")
        else:
            self._value()

    def _dot_follows(self, end: int) -> bool:
        return self._sql.startswith(".", end) and not self._sql.startswith("..", end)

    def _compares_a_bare_name(self) -> bool:
        compares = self._last in {"=", "<>", "!=", "<", ">", "LIKE"}
        return compares and len(self._kinds) > 1 and self._pieces[-2][-1] not in '"`])?'

    def _comment(self, _text: str, _end: int) -> None:
        """Nothing."""

    def _escape(self, _text: str, end: int) -> None:
        self._word("ESCAPE", end)
        self._value()

    def _path(self, text: str, _end: int) -> None:
        self._name(text, "*" if text[-1] == "*" else "w")

    def _ellipsis(self, _text: str, _end: int) -> None:
        self._put("…", "e")

    def _dot(self, text: str, _end: int) -> None:
        self._put(text, "." if self._kind in "wtb)" else "o", plain=False)

    def _cast(self, text: str, _end: int) -> None:
        self._put(text, "c")
        self._group.casting = True

    def _operator(self, text: str, _end: int) -> None:
        self._group.casting = False
        self._colons += text == ":"
        self._put(text, text if text in {"*", ":"} else "o", plain=False)

    def _mark(self, text: str, _end: int) -> None:
        if text in _CLOSERS:
            self._open(text)
        elif text in ")]":
            self._close(text)
        elif text in ",;":
            self._group.casting = False
            self._put(text, ",", plain=text == ",")
        else:
            self._put(text, "{" if text == "{" else ")", plain=False)

    def _open(self, opener: str) -> None:
        if self._kind == "w" and self._last.upper() in _FUNCTIONS:
            self._pieces[-1] = self._pieces[-1].upper()
        rows = self._group.rows
        is_row = opener == "(" and (self._last in {"VALUES", "VALUE"} or bool(rows))
        is_list = opener == "[" or is_row or self._last == "IN"
        self._put(opener, opener)
        self._group.rows = rows if is_row else None
        self._outer.append(self._group)
        self._group = _Group(opener, len(self._pieces) - 1, is_list, is_row)

    def _close(self, closer: str) -> None:
        group = self._group
        if _CLOSERS.get(group.opener) != closer:
            self._put(closer, ")", plain=False)
            return
        self._group = parent = self._outer.pop()
        rows = parent.rows or set()
        is_empty_subscript = group.opener == "[" and group.at == len(self._pieces) - 1
        if group.is_list and group.spoiled_at is None and not is_empty_subscript:
            self._collapse(group)
        elif group.spoiled_at is not None and parent.spoiled_at is None:
            parent.spoiled_at = group.at
        self._put(closer, ")")
        if group.is_row:
            row = "".join(self._pieces[group.at :])
            if row in rows:
                self._cut(group.at - 1)
            rows.add(row)
            parent.rows = rows

    def _collapse(self, group: _Group) -> None:
        self._cut(group.at + 1)
        self._put("?", "v")

    def _put(self, piece: str, kind: str, *, plain: bool = True) -> None:
        group, pieces = self._group, self._pieces
        if not plain and group.spoiled_at is None:
            group.spoiled_at = len(pieces)
        if group.rows and kind not in ",e":
            group.rows = None
        if not pieces:
            self._first = piece
        pieces.append(piece if kind in _GLUED[self._kind] else " " + piece)
        self._kinds.append(kind)
        self._last = piece
        self._kind = kind

    def _cut(self, at: int) -> None:
        """Take back the pieces from `at` on."""
        del self._pieces[at:], self._kinds[at:]
        self._last = self._pieces[-1].strip() if self._pieces else ""
        self._kind = self._kinds[-1] if self._kinds else "("
        group = self._group
        if group.spoiled_at is not None and group.spoiled_at >= at:
            group.spoiled_at = None
