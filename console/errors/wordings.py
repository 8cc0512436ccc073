"""One wording for what the versions of a language each call in their own words.

Sources: the release notes of Ruby 3.3 and 3.4 and of PHP 8.0, and the messages in stored events.
"""

import re
from collections.abc import Mapping

_LENGTH = 1000  # of a message that a language made

_Rules = tuple[tuple[re.Pattern[str], str], ...]
_INSTANCE = r" for #<([\w:]{1,200}?)(?::0x[0-9a-f]+)?(?: [^\n]{0,300})?>"
_RUBY: _Rules = (
    (re.compile(r"`([^`'\n]{1,200})'"), r"'\1'"),
    (re.compile(r"\b(nil|true|false):(?:Nil|True|False)Class\b"), r"\1"),
    (re.compile(_INSTANCE), r" for an instance of \1"),
    (re.compile(r" for ([\w:]{1,200}):Class\b"), r" for class \1"),
    (re.compile(r" for ([\w:]{1,200}):Module\b"), r" for module \1"),
    (re.compile(r"(results?, but was looking for \d{1,9}\))\. Couldn't find .{1,400}"), r"\1"),
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
_PYTHON: _Rules = (
    (
        re.compile(r"\bcannot access local variable ('\w{1,200}') where it is not .{0,60}"),
        r"local variable \1 referenced before assignment",
    ),
    (
        re.compile(
            r"cannot access free variable ('\w{1,200}') where it is not associated with a value.*"
        ),
        r"free variable \1 referenced before assignment in enclosing scope",
    ),
    (re.compile(r"(codec can't (?:de|en)code (?:byte|character)s?) .{1,300}"), r"\1"),
    (re.compile(r"^(?:[\w<>]{1,80}\.){1,10}(\w{1,80}\(\) (?:missing|got|takes)\b)"), r"\1"),
)
_JVM: _Rules = (
    (re.compile(r"\bNo enum constant ([\w.$]{1,300})\.\w{1,100}"), r"No enum constant \1"),
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
_ELIXIR: _Rules = (  # what it shows of the value
    (re.compile(r"(\bkey :?\S{1,100} not found in:).*", re.DOTALL), r"\1"),
)
_DART: _Rules = ((re.compile(r"\b[a-zA-Z]\d?\.[a-zA-Z]\d?(?=: )"), "*"),)  # shortened classes
_RULES: Mapping[str, _Rules] = {
    "ruby": _RUBY, "python": _PYTHON, "java": _JVM, "php": _PHP, "lua": _LUA,
    "elixir": _ELIXIR, "dart": _DART,
    "node": _SCRIPT, "javascript": _SCRIPT,
}  # fmt: skip

# Systems number one error each in their way, and put it in the user's language.
_SYMBOLS = {
    number: symbol
    for symbol, numbers in {
        "ECONNREFUSED": (61, 111, 10061),
        "ECONNRESET": (54, 104, 10054),
        "ECONNABORTED": (53, 103, 10053),
        "ETIMEDOUT": (60, 110, 10060),
        "EHOSTUNREACH": (65, 113, 10065),
        "ENETUNREACH": (51, 101, 10051),
        "EADDRINUSE": (48, 98, 10048),
        "ENOTCONN": (57, 107, 10057),
    }.items()
    for number in numbers
}
_NUMBERED = re.compile(
    r"\bOS Error: [^()\n]{1,200}?, errno = (?P<dart>\d{1,5})"
    r"|\[(?:Errno|WinError) (?P<python>-?\d{1,5})\] (?:[^:\n'\"]{1,200})?"
    r"|(?P<before>^|: )[^:\n]{1,200} \(os error (?P<rust>\d{1,5})\)"
)
_NO_HOST = re.compile(
    r"(?:nodename nor servname provided, or not known|Name or service not known"
    r"|No address associated with hostname|No such host is known\.?|no such host)"
    r"(?:, errno = \d{1,5}| \(os error \d{1,5}\))?"
)
# Lines of source with their numbers, as Prisma and template engines quote them.
_EXCERPT = re.compile(
    r"(?m)^[ \t]{0,8}(?:[→>|][ \t]{0,4})?\d{1,6}(?:[ \t|:][^\n]*)?\n"
    r"(?=[ \t]{0,8}(?:[→>|][ \t]{0,4})?\d)"
)
# What Ruby and Python add, by what else has a like name, and the line of code.
_SUGGESTED = re.compile(r"(?:\. |\n)Did you mean[:?]|\n\n[^\n]{1,300}\n\s{0,300}\^{2}")
_NO_HOST_NUMBER = re.compile(r"\[Errno -?\d{1,3}\] (?=host not found)")
_CLASS_OF_SELECTOR = re.compile(r"[-+]\[\w{1,200} (?=\S{1,200}\]: unrecognized selector)")


def as_any_version(value: str, platform: str) -> str:
    """The message in the wording of the newest version, if its language or system made it."""
    if len(value) > _LENGTH:
        return value
    value = _SUGGESTED.split(_EXCERPT.sub("", value), maxsplit=1)[0]
    value = _NO_HOST_NUMBER.sub("", _NO_HOST.sub("host not found", value))
    value = _CLASS_OF_SELECTOR.sub("-[* ", _NUMBERED.sub(_numbered, value))
    for form, words in _RULES.get(platform, ()):
        value = form.sub(words, value)
    return value


def _numbered(match: re.Match[str]) -> str:
    number = int(match["dart"] or match["python"] or match["rust"])
    return f"{match['before'] or ''}{_SYMBOLS.get(number) or f'errno {number}'} "
