"""What a browser measured beside the spans: when a page painted, and what a request waited for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from console.performance.names import PAGE, VITAL
from console.performance.traces.tree import Node, Tree

VITALS = {"ttfb": "TTFB", "fcp": "FCP", "lcp": "LCP"}
LATEST_MS = 3_600_000
# Phase → where it begins and ends, in the words of the sentry-conventions; seconds of an epoch.
PHASES = (
    ("redirect", "redirect_start", "redirect_end"),
    ("queue", "fetch_start", "domain_lookup_start"),
    ("dns", "domain_lookup_start", "domain_lookup_end"),
    ("connect", "connect_start", "connection_end"),
    ("tls", "secure_connection_start", "connection_end"),
    ("waiting", "request_start", "response_start"),
    ("download", "response_start", "response_end"),
)


@dataclass(frozen=True, slots=True)
class PageMark:
    """A moment of a page's loading, in microseconds since the trace began."""

    name: str
    at: int
    milliseconds: float
    """Since the page's own start, as the browser counts it."""


@dataclass(frozen=True, slots=True)
class PagePhase:
    """A phase of a request as the browser timed it, in microseconds as for nodes."""

    name: str
    start: int
    end: int


def marks(tree: Tree) -> list[PageMark]:
    """TTFB, FCP and LCP of the pages of a trace, by time; the last sent value counts."""
    marks_: dict[tuple[str, str], PageMark] = {}
    for node in tree.nodes.values():
        page = node if node.span.category == PAGE else _page_of(tree, node)
        if page is None:
            continue
        for name, label in VITALS.items():
            value = _number(node.span.attributes, f"browser.web_vital.{name}.value")
            if value is not None and value <= LATEST_MS:
                marks_[page.id, name] = PageMark(label, page.start + round(value * 1000), value)
    return sorted(marks_.values(), key=lambda mark: (mark.at, mark.name))


def phases(node: Node) -> Sequence[PagePhase]:
    """The phases of a resource or call from a browser; [] if it sent none."""
    moments = {
        name: value
        for _, *names in PHASES
        for name in names
        if (value := _number(node.span.attributes, f"http.request.{name}"))
    }
    if not moments:
        return []
    first = min(moments.values())
    at = {name: node.start + round((value - first) * 1e6) for name, value in moments.items()}
    return [
        PagePhase(phase, at[since], min(at[until], node.end))
        for phase, since, until in PHASES
        if since in at and until in at and at[since] < min(at[until], node.end)
    ]


def _page_of(tree: Tree, node: Node) -> Node | None:
    """The page of a span with a vital: vitals come late, on separate spans."""
    if node.span.category != VITAL:
        return None
    named = str(node.span.attributes.get("sentry.pageload.span_id") or node.span.segment_id)
    page = tree.nodes.get(named) or node.root
    return page if page.span.category == PAGE else None


def _number(attributes: Mapping[str, Any], name: str) -> float | None:
    value = attributes.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if isfinite(value) and value >= 0 else None
