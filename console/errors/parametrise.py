"""Messages without what varies from one occurrence to the next, and with what carries meaning."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

LENGTH = 1000
LINES = 10
REMEMBERED, REMEMBERED_LENGTH = 2048, 300  # messages, of so many characters: 2 MB at most

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
    | (?-i:\bCode:\s-?\d{1,5}\b) | \bos\s+error\s+-?\d+ | \bSQLCODE\W{0,3}-?\d+
    | (?-i:^(?:0[8A]|2[1-8BD]|3[4DF]|4[024]|5[34578]|HV|P0|XX)[0-9A-Z]{3}:\s)
    | \b(?:answered|returned|respond(?:ed|s)|replied|got|failed|failure)(?:\s++with)?\s*+:?\s*+
      [45]\d\d(?=$|[^\w\s.,]|[.,](?:\s|$)|\s+(?-i:[A-Z])|\s+(?:from|for|on|to|at)\b)
    | \b[45]\d\d\s+(?-i:[A-Z][a-z]+)
    | \(1[01]\d{3}\)
    | \b(?:ORA|PLS)-\d+ | (?-i:\b[EP]\d{4,5}\b) | \berror\s++\#\d+ | \bDomain=[\w.]+\s+Code=-?\d+
    | \b0x(?:8\d{3}|c000)[0-9a-f]{4}\b | ^Code:\s-?\d+ | ^[A-Z]{2,5}-?\d{3,5}(?=:\s)
    | ^\(?\d{4},\s
    """
)
_SYMBOLS = re.compile(r"\bE[A-Z]{3,14}\b")  # ECONNREFUSED, ENOENT
_NAMED = (
    r"attribute|reading|property|argument|column|table|relation|function|method|field|class"
    r"|parameter|module\ named|type|constraint"
)
# Nouns whose quoted name is of the code, unless it has digits, as a user's might.
_OF_CODE = frozenset({
    "key", "index", "option", "setting", "variable", "module", "template", "view", "component",
    "bean", "service", "permission", "command", "route", "plugin", "procedure", "trigger",
    "sequence", "schema", "database", "enum", "variant", "symbol", "keyword", "header",
    "cookie", "selector", "interface", "protocol", "trait", "constant", "dependency",
    "identifier", "provider", "attribute", "column", "field", "property", "properties",
    "helper", "partial", "layout", "queue", "topic", "worker", "job", "task", "asset", "font",
    "stylesheet", "directive", "hook", "model", "entity", "feature", "flag", "scope",
    "namespace", "package", "library", "extension", "connection", "named",
})  # fmt: skip
# Prefixed ids of services and databases, in quotes: of a record, and not in the code.
_ID = r"(?-i:['\"`][a-z]{1,5}_(?=[A-Za-z]{0,64}\d)(?=[a-z\d]{0,64}[A-Z]))"
_AFTER = r"object|argument|parameter|property|attribute|option"
_IP = r"(?:(?:\d{1,3}\.){3}\d{1,3}|\[(?=[0-9a-f]{0,4}:)[0-9a-f:.]{2,45}(?:%\w+)?\])"
# The port of a service that is called says which; a client's own, or a listener's, does not.
_CALLED = r"(?:E[A-Z]{3,14}|dial\ (?:tcp|udp)|connect(?:ing|ion)?(?:\ refused|\ failed)?(?:\ to)?)"
_SERVICE = rf"(?P<called>\b{_CALLED}:?\s++)/?{_IP}(?P<port>:\d{{1,5}})\b"
# Names in code, which nobody types: of a constant, with underscores, capitals within or a package.
_IN_CODE = (
    r"[A-Z][A-Z0-9]*+(?:_[A-Z0-9]++)++ | [a-z]++(?:_[a-z]++)++ | [a-z]{2,}(?:[A-Z][a-z]+)+"
    r" | [A-Z]{1,5}[a-z]+(?:[A-Z]{1,5}[a-z]+)+ | [A-Z][A-Za-z]+(?:(?:\.|::|\\)[A-Z][A-Za-z]+)+"
)
_VARYING = re.compile(
    rf"""(?x)
      (?P<keep>{_CODES.pattern.removeprefix("(?ix)")})
    | (?P<name>\b(?:{_NAMED})\s(?!{_ID})['"`][\w.]+['"`] | ['"]\w+['"](?=\ (?:{_AFTER})\b)
        | ['"`][a-z_]++['"`](?=\ is\ (?:undefined|required|missing|not\ (?:defined|initialized))\b)
        | \b(?:missing|required)\s(?:[a-z]++\s){{0,3}}+[a-z]++:\s['"][a-z_]++['"]
            (?:(?:,|,?\sand)\s['"][a-z_]++['"]){{0,10}}+
        | \bReverse\ for\ '[a-z_:-]++' | \bstringValue:\s"[a-z_]++"
        | (?:(?<=[{{])|(?<=\],\s))['"][a-z_]++['"](?=:\s))
    | (?P<noun>(?P<before>\b(?P<word>[a-z]++):?\s\(?)(?-i:(?!['"`][A-Z]+['"`]))
        ['"`][.\\/@~_$-]{{0,4}}+(?:[a-z]++[\\/.:_@$*-]{{0,2}}+){{1,20}}+['"`]
        (?!\w|\ (?:{_AFTER}|is\ (?:un|not\ )defined)\b))
    | (?-i:(?P<code>['"`](?:{_IN_CODE})['"`]))
    | (?P<service>{_SERVICE})
    | (?P<route>\b(?:GET|HEAD|POST|PUT|PATCH|DELETE)\s++/[^\s?'"<>]*+(?:\?[^\s'"<>]*+)?+)
    | (?P<sql>[(\[](?:Connection:\s[\w.-]{{1,40}},\s)?SQL:\s[^\0]*+)
    | (?P<detail>(?:(?<=\)=)|(?<=\bcontains\s))\([^()\n]{{0,300}}\))
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
    | (?P<token>\b(?-i:[A-Z]{{2}}\d\d[A-Z0-9]{{10,30}})\b)
    | (?P<hex>\b0x[0-9a-f]+\b | (?<=\w@)[0-9a-f]{{5,8}}\b
        | (?<=\w\{{)[0-9a-f]{{5,8}}(?=[\s}}])
        | \b(?=[0-9a-f]{{0,64}}\d)(?=[0-9a-f]{{0,64}}[a-f])[0-9a-f]{{7,64}}\b
        | \b(?!\d+e\d+\b)(?=\d{{1,5}}[a-f]|[a-f]{{1,5}}\d)[0-9a-f]{{4,6}}\b)
    | (?P<label>\b(?=\d{{0,64}}[a-z])(?=(?:[a-z]{{0,20}}\d){{5}})[0-9a-z]{{12,64}}\b
        | (?-i:\b(?=(?:[A-Z-]{{0,8}}\d){{4}})[A-Z]{{1,4}}-?\d[A-Z\d]*+(?:-[A-Z\d]++)*+\b))
    | (?-i:(?P<mixed>\b(?=[A-Za-z]{{0,32}}\d{{1,32}}[A-Za-z]{{1,32}}\d)(?=[A-Za-z\d]{{12,64}}\b)
        [A-Za-z\d]{{12,64}}\b
        | (?<=\()(?=[a-z]{{0,16}}\d)[a-z\d]{{1,16}}-[a-z\d]{{8,64}}(?=\))))
    | (?P<version>\bv\d++(?:\.\d++)++\b)
    | (?P<person>\b(?:for|by|of)\s(?-i:[A-Z][a-z]+\s[A-Z][a-z]+)\b)
    | (?P<field>\b(?:user|name|host|path|file|login|owner|query|tenant|account|customer)=
        [^\s,;)&\]]++)
    | (?P<pod>-[0-9a-f]{{8,10}}-[0-9a-z]{{5}}\b
        | -(?=[a-z]{{0,9}}\d)[0-9a-z]{{5,10}}-
          (?=[a-z]{{0,4}}\d|[b-df-hj-np-tv-z]{{5}})[0-9a-z]{{5}}\b)
    | (?P<file>(?<![\w.()-])[\w.()-]{{1,100}}\.(?-i:(?![A-Z][a-z]))(?:jpe?g|png|gif|webp
        |heic|bmp|tiff?|pdf|csv|tsv|xlsx?|docx?|pptx?|zip|gz|tar|mp[34]|mov|avi|wav|ics|vcf|eml)\b)
    | (?P<source>(?<![\w/])[\w.@-]{{1,60}}+(?:/[\w.@-]{{1,60}}+){{2,20}}+
        (?:(?<=\.\w)|(?<=\.\w\w)|(?<=\.\w\w\w)))
    | (?P<text>"(?:[^"\\\n]|\\.){{0,300}}" | (?<!\w)'(?:[^'\\\n]|\\.){{0,300}}'(?!\w)
        | `[^`\n]{{0,300}}` | [\u201c\u201e][^\u201c\u201d\n]{{0,300}}[\u201c\u201d]
        | \u00ab[^\u00ab\u00bb\n]{{0,300}}\u00bb
        | \u2018[^\u2018\u2019\n]{{0,300}}\u2019)
    | (?P<size>(?<![\w.])[-+]?\d+(?:[.,]\d+)*\s?(?:bytes?|[kmgt]i?b)\b)
    | (?P<duration>(?<![\w.])(?:\d{{1,9}}h)?(?:\d{{1,9}}m)?\d{{1,9}}(?:\.\d{{1,9}})?s\b
        | (?<![\w.])[-+]?\d+(?:[.,]\d+)*\s?(?:[nµu]?s|ms|msecs?|secs?|seconds?|mins?
        |minutes?|hours?|milliseconds?)\b)
    | (?P<path>(?<![\w/.])(?:~|\.{{1,2}}|[A-Za-z]:)?(?:[/\\][\w.@%+-]++){{2,}}+[/\\]?
        (?:\?[\w.~%+&=:,;@/-]*+)?+)
    | (?P<number>(?<![A-Za-z])[-+]?\d+(?:[.,]\d+)*(?:e[+-]?\d+)? | (?<=[A-Za-z_-])\d{{2,}})
    """,
    re.IGNORECASE,
)
_PATHS = re.compile(r'"(?:path|loc)":\s{0,20}\[([^\[\]]{0,200})\]')
_WORD = re.compile(r"[A-Za-z_]++")
_LACKED = re.compile(
    r"\b(?:missing|unknown|duplicate) (?:field|variant|key) [`'][A-Za-z_]{1,80}[`']"
)
_CODE = re.compile(rf"(?x)['\"`](?:{_IN_CODE})['\"`]")
_QUOTE = re.compile(r"['\"`]")
# Without any of these no part of a message varies: most of what programs say has none.
_MAY_VARY = re.compile(
    r"[\d'\"`/\\@={\u201c\u201e\u00ab\u2018]|\.[A-Za-z]|[a-z] [A-Z][a-z]{1,40} [A-Z]"
)
_DIGIT = re.compile(r"\d")
# Lists of any length, and nouns of any number.
_LISTED = re.compile(r"(<[a-z]+>)(?:[,;]?\s?\1)+")
_PLURAL = re.compile(r"(?<=<number> )([A-Za-z]{2,30}?)(?:ies|e?s|y)?\b")

