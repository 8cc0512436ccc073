"""Messages without what varies from one occurrence to the next, and with what carries meaning."""

import re

LENGTH = 1000
LINES = 10

# Numbers that say what went wrong: two messages that differ in one of these are two problems.
_CODES = re.compile(
    r"""(?ix)
      \bHTTP(?:/\d(?:\.\d)?)?(?:\s++(?:status|error|code|response))*+\s*+[:=]?+\s*+[1-5]\d\d\b
    | \bstatus(?:[\s_-]?code)?\s*+(?:of|was|is|[:=])?+\s*+[1-5]\d\d\b
    | \b[1-5]\d\d\s+(?:client|server)\s+error\b
    | \bSQLSTATE\b\W{0,3}[0-9A-Z]{5}\b
    | \berrno\b\W{0,3}-?\d+
    | \bWinError\s+\d+
    | \b(?:exit(?:ed)?|return(?:ed)?)(?:\s++with)?\s++(?:code|status)\s*+[:=]?+\s*+-?\d+
    | \b(?:exit|return|error|result)[\s_-]?code\s*+(?:of|was|is|[:=])?+\s*+-?\d+
    | \bsignal\s+(?:\d+|SIG[A-Z]+)
    | \bORA-\d+ | \bE\d{4}\b | \berror\s++\#\d+ | \bDomain=[\w.]+\s+Code=-?\d+
    | \b0x(?:8\d{3}|c000)[0-9a-f]{4}\b | ^Code:\s-?\d+ | ^[A-Z]{2,5}-?\d{3,5}(?=:\s)
    | ^\(?\d{4},\s
    """
)
_SYMBOLS = re.compile(r"\bE[A-Z]{3,14}\b")  # ECONNREFUSED, ENOENT
_NAMED = (
    r"attribute|reading|property|argument|column|table|relation|function|method|field|class"
    r"|parameter|module\ named|type|constraint"
)
_IP = r"(?:(?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-f:.]{2,45}(?:%\w+)?\])"
# The port of a service that is called says which; a client's own, or a listener's, does not.
_CALLED = r"(?:E[A-Z]{3,14}|dial\ (?:tcp|udp)|connect(?:ing|ion)?(?:\ refused|\ failed)?(?:\ to)?)"
_SERVICE = rf"(?P<called>\b{_CALLED}:?\s++)/?{_IP}(?P<port>:\d{{1,5}})\b"
# Names in code, which nobody types: of a constant, or with underscores.
_IN_CODE = r"[A-Z][A-Z0-9]*+(?:_[A-Z0-9]++)++ | [a-z]++(?:_[a-z]++)++"
_VARYING = re.compile(
    rf"""(?x)
      (?P<keep>{_CODES.pattern.removeprefix("(?ix)")})
    | (?P<name>\b(?:{_NAMED})\s['"`][\w.]+['"`] | ['"]\w+['"](?=\ object\b))
    | (?-i:(?P<code>['"`](?:{_IN_CODE})['"`]))
    | (?P<service>{_SERVICE})
    | (?P<route>\b(?:GET|HEAD|POST|PUT|PATCH|DELETE)\s++/[^\s?'"<>]*+(?:\?[^\s'"<>]*+)?+)
    | (?P<json>\[?\{{\s*+"(?:[^{{}}]++|\{{[^{{}}]*+\}}){{0,200}}+\}}\]?)
    | (?P<url>\b[a-z][a-z0-9+.-]{{1,15}}://[^\s'"<>]+)
    | (?P<email>(?<![\w.+-])[\w.+-]{{1,64}}+@[\w-]+(?:\.[\w-]+)+)
    | (?P<uuid>\b[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}\b)
    | (?P<date>\b\d{{4}}-\d\d-\d\d(?:[T\s]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s?Z|[+-]\d\d:?\d\d)?)?
        | \b\d{{1,2}}/\d{{1,2}}/\d{{2,4}}\b | \b\d\d:\d\d:\d\d(?:[.,]\d+)?\b)
    | (?P<ip>(?<![\w.]){_IP}(?::\d{{1,5}})?+(?![\w.]\w)
        | (?<![\w:])(?:[0-9a-f]{{1,4}}:){{3,7}}[0-9a-f]{{0,4}}(?![\w:])
        | (?<![\w:])(?:[0-9a-f]{{1,4}}:){{1,6}}(?::[0-9a-f]{{1,4}}){{1,6}}(?![\w:])
        | (?<![\w:])::1(?![\w:]))
    | (?-i:(?P<id>\b[a-z]{{1,5}}_(?=[A-Za-z]{{0,64}}\d)[A-Za-z0-9]{{4,64}}+\b))
    | (?P<hex>\b0x[0-9a-f]+\b | (?<=\w@)[0-9a-f]{{5,8}}\b
        | (?<=\w\{{)[0-9a-f]{{5,8}}(?=[\s}}])
        | \b(?=[0-9a-f]{{0,64}}\d)(?=[0-9a-f]{{0,64}}[a-f])[0-9a-f]{{7,64}}\b)
    | (?P<pod>-[0-9a-f]{{8,10}}-[0-9a-z]{{5}}\b)
    | (?P<file>(?<![\w.()-])[\w.()-]{{1,100}}\.(?:jpe?g|png|gif|webp|heic|bmp|tiff?|pdf
        |csv|tsv|xlsx?|docx?|pptx?|zip|gz|tar|mp[34]|mov|avi|wav|ics|vcf|eml)\b)
    | (?P<text>"(?:[^"\\\n]|\\.){{0,300}}" | (?<!\w)'(?:[^'\\\n]|\\.){{0,300}}'(?!\w)
        | `[^`\n]{{0,300}}` | [\u201c\u201e][^\u201c\u201d\n]{{0,300}}[\u201c\u201d]
        | \u00ab[^\u00bb\n]{{0,300}}\u00bb
        | \u2018[^\u2018\u2019\n]{{0,300}}\u2019)
    | (?P<size>(?<![\w.])[-+]?\d+(?:[.,]\d+)*\s?(?:bytes?|[kmgt]i?b)\b)
    | (?P<duration>(?<![\w.])[-+]?\d+(?:[.,]\d+)*\s?(?:[nµu]?s|ms|msecs?|secs?|seconds?|mins?
        |minutes?|hours?|milliseconds?)\b)
    | (?P<path>(?<![\w/.])(?:~|\.{{1,2}}|[A-Za-z]:)?(?:[/\\][\w.@%+-]++){{2,}}+[/\\]?)
    | (?P<number>(?<![A-Za-z])[-+]?\d+(?:[.,]\d+)*(?:e[+-]?\d+)? | (?<=[A-Za-z_-])\d{{2,}})
    """,
    re.IGNORECASE,
)
_DIGIT = re.compile(r"\d")
# Lists of any length, and nouns of any number.
_LISTED = re.compile(r"(<[a-z]+>)(?:[,;]?\s?\1)+")
_PLURAL = re.compile(r"(?<=<number> )([A-Za-z]{2,30}?)(?:ies|e?s|y)?\b")


