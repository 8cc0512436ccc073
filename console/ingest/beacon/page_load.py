"""Decodes the web vitals that the console's own script (static/beacon/beacon.js) reports."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from console.ingest.arrival import hex_id, label, text
from console.ingest.client_json import load_json
from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import INVALID, STORED, Context, Decoded
from console.ingest.web_vitals import IMPLAUSIBLE, ITEM, LONGEST, reported_at
from console.performance.names import collapsed_path
from console.telemetry.records import AttributeValue, PageLoad
from console.telemetry.web_vitals import BY_NAME, WebVital

METRIC_LIMIT = 20
DEVICES = frozenset({"desktop", "mobile", "tablet"})
# Names of the web-vitals package's attribution, and those that pages show it under.
_CAUSES = {
    "LCP": {
        "target": "target",
        "url": "url",
        "timeToFirstByte": "ttfb",
        "resourceLoadDelay": "load_delay",
        "resourceLoadDuration": "load_duration",
        "elementRenderDelay": "render_delay",
    },
    "INP": {
        "interactionTarget": "target",
        "interactionType": "type",
        "inputDelay": "input_delay",
        "processingDuration": "processing",
        "presentationDelay": "presentation",
        "loadState": "load_state",
        "scriptUrl": "script_url",
        "scriptFunction": "script_function",
        "scriptInvoker": "script_invoker",
        "scriptDuration": "script_duration",
        "scriptPart": "script_part",
    },
    "CLS": {
        "largestShiftTarget": "target",
        "largestShiftValue": "shift_value",
        "largestShiftTime": "shift_time",
        "loadState": "load_state",
    },
    "TTFB": {
        "waitingDuration": "waiting",
        "cacheDuration": "cache",
        "dnsDuration": "dns",
        "connectionDuration": "connection",
        "requestDuration": "request",
    },
}


def parse(raw: bytes) -> dict[str, Any]:
    """The body of a beacon; raises Undecodable unless it is a beacon of version 1."""
    body = load_json(raw)
    if not isinstance(body, dict) or body.get("v") != 1:
        raise Undecodable("the body is no beacon of version 1")
    metrics = body.get("m")
    if not isinstance(metrics, list) or not 0 < len(metrics) <= METRIC_LIMIT:
        raise Undecodable(f"a beacon brings 1 to {METRIC_LIMIT} metrics")
    return body


def decode(raw: bytes, context: Context) -> Decoded:
    """The page load of a beacon; raises Undecodable, and counts implausible values."""
    decoded = Decoded(context)
    body = context.scrubbed(parse(raw))
    decoded.keep_all(body.then(lambda fields: _page_loads(fields, context, decoded)))
    return decoded


def _page_loads(body: Mapping[str, Any], context: Context, decoded: Decoded) -> list[PageLoad]:
    """The page load, if it has any metric; counts the metrics."""
    page = body.get("page")
    page_id = hex_id(page.get("id"), 16) if isinstance(page, dict) else ""
    if not isinstance(page, dict) or not page_id:
        raise Undecodable("the beacon names no page by an id of 16 hexadecimal digits")
    measured: dict[str, Any] = {}
    attribution: dict[str, AttributeValue] = {}
    for metric, value, causes in _metrics(body["m"], decoded):
        measured[metric.column] = value
        attribution[f"{metric.column}.at"] = reported_at(context.received_at.timestamp())
        attribution |= _causes(metric, causes)
    if not measured:
        return []
    decoded.count(ITEM, STORED, "", len(measured))
    load = _page_load(body, page, page_id, context)
    return [PageLoad(**load, **measured, attribution=attribution)]


def _page_load(
    body: Mapping[str, Any], page: Mapping[str, Any], page_id: str, context: Context
) -> dict[str, Any]:
    path = _plain(text(page.get("path"), 2 * LONGEST))
    device = text(body.get("dev"), 10)
    return {
        "organization_id": context.organization_id,
        "project_id": context.project_id,
        "position": context.position,
        "page_id": page_id,
        "timestamp": context.received_at,
        "received_at": context.received_at,
        "page": _plain(text(page.get("route"), LONGEST)) or collapsed_path(path) or "/",
        "path": path[:LONGEST],
        "device": device if device in DEVICES else "",
        "navigation": text(body.get("nav"), 40),
        "environment": label(body.get("env"), 64),
        "release": label(body.get("rel")),
        "source": "beacon",
    }


def _metrics(
    items: list[Any], decoded: Decoded
) -> Iterator[tuple[WebVital, float, Mapping[str, Any]]]:
    """The valid metrics with their causes; if a metric comes twice, the last one counts."""
    for item in items:
        metric = BY_NAME.get(text(item.get("n"), 10)) if isinstance(item, dict) else None
        value = item.get("v") if isinstance(item, dict) else None
        if metric is None:
            decoded.count(ITEM, INVALID, "a metric of another name than LCP, INP, CLS, FCP, TTFB")
        elif isinstance(value, bool) or not isinstance(value, int | float):
            decoded.count(ITEM, INVALID, "a metric without a number")
        elif not metric.is_plausible(value):
            decoded.count(ITEM, INVALID, IMPLAUSIBLE)
        else:
            causes = item.get("a")
            yield metric, float(value), causes if isinstance(causes, dict) else {}


def _causes(metric: WebVital, reported: Mapping[str, Any]) -> dict[str, AttributeValue]:
    causes: dict[str, AttributeValue] = {}
    for sent, shown in _CAUSES.get(metric.name, {}).items():
        value = reported.get(sent)
        if isinstance(value, str) and value:
            causes[f"{metric.column}.{shown}"] = (
                _plain(value) if "url" in shown.lower() else value
            )[:LONGEST]
        elif isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            causes[f"{metric.column}.{shown}"] = value
    return causes


def _plain(address: str) -> str:
    """Without query and fragment, where secrets are; the script leaves them out too."""
    return re.split(r"[?#]", address, maxsplit=1)[0]
