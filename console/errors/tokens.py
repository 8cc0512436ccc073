"""The words of a search: `name:value`, quoted texts and plain ones, each with or without a `!`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST = 20
_NAME = re.compile(r'(?:tags\[([^\]]+)\]|"([^"]+)"|([A-Za-z][\w.-]+)):(?![\s:\\]|//|$)')
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LIST = re.compile(r"\[([^\]]*)\]")
_WORD = re.compile(r"\S+")
_ENTRY = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,"]*))\s*(?:,|$)')
_FILE_AND_LINE = re.compile(r"(\S+\.[A-Za-z]{1,5}):\d+(?::\d+)?")


class SearchError(ValueError):
    """A search that says nothing; its sentence stands at the field."""


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a search; a plain text has no name, and `texts` are alternatives."""

    name: str
    texts: tuple[str, ...]
    negated: bool
    written: str
    """As it stands in the search, for messages."""


def tokens(search: str) -> list[Token]:
    """The words of a search, all of which must hold; raises SearchError."""
    words = list(_tokens(search.replace("\0", "")))
    if len(words) > MOST:
        raise SearchError(f"A search has at most {MOST} words.")
    return words


def _tokens(search: str) -> Iterator[Token]:
    at = 0
    while at < len(search):
        if search[at].isspace():
            at += 1
            continue
        start, negated = at, search[at] == "!" and len(search) > at + 1
        at += negated
        name, named = "", _NAME.match(search, at)
        if named and not _FILE_AND_LINE.fullmatch(_WORD.match(search, at)[0]):  # type: ignore[index]
            name, at = next(filter(None, named.groups())), named.end()
        texts, at = _value(search, at, name=name)
        written = search[start:at]
        if not name and texts == ("OR",):
            raise SearchError("All words must hold. For alternatives write level:[error, fatal].")
        if texts != ("AND",) or name:
            yield Token(name, texts, negated, written)


def _value(search: str, at: int, *, name: str) -> tuple[tuple[str, ...], int]:
    """The texts that stand at a place, and where they end."""
    if search[at : at + 1] == '"':
        quoted = _QUOTED.match(search, at)
        if quoted is None:
            raise SearchError(f"A quotation mark is missing after {search[at:][:40]}")
        return (_unquoted(quoted[1]),), quoted.end()
    if name and search[at] == "[":
        listed = _LIST.match(search, at)
        if listed is None:
            raise SearchError(f"A ] is missing after {name}:{search[at:][:40]}")
        texts = tuple(filter(None, map(_entry, _ENTRY.findall(listed[1]))))
        if not texts:
            raise SearchError(f"{name}:[] names nothing. Write {name}:[first, second].")
        return texts, listed.end()
    word = _WORD.match(search, at)
    if word is None:
        raise SearchError("A ! stands before a word.")
    text = word[0]
    if not name and (place := _FILE_AND_LINE.fullmatch(text)):
        text = place[1]
    return (text,), word.end()


def _entry(parts: tuple[str, str]) -> str:
    return _unquoted(parts[0]) or parts[1].strip()


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
