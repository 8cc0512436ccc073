"""One wording for what the versions of a language each call in their own words.

Sources: the release notes of Ruby 3.3 and 3.4 and of PHP 8.0, and the messages in stored events.
"""

import re
from collections.abc import Mapping

_LENGTH = 1000  # of a message that a language made

_Rules = tuple[tuple[re.Pattern[str], str], ...]
_INSTANCE = r" for #<([\w:]{1,200}?)(?::0x[0-9a-f]+)?(?: [^>\n]{0,300})?>"
_RUBY: _Rules = (
    (re.compile(r"`([^`'\n]{1,200})'"), r"'\1'"),
    (re.compile(r"\b(nil|true|false):(?:Nil|True|False)Class\b"), r"\1"),
    (re.compile(_INSTANCE), r" for an instance of \1"),
    (re.compile(r" for ([\w:]{1,200}):Class\b"), r" for class \1"),
    (re.compile(r" for ([\w:]{1,200}):Module\b"), r" for module \1"),
)
_PHP: _Rules = (
    (re.compile(r"^(?:Notice|Warning|Deprecated|User (?:Notice|Warning|Deprecated)): "), ""),
    (re.compile(r"\bUndefined variable: (\w)"), r"Undefined variable $\1"),
    (re.compile(r"\bUndefined (?:index|offset): ([\w.-]{1,200})"), r'Undefined array key "\1"'),
    (re.compile(r"\bUndefined array key (\d+)"), r'Undefined array key "\1"'),
    (
        re.compile(r"\bTrying to get property '(\w{1,200})' of non-object"),
        r'Attempt to read property "\1" on null',
    ),
)
_LUA: _Rules = ((re.compile(r"\bPlayers\.\w+"), "Players.*"),)  # Roblox: who plays
_SCRIPT: _Rules = (  # of Sentry's clients before and since their version 8
    (
        re.compile(
            r"^(?:Non-Error exception captured|Object captured as exception)(?= with keys: )"
        ),
        "Object captured as exception",
    ),
    (
        re.compile(
            r"^(?:Non-Error promise rejection captured|Object captured as promise rejection)"
            r"(?= with keys: )"
        ),
        "Object captured as promise rejection",
    ),
)
_RULES: Mapping[str, _Rules] = {
    "ruby": _RUBY, "php": _PHP, "lua": _LUA, "node": _SCRIPT, "javascript": _SCRIPT,
}  # fmt: skip


def as_any_version(value: str, platform: str) -> str:
    """The message in the wording of the newest version, if its language made it."""
    if len(value) > _LENGTH:
        return value
    for form, words in _RULES.get(platform, ()):
        value = form.sub(words, value)
    return value
