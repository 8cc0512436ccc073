"""A rule's numbers in the unit that they are compared in."""

from collections.abc import Callable
from functools import partial

from console.alerting.condition import Comparison
from console.metrics.catalogue import CATALOGUE
from console.telemetry.metric import Format
from console.web.filters import measured


def words(metric_id: str, compare: Comparison | None) -> Callable[[float], str]:
    """What writes a number that is compared with levels: "5.07%", "1.20 s", "470 %"."""
    if compare == "percent":
        return "{:.4g} %".format
    if compare == "deviation":
        return "{:.3g} deviations".format
    metric = CATALOGUE.get(metric_id)
    return partial(_measured, metric.format) if metric else "{:g}".format


def _measured(kind: Format, number: float) -> str:
    return str(measured(number, kind))
