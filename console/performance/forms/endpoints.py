"""Filters of the list of endpoints, and an endpoint's threshold."""

from wtforms import BooleanField, Form, SelectField, StringField
from wtforms.validators import InputRequired, NumberRange, Optional

from console.performance.endpoints.listing import SORTS
from console.performance.forms.requests import (
    SHORT_TEXT,
    RequestFilter,
    attribute_field,
    status_field,
)
from console.web.choices import choices
from console.web.forms import IntegerField, SearchField, release_field


class EndpointsFilter(RequestFilter):
    """The list of endpoints."""

    label = "Filter endpoints"

    q = SearchField("Search method or route", [SHORT_TEXT])
    status = status_field()
    release = release_field()
    attribute = attribute_field()
    over = BooleanField("Over threshold")
    sort = SelectField(
        "Sort",
        choices=choices((name, sort.label) for name, sort in SORTS.items()),
        default="time",
    )


class EndpointName(Form):
    """Which endpoint a page is about."""

    name = StringField("Endpoint", [InputRequired("Say which endpoint."), SHORT_TEXT])


class ThresholdForm(Form):
    """An endpoint's own threshold; empty: the project's."""

    name = StringField("Endpoint", [InputRequired("Say which endpoint."), SHORT_TEXT])
    p95_ms = IntegerField(
        "P95 threshold (ms)",
        [Optional(), NumberRange(1, 600_000, "Between 1 and 600,000 ms.")],
        description="Leave empty to use the project's threshold.",
    )
