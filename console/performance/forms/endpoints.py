"""What people and scripts ask of the performance pages."""

from collections.abc import Iterable
from typing import Any

from wtforms import BooleanField, FloatField, Form, SelectField, StringField
from wtforms.validators import (
    InputRequired,
    Length,
    NumberRange,
    Optional,
    Regexp,
    ValidationError,
)

from console.performance.endpoints.listing import SORTS
from console.performance.traces.selection import View
from console.telemetry.traces import TracesWanted
from console.web.choices import choices
from console.web.forms import IntegerField, Moment

LONGEST_MS = 86_400_000
LONGEST_TRACE_MS = 864_000_000_000
KINDS = ("request", "task", "page")
STATUS_CLASSES = {"": "Any status", "2": "2xx", "3": "3xx", "4": "4xx", "5": "5xx"}
_text = Length(max=200, message="At most 200 characters.")
_within_a_trace = NumberRange(0, LONGEST_TRACE_MS, "Between 0 and 10,000 days, in milliseconds.")
CATEGORY_NAMES = {
    "db": "Database",
    "cache": "Cache",
    "http": "Outgoing HTTP",
    "render": "Rendering",
    "resource": "Resources",
    "app": "Application code",
    "gap": "No instrumentation",
}
CATEGORY_CHOICES = [("", "Everything"), *CATEGORY_NAMES.items()]


def _exactly(milliseconds: float | None) -> int | None:
    return round(milliseconds * 1000) if milliseconds is not None else None


def _microseconds(milliseconds: int | None) -> int | None:
    return milliseconds * 1000 if milliseconds is not None else None


class RequestFilter(Form):
    """Which requests count: by release, status and an attribute that they have."""

    release = StringField("Release", [_text])
    status = SelectField("Status", choices=choices(STATUS_CLASSES.items()), default="")
    attribute = StringField("Attribute", [Length(max=400, message="At most 400 characters.")])

    def validate_attribute(self, field: StringField) -> None:
        """An attribute is asked for as name=value."""
        if field.data and not self.name_and_value[0]:
            raise ValidationError("An attribute is asked for as name=value: user.plan=pro.")

    @property
    def name_and_value(self) -> tuple[str, str]:
        name, equals, value = (self.attribute.data or "").partition("=")
        return (name.strip(), value.strip()) if equals else ("", "")

    @property
    def filters(self) -> dict[str, Any]:
        """The same in the words of a Scope. Only for a form that validates."""
        return {
            "release": self.release.data or "",
            "status_class": self.status.data or "",
            "attributes": (self.name_and_value,) if self.attribute.data else (),
        }

    @property
    def narrowed(self) -> bool:
        """Whether requests are left out."""
        return bool(self.release.data or self.status.data or self.attribute.data)


class EndpointsFilter(RequestFilter):
    """The list of endpoints."""

    q = StringField("Text", [_text])
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


class TracesFilter(RequestFilter):
    """The list of traces: what they began with, how long they took, how they ended."""

    name = StringField("Endpoint", [_text])
    category = SelectField(
        "Kind",
        choices=choices(
            [("", "Any kind"), ("request", "Requests"), ("task", "Tasks"), ("page", "Pages")]
        ),
        default="",
    )
    over = IntegerField("Longer than (ms)", [Optional(), NumberRange(0, LONGEST_MS)])
    under = IntegerField("Shorter than (ms)", [Optional(), NumberRange(0, LONGEST_MS)])
    failed = BooleanField("Failed only")
    sort = SelectField(
        "Sort", choices=choices([("time", "Newest"), ("duration", "Slowest")]), default="time"
    )

    @property
    def wanted(self) -> TracesWanted:
        """The same for the question. Only for a form that validates."""
        return TracesWanted(
            categories=(self.category.data,) if self.category.data else KINDS,
            endpoint=self.name.data or "",
            over=_microseconds(self.over.data),
            under=_microseconds(self.under.data),
            failed=self.failed.data,
        )

    @property
    def narrowed(self) -> bool:
        """Whether traces are left out."""
        named = (self.name, self.category, self.failed)
        lengths = (self.over, self.under)
        return bool(
            super().narrowed
            or any(field.data for field in named)
            or any(field.data is not None for field in lengths)
        )


class EndpointName(Form):
    """Which endpoint a page is about."""

    name = StringField("Endpoint", [InputRequired("Say which endpoint."), _text])


class ThresholdForm(Form):
    """An endpoint's own threshold; empty: the project's."""

    name = StringField("Endpoint", [InputRequired("Say which endpoint."), _text])
    p95_ms = IntegerField(
        "P95 threshold (ms)",
        [Optional(), NumberRange(1, 600_000, "Between 1 and 600,000 ms.")],
        description="Empty: the project's threshold.",
    )


class TraceFilter(Form):
    """How a trace is looked at: zoom in milliseconds since its start, and which spans."""

    at = Moment("When it was")
    from_ms = FloatField("From (ms)", [Optional(), _within_a_trace], name="from")
    to_ms = FloatField("To (ms)", [Optional(), _within_a_trace], name="to")
    q = StringField("Text", [_text])
    op = StringField("Operation", [_text])
    category = SelectField("Time in", choices=choices(CATEGORY_CHOICES), default="")
    server = StringField("Server", [_text])
    over = FloatField("Longer than (ms)", [Optional(), _within_a_trace])
    failed = BooleanField("Errors only", name="errors")
    critical = BooleanField("Critical path only")
    against = StringField(
        "Compare with",
        [Optional(), Regexp("median|[0-9a-f]{32}", message="“median”, or the id of a trace.")],
    )

    def validate_to_ms(self, field: FloatField) -> None:
        """A stretch of time ends after it begins."""
        if field.data is not None and field.data <= (self.from_ms.data or 0):
            raise ValidationError("The zoom ends before it starts.")

    def view(self, opened: Iterable[str], shut: Iterable[str]) -> View:
        """The same in the words of the waterfall. Only for a form that validates."""
        return View(
            since=_exactly(self.from_ms.data),
            until=_exactly(self.to_ms.data),
            text=(self.q.data or "").strip(),
            op=self.op.data or "",
            category=self.category.data,
            server=self.server.data or "",
            over=_exactly(self.over.data),
            errors_only=self.failed.data,
            critical_only=self.critical.data,
            opened=frozenset(opened),
            shut=frozenset(shut),
        )
