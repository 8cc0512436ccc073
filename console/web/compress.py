"""Answers to browsers in brotli or gzip: a page of 60 KB is 8 KB on the wire."""

import gzip
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO

import brotli
from flask import Flask, Response, request

SMALLEST = 1_000
KINDS = frozenset(
    {
        "application/json",
        "application/problem+json",
        "image/svg+xml",
        "text/css",
        "text/html",
        "text/javascript",
    }
)


def init_app(app: Flask) -> None:
    """Compress answers of compressible types, if the client accepts it."""
    app.after_request(_compress)


def gathered(pieces: Iterable[str], mimetype: str) -> Response:
    """An answer that is made piece by piece: what is kept of it is compressed, if that is accepted.

    It is whole before it is sent, so that no thread and no transaction waits for a slow reader.
    """
    if _is_foreign() or not request.accept_encodings.best_match(["gzip"]):
        return Response("".join(pieces), mimetype=mimetype)
    body = BytesIO()
    with gzip.GzipFile(fileobj=body, mode="wb", compresslevel=4, mtime=0) as file:
        for piece in pieces:
            file.write(piece.encode())
    answer = Response(body.getvalue(), mimetype=mimetype)
    answer.headers["Content-Encoding"] = "gzip"
    answer.vary.add("Accept-Encoding")
    return answer


def _compress(response: Response) -> Response:
    if not _compressible(response):
        return response
    response.vary.add("Accept-Encoding")
    encoding = request.accept_encodings.best_match(["br", "gzip"])
    # A page holds secrets (the CSRF token) beside text from its address; a foreign site that makes
    # a browser fetch it must learn nothing from its length (BREACH). A public file has none.
    kept = response.cache_control.public
    if encoding is None or (_is_foreign() and not kept):
        return response
    body = response.get_data()
    response.set_data(_kept(body, encoding) if kept else _encoded(body, encoding))
    response.headers["Content-Encoding"] = encoding
    return response


def _is_foreign() -> bool:
    return request.headers.get("Sec-Fetch-Site") == "cross-site"


def _compressible(response: Response) -> bool:
    return (
        response.status_code == 200
        and not response.is_streamed
        and not response.direct_passthrough
        and response.mimetype in KINDS
        and "Content-Encoding" not in response.headers
        and (response.content_length or 0) >= SMALLEST
    )


def _encoded(body: bytes, encoding: str, level: int = 4) -> bytes:
    return (
        brotli.compress(body, quality=level)
        if encoding == "br"
        else gzip.compress(body, level, mtime=0)
    )


@lru_cache(maxsize=32)
def _kept(body: bytes, encoding: str) -> bytes:
    """Files that are the same for everybody are worth the best compression, once."""
    return _encoded(body, encoding, 9)