# A last word in capitals, and a currency or a country, of which there are many.
_CAPITALS = re.compile(
    r"((?<=[a-z]): )(?!E[A-Z]{3}|SIG)[A-Z]{2,5}$"
    r"|(\b(?:currency|country|locale|language|symbol|ticker|airport|region) )[A-Z]{2,5}\b"
)


def parametrise(message: str) -> str:
    """The message with placeholders such as <number> and <uuid> for what varies.

    HTTP statuses, SQLSTATEs, errno, exit codes and quoted names of attributes, columns and the like
    stay: they tell one problem from another.
    """
    head = message[: 4 * LENGTH]
    reader = _parametrised if len(head) <= REMEMBERED_LENGTH else _parametrised.__wrapped__
    return reader(head)


@lru_cache(maxsize=REMEMBERED)
def _parametrised(message: str) -> str:
    """Most events repeat the sentence of another."""
    head = "\n".join(message.splitlines()[:LINES])
    if _MAY_VARY.search(head):
        head = _VARYING.sub(_placeholder, head)
    text = " ".join(head.split())
    text = _CAPITALS.sub(lambda word: f"{word[1] or word[2]}<text>", text)
    return _PLURAL.sub(r"\1", _LISTED.sub(r"\1", text))[:LENGTH]


def names_in(message: str) -> tuple[str, ...]:
    """The quoted names of code in a message: of attributes, columns, keys, templates."""
    head = message[:LENGTH]
    if not _QUOTE.search(head):
        return ()
    return tuple(dict.fromkeys(match[0] for match in _VARYING.finditer(head) if _is_name(match)))


