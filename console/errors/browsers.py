"""One wording for what V8, SpiderMonkey and JavaScriptCore each call in their own words.

Sources: the message tables of the three engines, as their errors read in stored events.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_SCRIPTS = frozenset({"javascript", "node"})
_LENGTH = 1000  # of a message that an engine made
_NAMES = r"[\w$.\[\]()]{1,200}"
_EMPTY = r"(?P<b>undefined|null)"
_EVALUATING = rf"{_EMPTY} is not an object \(evaluating '(?:.{{1,200}}?\.)?(?P<a>[\w$]{{1,100}})"
_OLD_V8 = rf"(?:'(?P<a>{_NAMES})' )?of {_EMPTY}"
_READ = (
    rf"Cannot read propert(?:y|ies) {_OLD_V8}(?: \(reading '(?P<c>{_NAMES})'\))?",
    rf"can't access property \"?(?P<a>{_NAMES}?)\"?, .{{1,200}}? is {_EMPTY}",
    rf"{_EVALUATING}(?:\(.{{0,200}}\))?'\)",
    rf"Cannot destructure property ['`](?P<a>{_NAMES})['`] of .{{1,200}} as it is {_EMPTY}\.?",
)
_SET = (
    rf"Cannot set propert(?:y|ies) {_OLD_V8}(?: \(setting '(?P<c>{_NAMES})'\))?",
    rf"{_EVALUATING} =.{{0,200}}",
)
_CALLED = (
    rf"(?P<a>{_NAMES}) is not a function(?:\. \(.{{0,300}})?",
    r"Object doesn't support property or method '(?P<a>[\w$]{1,100})'",
)
_MISSING = (rf"(?P<a>{_NAMES}) is not defined", rf"Can't find variable: (?P<a>{_NAMES})")
_PHRASES = (
    (_READ, "read {a} of {b}"),
    (_SET, "set {a} of {b}"),
    (_CALLED, "{a} is not a function"),
    (_MISSING, "{a} is not defined"),
    (
        (
            r"Failed to fetch.{0,200}",
            r"NetworkError when attempting to fetch resource\.?",
            "Load failed.{0,200}",
        ),
        "fetch failed",
    ),
    (
        (
            r"(?:The user aborted a request|The operation was aborted|Fetch is aborted)\.?\s?",
            r"signal is aborted without reason",
            r"Request aborted|AbortError",
        ),
        "aborted",
    ),
    (
        (
            r"Cannot convert undefined or null to object",
            r"can't convert (?:undefined|null) to object",
        ),
        "nothing to object",
    ),
    (
        (
            r".{0,200}(?:is|are) not iterable.{0,100}",
            r"undefined is not a function \(near '.{0,200}",
            r".{1,200} is not a function or its return value is not iterable",
        ),
        "not iterable",
    ),
    (
        (
            r"Converting circular structure to JSON.{0,500}",
            r"cyclic object value",
            r"JSON\.stringify cannot serialize cyclic structures\.?",
        ),
        "circular structure to JSON",
    ),
    (
        (
            r"[Ii]nvalid array length",
            r"Array size is not a small enough positive integer\.?",
        ),
        "array length",
    ),
    (
        (r"Unexpected token '?<'?", r"expected expression, got '<'"),
        "markup in a script",
    ),
    (
        (r"Invalid time value", r"[Ii]nvalid date"),
        "invalid date",
    ),
    (
        (
            "ResizeObserver loop limit exceeded",
            r"ResizeObserver loop completed with undelivered notifications\.",
        ),
        "ResizeObserver loop",
    ),
    (
        (r"Maximum call stack size exceeded\.?", r"too much recursion"),
        "too much recursion",
    ),
    (
        (
            r"Unexpected (?:token .{1,20}?|end) (?:of |in )?JSON.{0,200}",
            r"Unexpected token .{1,40} is not valid JSON",
            r"JSON\.parse: .{1,200}",
            r"JSON Parse error: .{1,200}",
        ),
        "JSON that does not parse",
    ),
    (
        (
            r"Failed to fetch dynamically imported module.{0,300}",
            r"error loading dynamically imported module.{0,300}",
            r"Importing a module script failed\.?",
        ),
        "a module was not loaded",
    ),
)


def _compiled(forms: Iterable[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(form, re.DOTALL) for form in forms)


_TABLE = tuple((_compiled(forms), words) for forms, words in reversed(_PHRASES))
_MINIFIED = re.compile(
    r"\b[a-zA-Z_$]\w?(?= is not (?:a function|iterable|defined|a constructor)\b)"
)
_KINDS = {"InternalError": "RangeError"}  # too much recursion


def kind_in_any_browser(kind: str, platform: str) -> str:
    """The type that V8 gives the error."""
    return _KINDS.get(kind, kind) if platform in _SCRIPTS else kind


def as_any_browser(exception: Mapping[str, Any], platform: str) -> str:
    """The exception's message, in one wording for all engines if an engine made it."""
    value = exception.get("value")
    if not isinstance(value, str):
        return ""
    if platform not in _SCRIPTS or len(value) > _LENGTH:
        return value
    return by_engine(exception, platform) or without_minified(value)


def by_engine(exception: Mapping[str, Any], platform: str) -> str:
    """One wording for the sentence of any engine; "" if no engine says it so."""
    value = exception.get("value")
    if not isinstance(value, str) or platform not in _SCRIPTS or len(value) > _LENGTH:
        return ""
    for forms, words in _TABLE:
        for form in forms:
            if match := form.fullmatch(value.strip()):
                return words.format(**_names(match))
    return ""


def without_minified(value: str) -> str:
    """An engine's sentence about a variable that a minifier named; each build names it anew."""
    return _MINIFIED.sub("*", value)


def _names(match: re.Match[str]) -> dict[str, str]:
    names = match.groupdict()
    property_ = names.get("a") or names.get("c") or ""
    return {"a": property_.rpartition(".")[2] or property_, "b": names.get("b") or ""}
