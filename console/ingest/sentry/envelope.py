"""Splits an envelope into its header and its items with their headers."""

import base64
import binascii
import codecs
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from console.ingest.client_json import load_json
from console.ingest.content_encodings import GZIP_MAGIC, TooLarge, Undecodable, inflate
from console.ingest.protocol import ItemHead

HEADER_LIMIT = 16 * 1024  # baggage alone may be 8 KiB, and the header repeats it decoded
ITEM_LIMIT = 1000
QUANTITY_LIMIT = 1_000_000  # that a container may claim to hold
_BLANK = re.compile(rb"\s*")  # skips millions of empty lines in no time, a loop over them does not


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an envelope, its payload as it was sent."""

    type: str
    payload: bytes
    header: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """The readable part of an envelope; `cut` says why reading stopped early, else ''."""

    header: Mapping[str, Any]
    items: list[Item]
    cut: str = ""


def parse_envelope(raw: bytes) -> Envelope:
    """Read an envelope the way lenient servers do (develop.sentry.dev, "Envelopes").

    A payload without `length` runs to the next newline; the last newline is optional; unknown types
    and fields pass. Complete items before a cut or a broken item header are kept. Raises
    Undecodable only if the envelope header itself cannot be read.
    """
    header, start = _envelope_header(raw)
    items: list[Item] = []
    try:
        for head, begin, end in _scan(raw, start):
            items.append(Item(_type(head), raw[begin:end], head))
    except Undecodable as error:
        return Envelope(header, items, cut=str(error))
    return Envelope(header, items)


def peek(raw: bytes) -> tuple[dict[str, Any], list[ItemHead]]:
    """The envelope's header and, per item, type, size and quantity, without reading payloads."""
    header, start = _envelope_header(raw)
    heads: list[ItemHead] = []
    with suppress(Undecodable):  # digest reads the envelope again and reports the cut
        for head, begin, end in _scan(raw, start):
            heads.append(ItemHead(_type(head), end - begin, _quantity(head)))
    return header, heads


def parse_store(raw: bytes, *, limit: int) -> Envelope:
    """The body of the legacy store endpoint, as an envelope of one event.

    JSON, or from old clients base64 around JSON that is deflated or not, with or without line ends.
    """
    text = raw.strip().removeprefix(codecs.BOM_UTF8)
    if not text:
        raise Undecodable("the body is empty")
    if not text.startswith(b"{"):
        try:
            inner = base64.b64decode(text.translate(None, b" \t\r\n"), validate=True)
            plain = inner.startswith((b"{", b"[", GZIP_MAGIC))
            text = inflate(inner, "" if plain else "deflate", limit=limit)
        except TooLarge:
            raise
        except (binascii.Error, ValueError) as error:
            raise _no_event(text, error) from error
    return Envelope({}, [Item("event", text)])


def _no_event(text: bytes, error: Exception) -> Undecodable:
    """Why a body that is neither an object nor base64 of one is no event."""
    try:
        value = load_json(text)
    except Undecodable:
        reason = f"the body is neither JSON nor base64 of deflated JSON ({error})"
        return Undecodable(reason)
    return Undecodable(f"the body is {kind_of(value)}, and an event is a JSON object")


def kind_of(value: object) -> str:
    """A JSON value that is no object, as a sentence names it."""
    if value is None:
        return "null"
    names = {bool: "true or false", list: "a JSON list", str: "a JSON text"}
    return names.get(type(value), "a JSON number")


def _envelope_header(raw: bytes) -> tuple[dict[str, Any], int]:
    if not raw.strip():
        raise Undecodable("the body is empty")
    line, start = _line(raw, 0, "the envelope header")
    return _json_object(line, "the envelope header"), start


def _scan(raw: bytes, start: int) -> Iterator[tuple[dict[str, Any], int, int]]:
    """Each item's header, and where its payload begins and ends."""
    number = 0
    while (start := _first_in_line(raw, start)) < len(raw):
        line, begin = _line(raw, start, f"the header of item {number + 1}")
        number += 1
        if number > ITEM_LIMIT:
            raise Undecodable(f"more than {ITEM_LIMIT} items")
        head = _json_object(line, f"the header of item {number}")
        end = _payload_end(raw, begin, head.get("length"), number)
        yield head, begin, end
        start = end + 1


def _first_in_line(raw: bytes, start: int) -> int:
    blank = _BLANK.match(raw, start)
    return blank.end() if blank else start


def _payload_end(raw: bytes, begin: int, length: object, number: int) -> int:
    if isinstance(length, int) and not isinstance(length, bool) and length >= 0:
        end = begin + length
        if end > len(raw):
            if (whole := _whole_line(raw, begin)) is not None:
                return whole
            raise Undecodable(f"item {number} is cut off: {len(raw) - begin:,} of {length:,} bytes")
        if raw[end : end + 1] in {b"", b"\n", b"\r"}:
            return end
        if not raw.startswith(b"{", begin):
            raise Undecodable(f"item {number} does not end where its length says")
        # Apps of 2020 count characters, not bytes: getsentry/sentry-dart#245.
        return _line_end(raw, end)
    return _line_end(raw, begin)


def _whole_line(raw: bytes, begin: int) -> int | None:
    """The end of the last line, if it is a whole JSON object, whatever its length says."""
    end = _line_end(raw, begin)
    line = raw[begin:end].rstrip()
    if raw[end:].strip() or not line.startswith(b"{") or not line.endswith(b"}"):
        return None
    try:
        load_json(line)
    except Undecodable:
        return None
    return end


def _line_end(raw: bytes, start: int) -> int:
    end = raw.find(b"\n", start)
    return len(raw) if end < 0 else end


def _line(raw: bytes, start: int, subject: str) -> tuple[bytes, int]:
    """The line at `start` and where the next begins."""
    end = raw.find(b"\n", start, start + HEADER_LIMIT)
    if end < 0:
        if len(raw) - start > HEADER_LIMIT:
            raise Undecodable(f"{subject} is longer than {HEADER_LIMIT:,} bytes")
        end = len(raw)
    return raw[start:end], end + 1


def _json_object(line: bytes, subject: str) -> dict[str, Any]:
    try:
        value = load_json(line)
    except Undecodable as error:
        raise Undecodable(f"{subject} is not JSON") from error
    if not isinstance(value, dict):
        raise Undecodable(f"{subject} is not a JSON object")
    return value


def _type(head: Mapping[str, Any]) -> str:
    kind = head.get("type")
    # It goes into ledgers and files, which take no half of a surrogate pair.
    return kind[:40].encode("ascii", "replace").decode() if isinstance(kind, str) else ""


def _quantity(head: Mapping[str, Any]) -> int:
    """A container of spans or logs says in `item_count` how many it holds."""
    count = head.get("item_count")
    if not isinstance(count, int) or isinstance(count, bool):
        return 1
    return min(max(count, 1), QUANTITY_LIMIT)