def error_codes(message: str) -> tuple[str, ...]:
    """The codes in a message that say what went wrong, in a uniform spelling."""
    head = message[:LENGTH]
    reader = _error_codes if len(head) <= REMEMBERED_LENGTH else _error_codes.__wrapped__
    return reader(head)


@lru_cache(maxsize=REMEMBERED)
def _error_codes(head: str) -> tuple[str, ...]:
    codes = [" ".join(code.group().lower().split()) for code in _CODES.finditer(head)]
    codes += _SYMBOLS.findall(head)
    return tuple(dict.fromkeys(codes))


def _placeholder(match: re.Match[str]) -> str:
    kind = match.lastgroup or ""
    if kind == "noun" and not _is_of_code(match):
        return f"{match['before']}<text>"
    if kind in _KEPT:
        return match[0]
    if kind == "service":
        return f"{match['called']}<ip>{match['port']}"
    reader = _SHORTENED.get(kind)
    return reader(match[0]) if reader else f"<{kind}>"


def _is_name(match: re.Match[str]) -> bool:
    if match.lastgroup == "noun":
        return _is_of_code(match)
    return match.lastgroup in {"name", "code"}


def _is_of_code(match: re.Match[str]) -> bool:
    """Whether a word in quotes names something in the code: by the noun before it, or its form."""
    noun, quoted = match["word"].lower(), match[0].removeprefix(match["before"])
    is_code = noun in _OF_CODE or noun.removesuffix("s") in _OF_CODE
    return is_code or bool(_CODE.fullmatch(quoted))


def _json(report: str) -> str:
    """The placeholder, with the fields that a validator's report is about."""
    names = (name for path in _PATHS.findall(report) for name in _WORD.findall(path))
    return f"<{' '.join(('json', *names))}>"


def _quoted(sentence: str) -> str:
    return f"<{' '.join(('text', *_LACKED.findall(sentence)))}>"


def _route(call: str) -> str:
    """A method and a path, whose parts with a digit are ids."""
    method, _, address = call.partition("/")
    parts = address.partition("?")[0].split("/")
    return f"{method}/{'/'.join('*' if _DIGIT.search(part) else part for part in parts)}"


_KEPT = frozenset({"", "keep", "name", "code", "noun"})
_SHORTENED: Mapping[str, Callable[[str], str]] = {
    "route": _route,
    "json": _json,
    "text": _quoted,
    "token": lambda _: "<id>",
    "label": lambda _: "<id>",
    "source": lambda _: "<path>",
    "mixed": lambda _: "<id>",
    "person": lambda words: f"{words.split()[0]} <text>",
    "field": lambda words: f"{words.partition('=')[0]}=<text>",
}
