"""Blank values whose names stand beside them in texts: {"name": "password", "value": …}."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from console.ingest.sensitive import NAMES, SECRETS, Verdict

_TOKEN = re.compile(
    r"(?P<quoted>(?<![A-Za-z0-9])[bBuUfFrR]{0,2}(?:"
    r"\"(?:\\.|[^\"\\])*(?:\"|\\?\Z)"
    r"|'(?:\\.|[^'\\])*(?:'|\\?\Z)"
    r"|\\{1,8}(?P<quote>[\"'])(?:(?!\\{1,8}(?P=quote))[\s\S])*(?:\\{1,8}(?P=quote)|\Z)))"
    r"|(?P<mark>=>|[\[\](){},;:=])"
    r"|(?P<word>[^\s\"'`,;:=(){}\[\]\\]+)",
    re.DOTALL,
)
_SAYS_A_NAME = re.compile(
    rf"(?<![\w$])(?:{'|'.join(sorted(NAMES))})\\{{0,8}}[\"']?\s{{0,3}}(?:=>|[:=])"
)
_INNER = re.compile(r"[bBuUfFrR]{0,2}\\{0,8}[\"'](.*?)\\{0,8}[\"']?\Z", re.DOTALL)
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


@dataclass(slots=True)
class _Object:
    """An object whose end was not met yet."""

    start: int
    is_value: bool = False
    is_name: bool = False
    last: str = ""
    key: str = ""
    verdict: Verdict = Verdict.PLAIN
    values: list[tuple[int, int]] = field(default_factory=list)


def named_values(text: str, judge: Callable[[str], Verdict]) -> Iterator[tuple[int, int, Verdict]]:
    """Where the values of secrets begin and end, quotes and brackets included, in any order."""
    if not _SAYS_A_NAME.search(text):
        return
    objects = [_Object(0)]
    for token in _TOKEN.finditer(text):
        present, mark = objects[-1], token["mark"]
        if mark is None:
            _take(present, token, judge)
        elif mark in _OPENING:
            is_value = bool(present.key) and judge(present.key) is Verdict.VALUE
            objects.append(_Object(token.start(), is_value, present.key in NAMES))
        elif mark in _CLOSING:
            if len(objects) > 1:
                yield from _closed(objects, token.end(), judge)
        elif mark in {",", ";"}:
            present.key = present.last = ""
        else:
            present.key = present.last
    while len(objects) > 1:  # the text is cut
        yield from _closed(objects, len(text), judge)


def _take(present: _Object, token: re.Match[str], judge: Callable[[str], Verdict]) -> None:
    """Take a word or a quoted text: a key, a name or a value."""
    inner = _INNER.match(token[0]) if token["quoted"] else None
    content = inner[1] if inner else token[0]
    if not present.key:
        present.last = content
        return
    if present.key in NAMES:
        verdict = judge(content)
        if verdict in SECRETS:
            present.verdict = verdict
    elif judge(present.key) is Verdict.VALUE:
        present.values.append(token.span())
    present.key = present.last = ""


def _closed(
    objects: list[_Object], end: int, judge: Callable[[str], Verdict]
) -> Iterator[tuple[int, int, Verdict]]:
    ended = objects.pop()
    if ended.verdict in SECRETS:
        for span in ended.values:
            yield (*span, ended.verdict)
    parent = objects[-1]
    if ended.is_value:
        parent.values.append((ended.start, end))
    elif ended.is_name and (verdict := judge(ended.last)) in SECRETS:
        parent.verdict = verdict  # ["body", "password"]: where a validator found a fault
    parent.key = parent.last = ""
