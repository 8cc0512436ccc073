"""The one client for calls to other servers: a name is resolved once, checked, and then called.

The connection goes to the address that was checked, so that a name which means something else a
moment later reaches nothing. Redirects are followed one by one, each checked like the first.
Reading ends after so many bytes and so much time, whatever the server goes on to send.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from console.core import certificates, shortage
from console.core.addresses import is_public
from console.core.loops import finished

AGENT = "Pharos"
MOST_BYTES = 256 * 1024
MOST_REDIRECTS = 5
LONGEST_HEADER = 32 * 1024
"""Policies of large sites have more than the 8 KB that are usual."""
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_SCHEMES = ("http://", "https://")
_PRIVATE_NAMES = (".localhost", ".local", ".internal")
REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEEPS_METHOD = frozenset({307, 308})
# Names that hang must neither keep others waiting nor the caller, whose time is up before.
_RESOLVERS = ThreadPoolExecutor(256, thread_name_prefix="resolver")


class Cause(StrEnum):
    """Why a call got no answer."""

    ADDRESS = "address"
    """The URL, or what its name resolves to, may not be called."""
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    REDIRECTS = "redirects"
    PROTOCOL = "protocol"
    CONSOLE = "console"
    """This console has no more connections to give."""


class CallFailed(Exception):
    """A call got no answer; its text is a sentence for whoever set it up."""

    def __init__(self, cause: Cause, sentence: str, *, name: str = "") -> None:
        """Keep the cause beside the sentence."""
        super().__init__(sentence)
        self.cause = cause
        self.name = name
        """The host, where its name has no address, or none that may be called."""
        self.certificate_until: datetime | None = None
        """When the server's certificate expired, if that is why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is sent, and how much is waited for and read."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float = 10.0
    """For all of it: the name, the connection, redirects, and the body."""
    redirects: int = MOST_REDIRECTS
    """How many redirects are followed; with 0, a redirect is the answer."""
    most_bytes: int = MOST_BYTES
    allow_private: bool = False
    """Whether addresses that are not of the internet may be called."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; the body ends where `most_bytes` did."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool
    url: str
    """Where the answer came from, after redirects."""
    address: str
    milliseconds: float
    timings: Mapping[str, float]
    """Milliseconds of the last request's phases: dns, connect (TLS included), first_byte."""
    certificate_until: datetime | None
    """When the server's certificate ends; None without TLS."""


def fault_of(url: str, *, allow_private: bool) -> str:
    """Why a URL is never called, "" if it may be; `call` checks what its name resolves to."""
    try:
        host = _checked_url(url, allow_private=allow_private).raw_host or ""
    except CallFailed as failure:
        return str(failure)
    name = host.rstrip(".").lower()
    is_private = name == "localhost" or name.endswith(_PRIVATE_NAMES)
    return _private(host) if is_private and not allow_private else ""


def call(request: Call) -> Reply:
    """Send a request and wait for its answer; raises CallFailed."""
    return finished(fetch(request))


async def fetch(request: Call) -> Reply:
    """Send a request and await its answer; raises CallFailed."""
    began = time.perf_counter()
    line = _Line(allow_private=request.allow_private)
    _LINE.set(line)
    try:
        async with asyncio.timeout(request.seconds), _session(request, line) as session:
            return await _follow(session, request, line, began)
    except TimeoutError:
        sentence = f"No complete answer within {request.seconds:g} seconds."
        raise CallFailed(Cause.TIMEOUT, sentence) from None


class _CheckedResolver(AbstractResolver):
    """Resolves by the system, and lets only addresses through that may be called."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return all addresses of a name; raises CallFailed if one of them may not be called."""
        del family  # whichever the name has
        loop, ask = asyncio.get_running_loop(), partial(socket.getaddrinfo, type=socket.SOCK_STREAM)
        try:
            infos = await loop.run_in_executor(_RESOLVERS, ask, host, port)
        except (OSError, UnicodeError):
            if shortage.lacks_files():  # the resolver says no more than that it failed
                raise CallFailed(Cause.CONSOLE, shortage.SENTENCE) from None
            sentence = f"The name {host} cannot be resolved."
            raise CallFailed(Cause.DNS, sentence, name=host) from None
        addresses = list(dict.fromkeys(str(info[4][0]) for info in infos))
        _check(host, addresses, allow_private=self._allow_private, name=host)
        return [_resolved(host, address, port) for address in addresses]

    async def close(self) -> None:
        """Nothing is held open."""


