"""Blank secrets in `name = value` pairs: JSON, Python literals, forms, headers, SQL, logs."""

import re
from collections.abc import Callable

from console.ingest.markup import blank_markup
from console.ingest.named import named_values
from console.ingest.sensitive import FILTERED, SECRETS, Verdict

_NAME = re.compile(
    r"(?:(?<![\w.$%-])|(?<=%26)|(?<=%3F)|(?<=%3f))"
    r"(?P<name>-{0,2}[A-Za-z_$][\w.$-]*)"
    r"(?P<between>\]?\\{0,8}[\"'`]?\]?\s{0,30}(?:=>|(?<=\s)->(?=\s)|:=|:{1,2}|={1,3}|%3[dD])\s{0,30}(?:[|>][+-]?\s{1,30})?"
    r"|\)=(?=\()|\\{0,8}\";s:\d{1,9}:(?=\\{0,8}\")"
    r"|(?P<tuple>\\{0,8}[\"'],\s{0,30}(?=[bu]?\\{0,8}[\"'])))"
)
_QUOTED = re.compile(
    r"[bBuUfFrR]{0,2}(?:"
    r"\"(?:\\.|[^\"\\])*(?:\"|\\?\Z)"
    r"|'(?:\\.|[^'\\])*(?:'|\\?\Z)"
    r"|`[^`]*(?:`|\Z)"
    r"|\\{1,8}([\"'])(?:(?!\\{1,8}\1)[\s\S])*(?:\\{1,8}\1|\Z))",
    re.DOTALL,
)
_SCHEME = re.compile(r"(?i)(?:bearer|basic|digest|token|negotiate|aws4-hmac-sha256)\s[^\r\n\"']*")
_BARE = re.compile(r"(?:(?!%26)[^\s,;&\"'<>{}\[\]()|])+")
_PLACEHOLDER = re.compile(r"%\(\w+\)[a-z](?=[\s,;&\"'<>{}\[\]()|]|\Z)")
_LINE = re.compile(r"[^\r\n\"']*")
_OPENING = re.compile(r"[bBuUfFrR]{0,2}(\\{0,8}[\"'`])")
_MEANS_NOTHING = re.compile(
    r"(?:%s|\?|\$\d+|:\w+|%\(\w+\)s|@\w+|\*+|null|nil|none|true|false|undefined|\[Filtered\]|"
    r"\$?\{\w*\}|)",
    re.IGNORECASE,
)
_SQL = re.compile(
    r"\s*(?:/\*[^*]{0,200}\*/\s*)?(?:select\b[\s\S]{1,4000}?\bfrom\b|insert\s+into\b|delete\s+from\b"
    r"|replace\s+into\b|update\s+\S+\s+set\b|with\s[\s\S]{1,200}?\bas\b|merge\s+into\b"
    r"|(?:create|alter|drop)\s+(?:table|user|role|login)\b)",
    re.IGNORECASE,
)
_INSERTED = re.compile(r"'(?:[^']|'')*'")
_IN_TWO_WORDS = frozenset({"key", "word", "phrase", "code"})  # API key: …
_WORD_BEFORE = re.compile(r"(?<![\w.])[A-Za-z]{1,30}[ +]\Z")
_FIRST = re.compile(r"[(\[]\s?[bu]?\\{0,8}[\"']\Z")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def blank_pairs(text: str, judge: Callable[[str], Verdict], *, code: bool = False) -> str:
    """The text with the values of secret names replaced.

    In source code and SQL only literals are values; a bare word there is a name, not a secret.
    """
    if not code and _SQL.match(text):
        code = True
        if re.match(r"\s*(?:/\*.*?\*/\s*)?(?:insert|replace)", text, re.IGNORECASE) and _mentions(
            text, judge
        ):
            text = _INSERTED.sub(_inserted, text)  # which value is which column's is not to be seen
    if not code:
        text = _blank_named(blank_markup(text, judge), judge)
    parts: list[str] = []
    done = place = 0
    while match := _NAME.search(text, place):
        place = match.end()
        verdict = judge(match["name"])
        if verdict is Verdict.PLAIN and match["name"].lower() in _IN_TWO_WORDS:
            verdict = _judge_two_words(text, match, judge)
        if verdict not in SECRETS or (match["tuple"] and not _opens_tuple(text, match, code=code)):
            continue
        end = _value_end(text, place, match, code=code)
        value = text[place:end]
        blanked = _blank(value, numbers=verdict is not Verdict.TEXT_SECRET)
        if blanked != value:
            parts += (text[done:place], blanked)
            done = end
        place = max(end, place)
    return "".join(parts) + text[done:] if parts else text


