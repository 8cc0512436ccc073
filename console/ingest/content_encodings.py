"""Undo the content encodings of a body, never past a limit."""

import zlib
from collections.abc import Callable
from typing import Any

import brotli
import zstandard

ENCODING_LIMIT = 3
MEMBER_LIMIT = 32  # of a gzip stream: each one costs a copy of all that follow
STEP = 1 << 20
GZIP, GZIP_MAGIC = frozenset({"gzip", "x-gzip"}), b"\x1f\x8b"
JSON = b"{"
MAY_BEGIN_SO = frozenset({"deflate", "br"})  # as JSON does; neither gzip's nor zstd's streams can
ZSTD_WINDOW = 8 << 20  # RFC 9659: what a web client may ask for; more is an attack on memory


class Undecodable(ValueError):
    """A body or an item that no reading makes sense of; the message says why, to the sender."""


class TooLarge(Undecodable):
    """A body that grows beyond the limit when it is inflated."""


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
        body = _undone(name, body, limit) if len(layers) == 1 else _INFLATERS[name](body, limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def beginning(prefix: bytes, encoding: str | None, *, limit: int) -> bytes:
    """What the first bytes of a body inflate to, at most `limit` bytes.

    Empty where that cannot be known.
    """
    layers = _layers(prefix, encoding)
    try:
        if not layers:
            return prefix[:limit]
        if layers == ["br"]:
            return bytes(brotli.Decompressor().process(prefix, output_buffer_limit=limit))
        if layers == ["zstd"]:
            inflater = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
            with inflater.stream_reader(prefix) as reader:
                return bytes(reader.read(limit))
        if len(layers) == 1 and layers[0] in _INFLATERS:
            return zlib.decompressobj(_window(layers[0], prefix)).decompress(prefix, limit)
    except (zlib.error, brotli.error, zstandard.ZstdError):
        return prefix[:limit] if prefix.startswith(JSON) and len(layers) == 1 else b""
    return b""


def _undone(name: str, body: bytes, limit: int) -> bytes:
    """The body without its only encoding; as it is where that is JSON which has none."""
    try:
        return _INFLATERS[name](body, limit)
    except TooLarge:
        raise
    except Undecodable:
        if body.startswith(JSON):
            return body
        raise


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is larger than {limit:,} bytes when inflated")


def _layers(body: bytes, encoding: str | None) -> list[str]:
    """The encodings to undo, in the order in which they were applied.

    Tunnels forward gzip without its name; debuggers and proxies unpack it and leave the name:
    getsentry/sentry-react-native#3698. Other clients put the name of a charset there.
    """
    layers = [name.strip().lower() for name in (encoding or "").split(",")]
    layers = [name for name in layers if name not in {"", "identity"}]
    if not layers and body.startswith(GZIP_MAGIC):
        return ["gzip"]
    if len(layers) == 1 and layers[0] not in MAY_BEGIN_SO and body.startswith(JSON):
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