def parametrise(message: str) -> str:
    """The message with placeholders such as <number> and <uuid> for what varies.

    HTTP statuses, SQLSTATEs, errno, exit codes and quoted names of attributes, columns and the like
    stay: they tell one problem from another.
    """
    head = "\n".join(message[: 4 * LENGTH].splitlines()[:LINES])
    text = " ".join(_VARYING.sub(_placeholder, head).split())
    return _PLURAL.sub(r"\1", _LISTED.sub(r"\1", text))[:LENGTH]


def error_codes(message: str) -> tuple[str, ...]:
    """The codes in a message that say what went wrong, in a uniform spelling."""
    head = message[:LENGTH]
    codes = [" ".join(code.group().lower().split()) for code in _CODES.finditer(head)]
    codes += _SYMBOLS.findall(head)
    return tuple(dict.fromkeys(codes))


def _placeholder(match: re.Match[str]) -> str:
    kind = match.lastgroup
    if kind == "route":
        return _route(match[0])
    if kind == "service":
        return f"{match['called']}<ip>{match['port']}"
    return match[0] if kind in {"keep", "name", "code", None} else f"<{kind}>"


def _route(call: str) -> str:
    """A method and a path, whose parts with a digit are ids."""
    method, _, address = call.partition("/")
    parts = address.partition("?")[0].split("/")
    return f"{method}/{'/'.join('*' if _DIGIT.search(part) else part for part in parts)}"
