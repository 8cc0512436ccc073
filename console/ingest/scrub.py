"""Make JSON from outside safe to keep: one walk bounds it, mends its edges and blanks secrets."""

import math
import re
import unicodedata
from functools import lru_cache
from typing import Any

from console.core.cpu_limit import check_cpu
from console.ingest.addresses import (
    has_address,
    is_address_number,
    truncate_ip,
    truncate_number,
)
from console.ingest.client_json import TOO_DEEP
from console.ingest.pairs import blank_pairs
from console.ingest.plain import decoded
from console.ingest.scrub_rules import ScrubRules, compiled
from console.ingest.sensitive import (
    FILTERED,
    IDENTIFIER,
    NAMES,
    PAIR_TRIGGERS,
    SECRETS,
    Verdict,
    compact,
    has_pairs,
    is_card_number,
    judge,
    without_shapes,
    words_of,
)

DEPTH = 64
KEY_LENGTH = 200
SHORT_NAME = 4  # shorter names of a project are whole words: "vat" is not in "private"
TEXT_LENGTH = 16_384
FEW = 500  # members of an object or a list that the limit of processor time waits for
READ_LENGTH = 4 * TEXT_LENGTH  # what of a text is searched before it is cut to its length
CUT = "… [cut]"
_REMEMBERED = 8192  # texts and names, of at most a few MB for each set of rules
_REMEMBERED_LENGTH = 256
_INT64 = 1 << 63
_ROUNDS = 4  # what is blanked may have kept apart a pair around it
_CARDS = range(10**12, 10**19)
_SMALL = 10**12  # no card number
_PLAIN = frozenset({Verdict.PLAIN, Verdict.VALUE})
_HEADER = re.compile(r"[\w-]{1,200}")
_OF_ADDRESSES = frozenset({Verdict.IP, Verdict.MAYBE_IP})
_ANYWAY = _OF_ADDRESSES | {Verdict.VALUE, Verdict.ROWS}  # matter also where secrets are not blanked
_BESIDE = _OF_ADDRESSES | SECRETS


