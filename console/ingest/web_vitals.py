"""Web vitals from browser SDKs: page loads, and the pieces that come separately.

Clients that stream spans send LCP, CLS and INP as separate spans that name their page load and no
address; other clients send them, except INP, as measurements of the page load (see browser-utils of
sentry-javascript, and web.dev for each metric).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from console.core.urls import split_url
from console.ingest.attributes import SEGMENT_NAME
from console.performance.names import Named, collapsed_path, page_of
from console.telemetry.records import PIECE, AttributeValue, PageLoad, Span
from console.telemetry.web_vitals import METRICS, WebVital

VITAL_PREFIX = "browser.web_vital."
PAGE_LOAD = "pageload"
PAGE_LOAD_ID = "sentry.pageload.span_id"
LONGEST = 200
ITEM = "web_vital"
IMPLAUSIBLE = "a web vital that no page can have measured"
# Where a metric's value stands: what is sent under other names is renamed before (attributes.py).
_VALUES = {metric.column: f"{VITAL_PREFIX}{metric.column}.value" for metric in METRICS} | {
    "fid": "measurement.fid"
}
# What made a metric, by the names that pages show it under.
_CAUSES = {
    "lcp.element": "lcp.target",
    "lcp.url": "lcp.url",
    "lcp.resource_load_delay": "lcp.load_delay",
    "lcp.resource_load_duration": "lcp.load_duration",
    "lcp.element_render_delay": "lcp.render_delay",
    "cls.source.1": "cls.target",
    "inp.target": "inp.target",
    "inp.interaction_type": "inp.type",
    "inp.input_delay": "inp.input_delay",
    "inp.processing_duration": "inp.processing",
    "inp.presentation_delay": "inp.presentation",
}
_TABLET = re.compile(r"ipad|tablet", re.IGNORECASE)
_PHONE = re.compile(r"mobi|iphone|ipod", re.IGNORECASE)


def page_loads(spans: Iterable[Span]) -> tuple[list[PageLoad], int]:
    """The page loads in these spans, and how many implausible values were dropped."""
    loads: list[PageLoad] = []
    implausible = 0
    for span in spans:
        if span.category in {"page", "vital"}:
            measured, dropped = _measured(span)
            implausible += dropped
            if load := _page_load(span, measured):
                loads.append(load)
    return loads, implausible


def device_of(user_agent: str) -> str:
    """desktop, mobile or tablet, from the User-Agent header; "" if there is none.

    A library would also give the model, but vitals are split by these three alone.
    """
    _, android, after = user_agent.lower().rpartition("android")
    if _TABLET.search(user_agent) or (android and "mobile" not in after):
        return "tablet"
    if _PHONE.search(user_agent):
        return "mobile"
    return "desktop" if user_agent else ""


def reported_at(received: float) -> int:
    """When a value was reported, in microseconds: the last reported value counts."""
    return round(received * 1_000_000)


def _page_load(span: Span, measured: Mapping[str, float]) -> PageLoad | None:
    is_page = span.op == PAGE_LOAD and span.is_segment
    page_id = span.span_id if is_page else _page_id(span)
    if not is_page and not measured:
        return None
    attributes = span.attributes
    agent = str(attributes.get("user_agent.original") or "")
    return PageLoad(
        organization_id=span.organization_id,
        project_id=span.project_id,
        position=span.position,
        page_id=page_id or span.span_id,
        is_loose=not page_id,
        timestamp=span.timestamp,
        client_timestamp=span.client_timestamp,
        received_at=span.received_at,
        page=span.endpoint if is_page else _page_of(span),
        path=str(attributes.get("url.path") or "")[:LONGEST] if is_page else "",
        device=device_of(agent),
        navigation=str(attributes.get("browser.navigation.type") or "")[:40],
        environment=span.environment,
        release=span.release,
        source="sentry" if is_page else PIECE,
        user_key=span.user_key,
        trace_id=span.trace_id,
        attribution=_attribution(span, measured),
        **measured,
    )


def _page_of(span: Span) -> str:
    """The page that a vital says it was measured on, under the name that its loads have."""
    attributes = span.attributes
    name = str(attributes.get(SEGMENT_NAME) or "")
    if not name and span.segment_name != span.name:
        name = span.segment_name
    path = str(attributes.get("url.path") or _path(attributes.get("url.full")))
    if not name:
        return collapsed_path(path)[:LONGEST]
    source = str(attributes.get("sentry.segment.name.source") or span.source)
    page = page_of(Named(name=name, source=source, path=path))
    return (collapsed_path(page) if page.startswith("/") else page)[:LONGEST]


def _path(url: AttributeValue | None) -> str:
    try:
        return split_url(str(url or "")).path
    except ValueError:  # "http://[" is no address
        return ""


def _page_id(span: Span) -> str:
    """The page load that a vital belongs to: named, or the segment that it was sent within.

    "" for the INP of clients before 11 and of those without streams: it names its trace alone.
    """
    named = str(span.attributes.get(PAGE_LOAD_ID) or "")
    if re.fullmatch(r"[0-9a-f]{16}", named):
        return named
    return span.segment_id if span.segment_id != span.span_id else span.parent_span_id


def _measured(span: Span) -> tuple[dict[str, float], int]:
    measured, dropped = {}, 0
    for metric, value in _values(span):
        if metric.is_plausible(value):
            measured[metric.column] = value
        else:
            dropped += 1
    return measured, dropped


def _values(span: Span) -> Iterator[tuple[WebVital, float]]:
    for metric in METRICS:
        value = span.attributes.get(_VALUES[metric.column])
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield metric, float(value)


def _attribution(span: Span, measured: Mapping[str, float]) -> dict[str, AttributeValue]:
    attribution: dict[str, AttributeValue] = {}
    for name in measured:
        attribution[f"{name}.at"] = reported_at(span.received_at.timestamp())
    for sent, shown in _CAUSES.items():
        value: Any = span.attributes.get(VITAL_PREFIX + sent)
        if shown.partition(".")[0] in measured and value not in (None, ""):
            attribution[shown] = value[:LONGEST] if isinstance(value, str) else value
    if "lcp" in measured and "ttfb" in measured:
        attribution["lcp.ttfb"] = measured["ttfb"]
    return attribution