def _resolved(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=0,
        flags=socket.AI_NUMERICHOST,
    )


def _check(host: str, addresses: Sequence[str], *, allow_private: bool, name: str = "") -> None:
    if allow_private:
        return
    if not all(map(is_public, addresses)):
        raise CallFailed(Cause.ADDRESS, _private(host), name=name)


def _private(host: str) -> str:
    return (
        f"{host} is an address of a private network. An operator of this console can allow "
        "such addresses with PHAROS_PRIVATE_ADDRESSES."
    )


class _Line:
    """The connection of a call: it goes to addresses that were checked, and knows who answered."""

    def __init__(self, *, allow_private: bool) -> None:
        self.address = ""
        self.certificate_until: datetime | None = None
        self._allow_private = allow_private

    def socket(self, place: tuple[Any, ...]) -> socket.socket:
        """Make the socket for an address; the last check before anything is sent."""
        family, kind, protocol, _, address = place
        _check(str(address[0]), [str(address[0])], allow_private=self._allow_private)
        self.address = str(address[0])
        return socket.socket(family, kind, protocol)


_LINE: ContextVar[_Line] = ContextVar("line")


class _Noting(ssl.SSLObject):
    """Notes on the line of its call when the certificate ends that was accepted."""

    def do_handshake(self) -> None:
        super().do_handshake()
        until = (self.getpeercert() or {}).get("notAfter")
        if isinstance(until, str):
            moment = ssl.cert_time_to_seconds(until)
            _LINE.get().certificate_until = datetime.fromtimestamp(moment, UTC)


@cache
def trust() -> ssl.SSLContext:
    """The certificates that the system trusts; to read them takes longer than most calls."""
    context = ssl.create_default_context()
    context.sslobject_class = _Noting
    return context


def _session(request: Call, line: _Line) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        resolver=_CheckedResolver(allow_private=request.allow_private),
        socket_factory=line.socket,
        use_dns_cache=False,
        force_close=True,
        ssl=trust(),
    )
    return aiohttp.ClientSession(
        connector=connector,
        # Of this call only: pages set a cookie and lead to themselves until it is sent.
        cookie_jar=aiohttp.CookieJar(unsafe=True, quote_cookie=False),
        timeout=aiohttp.ClientTimeout(total=None),  # fetch() has the only clock
        auto_decompress=False,  # a few bytes may inflate to gigabytes
        trust_env=False,
        max_line_size=LONGEST_HEADER,
        max_field_size=LONGEST_HEADER,
        trace_configs=[_phases()],
    )


async def _follow(
    session: aiohttp.ClientSession, request: Call, line: _Line, began: float
) -> Reply:
    target = _checked_url(request.url, allow_private=request.allow_private)
    method, body = request.method, request.body
    headers = {"User-Agent": AGENT, "Accept-Encoding": "identity", **request.headers}
    for _ in range(request.redirects + 1):
        phases = SimpleNamespace(began=time.perf_counter(), timings={})
        options: dict[str, Any] = {
            "headers": headers,
            "data": body or None,
            "trace_request_ctx": phases,
        }
        try:
            async with session.request(method, target, allow_redirects=False, **options) as answer:
                place = answer.headers.get("Location", "")
                if not (request.redirects and answer.status in REDIRECTS and place):
                    return await _read(answer, request, line, began, phases.timings)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            failure = _explained(error)
            if certificates.has_expired(error.__cause__) and target.host and target.port:
                failure.certificate_until = await certificates.expiry_of(
                    line.address, target.port, target.host
                )
            raise failure from error
        onward = _checked_url(_onward(target, place), allow_private=request.allow_private)
        if onward.origin() != target.origin():
            headers = _without_secrets(headers, request.headers)
        if answer.status not in KEEPS_METHOD and method != "HEAD":
            method, body = "GET", b""
        target = onward
    raise CallFailed(Cause.REDIRECTS, f"More than {request.redirects} redirects.")


