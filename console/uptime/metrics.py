"""The numbers of checks: how much of the time they were up, and how fast they answered."""

from console.telemetry import check_measures
from console.telemetry.metric import Metric

UPTIME = Metric(
    id="checks.uptime",
    title="Uptime",
    unit="%",
    better="higher",
    format="share",
    empty="gap",
    measure=check_measures.uptime(),
    source="results of checks",
)
RESPONSE_TIME = Metric(
    id="checks.response_time",
    title="Response time, P95",
    unit="ms",
    better="lower",
    format="milliseconds",
    empty="gap",
    measure=check_measures.response_time(0.95),
    source="results of checks",
)
DOWN = Metric(
    id="checks.down",
    title="Checks down",
    unit="checks",
    noun="check down",
    better="lower",
    format="number",
    # Between two tries nothing is known: a rule keeps its state until the next result.
    empty="gap",
    measure=check_measures.down(),
)
CERTIFICATE_DAYS = Metric(
    id="checks.certificate_days",
    title="Days until a certificate expires",
    unit="days",
    noun="day",
    better="higher",
    format="number",
    empty="gap",
    measure=check_measures.days_left("certificate_days"),
)
DOMAIN_DAYS = Metric(
    id="checks.domain_days",
    title="Days until a domain expires",
    unit="days",
    noun="day",
    better="higher",
    format="number",
    empty="gap",
    measure=check_measures.days_left("domain_days"),
)
METRICS = (UPTIME, RESPONSE_TIME, DOWN, CERTIFICATE_DAYS, DOMAIN_DAYS)
