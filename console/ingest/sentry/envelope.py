"""Undo what clients do to a body: content encodings, the envelope around items, and JSON itself."""

import base64
import binascii
import codecs
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import brotli
import orjson
import zstandard

HEADER_LIMIT = 16 * 1024  # baggage alone may be 8 KiB, and the header repeats it decoded
ITEM_LIMIT = 1000
QUANTITY_LIMIT = 1_000_000  # that a container may claim to hold
ENCODING_LIMIT = 3
MEMBER_LIMIT = 32  # of a gzip stream: each one costs a copy of all that follow
STEP = 1 << 20
GZIP, GZIP_MAGIC = frozenset({"gzip", "x-gzip"}), b"\x1f\x8b"
ZSTD_WINDOW = 8 << 20  # RFC 9659: what a web client may ask for; more is an attack on memory

# Maps every digit to "0", so that a run of 20 digits is found at memory speed: orjson would turn
# an integer beyond 64 bits into a float without a word.
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_HUGE = b"0" * 20
_INT64_DIGITS = 18  # an integer of so many digits fits in 64 bits, sign or not
_BLANK = re.compile(rb"\s*")  # skips millions of empty lines in no time, a loop over them does not


class Undecodable(ValueError):
    """A body or an item that no reading makes sense of; the message says why, to the sender."""


class TooLarge(Undecodable):
    """A body that grows beyond the limit when it is inflated."""


class ItemHead(NamedTuple):
    """What the accept path needs of an item: its type, bytes, and how many things are inside."""

    type: str
    size: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Item:
    """One item of an envelope, its payload as it was sent."""

    type: str
    payload: bytes
    header: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope as far as it could be read; `cut` says why reading stopped early, else ''."""

    header: Mapping[str, Any]
    items: list[Item]
    cut: str = ""


def inflate(body: bytes, encoding: str | None, *, limit: int) -> bytes:
    """The body without its content encodings, never more than `limit` bytes of it in any layer.

    `encoding` is a Content-Encoding header: gzip, deflate (zlib or raw), br, zstd, identity, or a
    list of them in the order in which they were applied. Raises Undecodable or TooLarge.
    """
    layers = _layers(body, encoding)
    if len(layers) > ENCODING_LIMIT:
        raise Undecodable(f"more than {ENCODING_LIMIT} content encodings")
    for name in reversed(layers):
        if name not in _INFLATERS:
            raise Undecodable(
                f"content encoding {name[:40]!r} is not one of gzip, deflate, br, zstd"
            )
        body = _INFLATERS[name](body, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def beginning(prefix: bytes, encoding: str | None) -> bytes:
    """What the first bytes of a body inflate to, as far as an envelope's header may reach.

    Empty where that cannot be told.
    """
    layers = _layers(prefix, encoding)
    try:
        if not layers:
            return prefix[:HEADER_LIMIT]
        if layers == ["br"]:
            return bytes(brotli.Decompressor().process(prefix, output_buffer_limit=HEADER_LIMIT))
        if layers == ["zstd"]:
            inflater = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
            with inflater.stream_reader(prefix) as reader:
                return bytes(reader.read(HEADER_LIMIT))
        if len(layers) == 1 and layers[0] in _INFLATERS:
            return zlib.decompressobj(_window(layers[0], prefix)).decompress(prefix, HEADER_LIMIT)
    except (zlib.error, brotli.error, zstandard.ZstdError):
        return b""
    return b""


def parse_envelope(raw: bytes) -> Envelope:
    """Read an envelope the way lenient servers do (develop.sentry.dev, "Envelopes").

    A payload without `length` runs to the next newline; the last newline is optional; unknown types
    and fields pass. What stands whole before a cut or a broken item header is kept. Raises
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
    if not text.startswith(b"{"):
        try:
            inner = base64.b64decode(text.translate(None, b" \t\r\n"), validate=True)
            plain = inner.startswith((b"{", GZIP_MAGIC))
            text = inflate(inner, "" if plain else "deflate", limit=limit)
        except (binascii.Error, ValueError) as error:
            reason = f"the body is neither JSON nor base64 of deflated JSON ({error})"
            raise Undecodable(reason) from error
    if not text:
        raise Undecodable("the body is empty")
    return Envelope({}, [Item("event", text)])


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
            raise Undecodable(f"item {number} is cut off: {len(raw) - begin:,} of {length:,} bytes")
        if raw[end : end + 1] in {b"", b"\n", b"\r"}:
            return end
        if not raw.startswith(b"{", begin):
            raise Undecodable(f"item {number} does not end where its length says")
        # Apps of 2020 count characters, not bytes: getsentry/sentry-dart#245.
        return _line_end(raw, end)
    return _line_end(raw, begin)


