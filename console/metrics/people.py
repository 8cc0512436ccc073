"""The numbers of people: how many used the application."""

from console.telemetry import people_measures
from console.telemetry.metric import Metric

ACTIVE = Metric(
    id="people.active",
    title="Active people",
    unit="people",
    noun="active person",
    plural="active people",
    better="higher",
    format="number",
    empty="zero",
    note="only people whom the data names",
    measure=people_measures.active(),
)
METRICS = (ACTIVE,)
