"""Calls as the clients of many languages send them."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.performance.shapes.shape import Run, Sent, Shape

_STATUS = {
    404: "not_found",
    429: "resource_exhausted",
    500: "internal_error",
    502: "unavailable",
    503: "unavailable",
}


def _call(
    text: str, data: dict[str, Any], ms: float, code: int, below: Sequence[Sent] = ()
) -> Sent:
    kept = {name: value for name, value in data.items() if value != ""}
    return Sent("http.client", text, kept, ms, status=_STATUS.get(code, "ok"), below=below)


def _parts(url: str) -> tuple[str, str, str, str]:
    base, _, query = url.partition("?")
    if "://" not in base:
        return base, "", base, query
    host, _, path = base.partition("://")[2].partition("/")
    return base, host, "/" + path, query


def requests(method: str, url: str, ms: float = 80, code: int = 200) -> Sent:
    """A call of Python's requests, httpx, or aiohttp."""
    base, _, _, query = _parts(url)
    data = {"url": base, "http.method": method, "http.query": query, "reason": "OK"}
    return _call(f"{method} {base}", {**data, "http.response.status_code": code}, ms, code)


def aws(service: str, name: str, url: str, ms: float = 25) -> Sent:
    """A call of boto3 or the AWS SDK."""
    data = {"http.url": url, "http.method": "POST", "rpc.service": service, "rpc.method": name}
    return _call(f"aws.{service}.{name}", data, ms, 200)


def node(method: str, url: str, ms: float = 80, code: int = 200) -> Sent:
    """A call of Node's http module: axios, got, and superagent."""
    base, host, path, query = _parts(url)
    data = {
        "sentry.origin": "auto.http.otel.http",
        "otel.kind": "CLIENT",
        "url": url,
        "http.url": url,
        "http.method": method,
        "http.target": path + ("?" + query if query else ""),
        "http.query": "?" + query if query else "",
        "net.peer.name": host,
        "http.status_code": code,
        "http.response.status_code": code,
    }
    return _call(f"{method} {base}", data, ms, code)


def undici(method: str, url: str, ms: float = 80, code: int = 200) -> Sent:
    """A call of Node's own fetch."""
    base, host, path, query = _parts(url)
    data = {
        "sentry.origin": "auto.http.otel.node_fetch",
        "http.request.method": method,
        "url.full": url,
        "url.path": path,
        "url.query": "?" + query if query else "",
        "server.address": host,
        "http.response.status_code": code,
    }
    return _call(f"{method} {base}", data, ms, code)


def otel(method: str, url: str, ms: float = 80, code: int = 200, route: str = "") -> Sent:
    """A call as OpenTelemetry names it today."""
    data = {
        "http.request.method": method,
        "url.full": url,
        "url.template": route,
        "server.address": _parts(url)[1],
        "http.response.status_code": code,
    }
    return _call(f"{method} {route}".strip(), data, ms, code)


def otel_old(method: str, url: str, ms: float = 80, code: int = 200) -> Sent:
    """A call as OpenTelemetry named it before."""
    _, host, path, query = _parts(url)
    data = {
        "http.method": method,
        "http.url": url,
        "http.target": path + ("?" + query if query else ""),
        "net.peer.name": host,
        "http.status_code": code,
    }
    return _call(f"HTTP {method}", data, ms, code)


def fetch(
    method: str, url: str, ms: float = 90, code: int = 200, more: Mapping[str, Any] | None = None
) -> Sent:
    """A call of a browser's fetch."""
    base, host, _, query = _parts(url)
    data = {
        "type": "fetch",
        "url": url,
        "http.method": method,
        "http.url": url if host else "https://app.acme.io" + url,
        "http.query": "?" + query if query else "",
        "server.address": host or "app.acme.io",
        "http.response.status_code": code,
        **(more or {}),
    }
    return _call(f"{method} {base}", data, ms, code)


def xhr(method: str, url: str, ms: float = 90, code: int = 200) -> Sent:
    """A call of a browser's XMLHttpRequest, by axios or Angular."""
    data = {"type": "xhr", "url": url, "http.method": method, "http.response.status_code": code}
    return _call(f"{method} {url}", data, ms, code)


def guzzle(method: str, url: str, ms: float = 80, code: int = 200) -> Sent:
    """A call of PHP's Guzzle, or of Symfony's or Laravel's client."""
    base, _, _, query = _parts(url)
    data = {"url": base, "http.request.method": method, "http.query": query}
    more = {"http.request.body.size": 0, "http.response.status_code": code}
    return _call(f"{method} {base}", {**data, **more}, ms, code)


def java(method: str, url: str, ms: float = 60, code: int = 200) -> Sent:
    """A call of RestTemplate, Feign, or OkHttp on a server."""
    base, _, _, query = _parts(url)
    data = {"url": base, "http.method": method, "http.query": query}
    return _call(f"{method} {base}", {**data, "http.response.status_code": code}, ms, code)


def go(method: str, url: str, ms: float = 30, code: int = 200) -> Sent:
    """A call of Go's net/http."""
    _, host, _, query = _parts(url)
    data = {"http.request.method": method, "http.query": query, "server.address": host}
    return _call(f"{method} {url}", {**data, "http.response.status_code": code}, ms, code)


def ruby(method: str, url: str, ms: float = 80, code: int = 200) -> Sent:
    """A call of Ruby's Net::HTTP or Faraday."""
    base, _, _, query = _parts(url)
    data = {"url": base, "http.request.method": method, "http.query": query}
    return _call(f"{method} {base}", {**data, "http.response.status_code": code}, ms, code)


def dotnet(method: str, url: str, ms: float = 60, code: int = 200) -> Sent:
    """A call of .NET's HttpClient."""
    data = {"http.request.method": method, "server.address": _parts(url)[1]}
    return _call(f"{method} {url}", {**data, "http.response.status_code": code}, ms, code)


def okhttp(method: str, url: str, ms: float = 140, code: int = 200) -> Sent:
    """A call of OkHttp on Android."""
    base, host, path, query = _parts(url)
    data = {
        "url": base,
        "host": host,
        "path": path,
        "http.query": query,
        "http.request.method": method,
        "http.response.status_code": code,
    }
    return _call(f"{method} {base}", data, ms, code)


def cocoa(method: str, url: str, ms: float = 140, code: int = 200) -> Sent:
    """A call of URLSession on iOS, and much the same of Dart's client."""
    base, _, _, query = _parts(url)
    data = {"url": base, "http.request.method": method, "type": "fetch", "http.query": query}
    return _call(f"{method} {base}", {**data, "http.response.status_code": code}, ms, code)


def sql(text: str, ms: float = 3, system: str = "postgresql") -> Sent:
    """A statement."""
    return Sent("db.sql.query" if system == "mysql" else "db", text, {"db.system": system}, ms)


def within(op: str, text: str, *below: Sent) -> Sent:
    """A span around others."""
    return Sent(op, text, ms=0.5, below=below)


def right(
    name: str, *runs: Run, platform: str, op: str = "http.server", statements: bool = False
) -> Shape:
    """A shape that repeats calls that it need not."""
    return Shape(name, runs, statements=statements, calls=True, platform=platform, op=op)


def wrong(
    name: str, *runs: Run, platform: str, op: str = "http.server", statements: bool = False
) -> Shape:
    """A shape that repeats no calls that it need not."""
    return Shape(name, runs, statements=statements, platform=platform, op=op)
