"""Blank secrets in texts that are XML, HTML or the body of a form with several parts."""

import re
from collections.abc import Callable, Iterator

from console.ingest.sensitive import FILTERED, NAMES, SECRETS, Verdict

_TAG = re.compile(
    r"<(?P<closing>\\?/)?(?:[\w.-]{1,60}:)?(?P<name>[A-Za-z_][\w.-]{0,200})"
    r"(?P<attributes>(?:\s[^<>]{0,2000})?|/)>"
)
_ATTRIBUTE = re.compile(
    r"(?<![\w.:-])(?:[\w-]{1,60}:)?(?P<name>[\w.-]{1,100})\s?=\s?"
    r"(?:\\{0,8}\"(?P<double>(?:[^\"\\]|\\(?!\\{0,8}\"))*)"
    r"|\\{0,8}'(?P<single>(?:[^'\\]|\\(?!\\{0,8}'))*)|(?P<bare>[^\s\"'>\\]+))"
)
_CUT_OFF = re.compile(r"\s*[^\s<]+\Z")
_LABELS = (NAMES - {"label"}) | {"dt", "th"}  # whose content names the next element's
_NAMING_CONTENT = frozenset({"name", "key", "field"})  # attributes that name an element's content
_LONGEST_LABEL = 100
_NEWLINE = r"(?:\r?\n|\\r\\n|\\n)"
_PART = re.compile(
    r"(?i)content-disposition\s?:\s?form-data(?P<parameters>[^\r\n\\]{0,500}(?:\\{1,8}\"[^\r\n\\]{0,500}){0,8})"
    rf"(?:{_NEWLINE}[\w-]{{1,60}}:[^\r\n\\]{{0,500}}){{0,8}}{_NEWLINE}{_NEWLINE}"
)
_PART_NAME = re.compile(r"(?:;|\A)\s?name\s?=\s?(?:\\{0,8}\"([^\"\\]*)|([^\s;\"]+))", re.IGNORECASE)
_BOUNDARY = re.compile(rf"{_NEWLINE}--")
Judge = Callable[[str], Verdict]


def blank_markup(text: str, judge: Judge) -> str:
    """The text without the content of elements, attributes and parts whose names are secret."""
    if "<" in text and ">" in text:
        text = _without(text, _Elements(text, judge).secrets())
    if "form-data" in text:
        text = _without(text, _secret_parts(text, judge))
    return text


def _without(text: str, spans: Iterator[tuple[int, int]]) -> str:
    parts: list[str] = []
    done = 0
    for start, end in sorted(spans):
        if start >= done and text[start:end].strip() not in {"", FILTERED}:
            parts += (text[done:start], FILTERED)
            done = end
    return "".join(parts) + text[done:] if parts else text


def _secret_parts(text: str, judge: Judge) -> Iterator[tuple[int, int]]:
    for part in _PART.finditer(text):
        name = _PART_NAME.search(part["parameters"])
        if name and judge(name[1] or name[2] or "") in SECRETS:
            end = _BOUNDARY.search(text, part.end())
            yield part.end(), end.start() if end else len(text)
            if not end:  # nor is there one for the parts that follow
                return


class _Elements:
    """One way through the tags of a text, which need not be well-formed: it may be cut."""

    def __init__(self, text: str, judge: Judge) -> None:
        self._text = text
        self._judge = judge
        self._open: dict[str, int] = {}  # where the content of secret elements begins
        self._label: tuple[str, int] | None = None
        self._names_the_next = False

    def secrets(self) -> Iterator[tuple[int, int]]:
        """Where secrets stand: the contents of elements, and values of attributes."""
        for tag in _TAG.finditer(self._text):
            if tag["closing"]:
                start = self._open.pop(tag["name"], None)
                if start is not None:
                    yield start, tag.start()
                self._close_label(tag)
            else:
                yield from self._opened(tag)
        for start in self._open.values():
            if _CUT_OFF.match(self._text, start):
                yield start, len(self._text)

    def _close_label(self, tag: re.Match[str]) -> None:
        if self._label and self._label[0] == tag["name"]:
            content = self._text[self._label[1] : tag.start()]
            if len(content) <= _LONGEST_LABEL:
                self._names_the_next = self._judge(content) in SECRETS
        self._label = None

    def _opened(self, tag: re.Match[str]) -> Iterator[tuple[int, int]]:
        name, is_secret = tag["name"], self._names_the_next
        self._names_the_next, self._label = False, None
        if len(tag["attributes"]) > 1:
            values, names_content = self._attributes(tag)
            is_secret = is_secret or names_content
            yield from values
        if tag["attributes"].endswith("/"):
            return
        if is_secret or self._judge(name) in SECRETS:
            self._open[name] = tag.end()
        elif name.lower() in _LABELS:
            self._label = name, tag.end()

    def _attributes(self, tag: re.Match[str]) -> tuple[list[tuple[int, int]], bool]:
        """Where the values of a secret stand, and whether it is the content that is named."""
        values: list[tuple[int, int]] = []
        is_named = names_content = False
        start = tag.start("attributes")
        for attribute in _ATTRIBUTE.finditer(tag["attributes"]):
            name, group = attribute["name"], attribute.lastgroup or "bare"
            if name in NAMES and self._judge(attribute[group]) in SECRETS:
                is_named = True
                names_content = names_content or name.lower() in _NAMING_CONTENT
            elif name.lower() == "type" and attribute[group].lower() == "password":
                is_named = True
            elif self._judge(name) is Verdict.VALUE:
                values.append((start + attribute.start(group), start + attribute.end(group)))
        return (values if is_named else []), names_content
