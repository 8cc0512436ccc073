"""Filters of the list of endpoints, and an endpoint's threshold."""

from wtforms import BooleanField, Form, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, Optional

from console.performance.endpoints.listing import SORTS
from console.performance.forms.requests import SHORT_TEXT, RequestFilter
from console.web.choices import choices
from console.web.forms import IntegerField


class EndpointsFilter(RequestFilter):
    """The list of endpoints."""

    q = StringField("Text", [SHORT_TEXT])
    sort = SelectField(
        "Sort",
        choices=choices((name, sort.label) for name, sort in SORTS.items()),
        default="time",
    )
    over = BooleanField("Over threshold")

    @property
    def narrowed(self) -> bool:
        """Whether endpoints or requests are left out."""
        return bool(super().narrowed or self.q.data or self.over.data)


class EndpointName(Form):
    """Which endpoint a page is about."""

    name = StringField("Endpoint", [InputRequired("Say which endpoint."), SHORT_TEXT])


class ThresholdForm(Form):
    """An endpoint's own threshold; empty: the project's."""

    name = StringField("Endpoint", [InputRequired("Say which endpoint."), SHORT_TEXT])
    p95_ms = IntegerField(
        "P95 threshold (ms)",
        [Optional(), NumberRange(1, 600_000, "Between 1 and 600,000 ms.")],
        description="Empty: the project's threshold.",
    )
