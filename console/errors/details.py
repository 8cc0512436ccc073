"""What an event says besides its stack trace, for the page; odd values are shown, never refused."""

import json
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SHOWN = 4000  # characters of one value; the raw JSON has the rest
MOST_CRUMBS = 200
MOST_PAIRS = 200
TITLES = {"os": "Operating system", "gpu": "GPU", "app": "App", "trace": "Trace"}

WIDE = 80
SPREAD = 10  # levels of a value; deeper ones stand on one line
NOTES = "_pharos"  # of ingest.sentry.leftovers
LEFT_OUT = {
    "tags": "{} more tags were sent; an event keeps 100.",
    "breadcrumbs": "{} older breadcrumbs were sent; an event keeps the latest 200.",
    "exception": "{} more exceptions were sent; an event keeps 50.",
    "threads": "{} more threads were sent; an event keeps 50.",
}
GONE = {
    "vars": "local variables",
    "outer_vars": "local variables of outer frames",
    "modules": "packages",
    "debug_meta": "images",
    "extra": "additional data",
}
KNOWN = frozenset({
    "event_id", "timestamp", "client_timestamp", "platform", "level", "logger", "transaction",
    "server_name", "release", "dist", "tags", "environment", "modules", "extra", "fingerprint",
    "user", "request", "contexts", "breadcrumbs", "exception", "threads", "stacktrace", "logentry",
    "message", "sdk", "debug_meta", "browser_report", NOTES,
})  # fmt: skip
OF_CRUMBS = frozenset({"timestamp", "type", "category", "level", "message", "data", "event_id"})
OF_REQUESTS = frozenset({"method", "url", "query_string", "headers", "cookies", "env", "data"})

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Breadcrumb:
    """Something that happened in the application before the error."""

    at: datetime | None
    kind: str
    category: str
    level: str
    message: str
    values: Pairs


@dataclass(frozen=True, slots=True)
class Request:
    """The HTTP request under which the error was raised."""

    method: str
    url: str
    query: Pairs
    headers: Pairs
    cookies: Pairs
    environment: Pairs
    body: str
    more: Pairs

    @property
    def line(self) -> str:
        return f"{self.method} {self.url}".strip()


@dataclass(frozen=True, slots=True)
class Details:
    """Everything about an event that the page shows under its stack trace."""

    user: Pairs
    request: Request | None
    breadcrumbs: tuple[Breadcrumb, ...]
    """The latest first."""
    contexts: tuple[tuple[str, Pairs], ...]
    tags: Pairs
    extra: Pairs
    packages: Pairs
    images: Pairs
    """Programs and libraries of a native process with the ids of their debug symbols."""
    sdk: str
    fingerprint: tuple[str, ...]
    more: Pairs
    """Attributes of the event that the page has no place for, and parts in no known shape."""
    lost: tuple[str, ...]
    """What was left out on the way, and what the client itself cut, in words."""

    @property
    def categories(self) -> list[str]:
        """What the breadcrumbs are, each once."""
        names = (crumb.category or crumb.kind or "breadcrumb" for crumb in self.breadcrumbs)
        return sorted(set(names))

    @property
    def levels(self) -> list[str]:
        """The levels of the breadcrumbs, each once."""
        return sorted({crumb.level for crumb in self.breadcrumbs})


def details(event: Mapping[str, Any]) -> Details:
    """Read a scrubbed event of any client; parts that are missing or malformed are left out."""
    contexts = _mapping(event.get("contexts"))
    sdk, notes = _mapping(event.get("sdk")), _mapping(event.get(NOTES))
    return Details(
        user=pairs(event.get("user")),
        request=_request(event.get("request")),
        breadcrumbs=tuple(_breadcrumbs(event.get("breadcrumbs"))),
        contexts=tuple(
            (TITLES.get(name, name.replace("_", " ").capitalize()), shown)
            for name, value in contexts.items()
            if (shown := pairs_or_json(value))
        ),
        tags=pairs(event.get("tags")),
        extra=pairs_or_json(event.get("extra")),
        packages=pairs(event.get("modules")),
        images=tuple(_images(event.get("debug_meta"))),
        sdk=f"{shown_value(sdk.get('name', ''))} {shown_value(sdk.get('version', ''))}".strip(),
        fingerprint=tuple(shown_value(part) for part in _list(event.get("fingerprint"))),
        more=pairs({**_unknown(event, KNOWN), **_mapping(notes.get("unread"))}),
        lost=tuple(_lost(notes)),
    )


def _images(value: object) -> Iterator[tuple[str, str]]:
    """What symbolication needs to know of each image: which file, which build, where it lay."""
    for image in _list(_mapping(value).get("images"))[:MOST_PAIRS]:
        about = _mapping(image)
        file = _text(about.get("code_file")) or _text(about.get("debug_file"))
        names = ("debug_id", "id", "uuid", "code_id")  # as clients of ten years call it
        build = next((_text(about[name]) for name in names if about.get(name)), "no debug id sent")
        start = _text(about.get("image_addr"))
        yield (
            file.replace("\\", "/").rpartition("/")[2] or _text(about.get("type")),
            (f"{build} at {start}" if start else build),
        )