def _checked_url(text: str, *, allow_private: bool) -> URL:
    """The URL of a web server; a host that is a number is not resolved, and is checked here."""
    if not text.lower().startswith(_SCHEMES):
        raise CallFailed(Cause.ADDRESS, "Only http:// and https:// addresses can be called.")
    try:
        url = URL(text)
        host, port = url.raw_host, url.port
    except ValueError:
        url, host, port = URL(), None, None
    if not host or not port:
        raise CallFailed(Cause.ADDRESS, "The address has no host, or a port that no server has.")
    if url.user or url.password:
        raise CallFailed(Cause.ADDRESS, "Give a name and password in a header, not in the address.")
    if ":" not in host and not _HOST.fullmatch(host):
        raise CallFailed(Cause.ADDRESS, "The name of the host has characters that no name has.")
    if ":" in host or host.replace(".", "").isdigit():
        _check(host, [host], allow_private=allow_private)
    return url


def _onward(target: URL, place: str) -> str:
    """Where a redirect leads; "" for what is no address."""
    try:
        return urljoin(str(target), place)
    except ValueError:
        return ""


def _without_secrets(headers: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """What may go to another server than the one that the headers were written for."""
    mine = {name.lower() for name in own}
    return {name: value for name, value in headers.items() if name.lower() not in mine}


async def _read(
    answer: aiohttp.ClientResponse,
    request: Call,
    line: _Line,
    began: float,
    timings: Mapping[str, float],
) -> Reply:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > request.most_bytes:
            break
    return Reply(
        status=answer.status,
        headers=dict(answer.headers),
        body=bytes(body[: request.most_bytes]),
        is_cut=len(body) > request.most_bytes,
        url=str(answer.url),
        address=line.address,
        milliseconds=_since(began),
        timings=timings,
        certificate_until=line.certificate_until if answer.url.scheme == "https" else None,
    )


def _since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


def _phases() -> aiohttp.TraceConfig:
    """Notes how long the name, the connection and the first byte of a request took."""
    config = aiohttp.TraceConfig()

    def ends(name: str) -> Any:
        async def note(_session: Any, context: Any, _params: Any) -> None:
            phases = context.trace_request_ctx
            phases.timings[name] = _since(phases.began)
            phases.began = time.perf_counter()

        return note

    config.on_dns_resolvehost_end.append(ends("dns"))
    config.on_connection_create_end.append(ends("connect"))
    config.on_request_end.append(ends("first_byte"))
    return config


def _explained(error: Exception) -> CallFailed:
    """The failure in a sentence; the server's own words are not repeated."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, CallFailed):
        return cause
    if {getattr(error, "errno", 0), getattr(cause, "errno", 0)} & shortage.FAULTS:
        return CallFailed(Cause.CONSOLE, shortage.SENTENCE)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        reason = getattr(error.certificate_error, "verify_message", "") or "it is not trusted"
        return CallFailed(Cause.TLS, f"The certificate is not valid: {reason}.")
    for kind, reason, sentence in _SENTENCES:
        if isinstance(error, kind):
            place = f"{getattr(error, 'host', '')}:{getattr(error, 'port', '')}"
            return CallFailed(reason, sentence.format(place=place))
    return CallFailed(Cause.PROTOCOL, "What was answered is not HTTP.")


_SENTENCES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Cause, str], ...] = (
    (aiohttp.ClientConnectorSSLError, Cause.TLS, "No encrypted connection could be agreed on."),
    (aiohttp.ClientConnectorDNSError, Cause.DNS, "The name of {place} cannot be resolved."),
    (aiohttp.ClientConnectorError, Cause.CONNECT, "{place} does not take connections."),
    (
        aiohttp.ServerDisconnectedError,
        Cause.PROTOCOL,
        "The connection was closed before the answer was whole.",
    ),
    (
        (ConnectionError, aiohttp.ClientPayloadError),
        Cause.PROTOCOL,
        "The connection was closed before the answer was whole.",
    ),
)