def _line_end(raw: bytes, start: int) -> int:
    end = raw.find(b"\n", start)
    return len(raw) if end < 0 else end


def _line(raw: bytes, start: int, what: str) -> tuple[bytes, int]:
    """The line at `start` and where the next begins."""
    end = raw.find(b"\n", start, start + HEADER_LIMIT)
    if end < 0:
        if len(raw) - start > HEADER_LIMIT:
            raise Undecodable(f"{what} is longer than {HEADER_LIMIT:,} bytes")
        end = len(raw)
    return raw[start:end], end + 1


def _json_object(line: bytes, what: str) -> dict[str, Any]:
    try:
        value = load_json(line)
    except Undecodable as error:
        raise Undecodable(f"{what} is not JSON") from error
    if not isinstance(value, dict):
        raise Undecodable(f"{what} is not a JSON object")
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


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _INT64_DIGITS else _wide_integer(digits)


def _wide_integer(digits: str) -> int | str:
    if len(digits) <= _INT64_DIGITS + 2 and -(2**63) <= int(digits) < 2**63:
        return int(digits)
    return digits


def _no_number(_constant: str) -> None:
    return None


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit:,} bytes when inflated")


def _layers(body: bytes, encoding: str | None) -> list[str]:
    """The encodings to undo, in the order in which they were applied.

    Tunnels forward gzip without its name; debuggers and proxies unpack it and leave the name:
    getsentry/sentry-react-native#3698.
    """
    layers = [name.strip().lower() for name in (encoding or "").split(",")]
    layers = [name for name in layers if name not in {"", "identity"}]
    if not layers and body.startswith(GZIP_MAGIC):
        return ["gzip"]
    if len(layers) == 1 and layers[0] in GZIP and body.startswith(b"{"):
        return []
    return layers


def _window(name: str, body: bytes) -> int:
    """What zlib is to expect: gzip, or "deflate" as clients read it, with zlib's header or not."""
    if name in GZIP:
        return zlib.MAX_WBITS | 16
    start = int.from_bytes(body[:2])
    wrapped = start >> 8 & 0x0F == zlib.DEFLATED and not start % 31
    return zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS


def _gunzip(body: bytes, limit: int) -> bytes:
    return _zlib(body, limit, "gzip")


def _undeflate(body: bytes, limit: int) -> bytes:
    return _zlib(body, limit, "deflate")


def _zlib(body: bytes, limit: int, name: str) -> bytes:
    window = _window(name, body)
    parts: list[bytes] = []
    room = limit + 1
    while body:
        if len(parts) == MEMBER_LIMIT:
            raise Undecodable(f"more than {MEMBER_LIMIT} {name} streams in one body")
        stream = zlib.decompressobj(window)
        try:
            parts.append(stream.decompress(body, room))
        except zlib.error as error:
            raise _broken(name) from error
        room -= len(parts[-1])
        if room <= 0:
            raise _too_large(limit)
        if not stream.eof:
            raise _broken(name)
        body = stream.unused_data.lstrip(b"\0")  # gzip may be several members, padded with zeros
    return b"".join(parts)


def _unbrotli(body: bytes, limit: int) -> bytes:
    def step(stream: Any, chunk: bytes) -> bytes:
        return bytes(stream.process(chunk, output_buffer_limit=STEP))

    stream, parts, size = brotli.Decompressor(), [], 0
    try:
        parts.append(step(stream, body))
        size = len(parts[0])
        while not stream.is_finished():
            if size > limit:
                raise _too_large(limit)
            part = step(stream, b"")
            if not part and not stream.is_finished():
                raise _broken("br")
            parts.append(part)
            size += len(part)
    except brotli.error as error:
        raise _broken("br") from error
    if size > limit:
        raise _too_large(limit)
    return b"".join(parts)


def _unzstd(body: bytes, limit: int) -> bytes:
    inflater = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    parts: list[bytes] = []
    room = limit + 1
    try:
        promised = zstandard.frame_content_size(body)
        with inflater.stream_reader(body, read_across_frames=True) as reader:
            while room > 0 and (part := reader.read(min(room, STEP))):
                parts.append(part)
                room -= len(part)
    except zstandard.ZstdError as error:
        raise _broken("zstd") from error
    if room <= 0:
        raise _too_large(limit)
    if limit + 1 - room < promised:  # the reader ends in silence where the bytes end
        raise _broken("zstd")
    return b"".join(parts)


def _broken(name: str) -> Undecodable:
    return Undecodable(f"the {name} stream is broken or ends early")


_INFLATERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
