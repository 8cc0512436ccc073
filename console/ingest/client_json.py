"""Read JSON as clients write it."""

import json
import re
from typing import Any

import orjson

from console.ingest.content_encodings import Undecodable

# Maps every digit to "0", so that a run of 20 digits is found at memory speed: orjson would turn
# an integer beyond 64 bits into a float without a word.
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_HUGE = b"0" * 20
DEEPEST, TOO_DEEP, MOST_BEGINNINGS = 100, "[nested too deeply]", 200_000
# A string, whole or to the end of the text, or what begins and ends a list or an object.
_PARTS = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)
_INT64_DIGITS = 18  # an integer of so many digits fits in 64 bits, sign or not


def load_json(payload: bytes) -> Any:
    """The JSON value, read by orjson, or leniently where orjson refuses what clients do send.

    NaN and Infinity become None, lone surrogates and bad UTF-8 survive for the sanitiser,
    integers beyond 64 bits become strings, and endless nesting ends in a text. Raises Undecodable.
    """
    if _HUGE not in payload.translate(_DIGITS):
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            pass  # the lenient reader below either succeeds or says what is wrong
    try:
        text = payload.decode("utf-8-sig", "replace")
        try:
            return _loads(text)
        except RecursionError:
            return _loads(_shallow(text))
    except ValueError as error:
        raise Undecodable(f"the JSON is broken: {str(error)[:200]}") from error


def _loads(text: str) -> Any:
    return json.loads(text, parse_int=_integer, parse_constant=_no_number)


def _shallow(text: str) -> str:
    """The JSON with a text in place of each list and object below the deepest that is kept.

    Raises Undecodable where that would take more than a tenth of a second.
    """
    if text.count("[") + text.count("{") > MOST_BEGINNINGS:
        raise Undecodable("the JSON is nested too deeply")
    kept, depth, start = list[str](), 0, 0
    for part in _PARTS.finditer(text):
        if part[0] in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept += [text[start : part.start()], f'"{TOO_DEEP}"']
        elif part[0] in "]}":
            if depth == DEEPEST + 1:
                start = part.end()
            depth -= 1
    return "".join(kept) + (text[start:] if depth <= DEEPEST else "")


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _INT64_DIGITS else _wide_integer(digits)


def _wide_integer(digits: str) -> int | str:
    if len(digits) <= _INT64_DIGITS + 2 and -(2**63) <= int(digits) < 2**63:
        return int(digits)
    return digits


def _no_number(_constant: str) -> None:
    return None
