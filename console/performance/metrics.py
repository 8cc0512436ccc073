"""The numbers of performance: requests, database statements, web vitals."""

from console.telemetry import span_measures as spans
from console.telemetry import vital_measures
from console.telemetry.metric import Metric, Parameter
from console.telemetry.span_measures import REQUESTS, STATEMENT_CALLS
from console.telemetry.web_vitals import METRICS as WEB_VITALS
from console.telemetry.web_vitals import WebVital

FEW = 20
"""With fewer samples, a percentile says more about chance than about the code."""

COUNT = Metric(
    id="requests.count",
    title="Requests",
    unit="requests",
    noun="request",
    better="neither",
    format="number",
    empty="zero",
    measure=spans.count(REQUESTS),
)
ERROR_RATE = Metric(
    id="requests.error_rate",
    title="Error rate",
    unit="%",
    better="lower",
    format="share",
    least=FEW,
    empty="gap",
    measure=spans.failure_rate(REQUESTS),
    source="requests",
)
FAILURES = Metric(
    id="requests.failures",
    title="Failed requests",
    unit="requests",
    noun="failed request",
    better="lower",
    format="number",
    empty="zero",
    measure=spans.failures(REQUESTS),
)
TIME = Metric(
    id="requests.time",
    title="Time in requests",
    unit="ms",
    better="lower",
    format="milliseconds",
    empty="zero",
    measure=spans.total_time(REQUESTS),
)
APDEX = Metric(
    id="requests.apdex",
    title="Apdex",
    unit="",
    better="higher",
    format="score",
    least=FEW,
    empty="gap",
    measure=lambda threshold_ms: spans.apdex(REQUESTS, threshold_ms),
    parameters=(Parameter("threshold_ms", "Satisfied up to", "ms"),),
    source="requests",
)


def _latency(name: str, share: float) -> Metric:
    return Metric(
        id=f"requests.{name.lower()}",
        title=name,
        unit="ms",
        better="lower",
        format="milliseconds",
        least=FEW,
        empty="gap",
        measure=spans.percentile(REQUESTS, share),
        source="requests",
    )


def _vital(vital: WebVital) -> Metric:
    return Metric(
        id=f"vitals.{vital.column}",
        title=f"{vital.name} P75",
        unit=vital.unit,
        better="lower",
        format="milliseconds" if vital.unit else "score",
        least=FEW,
        empty="gap",
        measure=vital_measures.p75(vital.name),
        source="page loads",
    )


P50, P95, P99 = _latency("P50", 0.5), _latency("P95", 0.95), _latency("P99", 0.99)
STATEMENT_COUNT = Metric(
    id="statements.count",
    title="Calls of statements",
    unit="calls",
    noun="call of a statement",
    better="neither",
    format="number",
    empty="zero",
    measure=spans.count(STATEMENT_CALLS),
)
STATEMENT_P95 = Metric(
    id="statements.p95",
    title="P95 of statements",
    unit="ms",
    better="lower",
    format="milliseconds",
    least=FEW,
    empty="gap",
    measure=spans.percentile(STATEMENT_CALLS, 0.95),
)
STATEMENTS_PER_REQUEST = Metric(
    id="statements.per_request",
    title="Statements per request",
    unit="statements",
    noun="statement per request",
    better="lower",
    format="number",
    least=FEW,
    empty="gap",
    measure=spans.per_request(),
)
ENDPOINTS_PAGE = (COUNT, ERROR_RATE, FAILURES, P50, P95)
"""The figures above the list of endpoints."""
ENDPOINT_PAGE = (P50, P95, P99, COUNT, ERROR_RATE, FAILURES, TIME)
"""The figures above the page of an endpoint."""
VITALS = {vital.name: _vital(vital) for vital in WEB_VITALS}
METRICS = (
    COUNT,
    ERROR_RATE,
    FAILURES,
    P50,
    P95,
    P99,
    TIME,
    APDEX,
    STATEMENT_COUNT,
    STATEMENT_P95,
    STATEMENTS_PER_REQUEST,
    *VITALS.values(),
)