class Scrubber:
    """Applies rules to JSON values. Remembers its verdicts on names, and texts that are clean."""

    def __init__(self, rules: ScrubRules | None = None) -> None:
        self.rules = rules or ScrubRules()
        self._verdicts: dict[str, tuple[str, Verdict]] = {}
        self._clean: set[str] = set()
        self._clean_code: set[str] = set()
        self._names = tuple(filter(None, map(compact, self.rules.names)))
        self._safe = frozenset(map(compact, self.rules.safe))
        self._patterns = [compiled(pattern) for pattern in self.rules.patterns]
        self._pairs = re.compile("|".join((PAIR_TRIGGERS, *map(_loosely, self._names))))
        off = ScrubRules(enabled=False, ip="keep")
        self._mender = Scrubber(off) if self.rules.enabled else self

    def scrub(self, value: Any) -> Any:
        """The value with edges mended and secrets blanked; a second scrub changes nothing."""
        return self._value(value, 0)

    def judge(self, name: str) -> Verdict:
        """The verdict of the project's rules on a field's name."""
        return self._verdict(name)[1]

    def text(self, text: str, *, code: bool = False) -> str:
        """One text, as it may be kept."""
        if len(text) > _REMEMBERED_LENGTH:
            check_cpu()
            text = text[:READ_LENGTH]
        clean = text if text.isascii() and "\0" not in text else _mend(text)
        if not self.rules.enabled:
            return _cut(clean)
        clean = self._guarded(clean, code=code)
        if not code and ("%" in clean or "&" in clean or "\\u00" in clean):
            plain = _mend(decoded(clean))
            guarded = plain if plain == clean else self._guarded(plain, code=code)
            if guarded != plain:  # a text in which a secret hides stays as what it encodes
                clean = guarded
        if len(clean) > TEXT_LENGTH:
            clean = _cut(clean)
        if clean == text and len(text) <= _REMEMBERED_LENGTH:
            known = self._clean_code if code else self._clean
            if len(known) >= _REMEMBERED:
                known.clear()
            known.add(text)
        return clean

    def _guarded(self, text: str, *, code: bool) -> str:
        lowered = text.lower()
        text = without_shapes(text, lowered)
        if has_pairs(lowered) and self._pairs.search(lowered):
            for _ in range(_ROUNDS):
                blanked = blank_pairs(text, self.judge, code=code)
                if blanked == text:
                    break
                text = blanked
        for pattern in self._patterns:
            text = pattern.sub(_blank_match, text)
        return text

    def _value(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is str:
            return value if value in self._clean else self.text(value)
        if kind is dict:
            return self._mapping(value, depth + 1)
        if kind is list or kind is tuple:
            return self._sequence(value, depth + 1)
        if value is None or kind is bool:
            return value
        return self._number(value)

    def _mapping(self, mapping: dict[Any, Any], depth: int) -> Any:
        if depth > DEPTH:
            return TOO_DEEP
        check_cpu()
        verdicts, known, plain = self._verdicts, self._clean, Verdict.PLAIN
        result: dict[str, Any] = {}
        many, valued = len(mapping) > FEW, False
        for name, value in mapping.items():
            if many:
                check_cpu()
            key, verdict = verdicts.get(name) or self._verdict(name)
            if verdict is not plain:
                if verdict is not Verdict.VALUE:
                    result[key] = self._judged(verdict, value, depth)
                    continue
                valued = True
            kind = type(value)
            if kind is str:
                result[key] = value if value in known else self.text(value)
            elif kind is dict:
                result[key] = self._mapping(value, depth + 1)
            elif kind is list:
                result[key] = self._sequence(value, depth + 1)
            else:
                small = value is None or kind is bool or (kind is int and -_SMALL < value < _SMALL)
                result[key] = value if small else self._number(value)
        if valued and not NAMES.isdisjoint(result):
            self._judge_values(result, depth)
        return result

    def _judge_values(self, pair: dict[str, Any], depth: int) -> None:
        """Blank {"name": "password", "value": …}, as variables, headers and fields are listed."""
        _, verdict = self.naming(pair)
        if verdict is not Verdict.PLAIN:
            for name, value in pair.items():
                if self.judge(name) is Verdict.VALUE:
                    pair[name] = self._judged(verdict, value, depth)

    def naming(self, pair: dict[str, Any]) -> tuple[str, Verdict]:
        """What an object says to be the name of its value, where that decides what is kept."""
        for member in NAMES.intersection(pair):
            name = pair[member]
            if type(name) is list and name:  # ["body", "password"]: where a validator found a fault
                name = name[-1]
            if type(name) is not str or (member == "path" and "op" not in pair):
                continue
            verdict = self.judge(name)
            if verdict in _BESIDE:
                return name, verdict
        return "", Verdict.PLAIN

    def _sequence(self, sequence: list[Any], depth: int) -> Any:
        if depth > DEPTH:
            return TOO_DEEP
        check_cpu()
        known, guarded = self._clean, self.rules.enabled
        result: list[Any] = []
        secret_next = False
        many = len(sequence) > FEW
        for value in sequence:
            if many:
                check_cpu()
            kind = type(value)
            if kind is str:
                kept = value if value in known else self.text(value)
                if secret_next:
                    kept = _blank(value)
                secret_next = guarded and value[:1] == "-" and self._names_the_next(value)
            elif kind is dict:
                kept = self._mapping(value, depth + 1)
                secret_next = False
            else:
                kept = self._pair(value, depth) or self._value(value, depth)
                secret_next = False
            result.append(kept)
        return result

    def _names_the_next(self, argument: str) -> bool:
        """Whether a secret follows, as in ["--password", "…"]."""
        return "=" not in argument and self.judge(argument) is Verdict.SECRET

    def _pair(self, pair: Any, depth: int) -> list[Any] | None:
        """["Authorization", "…"] in a list of pairs, blanked; None if it is nothing of the kind."""
        if type(pair) not in {list, tuple} or len(pair) != 2 or type(pair[0]) is not str:
            return None
        key, verdict = self._verdict(pair[0])
        if verdict in {Verdict.PLAIN, Verdict.CODE, Verdict.IDENTIFIER}:
            return None
        return [key, self._judged(verdict, pair[1], depth + 1)]

    def _judged(self, verdict: Verdict, value: Any, depth: int) -> Any:
        if verdict is Verdict.IDENTIFIER:
            if type(value) is str and IDENTIFIER.fullmatch(value):
                return value
            verdict = Verdict.SAFE if _is_identifier(value) else Verdict.PLAIN
        elif verdict is Verdict.TEXT_SECRET and type(value) in {int, float}:
            verdict = Verdict.PLAIN
        match verdict:
            case Verdict.CODE:
                return self._code(value, depth)
            case Verdict.SAFE:
                return self._mender.scrub(value)
            case Verdict.IP | Verdict.MAYBE_IP:
                return self._address(verdict, value, depth)
            case Verdict.COOKIES | Verdict.ROWS:
                return self._in_rows(verdict, value, depth)
        return self._value(value, depth) if verdict in _PLAIN else _blank(value)

    def _in_rows(self, verdict: Verdict, value: Any, depth: int) -> Any:
        if verdict is Verdict.COOKIES:
            return self._cookies(value)
        if type(value) is not list or not _is_row_of_pairs(value):
            return self._value(value, depth)
        kept = self._sequence(list(zip(value[::2], value[1::2], strict=True)), depth)
        return kept if kept is TOO_DEEP else [part for pair in kept for part in pair]

    def _cookies(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._verdict(name)[0]: _blank(child) for name, child in value.items()}
        if isinstance(value, list):
            return [self._cookie(child) for child in value]
        return _blank(value)

    def _cookie(self, pair: Any) -> Any:
        """A pair of name and value; what was sent as a name may itself be a secret."""
        if isinstance(pair, list) and len(pair) == 2:
            return [self._verdict(pair[0])[0], _blank(pair[1])]
        return _blank(pair)

    def _code(self, value: Any, depth: int) -> Any:
        """Source lines: a program, not its data, so only literals are blanked in them."""
        known = self._clean_code
        if type(value) is str:
            return value if value in known else self.text(value, code=True)
        if type(value) is list and depth < DEPTH:
            return [
                line if type(line) is str and line in known else self._code(line, depth + 1)
                for line in value
            ]
        return self._value(value, depth)

    def _address(self, verdict: Verdict, value: Any, depth: int) -> Any:
        if self.rules.ip != "keep":
            value = self._without_addresses(value, verdict, inside=2)
        return self._value(value, depth)

    def _without_addresses(self, value: Any, verdict: Verdict, inside: int) -> Any:
        """The value without whole addresses, also `inside` so many lists and objects.

        Where no address is to be stored, a field of addresses keeps no other text either: it may be
        the name of a client's machine, or an address in an unusual form.
        """
        kind, removes = type(value), self.rules.ip == "remove"
        if kind is str:
            text = _mend(value)
            if removes and (verdict is Verdict.IP or has_address(text)):
                return None
            return truncate_ip(text)
        if kind is int and verdict is Verdict.IP and is_address_number(value):
            return None if removes else truncate_number(value)
        if kind is list and inside:
            return [self._without_addresses(child, verdict, inside - 1) for child in value]
        if kind is dict and inside:
            return {
                name: self._without_addresses(
                    child, verdict if name == "value" else Verdict.MAYBE_IP, inside - 1
                )
                for name, child in value.items()
            }
        return value

    def _number(self, value: Any) -> Any:
        if isinstance(value, int):
            if self.rules.enabled and value in _CARDS and is_card_number(str(value)):
                return FILTERED
            return value if -_INT64 <= value < _INT64 else str(value)
        if isinstance(value, float):
            if not math.isfinite(value):
                return None
            return (
                FILTERED if value.is_integer() and self._number(int(value)) == FILTERED else value
            )
        return self.text(str(value))

    def _verdict(self, name: Any) -> tuple[str, Verdict]:
        if len(self._verdicts) >= _REMEMBERED:
            self._verdicts.clear()
        text = name if isinstance(name, str) else str(name)
        if len(text) > KEY_LENGTH:  # not remembered: such names are many and never come again
            return self._judge_anew(text)
        known = self._verdicts.get(text)
        if known is None:
            known = self._verdicts[text] = self._judge_anew(text)
        return known

    def _judge_anew(self, name: str) -> tuple[str, Verdict]:
        key = _mend(name[:KEY_LENGTH])
        spelled = _spelled(key)
        joined = compact(spelled)
        verdict = judge(spelled)
        if joined in self._safe:
            return key, Verdict.SAFE
        if not self.rules.enabled:
            return key, verdict if verdict in _ANYWAY else Verdict.PLAIN
        words = words_of(spelled)
        if any(own in (joined if len(own) >= SHORT_NAME else words) for own in self._names):
            return key, Verdict.SECRET
        return self._text_key(key), verdict

    def _text_key(self, key: str) -> str:
        """A name may itself be a secret: {"4111 1111 1111 1111": 1}."""
        return without_shapes(key, key.lower())


@lru_cache(maxsize=32)
def scrubber(rules: ScrubRules) -> Scrubber:
    """The scrubber of these rules, shared by all projects that have the same."""
    return Scrubber(rules)


def _is_row_of_pairs(listed: list[Any]) -> bool:
    """Whether these are texts of which each second one is the value of the header before it."""
    texts = len(listed) % 2 == 0 and all(type(part) is str for part in listed)
    return texts and all(_HEADER.fullmatch(name) for name in listed[::2])


def _is_identifier(value: Any) -> bool:
    """Whether a text, or the value of a typed attribute, has the form of the protocol's ids."""
    given = value.get("value") if type(value) is dict else value
    return type(given) is str and IDENTIFIER.fullmatch(given) is not None


def _blank(value: Any) -> Any:
    """A secret's stand-in; what says nothing (null, true, an empty text) stays."""
    return value if value is None or isinstance(value, bool) or value == "" else FILTERED


def _blank_match(match: Any) -> str:
    return match[0] if match[0] in FILTERED else FILTERED


def _mend(text: str) -> str:
    """Without NUL, which PostgreSQL refuses, and lone surrogates, which nothing can encode."""
    if len(text) > READ_LENGTH:
        text = text[:READ_LENGTH]
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _spelled(name: str) -> str:
    """The name in its usual letters: pass%77ord and ｐassword are password."""
    name = decoded(name) if "%" in name or "&" in name or "\\u00" in name else name
    return name if name.isascii() else unicodedata.normalize("NFKC", name)


def _cut(text: str) -> str:
    return text if len(text) <= TEXT_LENGTH else text[: TEXT_LENGTH - len(CUT)] + CUT


def _loosely(name: str) -> str:
    """A name's letters as a trigger, whatever separators stand between them."""
    return r"[\W_]?".join(map(re.escape, name))
