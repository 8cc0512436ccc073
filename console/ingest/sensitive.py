"""What is a secret: the names of fields that hold one, and the shapes of texts that are one."""

import base64
import binascii
import re
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, NamedTuple

import re2

from console.core.crypto import Token
from console.ingest.addresses import is_of_an_address, may_be_of_an_address

FILTERED = "[Filtered]"


class Verdict(Enum):
    """What the name of a field says about its value."""

    PLAIN = auto()
    SECRET = auto()
    TEXT_SECRET = auto()
    """Secret unless it is a number: `tokens` are secrets, or count them."""
    COOKIES = auto()
    IP = auto()
    MAYBE_IP = auto()
    """An address, or something else that stays: `via` lists proxies by name or by address."""
    CODE = auto()
    VALUE = auto()
    """The value of what another member of the object names: {"name": "password", "value": …}."""
    ROWS = auto()
    """Headers in one list, as Node has them: ["Authorization", …, "Host", …]."""
    SAFE = auto()
    """Declared safe by the project."""
    IDENTIFIER = auto()
    """The protocol's own id: random hex digits, of which some look like a card number."""


# Found in the name in lower case without separators: "X-Api-Key", "apiKey", "API_KEY" are one.
_ANYWHERE = re.compile(
    r"passw|passphrase|passcode|mysqlpwd|(?:db|user|mysql|postgres|smtp|mail|ftp|ssh|admin|root|redis)pass\Z"
    r"|secret(?!ar)|credential|authorization|bearer|csrf|xsrf|cookie"
    r"|(?:access|auth|refresh|session|id|api|security)token|(?:auth|access|api|secret|private|priv"
    r"|encryption|signing|ssh|master|service|servicerole|subscription|shared|account)key"
    r"|amzsignature|sess(?:ion)?id|connectsid|(?:card|cc)number|creditcard"
)
_WORDS = frozenset(
    {"token", "tokens", "auth", "authentication", "pwd", "pw", "jwt", "otp", "cvv", "cvc", "ssn"}
)
_EXACT = frozenset({"session", "sessionkey", "pin", "sig"})
# By its last word the field is about a secret, not the secret: token_type, TokenExpiredError.
_ABOUT = re.compile(
    r"age|algorithm|at|attempts|backend|changed|class|counts?|denied|duration|enabled|endpoint"
    r"|errors?|exception|expire[sd]|expiry|fail(?:ed|ure)|field|form|found|header|hint|invalid"
    r"|issuer|len|length|limit|method|middleware|mismatch|missing|mode|policy|provider|realm"
    r"|required|revoked|scheme|scopes?|server|size|state|status|strength|ttl|type|ur[il]|usage"
    r"|used|validator|warning|py|[mc]?[jt]sx?|rb|go|java|php|cs|html|rs|kt"
)
_KNOWN_SAFE = frozenset({"session.id", "$session_id", "sentry.session.id"})
_IDENTIFIERS = frozenset(
    {"trace_id", "span_id", "parent_span_id", "segment_id", "event_id", "replay_id", "profile_id"}
    | {"sentry.segment.id", "sentry.pageload.span_id", "sentry.trace.parent_span_id"}
)
IDENTIFIER = re.compile(r"[0-9a-f]{16}(?:[0-9a-f]{16})?")
_CODE = frozenset({"context_line", "pre_context", "post_context"})
# Members of objects that name a value, in any case, and those that hold it.
_NAMES = (
    "name", "key", "field", "fieldname", "field_name", "id", "k", "param", "parameter", "attribute",
    "attributename", "attribute_name", "header", "headername", "header_name", "label", "property",
    "propertyname", "property_name", "variable", "variablename", "variable_name", "column",
    "columnname", "column_name", "setting", "option", "loc", "path",
)  # fmt: skip
NAMES = frozenset(spelling for n in _NAMES for spelling in (n, n.capitalize(), n.upper())) | {
    "fieldName", "attributeName", "headerName", "propertyName", "variableName", "columnName",
    "FieldName", "AttributeName", "HeaderName", "PropertyName", "VariableName", "ColumnName",
}  # fmt: skip
_VALUES = frozenset({
    "value", "values", "val", "v", "text", "content", "contents", "input", "old", "new",
    "oldvalue", "newvalue", "before", "after", "current", "previous", "default", "defaultvalue",
    "rawvalue", "initialvalue", "stringvalue", "string",
})  # fmt: skip
_ROWS = frozenset({"headers", "rawheaders", "trailers", "rawtrailers"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def judge(name: str) -> Verdict:
    """The verdict of the default rules on a field's name."""
    if name in _CODE:
        return Verdict.CODE
    if name in _IDENTIFIERS:
        return Verdict.IDENTIFIER
    words = words_of(name)
    joined = "".join(words)
    if joined in _WORDS:  # tOkEn, j-w-t
        words = [joined]
    if is_of_an_address(joined):
        return Verdict.IP
    if joined == "cookies":
        return Verdict.COOKIES
    if not _is_secret(words, joined) or name in _KNOWN_SAFE:
        return _harmless(words, joined)
    return Verdict.TEXT_SECRET if "tokens" in words else Verdict.SECRET


def _harmless(words: list[str], joined: str) -> Verdict:
    if joined in _VALUES:
        return Verdict.VALUE
    if joined in _ROWS:
        return Verdict.ROWS
    return Verdict.MAYBE_IP if may_be_of_an_address(words, joined) else Verdict.PLAIN


def _is_secret(words: list[str], joined: str) -> bool:
    if words and _ABOUT.fullmatch(words[-1]) and "reset" not in words:
        return False
    if joined in _EXACT or not _WORDS.isdisjoint(words):
        return True
    return _ANYWHERE.search(joined) is not None


def words_of(name: str) -> list[str]:
    """The words of a name in lower case, whatever separates them: camelCase, dashes, dots."""
    return [word.lower() for word in _WORD.findall(name)]


def compact(name: str) -> str:
    """The name as it is compared: no case, no separators."""
    return "".join(character for character in name.lower() if character.isalnum())


SECRETS = frozenset({Verdict.SECRET, Verdict.TEXT_SECRET, Verdict.COOKIES})


class Shape(NamedTuple):
    """A form of text that is a secret, whatever the name of its field."""

    reason: str
    pattern: Any  # of re or re2
    replacement: str | Callable[[re.Match[str]], str]
    may_be_in: Callable[[str], object]
    """A quick test of a text in lower case: false where the pattern finds nothing in it."""


def _has(*parts: str) -> Callable[[str], bool]:
    """The test whether a text contains all these parts."""
    return lambda lowered: all(part in lowered for part in parts)


def _card(match: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", match[0])
    return FILTERED if is_card_number(digits) else match[0]


_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"
    r"|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}"
    r"|6(?:011|5\d\d|4[4-9]\d|2\d\d)\d{12,15}"
)


def is_card_number(digits: str) -> bool:
    """A number that a card issuer could have given: known prefix, right length, Luhn's check."""
    if not _ISSUERS.fullmatch(digits) or len(set(digits)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _basic(match: re.Match[str]) -> str:
    """Only what decodes to user:password, so that "basic authentication" stays."""
    try:
        plain = base64.b64decode(match[2] + "==")
    except (binascii.Error, ValueError):
        return match[0]
    return match[1] + FILTERED if b":" in plain else match[0]


_PROSE = (
    r"(?!(?:auth\w*|tokens?|scheme|header|error|is|was|not|realm|format|required|and)\b|\[Filt)"
)
# A token of the console's own, also where no word begins (%2Finvite%2Fphi_…); a shorter one was cut
# off. A capital, digit or hyphen tells it from a name in a program: phi_of_the_normal_distribution.
_OWN = rf"ph[{''.join(sorted(kind[2] for kind in Token))}]_"
_OWN_TOKEN = re.compile(
    rf"{_OWN}(?:[\w-]{{43}}|[0-9a-f]{{32}})(?![\w-])"
    rf"|\b{_OWN}(?=[a-z_]{{0,60}}[A-Z0-9-])[\w-]{{20,}}"
)
_DIGITS = re.compile(r"\d(?:[ -]?\d){12}")
_OPTION = (
    r"--(?:[\w.]{1,30}-){0,4}(?:passw(?:or)?d|passphrase|secret|token|(?:api|access|secret)-?key)"
)
SHAPES = (
    Shape("a token of this console", _OWN_TOKEN, FILTERED, re.compile(r"ph[a-z]_").search),
    Shape(
        "a private key",
        re.compile(
            r"-----BEGIN[A-Z0-9 ]{0,30}PRIVATE KEY-----(?:(?!-----END)[\s\S])*"
            r"(?:-----END[A-Z0-9 ]{0,30}-----)?"
        ),
        FILTERED,
        _has("-----begin", "private key-----"),
    ),
    Shape(
        "a JSON web token",
        # By RE2: "eyJ-eyJ-eyJ-…" would take time by the square of its length.
        re2.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),
        FILTERED,
        _has("eyj", "."),
    ),
    Shape(
        "a bearer token",
        re.compile(rf"(?i)\b(bearer\s{{1,5}}){_PROSE}[\w.~+/=:-]{{6,}}"),
        rf"\1{FILTERED}",
        _has("bearer"),
    ),
    Shape(
        "basic credentials",
        re.compile(r"(?i)\b(basic\s{1,5})([\w+/-]{6,})={0,2}"),
        _basic,
        _has("basic"),
    ),
    Shape(
        "a password in a URL",
        re.compile(
            r"(://[^\s/:@\"'<>]{0,200}:)(?!\d{1,5}(?:[/?#\s]|$)|\[Filt)"
            r"(?:(?:[^\s/@\"'<>]{0,300}@){1,5}|[^\s@\"'<>]{1,300}@)"
        ),
        rf"\1{FILTERED}@",
        _has("://", "@"),
    ),
    Shape(
        "a provider's key",
        re.compile(
            r"\b(?:(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|(?:sk|rk|pk)_(?:live|test)_\w{10,}"
            r"|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
            r"|AIza[\w-]{30,}|npm_\w{30,}|pypi-[\w-]{30,}|SG\.[\w-]{16,}\.[\w-]{16,}"
            r"|sk-(?:ant-|proj-)?[\w-]{20,}|hf_\w{20,}|dop_v1_\w{20,}|shp(?:at|ca|pa|ss)_\w{20,}"
            r"|sntry[su]_[\w+/=-]{20,}|phx_\w{20,})"
        ),
        FILTERED,
        re.compile(
            r"a(?:kia|sia|roa|ida|iza)|_(?:live|test)_|g(?:h[pousr]_|ithub_pat_|lpat-)"
            r"|xox[abeprs]-|npm_|p(?:ypi-|hx_)|s(?:g\.|k-|hp(?:at|ca|pa|ss)_|ntry[su]_)|hf_|dop_v1_"
        ).search,
    ),
    Shape(
        "a secret on a command line",
        re.compile(
            rf"(?i)(?<![\w-])({_OPTION}\s{{1,3}})"
            r"(?!-|\[Filt|(?:and|expect\w*|flag|for|in|is|missing|must|option|or|requires?|to)\b)"
            r"(?:\"[^\"]*\"?|'[^']*'?|[^\s\"']+)"
        ),
        rf"\1{FILTERED}",
        re.compile(rf"{_OPTION}\s").search,
    ),
    Shape(
        "a card number",
        re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)"),
        _card,
        _DIGITS.search,
    ),
)

# Most texts have no shape, and this shows it in a few operations of the interpreter: of a text in
# lower case that has one, `has_shape` is true (a test asks it of every shape).
_UNDERSCORED = re.compile(
    r"_(?:(?<=[gp]h[a-z]_)|(?<=(?:npm|dop|pat|pca|ppa|pss|rys|ryu|ive|est)_)|(?<=hf_))"
)
_DIGITED = re.compile(r"\d[\d -]{12}")
_DASHED = re.compile(r"-(?:(?<=--)|(?<=sk-)|(?<=glpat-)|(?<=xox[abeprs]-)|(?<=pypi-))")
SHORTEST_SHAPE = 9  # a://u:p@h
PAIR_TRIGGERS = (
    r"pass[\W_]?w|pass[\W_]?(?:phrase|code)|_pass|pwd?|secret|credential|auth|bearer|csrf|xsrf|cookie|token|key|jwt"
    r"|otp|cvv|cvc|ssn|pin|sig|sess|sid|card|ccnum"
)


def has_shape(lowered: str) -> bool:
    """Whether a text in lower case may have one of the shapes."""
    return bool(
        ("_" in lowered and _UNDERSCORED.search(lowered))
        or ("-" in lowered and _DASHED.search(lowered))
        or ("@" in lowered and "://" in lowered)
        or "bearer" in lowered
        or "basic" in lowered
        or "eyj" in lowered
        or "sg." in lowered
        or "akia" in lowered
        or "asia" in lowered
        or "aroa" in lowered
        or "aida" in lowered
        or "aiza" in lowered
        or _DIGITED.search(lowered)
    )


def has_pairs(lowered: str) -> bool:
    """Whether a text in lower case has what stands between a name and its value."""
    return (
        "=" in lowered
        or ":" in lowered
        or "%3" in lowered
        or "'," in lowered
        or '",' in lowered
        or "<" in lowered
        or " -> " in lowered
    )


def without_shapes(text: str, lowered: str) -> str:
    """The text with what is a secret by its looks blanked; `lowered` is the text in lower case."""
    if len(lowered) >= SHORTEST_SHAPE and has_shape(lowered):
        for shape in SHAPES:
            if shape.may_be_in(lowered):
                text = shape.pattern.sub(shape.replacement, text)
    return text
