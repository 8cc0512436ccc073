"""The address of a call and its parts: path, query string, words, and the operation it names."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from console.telemetry.spans import SpanRow

OPERATION = re.compile(r" \((?:query|mutation|subscription)\b[^()]*+\)\s*+$")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_HOST_WORD = re.compile(r"[a-z0-9]+")


def address(span: SpanRow) -> str:
    """What an HTTP span asked for, with its query string as far as it was sent."""
    attributes = span.attributes
    named = OPERATION.sub("", span.name.removeprefix(f"{span.http_method} "))
    url = str(attributes.get("url.full") or "")
    if not url and "/" not in named and attributes.get("url.path"):
        url = f"{attributes.get('server.address') or ''}{attributes['url.path']}"
    query = str(attributes.get("url.query") or "").removeprefix("?")
    url = url or named
    return url if not query or "?" in url else f"{url}?{query}"


def path_of(span: SpanRow) -> str:
    """The address without its query string and fragment."""
    return re.split(r"[?#]", address(span), maxsplit=1)[0]


def operation_of(span: SpanRow) -> str:
    """The operation of a service: `UploadPart` of `aws.s3.UploadPart`, of GraphQL its name."""
    named = span.attributes.get("rpc.method") or span.attributes.get("graphql.operation.name")
    return str(named or re.split(r"[./ ]", span.name)[-1])


def host_words(path: str) -> set[str]:
    """The words of the host of an address."""
    host = path.partition("://")[2].partition("/")[0]
    return set(_HOST_WORD.findall(host.lower()))


def verb(path: str) -> str:
    """The end of a path, with what stands before a name that is no id: `batch/read`."""
    *_, before, last = ["", "", *path.rstrip("/").split("/")]
    return f"{before}/{last}" if last.isalpha() else last


def words(name: str) -> Iterator[str]:
    """The words of a name in small letters: `startingAfter`, `starting_after`, `$skiptoken`."""
    return (word.lower() for word in _WORD.findall(name))


def pairs_of(span: SpanRow) -> Iterator[tuple[str, str]]:
    """The names and values of the query string in their order."""
    sent = address(span).partition("?")[2].partition("#")[0]
    pairs = (pair.partition("=") for pair in sent.split("&"))
    return ((unquote(name), unquote(value)) for name, _, value in pairs if name)