def _opens_tuple(text: str, pair: re.Match[str], *, code: bool) -> bool:
    """Whether a value follows, as in ('Authorization', 'Bearer …') and ['--password', '…']."""
    if code:
        return False
    start = pair.start("name")
    return pair["name"].startswith("--") or bool(_FIRST.search(text[max(start - 12, 0) : start]))


def _judge_two_words(text: str, pair: re.Match[str], judge: Callable[[str], Verdict]) -> Verdict:
    """The verdict on a name with the word before it: API key, pass word."""
    start = pair.start("name")
    before = _WORD_BEFORE.search(text[max(start - 32, 0) : start])
    return judge(before[0] + pair["name"]) if before else Verdict.PLAIN


def _blank_named(text: str, judge: Callable[[str], Verdict]) -> str:
    """Blank the values of objects that name them; inside one that is blanked, nothing is left."""
    parts: list[str] = []
    done = 0
    for start, end, verdict in sorted(named_values(text, judge), key=lambda named: named[:2]):
        if start >= done:
            value = text[start:end]
            parts += (text[done:start], _blank(value, numbers=verdict is not Verdict.TEXT_SECRET))
            done = end
    return "".join(parts) + text[done:] if parts else text


def _mentions(text: str, judge: Callable[[str], Verdict]) -> bool:
    columns = text.split("(", 1)[-1].split(")", 1)[0]
    return any(judge(name) is Verdict.SECRET for name in re.findall(r"\w+", columns))


def _inserted(match: re.Match[str]) -> str:
    return "''" if match[0] == "''" else f"'{FILTERED}'"


def _value_end(text: str, start: int, pair: re.Match[str], *, code: bool) -> int:
    """Where the value ends that begins at `start`; `start` itself if there is none to blank."""
    if quoted := _QUOTED.match(text, start):
        return quoted.end()
    if code:
        return start
    if pair["name"].lower().endswith("cookie") and (line := _LINE.match(text, start)):
        return line.end()
    if scheme := _SCHEME.match(text, start):
        return scheme.end()
    if placeholder := _PLACEHOLDER.match(text, start):
        return placeholder.end()
    end, following = -1, start
    while following != end:  # as in Token('abc').value
        end = following
        bare = _BARE.match(text, end)
        following = _bracket_end(text, bare.end() if bare else end)
    return end


def _bracket_end(text: str, start: int) -> int:
    """Past the bracket that opens at `start`, as in Token('abc') or ['a', 'b']; else `start`."""
    waiting: list[str] = []
    place = start
    while place < len(text):
        character = text[place]
        if character in _CLOSING:
            waiting.append(_CLOSING[character])
        elif waiting and character == waiting[-1]:
            waiting.pop()
        elif waiting and (quoted := _QUOTED.match(text, place)):
            place = quoted.end()
            continue
        place += 1
        if not waiting:
            return place if place > start + 1 else start
    return place if waiting else start


def _blank(value: str, *, numbers: bool) -> str:
    opening = _OPENING.match(value)
    start, end = (opening.end(), len(value)) if opening else (0, len(value))
    if opening and end > start and value.endswith(opening[1]):
        end -= len(opening[1])
    inner = value[start:end]
    if _MEANS_NOTHING.fullmatch(inner) or (not numbers and inner.replace(".", "").isdigit()):
        return value
    return value[:start] + FILTERED + value[end:]
