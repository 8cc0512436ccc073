"""Reads the reports that browsers send by themselves: what a policy blocked, what did not load.

w3.org: "Content Security Policy Level 3" §5, "Reporting API", "Network Error Logging"; RFC 7469 §3
for pins, RFC 9163 §3 for Expect-CT. Some have one report as an object, some a list of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.core.urls import split_url
from console.ingest.arrival import number, text
from console.ingest.content_encodings import Undecodable

MOST = 100  # reports of one request; browsers send a few
CSP, NEL = "csp", "nel"
EXTENSION = "caused by an extension of the browser"
NO_FAILURE = "a request that succeeded"
URL_LENGTH = 2000
_EXTENSIONS = ("extension:", "extension://", "webviewprogressproxy:")
# What browsers write for what has no address of its own.
_PLAIN = ("inline", "eval", "wasm-eval", "self", "data", "blob", "filesystem", "about")
_WRAPPED = {
    "csp-report": CSP,
    "expect-ct-report": "expect-ct",
    "expect-staple-report": "expect-staple",
}


class NotWanted(Exception):
    """A report that says nothing about the site; the message says why, for the ledger."""


@dataclass(frozen=True, slots=True)
class SentReport:
    """One report as it was sent."""

    kind: str
    body: Mapping[str, Any]
    page: str = ""
    agent: str = ""
    age: float = 0.0
    """The seconds that it waited in the browser."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says; `parts` tell which reports are one matter."""

    name: str
    title: str
    parts: tuple[tuple[str, str], ...]
    page: str
    tags: Mapping[str, str] = field(default_factory=dict)


def sent_in(payload: Any) -> SentReport:
    """The report in a JSON value, in any of the forms; raises Undecodable for what has none."""
    if not isinstance(payload, dict):
        raise Undecodable("the body is no report of a browser")
    if isinstance(payload.get("body"), dict):
        return _of_reporting_api(payload)
    return _of_its_own_form(payload)


def report_of(sent: SentReport) -> Report:
    """What it says. Raises Undecodable, or NotWanted."""
    read = _READERS.get(sent.kind, _of_newer_kind)
    return read(sent)


def _of_reporting_api(element: Mapping[str, Any]) -> SentReport:
    kind = text(element.get("type"), 60) or CSP
    age = number(element.get("age"))
    return SentReport(
        kind={"csp-violation": CSP, "network-error": NEL}.get(kind, kind),
        body=element["body"],
        page=text(element.get("url"), URL_LENGTH),
        agent=text(element.get("user_agent"), 300),
        age=max(age / 1000, 0.0) if age is not None else 0.0,
    )


def _of_its_own_form(payload: dict[str, Any]) -> SentReport:
    for name, kind in _WRAPPED.items():
        if isinstance(payload.get(name), dict):
            return SentReport(kind, payload[name])
    if "known-pins" in payload:
        return SentReport("hpkp", payload)
    if _of(payload, "blocked-uri", "violated-directive", "effective-directive"):
        return SentReport(CSP, payload)
    raise Undecodable("the body is no report of a browser that is known")


def _csp(sent: SentReport) -> Report:
    body = sent.body
    stated = _of(body, "effective-directive", "effectiveDirective", "violated-directive")
    directive = (stated or _of(body, "violatedDirective")).strip().partition(" ")[0].lower()
    if not directive:
        raise Undecodable("a CSP report without a directive")
    page = _of(body, "document-uri", "documentURL", "documentURI") or sent.page
    blocked = _of(body, "blocked-uri", "blockedURL", "blockedURI")
    source = _of(body, "source-file", "sourceFile")
    if any(mark in address.lower() for address in (blocked, source) for mark in _EXTENSIONS):
        raise NotWanted(EXTENSION)
    origin = _blocked(blocked, page)
    named = directive.removesuffix("-elem")  # which not every browser writes
    tags = {
        "directive": named,
        "blocked": origin,
        "disposition": _of(body, "disposition"),
        "source": f"{source}:{line}" if (line := _line(body)) and source else source,
    }
    return Report(
        "CSP",
        f"Blocked '{named}' from '{origin}'",
        (("directive", named), ("blocked origin", origin)),
        page,
        tags,
    )


def _nel(sent: SentReport) -> Report:
    kind = _of(sent.body, "type").lower()
    if not kind:
        raise Undecodable("a network error without a type")
    if kind == "ok":
        raise NotWanted(NO_FAILURE)
    status = number(sent.body.get("status_code"))
    words = f"{kind} {status}" if kind == "http.error" and status else kind
    origin = _origin(sent.page)
    return Report(
        "Network error",
        f"Network error {words} at {origin or 'an unknown origin'}",
        (("network error", words), ("origin", origin)),
        sent.page,
        {"phase": _of(sent.body, "phase"), "protocol": _of(sent.body, "protocol")},
    )


def _of_host(name: str, verb: str) -> Callable[[SentReport], Report]:
    def read(sent: SentReport) -> Report:
        host = _of(sent.body, "hostname", "noted-hostname").lower()
        if not host:
            raise Undecodable(f"a report of {name} without a host name")
        return Report(name, f"{name} {verb} for '{host}'", (("host", host),), f"https://{host}/")

    return read


def _of_newer_kind(sent: SentReport) -> Report:
    """Reports of newer kinds, such as deprecations and crashes, by what names their cause."""
    names = (
        "id", "policyId", "featureId", "reason", "type", "blockedURL", "disposition",
    )  # fmt: skip
    cause = next(filter(None, (_of(sent.body, name) for name in names)), "")[:100]
    kind = sent.kind.replace("-", " ").replace("_", " ").capitalize()
    words = f"{kind}: {cause}" if cause else kind
    message = _of(sent.body, "message").partition("\n")[0]
    title = f"{words}: {message}" if message else words
    parts = (("cause", cause), ("origin", _origin(sent.page)))
    return Report(kind, title, parts, sent.page, {"source": _of(sent.body, "sourceFile")})


_READERS: Mapping[str, Callable[[SentReport], Report]] = {
    CSP: _csp,
    NEL: _nel,
    "expect-ct": _of_host("Expect-CT", "failed"),
    "expect-staple": _of_host("Expect-Staple", "failed"),
    "hpkp": _of_host("Public key pinning", "failed"),
}


def _blocked(address: str, page: str) -> str:
    """The origin of what was blocked, as "self" if it is the page's own."""
    named = address.strip().lower()
    if not named:
        return "inline"  # as browsers before CSP 3 left it
    scheme = named.partition(":")[0]
    if scheme in _PLAIN:
        return scheme
    origin = _origin(named)
    return "self" if origin and origin == _origin(page) else origin or scheme[:60]


def _origin(address: str) -> str:
    try:
        parts = split_url(address.strip().lower())
    except ValueError:
        return ""
    if not parts.scheme or not parts.hostname:
        return ""
    host = parts.netloc.rpartition("@")[2]
    standard = {"https": ":443", "http": ":80", "wss": ":443", "ws": ":80"}.get(parts.scheme)
    return f"{parts.scheme}://{host.removesuffix(standard) if standard else host}"[:200]


def _line(body: Mapping[str, Any]) -> int | float | None:
    return number(body.get("line-number")) or number(body.get("lineNumber"))


def _of(body: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that says something."""
    return next(filter(None, (text(body.get(name), URL_LENGTH) for name in names)), "")
