"""The catalogue: every number that a chart, a report or an alert can ask for, by its id."""

from collections.abc import Iterable, Mapping

from console.errors import metrics as errors
from console.intake import metrics as intake
from console.metrics import alerting, incidents, people
from console.performance import metrics as performance
from console.telemetry.metric import Metric
from console.uptime import metrics as uptime


def gathered(metrics: Iterable[Metric]) -> Mapping[str, Metric]:
    """The metrics by id; ValueError if two share one, for rules and tiles keep ids."""
    by_id: dict[str, Metric] = {}
    for metric in metrics:
        if metric.id in by_id:
            raise ValueError(f"two metrics are called {metric.id}")
        by_id[metric.id] = metric
    return by_id


GROUPS = {
    "requests": "Requests",
    "statements": "Database",
    "vitals": "Web vitals",
    "errors": "Errors",
    "issues": "Issues",
    "findings": "Findings",
    "sessions": "Sessions",
    "people": "People",
    "checks": "Uptime",
    "intake": "Intake",
    "rules": "Rules",
    "incidents": "Incidents",
}
"""What the first part of an id says to a person, in the order of the lists."""
CATALOGUE = gathered(
    (
        *errors.METRICS,
        *performance.METRICS,
        *intake.METRICS,
        *people.METRICS,
        *uptime.METRICS,
        *alerting.METRICS,
        *incidents.METRICS,
    )
)


def group_of(metric: Metric) -> str:
    """The words for the first part of a metric's id."""
    return GROUPS[metric.id.split(".")[0]]


def full_title(metric: Metric) -> str:
    """A metric's title with its group, as it is understood where nothing else says the group."""
    group = group_of(metric)
    return metric.title if metric.title == group else f"{group}: {metric.title}"
