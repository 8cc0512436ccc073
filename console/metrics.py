"""The catalogue: every number that a chart, a report or an alert can ask for, by its id."""

from collections.abc import Iterable, Mapping

from console.errors import metrics as errors
from console.intake import metrics as intake
from console.performance import metrics as performance
from console.telemetry.metric import Metric


def gathered(metrics: Iterable[Metric]) -> Mapping[str, Metric]:
    """The metrics by id; ValueError if two share one, for rules and tiles keep ids."""
    by_id: dict[str, Metric] = {}
    for metric in metrics:
        if metric.id in by_id:
            raise ValueError(f"two metrics are called {metric.id}")
        by_id[metric.id] = metric
    return by_id


CATALOGUE = gathered((*errors.METRICS, *performance.METRICS, *intake.METRICS))
