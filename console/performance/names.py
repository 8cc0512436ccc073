"""The names that spans are counted under: categories, and endpoints of segments."""

import re
from dataclasses import dataclass
from functools import lru_cache

REQUEST, TASK, PAGE, SCREEN = "request", "task", "page", "screen"
DB, CACHE, HTTP, RENDER, RESOURCE, QUEUE, VITAL, APP = (
    "db",
    "cache",
    "http",
    "render",
    "resource",
    "queue",
    "vital",
    "app",
)
SEGMENTS = (REQUEST, TASK, PAGE, SCREEN)
# A browser's main thread and an app's wait for people: time without spans there is no lost work.
INTERFACES = frozenset({PAGE, SCREEN})
# While these run, the program waits for an answer from elsewhere.
WAITING = frozenset({DB, CACHE, HTTP, QUEUE})
NO_ROUTE = "(no route)"
LONGEST = 200

# The first word of an operation, or its first two, say where the time went. The names come from
# sentry-conventions ("span operations") and from what SDKs send; the longer prefix decides.
_CATEGORIES = {
    "http.server": REQUEST,
    "websocket.server": REQUEST,
    "rpc.server": REQUEST,
    "grpc.server": REQUEST,
    "queue.task": TASK,
    "queue.process": TASK,
    "queue.submit": QUEUE,
    "queue.publish": QUEUE,
    "queue": TASK,
    "task": TASK,
    "cron": TASK,
    "pageload": PAGE,
    "navigation": PAGE,
    "db": DB,
    "sql": DB,
    "cache": CACHE,
    "http.client": HTTP,
    "http": HTTP,
    "grpc.client": HTTP,
    "rpc.client": HTTP,
    "grpc": HTTP,
    "rpc": HTTP,
    "rails.request": REQUEST,
    "rack.request": REQUEST,
    "web.request": REQUEST,
    "function": TASK,
    "console": TASK,
    "cli": TASK,
    "job": TASK,
    "message": TASK,
    "ui.load": SCREEN,
    "ui.action": SCREEN,
    "app.start": SCREEN,
    "resource": RESOURCE,
    "template": RENDER,
    "view.render": RENDER,
    "view.response": RENDER,
    "render": RENDER,
    "ui.webvital": VITAL,
    "ui.interaction": VITAL,
    "ui": RENDER,
}
# What a segment may remain: lone statements, look-ups and files are counted as such, and a vital
# belongs to its page.
_LONE = frozenset({DB, CACHE, RESOURCE, VITAL})
# Names that SDKs give to a request for which no route was found.
_UNROUTED = frozenset({"generic WSGI request", "generic ASGI request", "generic WebSocket request"})
_WITHIN = {"ui": RENDER}  # what the words of a segment mean within one
_UNNAMED_PAGES = frozenset({"", "pageload", "navigation"})
_ID = re.compile(
    r"\d+"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|(?=[0-9a-f]{8})[a-f]*+\d[0-9a-f]*+"
    r"|(?=[^/]{20})[^/\d]*+\d[^/]*+"
    r"|[^/@]*+@[^/]*+"
    r"|(?:[^/%]|%(?![0-9a-f]{2}))*+%[0-9a-f]{2}[^/]*+",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"(?!(?:v\d[\w.]*+|[a-z]*+\d[a-z]*+|[a-z]\d\d[a-z])\Z)\D*+\d.*", re.IGNORECASE | re.DOTALL
)
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Named:
    """What the client says about a segment, from which its endpoint is derived."""

    name: str
    """The segment's name, in which a method may stand first."""
    source: str = ""
    """How the client found the name: route, component, url, custom, task or ""."""
    method: str = ""
    route: str = ""
    """The matched route where the client sends it as an attribute."""
    path: str = ""
    status: int | None = None


@lru_cache(maxsize=1024)
def category_of(op: str, *, is_segment: bool) -> str:
    """The category of a span; only a segment is a request, task, page or screen."""
    words = op.lower().split(".")
    category = _CATEGORIES.get(".".join(words[:2])) or _CATEGORIES.get(words[0], APP)
    if is_segment:
        return category
    return _WITHIN.get(words[0], APP) if category in SEGMENTS else category


def is_vital(op: str) -> bool:
    """Whether a span is a web vital that comes apart from its page load."""
    return category_of(op, is_segment=True) == VITAL


def category_of_segment(op: str, *, kind: str, answers_http: bool) -> str:
    """The category of a segment, which is a row of some list whatever the client calls it.

    An operation that says nothing is a request if it serves or answers HTTP, a screen if it is of a
    user interface, and a task otherwise.
    """
    category = category_of(op, is_segment=True)
    if category in SEGMENTS:
        served = category == TASK and op.startswith("function") and answers_http
        return REQUEST if served else category
    if category in _LONE:
        return category
    if kind == "server" or (answers_http and kind != "client" and category != HTTP):
        return REQUEST
    return SCREEN if op.lower().partition(".")[0] == "ui" else TASK


def endpoint_of(category: str, named: Named) -> str:
    """The endpoint of a segment; "" for every other span."""
    if category == REQUEST:
        return f"{named.method} {_route(named)}".strip()[:LONGEST]
    if category in INTERFACES:
        return page_of(named)[:LONGEST]
    return named.name.strip()[:LONGEST] if category == TASK else ""


def page_of(named: Named) -> str:
    """The route of a page, else its path without variable parts."""
    if named.route:
        return named.route
    name = named.name.strip()
    unnamed = name.lower() in _UNNAMED_PAGES or named.source == "url"
    if unnamed or name == named.path:
        return collapsed_path(named.path or ("" if name.lower() in _UNNAMED_PAGES else name))
    return name


def collapsed_path(path: str) -> str:
    """A path with ids, numbers, addresses and long tokens as {id}; without query and fragment.

    A path that goes on below eight levels is cut there: no router of an application goes deeper.
    """
    bare = re.split(r"[?#]", path, maxsplit=1)[0]
    if "://" in bare:
        bare = "/" + bare.partition("://")[2].partition("/")[2]
    parts = bare.split("/")
    if len(parts) > _DEEPEST + 1:
        parts = [*parts[: _DEEPEST + 1], "…"]
    return "/".join("{id}" if _ID.fullmatch(part) else part for part in parts)[:LONGEST]


def called_path(path: str) -> str:
    """The path of an outgoing request without variable parts.

    An address that a program calls has no route, so that codes like `sku-17` count as ids too;
    `v2`, `oauth2` and `s3` are names.
    """
    parts = collapsed_path(path).split("/")
    return "/".join("{id}" if _CODE.fullmatch(part) else part for part in parts)


def _route(named: Named) -> str:
    name = named.name.strip().removeprefix(f"{named.method} ").strip()
    if name in _UNROUTED or not named.name.strip():
        return named.route or NO_ROUTE
    is_raw = named.source in {"url", "unknown"} or name in {named.path, named.method}
    if not is_raw and "://" not in name:
        return name
    if named.route:
        return named.route
    # Unrouted paths share one name: scanners ask for endless paths.
    if named.status == 404 or (name in {"", named.method} and not named.path):
        return NO_ROUTE
    return collapsed_path(named.path or name)
