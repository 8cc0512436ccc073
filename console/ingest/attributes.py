"""Span attributes under one name each, whichever SDK and life cycle they came from."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from sentry_conventions.attributes import ATTRIBUTE_METADATA

from console.telemetry.records import AttributeValue

ATTRIBUTE_LIMIT = 200
LIST_LIMIT = 100

PROCESS = ("app.", "culture.", "device.", "os.", "process.")
_SOURCES = ("sentry.source", "sentry.span.source")
_WEB_VITALS = frozenset({"lcp", "cls", "inp", "fcp", "fp", "ttfb"})
# Of the bare names only these are aliases: "code" or "query" of an application is its own affair.
_BARE = _WEB_VITALS | {
    "connectionType",
    "deviceMemory",
    "effectiveConnectionType",
    "hardwareConcurrency",
    "method",
    "replayId",
    "replay_id",
    "url",
}
_OURS = {
    "http.query": "url.query",
    "http.fragment": "url.fragment",
    **dict.fromkeys(_SOURCES, "sentry.segment.name.source"),
    # The conventions list these under several attributes, each the other's alias.
    **dict.fromkeys(("code.file.path", "code.filepath"), "code.file.path"),
    **dict.fromkeys(("code.function.name", "code.function"), "code.function.name"),
    # The conventions know these as "cls.source.<key>"; browsers before 11 number them.
    **{f"cls.source.{n}": f"browser.web_vital.cls.source.{n}" for n in range(1, 6)},
}
_MILLISECONDS = {"second": 1000.0, "microsecond": 0.001, "nanosecond": 0.000001}


def _aliases() -> Iterator[tuple[str, str]]:
    """Each other name of an attribute with its preferred one, from the sentry-conventions."""
    for metadata in ATTRIBUTE_METADATA.values():
        for alias in metadata.keys[1:]:
            if "." in alias or alias in _BARE:
                yield alias, metadata.keys[0]


CANONICAL: Mapping[str, str] = {**dict(_aliases()), **_OURS}
ENVIRONMENT = CANONICAL.get("sentry.environment", "sentry.environment")
RELEASE = CANONICAL.get("sentry.release", "sentry.release")
SEGMENT_NAME = CANONICAL.get("sentry.segment.name", "sentry.segment.name")

# What a span has as a column, or what every span of a process repeats.
COLUMNS = frozenset(
    {
        ENVIRONMENT,
        RELEASE,
        SEGMENT_NAME,
        "sentry.description",
        "sentry.is_localhost",
        "sentry.is_segment",
        "sentry.kind",
        "sentry.op",
        "sentry.origin",
        "sentry.platform",
        "sentry.sample_rate",
        "sentry.sdk.integrations",
        "sentry.sdk.name",
        "sentry.sdk.version",
        "sentry.segment.id",
        "sentry.segment.name.source",
        "sentry.trace_lifecycle",
    }
)


def flatten(raw: Any) -> dict[str, Any]:
    """Attributes by canonical name, from plain or {"value", "type"} values of streamed spans."""
    flat: dict[str, Any] = {}
    if not isinstance(raw, dict):
        return flat
    for name, value in raw.items():
        if type(value) is dict and "value" in value:
            value = value["value"]  # noqa: PLW2901 - the type says nothing that JSON does not
        if value is not None:
            canonical = CANONICAL.get(name, name)
            if canonical == name or canonical not in flat:
                flat[canonical] = value
    return flat


def storable(attributes: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """What the telemetry store keeps: scalars and lists of them, without the columns."""
    kept: dict[str, AttributeValue] = {}
    for name, value in attributes.items():
        if name in COLUMNS or value is None:
            continue
        kind = type(value)
        if kind is list:
            kept[name] = _from_list(name, value)
        elif kind is dict:
            kept[name] = orjson.dumps(value).decode()
        else:
            kept[name] = value
        if len(kept) == ATTRIBUTE_LIMIT:
            break
    return kept


def _from_list(name: str, values: list[Any]) -> AttributeValue:
    if len(values) == 1 and name.startswith(("http.request.header.", "http.response.header.")):
        return as_written(values[0])  # Node lists every header, Python only gives its text
    return [
        value if isinstance(value, str | int | float | bool) else orjson.dumps(value).decode()
        for value in values[:LIST_LIMIT]
        if value is not None
    ]


def measured(measurements: Any) -> dict[str, AttributeValue]:
    """Measurements as attributes: web vitals under their canonical names, in milliseconds."""
    attributes: dict[str, AttributeValue] = {}
    for name, entry in measurements.items() if isinstance(measurements, dict) else ():
        value = entry.get("value") if isinstance(entry, dict) else entry
        unit = str(entry.get("unit") or "") if isinstance(entry, dict) else ""
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if name in CANONICAL and (name in _WEB_VITALS or "." in name):
            attributes[CANONICAL[name]] = value * _MILLISECONDS.get(unit, 1)
            continue
        attributes[f"measurement.{name}"] = value
        if unit not in {"", "none", "millisecond"}:
            attributes[f"measurement.{name}.unit"] = unit
    return attributes


def as_written(value: Any) -> str:
    """A value as clients of any language write it in JSON: "true", not Python's "True"."""
    return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()


def headers(raw: Any) -> Iterator[tuple[str, str]]:
    """Name and text of each header, given as a mapping or as a list of pairs."""
    pairs = raw.items() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    for pair in pairs:
        if isinstance(pair, list | tuple) and len(pair) == 2 and pair[1] is not None:
            value = pair[1]
            text = (
                ", ".join(map(as_written, value)) if isinstance(value, list) else as_written(value)
            )
            yield as_written(pair[0]), text


def query_text(query: Any) -> str:
    """A query string as text, given as text, mapping or list of pairs."""
    if isinstance(query, str):
        return query.removeprefix("?")
    return "&".join(f"{name}={value}" for name, value in headers(query))


_METHOD_AND_PATH = re.compile(
    r"(?P<method>GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE|CONNECT|QUERY)(?:\s+(?P<rest>\S.*))?",
    re.DOTALL,
)


def split_method(name: str) -> tuple[str, str]:
    """Method and the rest of a name such as "GET /users/:id"; ("", name) for other names."""
    match = _METHOD_AND_PATH.fullmatch(name)
    return (match["method"], match["rest"] or "") if match else ("", name)
