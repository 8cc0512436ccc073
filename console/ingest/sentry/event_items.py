"""Error events in one shape, whatever the age and language of the client that sent them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from console.ingest.arrival import Arrival, hex_id, label, text
from console.ingest.attributes import as_written, headers
from console.ingest.scrub import Scrubber
from console.ingest.sensitive import FILTERED
from console.ingest.sentry.leftovers import NAME, notes
from console.ingest.sentry.message_format import formatted
from console.ingest.sentry.shapes import elements, mapping, objects, whole
from console.ingest.sentry.stacks import lend_stacks, place_in_images, stacktrace

TAG_LIMIT = 100
VALUE_LIMIT = 50
BREADCRUMB_LIMIT = 200
MESSAGE_LENGTH = 8192
LEVELS = {
    **{level: level for level in ("fatal", "error", "warning", "info", "debug")},
    "critical": "fatal",
    "emergency": "fatal",
    "alert": "fatal",
    "warn": "warning",
    "log": "info",
    "notice": "info",
    "trace": "debug",
}
_LEVEL_NUMBERS = {10: "debug", 20: "info", 30: "warning", 40: "error", 50: "fatal"}
_LEGACY = {  # what clients before 2015 call the interfaces
    "sentry.interfaces.Exception": "exception",
    "sentry.interfaces.Message": "logentry",
    "sentry.interfaces.Stacktrace": "stacktrace",
    "sentry.interfaces.Http": "request",
    "sentry.interfaces.User": "user",
    "sentry.interfaces.Breadcrumbs": "breadcrumbs",
    "sentry.interfaces.threads.Threads": "threads",
}
_TEXTS = {
    "release": 200,
    "environment": 64,
    "dist": 64,
    "server_name": 200,
    "transaction": 200,
    "logger": 200,
    "culprit": 200,
    "platform": 40,
}
_LIMITS = {
    "tags": TAG_LIMIT,
    "breadcrumbs": BREADCRUMB_LIMIT,
    "exception": VALUE_LIMIT,
    "threads": VALUE_LIMIT,
}
BROWSER_REPORT = "browser_report"
"""What the console itself notes of a report of a browser."""
_DROPPED = (
    NAME, "_meta", "type", "spans", "measurements", "_metrics_summary", BROWSER_REPORT,
)  # fmt: skip


def event_id(event: Any, arrival: Arrival, payload: bytes) -> str:
    """The event's own id, else the envelope's, else one made of the bytes, so resends share it."""
    own = event.get("event_id") if isinstance(event, dict) else None
    return (
        hex_id(own, 32)
        or hex_id(arrival.header.get("event_id"), 32)
        or hashlib.sha256(payload).hexdigest()[:32]
    )


def with_present_names(event: Mapping[str, Any]) -> dict[str, Any]:
    """The event whose interfaces have the names that clients use since 2015."""
    return {_LEGACY.get(name, name): value for name, value in event.items()}


def normalise(
    event: Mapping[str, Any], arrival: Arrival, gone: Sequence[str] = ()
) -> dict[str, Any]:
    """The scrubbed event with every interface in its present shape, its times by our clock.

    `gone` are the parts without which it is small enough.
    """
    shaped = with_present_names(event)
    lost = notes(shaped, _LIMITS, gone)
    for name in _DROPPED:
        shaped.pop(name, None)
    for name, length in _TEXTS.items():
        if name in shaped:
            shaped[name] = label(shaped[name], length)
    at = arrival.time(shaped.get("timestamp")) or arrival.context.received_at
    shaped["client_timestamp"] = _iso(arrival.stated(shaped.get("timestamp")))
    shaped["timestamp"] = _iso(at)
    shaped["platform"] = shaped.get("platform") or "other"
    shaped["level"] = _level(shaped.get("level"))
    shaped["tags"] = tags(shaped.get("tags"))
    shaped["contexts"] = _contexts(shaped.get("contexts"))
    _shape_user(shaped)
    _shape_request(shaped)
    _shape_message(shaped, arrival.context.scrubber)
    _shape_exceptions(shaped)
    _shape_lists(shaped, arrival)
    lend_stacks(shaped)
    place_in_images(shaped)
    if fingerprint := [text(part) for part in elements(shaped.get("fingerprint"))]:
        shaped["fingerprint"] = fingerprint
    else:
        shaped.pop("fingerprint", None)
    if lost:
        shaped[NAME] = lost
    return shaped


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def tags(raw: Any) -> dict[str, str]:
    """Tags given as a mapping or as pairs, at most 100 of them."""
    kept: dict[str, str] = {}
    for name, value in headers(raw):
        if value and len(kept) < TAG_LIMIT:
            kept[name[:200]] = value[:200]
    return kept


def _level(raw: Any) -> str:
    raw = whole(raw)
    if isinstance(raw, int):
        return _LEVEL_NUMBERS.get(raw, "error")
    return LEVELS.get(text(raw).lower(), "error")


def _contexts(raw: Any) -> dict[str, Any]:
    contexts = {name: context for name, context in _items(raw) if context is not None}
    trace = contexts.get("trace")
    if not isinstance(trace, dict):
        contexts.pop("trace", None)
    else:
        ids = {"trace_id": 32, "span_id": 16, "parent_span_id": 16}
        sent = {name: hex_id(trace[name], n) for name, n in ids.items() if name in trace}
        contexts["trace"] = trace | sent
    return contexts


def _shape_user(event: dict[str, Any]) -> None:
    user = {name: value for name, value in _items(event.pop("user", None)) if value is not None}
    if (
        user.get("ip_address") == "{{auto}}"
    ):  # "the address that this comes from", which nobody keeps
        del user["ip_address"]
    if user:
        event["user"] = user


def _shape_request(event: dict[str, Any]) -> None:
    request = dict(_items(event.pop("request", None)))
    if not request:
        return
    sent: dict[str, list[str]] = {}
    for name, value in headers(request.get("headers")):  # of which a request may have several
        sent.setdefault(name, []).append(value)
    request["headers"] = {name: ", ".join(values) for name, values in sent.items()}
    event["request"] = {
        name: value for name, value in request.items() if value not in (None, {}, [], "")
    }


def _shape_message(event: dict[str, Any], scrubber: Scrubber) -> None:
    """One logentry of template, parameters and the formatted text."""
    entry = event.pop("logentry", None)
    message = event.pop("message", None)
    if not isinstance(entry, dict):
        entry = {"message": entry} if entry else message
    if not isinstance(entry, dict):
        entry = {"message": entry}
    template = _words(entry.get("message"))
    params = entry.get("params")
    words = _words(entry.get("formatted"))
    if params or not words:
        filled, params = _filled(template, params, scrubber)
        words = words or filled
    if not words:
        return
    event["logentry"] = {"message": template or words, "formatted": words}
    if params:
        event["logentry"]["params"] = params


def _filled(template: str, params: Any, scrubber: Scrubber) -> tuple[str, Any]:
    """The template with its parameters in it, and the parameters as they may be kept.

    Both were scrubbed, but together they may tell a secret: "password=%s" names its parameter.
    """
    filled = formatted(template, params, limit=MESSAGE_LENGTH)
    clean = scrubber.text(filled)
    if FILTERED not in clean:
        return filled, params
    if isinstance(params, dict):
        params = {name: _said_in(clean, value) for name, value in params.items()}
    elif isinstance(params, list):
        params = [_said_in(clean, value) for value in params]
    return clean[:MESSAGE_LENGTH], params


def _said_in(message: str, value: Any) -> Any:
    return value if str(value) in message else FILTERED


def _shape_exceptions(event: dict[str, Any]) -> None:
    raw = event.pop("exception", None)
    if isinstance(raw, dict) and "values" not in raw and not elements(raw):
        raw = [raw]
    sent = [exception for exception in objects(raw) if _says_something(exception)]
    exceptions = [_exception(exception) for exception in sent[-VALUE_LIMIT:]]
    own_stack = stacktrace(event.pop("stacktrace", None))
    if own_stack and exceptions and not exceptions[-1].get("stacktrace"):
        exceptions[-1]["stacktrace"] = own_stack
        own_stack = None
    if len(exceptions) == 1 and _is_message(exceptions[0]):
        only = exceptions.pop()
        if "logentry" not in event and only["value"]:
            event["logentry"] = {"message": only["value"], "formatted": only["value"]}
        own_stack = own_stack or only.get("stacktrace")
    if exceptions:
        event["exception"] = {"values": exceptions}
    if own_stack:
        event["stacktrace"] = own_stack


def _is_message(exception: Mapping[str, Any]) -> bool:
    """Node 11 sends captureMessage as a synthetic exception without a type, for the stack."""
    return not exception["type"] and exception.get("mechanism", {}).get("synthetic") is True


def _exception(raw: Mapping[str, Any]) -> dict[str, Any]:
    exception = dict(raw)
    exception["type"] = text(raw.get("type"), 200)
    exception["value"] = _words(raw.get("value"))
    exception["module"] = text(raw.get("module"), 200)
    if not isinstance(raw.get("mechanism"), dict):
        exception.pop("mechanism", None)
    if stack := stacktrace(raw.get("stacktrace")):
        exception["stacktrace"] = stack
    else:
        exception.pop("stacktrace", None)
    return exception


def _shape_lists(event: dict[str, Any], arrival: Arrival) -> None:
    """Breadcrumbs and threads as lists of objects under "values"."""
    crumbs = _in_order(objects(event.pop("breadcrumbs", None)), arrival)[-BREADCRUMB_LIMIT:]
    if crumbs:
        event["breadcrumbs"] = {"values": crumbs}
    threads = objects(event.pop("threads", None))[:VALUE_LIMIT]
    if threads:
        stacks = (
            {**thread, "stacktrace": stacktrace(thread.get("stacktrace"))} for thread in threads
        )
        event["threads"] = {"values": list(stacks)}


def _in_order(sent: Sequence[Mapping[str, Any]], arrival: Arrival) -> list[dict[str, Any]]:
    """Breadcrumbs by time; clients with several scopes or halves send one's after the other's.

    What has no time stays behind what was sent before it.
    """
    latest = datetime.min.replace(tzinfo=UTC)
    timed: list[tuple[datetime, dict[str, Any]]] = []
    for raw in sent:
        at = arrival.time(raw.get("timestamp"))
        latest = at or latest
        timed.append((latest, _breadcrumb(raw, at)))
    timed.sort(key=itemgetter(0))
    return [crumb for _, crumb in timed]


def _breadcrumb(raw: Mapping[str, Any], at: datetime | None) -> dict[str, Any]:
    """A breadcrumb with its time by our clock, as the event's is; what is no time stays as sent."""
    crumb = dict(raw)
    if at:
        crumb["timestamp"] = _iso(at)
    if raw.get("data", "") in (None, "", []):  # PHP's empty object is a list
        crumb.pop("data", None)
    return crumb


def _words(value: Any) -> str:
    """A message, whatever a client sends as one; what is no text as it writes it."""
    if value in (None, [], {}):
        return ""
    return text(value, MESSAGE_LENGTH) or as_written(value)[:MESSAGE_LENGTH]


def _says_something(part: Mapping[str, Any]) -> bool:
    return any(value not in (None, "", [], {}) for value in part.values())


def _items(raw: Any) -> Iterator[tuple[str, Any]]:
    yield from mapping(raw).items()