def _unknown(part: Mapping[str, Any], known: AbstractSet[str]) -> dict[str, Any]:
    return {
        str(name): value
        for name, value in part.items()
        if name not in known and value not in (None, "", {}, [])
    }


def _lost(notes: Mapping[str, Any]) -> Iterator[str]:
    if gone := _list(notes.get("gone")):
        parts = ", ".join(GONE.get(name, name) for name in map(shown_value, gone))
        yield f"The event was larger than 1 MiB: it is kept without its {parts}."
    for name, count in _mapping(notes.get("left_out")).items():
        yield LEFT_OUT[name].format(f"{count:,}")
    for path, length in _mapping(notes.get("cut")).items():
        had = f"; it had {length:,} characters or elements" if length else ""
        yield f"The client shortened {path}{had}."


def pairs_or_json(value: object) -> Pairs:
    """A mapping as pairs; anything else in one piece, as JSON, under no name."""
    if isinstance(value, Mapping):
        return pairs(value)
    return (("", as_json(value)),) if value not in (None, "", []) else ()


def as_json(value: object) -> str:
    """A value as JSON, cut when endless; what does not fit in a line is spread over several."""
    text = "\n".join(_lines(value))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def _lines(value: object, depth: int = 0) -> list[str]:
    """The lines of a value's JSON: short lists and objects, and elements of a list, share one."""
    if not isinstance(value, Mapping | list | tuple) or not value or depth >= SPREAD:
        return [json.dumps(value, ensure_ascii=False, default=str)]
    of_object = isinstance(value, Mapping)
    parts: list[list[str]] = []
    for name, inner in value.items() if isinstance(value, Mapping) else enumerate(value):
        first, *further = _lines(inner, depth + 1)
        head = f"{json.dumps(str(name), ensure_ascii=False)}: " if of_object else ""
        parts.append([head + first, *further])
    left, right = "{}" if of_object else "[]"
    if all(len(part) == 1 for part in parts):
        ends = [part[0] for part in parts]
        if sum(map(len, ends)) + 2 * len(ends) <= WIDE:
            return [f"{left}{', '.join(ends)}{right}"]
    inside: list[str] = []
    may_join = False
    for number, part in enumerate(parts, 1):
        part[-1] += "," * (number < len(parts))
        is_short = not of_object and len(part) == 1
        if may_join and is_short and len(inside[-1]) + len(part[0]) < WIDE:
            inside[-1] += f" {part[0]}"
        else:
            inside += part
        may_join = is_short
    return [left, *(f"  {line}" for line in inside), right]


def pairs(value: object) -> Pairs:
    """A mapping, or a list of pairs, as text to show; anything else is nothing."""
    if isinstance(value, Mapping):
        items = [(str(key), inner) for key, inner in value.items() if inner is not None]
    else:
        items = [
            (shown_value(item[0]), item[1])
            for item in _list(value)
            if isinstance(item, list | tuple) and len(item) == 2
        ]
    return tuple((key[:200], shown_value(inner)) for key, inner in items[:MOST_PAIRS])


def shown_value(value: object) -> str:
    """A value of JSON as people read it: text as it is, the rest as JSON, cut when endless."""
    if not isinstance(value, str):
        return as_json(value)
    return value if len(value) <= SHOWN else f"{value[:SHOWN]}… ({len(value):,} characters)"


def _request(value: object) -> Request | None:
    request = _mapping(value)
    if not request:
        return None
    query = request.get("query_string")
    body = request.get("data")
    return Request(
        method=_text(request.get("method")).upper()[:20],
        url=_text(request.get("url")),
        query=_query(query),
        headers=pairs(request.get("headers")),
        cookies=pairs(request.get("cookies")),
        environment=pairs(request.get("env")),
        body="" if body in (None, "", {}, []) else _body(body),
        more=pairs(_unknown(request, OF_REQUESTS)),
    )


def _query(value: object) -> Pairs:
    if not isinstance(value, str):
        return pairs(value)
    parts = (part.partition("=") for part in value.lstrip("?").split("&") if part)
    return tuple((key[:200], shown_value(text)) for key, _, text in list(parts)[:MOST_PAIRS])


def _body(value: object) -> str:
    if isinstance(value, str):
        return shown_value(value)
    return shown_value(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _breadcrumbs(value: object) -> Iterator[Breadcrumb]:
    crumbs = value.get("values") if isinstance(value, Mapping) else value
    for crumb in list(reversed(_list(crumbs)))[:MOST_CRUMBS]:
        if isinstance(crumb, Mapping):
            yield Breadcrumb(
                at=_moment(crumb.get("timestamp")),
                kind=_text(crumb.get("type")),
                category=_text(crumb.get("category")),
                level=_text(crumb.get("level")) or "info",
                message=_text(crumb.get("message")),
                values=(*pairs_or_json(crumb.get("data")), *pairs(_unknown(crumb, OF_CRUMBS))),
            )


def _moment(value: object) -> datetime | None:
    try:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        moment = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text(value: object) -> str:
    return "" if value is None else shown_value(value)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
