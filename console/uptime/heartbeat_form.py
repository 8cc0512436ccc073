"""What people say of a heartbeat: when its job is expected."""

from __future__ import annotations

from typing import Any, Self

from wtforms import Form, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError

from console.core.cron import Cron
from console.uptime.expectation import Expectation
from console.uptime.models import LONGEST_NAME
from console.web.forms import IntegerField, mark, plain

MOST_MINUTES = 366 * 24 * 60
MOST_IN_A_ROW = 20
_A_YEAR = "Between a minute and a year."


class HeartbeatForm(Form):
    """A heartbeat: every so many minutes, or by a cron text in a time zone."""

    name = StringField(
        "Name",
        [
            InputRequired("Give it a name."),
            Length(max=LONGEST_NAME, message="At most 100 characters."),
        ],
        filters=[plain],
    )
    every_minutes = IntegerField(
        "Every, in minutes",
        [Optional(), NumberRange(1, MOST_MINUTES, _A_YEAR)],
        default=60,
        description="Counted from its job's last check-in.",
    )
    cron = StringField(
        "Or by a cron text",
        [Optional(), Length(max=200, message="At most 200 characters.")],
        filters=[plain],
        description="30 3 * * 1-5: at 03:30 from Monday to Friday. It goes before the minutes.",
        render_kw={"placeholder": "30 3 * * *", "spellcheck": "false"},
    )
    zone = StringField(
        "Time zone of the cron text",
        [Optional(), Length(max=60, message="At most 60 characters.")],
        default="UTC",
        filters=[plain],
    )
    margin_minutes = IntegerField(
        "Grace, in minutes",
        [Optional(), NumberRange(0, MOST_MINUTES, "Between 0 minutes and a year.")],
        default=5,
        description="How late it may be before it counts as missed.",
    )
    runtime_minutes = IntegerField(
        "Longest run, in minutes",
        [Optional(), NumberRange(1, MOST_MINUTES, _A_YEAR)],
        default=60,
        description="Between /start and the end.",
    )
    failures_needed = IntegerField(
        "Down after failures in a row",
        [Optional(), NumberRange(1, MOST_IN_A_ROW, "Between 1 and 20.")],
        default=1,
    )

    @classmethod
    def of(cls, name: str, expected: Expectation, failures: int) -> Self:
        """The form of a heartbeat that there is."""
        return cls(
            data={
                "name": name,
                "every_minutes": expected.every_seconds // 60 or None,
                "cron": expected.cron,
                "zone": expected.zone,
                "margin_minutes": expected.margin_seconds // 60,
                "runtime_minutes": expected.runtime_seconds // 60,
                "failures_needed": failures,
            }
        )

    def validate_cron(self, field: StringField) -> None:
        """It names times, in any zone."""
        if field.data:
            try:
                Cron(field.data)
            except ValueError as error:
                raise ValidationError(f"{error}.") from None

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether the fields are valid, and the zone is known."""
        if not super().validate(extra_validators):
            return False
        try:
            Cron("0 0 * * *", self.zone.data or "UTC")
        except ValueError as error:
            mark(self, "zone", f"{error}.")
            return False
        return True

    @property
    def title(self) -> str:
        """The name of a valid form."""
        return self.name.data or ""

    @property
    def failures(self) -> int:
        """How many failures in a row a valid form wants."""
        return self.failures_needed.data or 1

    @property
    def expected(self) -> Expectation:
        """What a valid form expects."""
        cron = self.cron.data or ""
        every, margin = self.every_minutes.data, self.margin_minutes.data
        return Expectation(
            cron=cron,
            zone=self.zone.data or "UTC",
            every_seconds=0 if cron else (every or 60) * 60,
            margin_seconds=(5 if margin is None else margin) * 60,
            runtime_seconds=(self.runtime_minutes.data or 60) * 60,
        )
