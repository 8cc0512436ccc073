"""What people and scripts say of a check: the fields of its form are the members of the API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from wtforms import Field, Form, SelectField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from console.core.config import config
from console.core.http import fault_of
from console.uptime import headers, heartbeats, statuses
from console.uptime.models import LONGEST_NAME
from console.uptime.probe import Request
from console.web.choices import choices
from console.web.clocks import zone_name
from console.web.forms import (
    IntegerField,
    LocalMoment,
    Moment,
    NumberField,
    SwitchField,
    mark,
    plain,
)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SHORTEST_INTERVAL, LONGEST_INTERVAL, LONGEST_TIMEOUT = 10, 86_400, 60
MOST_IN_A_ROW = 20
STATUSES = "200-299"
HEARTBEAT = (
    "This is the address of a heartbeat: to ask it says that its job ran. Give the address of what"
    " is to be checked."
)
LONGEST_WINDOW = timedelta(days=90)


def _at_most(count: int) -> Length:
    return Length(max=count, message=f"At most {count:,} characters.")


class CheckForm(Form):
    """An HTTP check."""

    name = StringField(
        "Name", [InputRequired("Give it a name."), _at_most(LONGEST_NAME)], filters=[plain]
    )
    url = StringField(
        "URL",
        [InputRequired("Which address is to be asked?"), _at_most(2_000)],
        filters=[lambda text: (text or "").strip()],
        render_kw={"placeholder": "https://shop.example.com/health"},
    )
    method = SelectField("Method", choices=choices((m, m) for m in METHODS), default="GET")
    interval_seconds = IntegerField(
        "Every, in seconds",
        [
            Optional(),
            NumberRange(SHORTEST_INTERVAL, LONGEST_INTERVAL, "Between 10 seconds and a day."),
        ],
        default=60,
    )
    timeout_seconds = NumberField(
        "Time-out, in seconds",
        [Optional(), NumberRange(1, LONGEST_TIMEOUT, "Between 1 and 60 seconds.")],
        default=10.0,
    )
    slow_ms = IntegerField(
        "Slow from, in milliseconds",
        [Optional(), NumberRange(1, 60_000, "Between 1 and 60,000 milliseconds.")],
        description="A slower answer is slow, and not down.",
    )
    statuses = StringField(
        "Expected status",
        [_at_most(100)],
        default=STATUSES,
        description="Statuses and ranges: 200-299, 301.",
    )
    text = StringField(
        "Expected text",
        [_at_most(500)],
        description="What the answer contains, in its first 256 KB.",
    )
    redirects = SwitchField("Follow redirects", default=True)
    headers = TextAreaField(
        "Headers",
        [_at_most(headers.LONGEST)],
        description="One a line, such as Accept: text/html. They are stored sealed.",
        render_kw={"rows": 3, "spellcheck": "false"},
    )
    body = TextAreaField("Body", [_at_most(10_000)], render_kw={"rows": 3, "spellcheck": "false"})
    failures_needed = IntegerField(
        "Down after failures in a row",
        [Optional(), NumberRange(1, MOST_IN_A_ROW, "Between 1 and 20.")],
        default=1,
    )
    successes_needed = IntegerField(
        "Up again after answers in a row",
        [Optional(), NumberRange(1, MOST_IN_A_ROW, "Between 1 and 20.")],
        default=1,
    )

    def __init__(self, *args: Any, former: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        """`former` are the headers of the check, whose hidden values are kept."""
        super().__init__(*args, **kwargs)
        self._former = former or {}

    def validate_url(self, field: StringField) -> None:
        """It can be called; what its name resolves to is looked at by each try."""
        fault = fault_of(field.data or "", allow_private=config().private_addresses)
        if fault:
            raise ValidationError(fault)
        if heartbeats.is_address(field.data or ""):
            raise ValidationError(HEARTBEAT)

    def validate_statuses(self, field: StringField) -> None:
        """It is a list of statuses."""
        _checked(lambda: list(statuses.ranges(field.data or "")))

    def validate_headers(self, field: TextAreaField) -> None:
        """Each line is a header; a hidden value is known."""
        _checked(lambda: headers.merged(headers.read(field.data or ""), self._former))

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether the fields are valid, and agree with each other."""
        if not super().validate(extra_validators):
            return False
        is_valid = True
        if _given(self.timeout_seconds) > _given(self.interval_seconds):
            mark(self, "timeout_seconds", "No longer than the time between two tries.")
            is_valid = False
        if self.method.data == "HEAD" and self.text.data:
            mark(self, "text", "The answer to HEAD has no text.")
            is_valid = False
        return is_valid

    @property
    def request(self) -> Request:
        """What a valid form asks for."""
        return Request(
            url=self.url.data or "",
            method=self.method.data,
            headers=headers.merged(headers.read(self.headers.data or ""), self._former),
            body=self.body.data or "",
            timeout_seconds=float(_given(self.timeout_seconds)),
            statuses=statuses.spelled(self.statuses.data or "") or STATUSES,
            text=self.text.data or "",
            redirects=bool(self.redirects.data),
            slow_ms=self.slow_ms.data,
        )

    @property
    def columns(self) -> dict[str, Any]:
        """What a valid form says beside the request."""
        names = ("interval_seconds", "failures_needed", "successes_needed")
        return {name: int(_given(self[name])) for name in names}


class WindowForm(Form):
    """A time in which failures are expected: planned, or marked afterwards."""

    starts_at = Moment("From", [InputRequired("When does it begin?")])
    ends_at = Moment("Until")
    reason = StringField("Reason", [_at_most(300)], filters=[plain])

    def validate_ends_at(self, field: Moment) -> None:
        """It ends after it begins, and not too long after."""
        start: datetime | None = self.starts_at.data
        if field.data and start and not timedelta(0) < field.data - start <= LONGEST_WINDOW:
            raise ValidationError("It lies after the beginning, by at most 90 days.")

    @property
    def end(self) -> datetime:
        """When a valid form says that it ends."""
        end: datetime = self.ends_at.data or self.starts_at.data + timedelta(hours=1)
        return end


class MaintenanceForm(WindowForm):
    """The window of the check whose page it is on, or of all checks, on the reader's clock."""

    starts_at = LocalMoment("From", [InputRequired("When does it begin?")])
    ends_at = LocalMoment("Until", description="Leave empty for one hour.")
    every_check = SwitchField("For all checks of the project", default=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the zone of the clock."""
        super().__init__(*args, **kwargs)
        self.starts_at.description = f"Time zone: {zone_name()}."


def _checked(read: Any) -> None:
    try:
        read()
    except ValueError as error:
        raise ValidationError(str(error)) from None


def _given(field: Field) -> Any:
    """What was filled in, or the field's default."""
    return field.default if field.data is None else field.data
