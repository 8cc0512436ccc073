"""Colours of source lines: keywords, texts, numbers and comments, one line at a time.

A line stands alone, so a text or comment over several lines is coloured in none but its first.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

KEYWORD, TEXT, NUMBER, COMMENT = "k", "s", "n", "c"
LONGEST = 500
_HASH = frozenset({"python", "ruby", "perl", "elixir", "shell", "r"})
_KEYWORDS = {
    "python": "and as assert async await break case class continue def del elif else except False "
    "finally for from global if import in is lambda match None nonlocal not or pass raise return "
    "True try while with yield",
    "ruby": "alias and begin break case class def defined do else elsif end ensure false for if in "
    "module next nil not or redo rescue retry return self super then true undef unless until when "
    "while yield raise require",
    "elixir": "after and case catch cond def defp defmodule do else end false fn for if import in "
    "nil not or raise receive rescue true try unless use when with",
    "": "abstract as async await base bool boolean break byte case catch char class const continue "
    "debugger def default defer delete do double elif else end enum export extends false final "
    "finally float fn for foreach from fun func function go goto guard if implements import in "
    "instanceof int interface internal is let long match mut namespace new nil null nullptr object "
    "of operator override package private protected pub public readonly return select self sizeof "
    "static string struct super switch this throw throws trait true try type typeof undefined "
    "union unsafe use using val var virtual void volatile when where while with yield",
}
_TEXTS = r"""[rbfuRBFU]{0,2}(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|`(?:\\.|[^`\\])*`"""
_NUMBERS = r"\b\d[\w.]*\b"


@lru_cache(maxsize=16)
def _pattern(language: str) -> re.Pattern[str]:
    comment = r"#.*" if language in _HASH else r"//.*|/\*.*?(?:\*/|$)"
    if language == "php":
        comment += "|#.*"
    words = "|".join(_KEYWORDS.get(language, _KEYWORDS[""]).split())
    return re.compile(
        f"(?P<{COMMENT}>{comment})|(?P<{TEXT}>{_TEXTS})|(?P<{NUMBER}>{_NUMBERS})"
        rf"|(?<![\w.$@])(?P<{KEYWORD}>{words})(?![\w$?!:])"
    )


def coloured(line: str, language: str) -> Iterator[tuple[str, str]]:
    """The line in pieces, each with its colour: k, s, n, c, or "" for plain text."""
    end = 0
    for match in _pattern(language).finditer(line[:LONGEST]):
        if match.start() > end:
            yield "", line[end : match.start()]
        yield match.lastgroup or "", match[0]
        end = match.end()
    if end < len(line):
        yield "", line[end:]
