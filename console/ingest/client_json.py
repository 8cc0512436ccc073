"""Read JSON as clients write it."""

import json
from typing import Any

import orjson

from console.ingest.content_encodings import Undecodable

# Maps every digit to "0", so that a run of 20 digits is found at memory speed: orjson would turn
# an integer beyond 64 bits into a float without a word.
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_HUGE = b"0" * 20
_INT64_DIGITS = 18  # an integer of so many digits fits in 64 bits, sign or not


def load_json(payload: bytes) -> Any:
    """The JSON value, read by orjson, or leniently where orjson refuses what clients do send.

    NaN and Infinity become None, lone surrogates and bad UTF-8 survive for the sanitiser,
    integers beyond 64 bits become strings. Raises Undecodable.
    """
    if _HUGE not in payload.translate(_DIGITS):
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            pass  # the lenient reader below either succeeds or says what is wrong
    try:
        text = payload.decode("utf-8-sig", "replace")
        return json.loads(text, parse_int=_integer, parse_constant=_no_number)
    except RecursionError as error:
        raise Undecodable("the JSON is nested too deeply") from error
    except ValueError as error:
        raise Undecodable(f"the JSON is broken: {str(error)[:200]}") from error


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _INT64_DIGITS else _wide_integer(digits)


def _wide_integer(digits: str) -> int | str:
    if len(digits) <= _INT64_DIGITS + 2 and -(2**63) <= int(digits) < 2**63:
        return int(digits)
    return digits


def _no_number(_constant: str) -> None:
    return None
