"""Measures of requests and of database calls, from the same expressions as their lists and charts.

Counts are corrected by the client's sampling; percentiles are over what was received, in
milliseconds. Samples are what was received.
"""

from typing import Any

from sqlalchemy import String, case, cast, func, not_

from console.telemetry.dialect import quantiles
from console.telemetry.latency import COUNT, SHARES, TOTAL_US, failed
from console.telemetry.measures import RECEIVED, Measure, Rows, Source
from console.telemetry.question import within
from console.telemetry.requests import requests_within
from console.telemetry.statements import calls_within
from console.telemetry.tables import span

Span = span.c
_WEIGHT = 1.0 / Span.sample_rate
_PERCENTILES = quantiles(Span.duration_us, *SHARES)
_FAILED = func.coalesce(func.sum(_WEIGHT).filter(failed()), 0.0)

REQUESTS = Rows(
    name="requests",
    within=requests_within,
    at=Span.timestamp,
    dimensions={
        "endpoint": Span.endpoint,
        "environment": Span.environment,
        "release": Span.release,
        "category": Span.category,
        "method": Span.http_method,
        "status": func.coalesce(cast(Span.http_status, String), Span.status),
        "server": Span.server_name,
    },
    heeds=frozenset({"environment", "release", "status_class", "attributes", "text"}),
)
STATEMENT_CALLS = Rows(
    name="calls of statements",
    within=calls_within,
    at=Span.timestamp,
    dimensions={
        "statement": Span.fingerprint,
        "environment": Span.environment,
        "release": Span.release,
        "server": Span.server_name,
    },
)
SPANS = Rows(
    name="spans",
    within=lambda scope: within(span, scope),
    at=Span.timestamp,
    dimensions={
        "category": Span.category,
        "environment": Span.environment,
        "release": Span.release,
        "server": Span.server_name,
        "sdk": Span.sdk,
    },
)


def count(source: Source) -> Measure:
    """How many spans there were, including the ones that sampling left out."""
    return Measure(source, COUNT, RECEIVED)


def failure_rate(source: Source) -> Measure:
    """The share that failed, 0 to 1."""
    return Measure(source, _FAILED / COUNT, RECEIVED)


def failures(source: Source) -> Measure:
    """How many failed, including the ones that sampling left out."""
    return Measure(source, _FAILED, RECEIVED)


def total_time(source: Source) -> Measure:
    """The sum of their durations, in milliseconds."""
    return Measure(source, TOTAL_US, RECEIVED, _milliseconds)


def percentile(source: Source, share: float) -> Measure:
    """The duration that this share (0 to 1) of the spans does not exceed, in milliseconds."""
    if share in SHARES:
        place = SHARES.index(share)
        return Measure(
            source, _PERCENTILES, RECEIVED, lambda percentiles: _milliseconds(percentiles[place])
        )
    quantile = quantiles(Span.duration_us, share)
    return Measure(source, quantile, RECEIVED, lambda percentiles: _milliseconds(percentiles[0]))


def apdex(source: Source, threshold_ms: float) -> Measure:
    """Apdex: satisfied within the threshold, tolerating within four times of it, failed ones not.

    Application Performance Index Technical Specification 1.1: (satisfied + tolerating / 2) / all.
    """
    limit = threshold_ms * 1000
    marks = case(
        (func.coalesce(failed(), False), 0.0),
        (Span.duration_us <= limit, 1.0),
        (Span.duration_us <= 4 * limit, 0.5),
        else_=0.0,
    )
    return Measure(source, func.sum(_WEIGHT * marks) / COUNT, RECEIVED)


def per_request() -> Measure:
    """Calls in each request, task or page that makes any; samples are those requests."""
    requests = func.count(Span.segment_id.distinct()).filter(not_(Span.is_segment))
    return Measure(STATEMENT_CALLS, RECEIVED * 1.0 / func.nullif(requests, 0), requests)


def arrival_lag(share: float) -> Measure:
    """The time from a span's end to its arrival that this share stays within, in milliseconds."""
    lag = func.epoch_us(Span.received_at) - func.epoch_us(Span.timestamp) - Span.duration_us
    return Measure(
        SPANS, quantiles(lag, share), RECEIVED, lambda percentiles: _milliseconds(percentiles[0])
    )


def _milliseconds(microseconds: Any) -> float:
    return float(microseconds) / 1000
