"""SQL with a line per clause, to be read; what it says is not changed."""

import re

# Quoted text and comments are kept whole; clauses start a line, conditions an indented one.
_PARTS = re.compile(
    r"""('(?:[^']|'')*+(?:'|\Z)|"(?:[^"]|"")*+(?:"|\Z)|`[^`]*+`?|--[^\n]*|/\*.*?(?:\*/|\Z))"""
    r"|\b((?:LEFT|RIGHT|FULL|INNER|OUTER|CROSS|NATURAL)(?:\s+OUTER)?\s+JOIN|JOIN|FROM|WHERE|HAVING"
    r"|GROUP\s+BY|ORDER\s+BY|LIMIT|OFFSET|UNION(?:\s+ALL)?|EXCEPT|INTERSECT|VALUES|SET|RETURNING"
    r"|ON\s+CONFLICT|ON\s+DUPLICATE\s+KEY|FOR\s+UPDATE|WINDOW)\b"
    r"|\b(AND|OR|ON)\b"
    r"|(\s+)",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_VALUE = 500  # after BETWEEN
_BETWEEN = re.compile(r"\bBETWEEN\s+\S+\s*$", re.IGNORECASE)


def laid_out(sql: str) -> str:
    """The statement with its clauses on lines of their own; subqueries are not indented."""
    text = ""
    at = 0
    for part in _PARTS.finditer(sql):
        text += sql[at : part.start()]
        quoted, clause, condition, _ = part.groups()
        if quoted:
            text += quoted + ("\n" if quoted.startswith("--") else "")
        elif clause:
            text = _on_new_line(text, " ".join(clause.split()))
        elif condition and not _BETWEEN.search(text, max(len(text) - _LONGEST_VALUE, 0)):
            text = _on_new_line(text, "  " + condition)
        else:
            text += condition or ("" if text.endswith((" ", "\n")) or not text else " ")
        at = part.end()
    return (text + sql[at:]).strip()


def _on_new_line(text: str, words: str) -> str:
    before = text.rstrip(" ")
    return f"{before}\n{words}" if before and not before.endswith("\n") else before + words
