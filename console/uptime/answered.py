"""The text of an answer: inflated in bounds, in its own charset, without the check's secrets."""

from __future__ import annotations

import codecs
import re
import zlib
from base64 import b64decode
from binascii import Error as NoBase64Error
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_plus

import orjson

from console.core.http import Reply
from console.uptime.headers import HIDDEN

LEAST_SECRET = 6
"""A shorter value of a header is no secret, and stands in many a text."""
_OPEN = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})
"""Headers whose values are no secrets, and stand in many an answer."""
_CHARSETS = re.compile(
    r"utf-(8|16|16-[bl]e|32)|iso8859-\d+|cp125\d|cp(866|932|949)|koi8-[ru]|shift_jis|euc_(jp|kr)"
    r"|gb(2312|k|18030)|big5|iso2022_jp|ascii"
)
"""Python's names of the charsets of pages; its other codecs inflate, or are slow without bound."""
_NAMED = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w-]{1,40})", re.IGNORECASE | re.ASCII)
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PAGE_HEAD = 2_048
_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Unread(Exception):
    """An answer is encoded in a way that is not read; the text is a sentence about it."""


def body_of(reply: Reply, most: int) -> bytes:
    """The body as its server wrote it, at most so many bytes of it; raises Unread.

    The console asks for answers as they are, but some servers compress whatever is asked.
    """
    encoding = reply.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity") or not reply.body:
        return reply.body
    if encoding not in _WINDOW_BITS:
        raise Unread(f"The answer is encoded as {encoding[:40]}, which checks do not read.")
    try:
        return zlib.decompressobj(_WINDOW_BITS[encoding]).decompress(reply.body, most)
    except zlib.error:
        raise Unread(f"The answer is not {encoding}, as it says.") from None


def text_of(body: bytes, reply: Reply) -> str:
    """The body as text: in the charset that the answer names, or else in one that fits."""
    for charset in _charsets(body, reply.headers.get("Content-Type", "")):
        try:
            # A character that is cut at the end is left out.
            return codecs.getincrementaldecoder(charset)("strict").decode(body)
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1")


def without_secrets(text: str, headers: Mapping[str, str], *, url: str = "", body: str = "") -> str:
    """The text without the values of a check's headers, query and body.

    Some servers answer what they were sent, and whoever only reads may not see these values.
    """
    sent = {*_secrets(headers), *_long({*_in_query(url), *_in_body(body)})}
    for secret in sorted(sent, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _charsets(body: bytes, content_type: str) -> Iterator[str]:
    yield from (charset for mark, charset in _MARKS.items() if body.startswith(mark))
    for text in (content_type.encode(errors="replace"), body[:_PAGE_HEAD]):
        if named := _NAMED.search(text):
            try:
                charset = codecs.lookup(named[1].decode()).name
            except LookupError:
                continue
            # Browsers read these two as the larger one, too.
            charset = "cp1252" if charset in {"iso8859-1", "ascii"} else charset
            if _CHARSETS.fullmatch(charset):
                yield charset
    yield from ("utf-8", "cp1252")


def _secrets(headers: Mapping[str, str]) -> Iterator[str]:
    """The values, and their parts where they are credentials: a token, a name and its password."""
    for name, value in headers.items():
        if name.lower() in _OPEN:
            continue
        parts = {value, *value.split()}
        scheme, _, credentials = value.partition(" ")
        if scheme.lower() == "basic":
            try:
                decoded = b64decode(credentials, validate=True).decode()
            except (NoBase64Error, UnicodeDecodeError):
                decoded = ""
            parts |= {decoded, decoded.partition(":")[2]}
        yield from _long(parts)


def _long(values: Iterable[str]) -> Iterator[str]:
    return (value for value in values if len(value) >= LEAST_SECRET)


def _in_query(url: str) -> Iterator[str]:
    """The values of an address's query, as they are sent and as they are read."""
    query = url.partition("#")[0].partition("?")[2]
    for pair in query.split("&"):
        value = pair.partition("=")[2]
        yield from (value, unquote_plus(value))


def _in_body(body: str) -> Iterator[str]:
    """The body, and the values in it where it is JSON or a form."""
    yield body
    try:
        yield from _leaves(orjson.loads(body))
    except orjson.JSONDecodeError:
        if "=" in body:
            yield from _in_query(f"?{body}")


def _leaves(document: Any) -> Iterator[str]:
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict | list):
            waiting.extend(part.values() if isinstance(part, dict) else part)
