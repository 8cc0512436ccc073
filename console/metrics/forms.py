"""Which metric a person or a script asks for, with its filter and breakdown."""

from __future__ import annotations

from typing import Any

from wtforms import SelectField, StringField
from wtforms.validators import Length, Optional, ValidationError

from console.metrics.asking import (
    dimension_faults,
    fault_of,
    numbers_of,
    parameter_faults,
    place_faults,
)
from console.metrics.catalogue import CATALOGUE, full_title
from console.telemetry.metric import Metric
from console.web.api import Steps
from console.web.choices import choices
from console.web.forms import FilterForm, NumberField, OpenSelect, ValuesByName, mark

FIRST = "requests.p95"
LONGEST_VALUE = Length(max=200, message="At most 200 characters.")


class MetricFilter(FilterForm):
    """The page of a metric."""

    label = "Choose a metric"
    keeping = ("metric", "by", "parameter")

    metric = SelectField(
        "Metric",
        choices=choices((metric.id, full_title(metric)) for metric in CATALOGUE.values()),
        default=FIRST,
    )
    by = OpenSelect("Broken down by", "Not broken down", closed=True)
    only = OpenSelect("Filter by", "No filter", closed=True)
    value = StringField(
        "Value",
        [Optional(), LONGEST_VALUE],
        description="equal to …",
        render_kw={"list": "known-values"},
    )
    parameter = NumberField("Parameter", [Optional()])

    def validate_parameter(self, field: NumberField) -> None:
        """It lies in the bounds of the metric's parameter."""
        for parameter in self.chosen.parameters:
            if field.data is not None and (fault := fault_of(parameter, field.data)):
                raise ValidationError(fault)

    def offer(self) -> MetricFilter:
        """Offer the dimensions and the parameter that the chosen metric has."""
        metric = self.chosen
        for field in (self.by, self.only):
            field.offer((name, name.replace("_", " ").capitalize()) for name in metric.dimensions)
        if metric.parameters:
            self.parameter.label.text = metric.parameters[0].title
        return self

    @property
    def hidden(self) -> tuple[str, ...]:  # type: ignore[override]
        """A parameter is shown for metrics that have one."""
        return () if self.chosen.parameters else ("parameter",)

    @property
    def chosen(self) -> Metric:
        """The metric that is asked for, the first one where the form names none that exists."""
        return CATALOGUE.get(str(self.metric.data), CATALOGUE[FIRST])

    @property
    def where(self) -> dict[str, str]:
        """The value that a dimension must have. Only for a form that validates."""
        return {self.only.data: self.value.data} if self.only.data and self.value.data else {}


class MetricQuestion(Steps):
    """A metric for a script: `where.endpoint=GET /a`, `parameters.threshold_ms=300`."""

    by = StringField("By", [Optional()])
    release = StringField("Release", [LONGEST_VALUE])
    where = ValuesByName("Where")
    parameters = ValuesByName("Parameters")

    def __init__(self, *args: Any, metric: Metric = CATALOGUE[FIRST], **kwargs: Any) -> None:
        """`metric` is what the question is about."""
        super().__init__(*args, **kwargs)
        self.asked = metric

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether the fields are valid, and the metric can answer what they ask."""
        if not super().validate(extra_validators):
            return False
        faults = list(dimension_faults(self.asked, self.by.data, self.where.data))
        faults += parameter_faults(self.asked, self.parameters.data)
        faults += place_faults(self.asked, self.environment.data or "", self.release.data or "")
        for name, message in faults:
            mark(self, name, message)
        return not faults

    @property
    def given(self) -> Metric:
        """The metric with its parameters. Only for a form that validates."""
        return self.asked.given_that(**numbers_of(self.parameters.data))
