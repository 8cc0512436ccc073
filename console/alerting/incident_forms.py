"""What people and scripts say of incidents: which to list, and what to do with one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

from wtforms import Form, SelectField, TextAreaField
from wtforms.validators import InputRequired, NumberRange, Optional, ValidationError

from console.alerting.condition import Level
from console.alerting.models import Assessment, IncidentState
from console.core import clock
from console.web.api import Anytime, Paging
from console.web.choices import choices
from console.web.forms import (
    FilterForm,
    IntegerField,
    Moment,
    OpenSelect,
    SearchField,
    at_most,
    mark,
)

LONGEST_SNOOZE = timedelta(days=30)
STATES: dict[str, Sequence[IncidentState]] = {
    "open": (IncidentState.OPEN, IncidentState.ACKNOWLEDGED),
    "resolved": (IncidentState.RESOLVED,),
    "all": tuple(IncidentState),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentFilter:
    """Which of a project's incidents to list; what is empty lets everything through.

    An incident belongs to a time if it was open for a moment of it.
    """

    states: Sequence[IncidentState] = tuple(IncidentState)
    level: str = ""
    rule_id: int | None = None
    text: str = ""
    environment: str = ""
    since: datetime | None = None
    until: datetime | None = None


class IncidentsFilter(FilterForm):
    """The list of incidents."""

    label = "Filter incidents"
    hidden = ("state",)

    q = SearchField("Search incidents", [at_most(200)])
    state = SelectField(
        "State",
        choices=choices([("open", "Open"), ("resolved", "Resolved"), ("all", "All")]),
        default="open",
    )
    level = SelectField(
        "Level",
        choices=choices(
            [("", "Any level"), *((level.value, level.value.capitalize()) for level in Level)]
        ),
        default="",
    )
    rule = OpenSelect("Rule", "Any rule", closed=True)

    def offer(self, rules: Iterable[tuple[str, str]]) -> Self:
        """Offer rules by their ids and names."""
        self.rule.offer(rules)
        return self

    def filter(self, **scope: Any) -> IncidentFilter:
        """The same as a value, with the time and environment. Only for a form that validates."""
        return IncidentFilter(
            states=STATES[self.state.data],
            level=self.level.data,
            rule_id=int(self.rule.data) if self.rule.data else None,
            text=self.q.data or "",
            **scope,
        )


class IncidentsQuestion(IncidentsFilter, Anytime, Paging):
    """The list of incidents for a script."""

    @property
    def asked(self) -> IncidentFilter:
        """What a valid form asks for."""
        return self.filter(
            environment=self.environment.data or "",
            since=self.since.data,
            until=self.until.data,
        )


class NoteForm(Form):
    """What somebody has to say about an incident."""

    text = TextAreaField(
        "Note", [InputRequired("Write something."), at_most(10_000)], render_kw={"rows": 2}
    )


class SnoozeForm(Form):
    """How long an incident is to be quiet."""

    minutes = SelectField(
        "Snooze for",
        choices=choices(
            [("15", "15 minutes"), ("60", "1 hour"), ("240", "4 hours"), ("1440", "1 day")]
        ),
        default="60",
    )


class UntilForm(Form):
    """The same for a script: so many minutes, or until a moment."""

    minutes = IntegerField(
        "Minutes", [Optional(), NumberRange(1, 30 * 1440, "Between a minute and 30 days.")]
    )
    until = Moment("Until")

    @property
    def moment(self) -> datetime:
        """The end that a valid form says."""
        until: datetime = self.until.data or clock.now() + timedelta(minutes=self.minutes.data or 0)
        return until

    def validate_until(self, field: Moment) -> None:
        """It lies ahead, and not too far."""
        if field.data and not timedelta(0) < field.data - clock.now() <= LONGEST_SNOOZE:
            raise ValidationError(f"It lies in the future, within {LONGEST_SNOOZE.days} days.")

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether exactly one of the two is given."""
        if not super().validate(extra_validators):
            return False
        if (self.minutes.data is None) == (self.until.data is None):
            mark(self, "until", "Give the minutes, or the moment.")
            return False
        return True


class AssessmentForm(Form):
    """Whether an incident was worth a message."""

    assessment = SelectField(
        "It was", choices=choices((choice, choice.value) for choice in Assessment)
    )
