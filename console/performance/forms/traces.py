"""Filters of the list of traces, and of the spans of one trace."""

from collections.abc import Iterable

from wtforms import BooleanField, Field, FloatField, SelectField, StringField
from wtforms.validators import NumberRange, Optional, Regexp, ValidationError

from console.performance.forms.requests import (
    LONGEST_MS,
    SHORT_TEXT,
    RequestFilter,
    attribute_field,
    status_field,
)
from console.performance.traces.selection import View
from console.telemetry.traces import TracesWanted
from console.web.choices import choices
from console.web.forms import (
    FilterForm,
    IntegerField,
    Moment,
    OpenSelect,
    SearchField,
    release_field,
)

LONGEST_TRACE_MS = 864_000_000_000
KINDS = ("request", "task", "screen", "page")
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


class TracesFilter(RequestFilter):
    """The list of traces: what they began with, how long they took, how they ended."""

    label = "Filter traces"

    q = SearchField("Search method or route", [SHORT_TEXT])
    name = OpenSelect("Endpoint", "Any endpoint", validators=[SHORT_TEXT])
    category = SelectField(
        "Kind",
        choices=choices(
            [
                ("", "Any kind"),
                ("request", "Requests"),
                ("task", "Tasks"),
                ("screen", "Screens of apps"),
                ("page", "Pages"),
            ]
        ),
        default="",
    )
    status = status_field()
    release = release_field()
    attribute = attribute_field()
    over = IntegerField("Over (ms)", [Optional(), NumberRange(0, LONGEST_MS)])
    under = IntegerField("Under (ms)", [Optional(), NumberRange(0, LONGEST_MS)])
    failed = BooleanField("Failed only")
    sort = SelectField(
        "Sort", choices=choices([("time", "Newest"), ("duration", "Slowest")]), default="time"
    )

    @property
    def toolbar(self) -> list[Field]:
        """The fields to show: one endpoint is chosen on its page, and can be let go here."""
        return [field for field in super().toolbar if field is not self.name or field.data]

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


class TraceFilter(FilterForm):
    """How a trace is looked at: zoom in milliseconds since its start, and which spans."""

    label = "Filter and zoom"
    hidden = ("at", "against")

    at = Moment("When it was")
    from_ms = FloatField("From (ms)", [Optional(), _within_a_trace], name="from")
    to_ms = FloatField("To (ms)", [Optional(), _within_a_trace], name="to")
    q = StringField("Text", [SHORT_TEXT])
    op = StringField("Operation", [SHORT_TEXT])
    category = SelectField("Time in", choices=choices(CATEGORY_CHOICES), default="")
    server = StringField("Server", [SHORT_TEXT])
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
