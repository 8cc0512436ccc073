"""What people and scripts say of a silence: one form for the page and the API."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Self

from wtforms import Form, SelectField, SelectMultipleField, StringField
from wtforms.validators import (
    DataRequired,
    InputRequired,
    NumberRange,
    Optional,
    ValidationError,
)
from wtforms.widgets import CheckboxInput, DateTimeLocalInput, ListWidget, TimeInput

from console.alerting.models import LONGEST_VALUE
from console.alerting.silences import Hours, SilenceState, Spell, spells
from console.core import clock
from console.core.cron import Cron
from console.web import clocks
from console.web.api import Paging
from console.web.choices import choices
from console.web.forms import (
    FilterForm,
    IntegerField,
    OpenSelect,
    SearchField,
    at_most,
    mark,
    plain,
)

LONGEST = timedelta(days=400)
DAY_MINUTES = 1_440
LONGEST_FIND = 200
DAYS = {"mon": "Mon", "tue": "Tue", "wed": "Wed", "thu": "Thu", "fri": "Fri", "sat": "Sat",
        "sun": "Sun"}  # fmt: skip
REPEATS = {
    "": "all the time",
    "hours": "at certain hours of certain days",
    "cron": "when a cron text says",
}
SHOWN = 4
"""So many of the next times are shown before a silence is saved."""
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class SilencesFilter(FilterForm):
    """The list of silences."""

    label = "Filter silences"
    hidden = ("state",)

    state = SelectField(
        "State",
        choices=choices((state.value, state.value.capitalize()) for state in SilenceState),
        default=SilenceState.ACTIVE.value,
    )


class SilencesQuestion(SilencesFilter, Paging):
    """The list of silences for a script."""


class SilenceForm(Form):
    """What is silenced, why, from when to when, and in which hours of that time.

    A moment without an offset, and every hour, is one of `zone`.
    """

    rule = OpenSelect("Rule", "Every rule of the project", closed=True)
    value = StringField(
        "Only for",
        [at_most(LONGEST_VALUE)],
        description="One value of the rule's breakdown, such as an endpoint.",
    )
    reason = StringField(
        "Reason",
        [DataRequired("Say why."), at_most(300)],
        filters=[plain],
    )
    starts = StringField("From", widget=DateTimeLocalInput(), description="Now, if left empty.")
    ends = StringField("Until", [InputRequired("Say when it ends.")], widget=DateTimeLocalInput())
    zone = StringField("Time zone", [Optional()], description="Such as Europe/Berlin.")
    repeats = SelectField("It holds", choices=choices(REPEATS.items()), default="")
    days = SelectMultipleField(
        "On",
        choices=choices(DAYS.items()),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    begins = StringField("Beginning at", widget=TimeInput())
    cron = StringField(
        "Cron text", [at_most(100)], description="0 2 * * sun: every Sunday at 02:00."
    )
    minutes = IntegerField(
        "Each time for, in minutes",
        [Optional(), NumberRange(1, 7 * DAY_MINUTES, "Between a minute and 7 days.")],
    )

    def offer(self, rules: Iterable[tuple[str, str]]) -> Self:
        """Offer the project's rules by their ids and names."""
        self.rule.offer(rules)
        if not self.zone.data:
            self.zone.data = clocks.zone_name()
        return self

    @property
    def spell(self) -> Spell:
        """From when to when it lasts. Only for a form that validates."""
        return Spell(self._moment("starts") or clock.now(), self._moment("ends") or clock.now())

    @property
    def hours(self) -> Hours:
        """When it holds back in that time. Only for a form that validates."""
        zone = self.zone.data or ""
        if not self._text:
            return Hours(zone=zone)
        return Hours(self._text, zone, int(self.minutes.data or 0))

    @property
    def next_spells(self) -> Sequence[Spell]:
        """The next times in which it would hold back. Only for a form that validates."""
        spell = self.spell
        return spells(self.hours, max(spell.since, clock.now()), spell.until, SHOWN)

    @property
    def chosen_rule(self) -> int | None:
        """The id of its rule, None for every rule."""
        return int(self.rule.data) if self.rule.data else None

    def validate_zone(self, field: StringField) -> None:
        """The zone is one of the IANA database."""
        if not clocks.is_zone(field.data or ""):
            raise ValidationError("Unknown time zone. Use a name such as Europe/Berlin.")

    def validate_starts(self, _field: StringField) -> None:
        """It starts at a moment."""
        self._moment("starts")

    def validate_ends(self, _field: StringField) -> None:
        """It ends in the future, after it starts, and not for ever."""
        until = self._moment("ends")
        if until is None or self.starts.errors:
            return
        since = self._moment("starts") or clock.now()
        if until <= clock.now():
            raise ValidationError("That is over already.")
        if until <= since:
            raise ValidationError("It ends before it starts.")
        if until - since > LONGEST:
            raise ValidationError(f"At most {LONGEST.days} days after it starts.")

    def validate_repeats(self, field: SelectField) -> None:
        """A script may leave it out where it gives a cron text or days."""
        if not field.data:
            field.data = "cron" if self.cron.data else "hours" if self.days.data else ""

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether the fields are valid, and there is a time in which it holds."""
        if not super().validate(extra_validators):
            return False
        faults = list(islice(self._faults(), 1))
        for name, message in faults:
            mark(self, name, message)
        return not faults

    @property
    def _text(self) -> str:
        """The cron text that the form says."""
        if self.repeats.data == "cron":
            return plain(self.cron.data)
        if self.repeats.data != "hours":
            return ""
        hour, minute = map(int, (self.begins.data or "").split(":")[:2])
        return (
            f"{minute} {hour} * * {','.join(day for day in DAYS if day in (self.days.data or ()))}"
        )

    def _faults(self) -> Iterator[tuple[str, str]]:
        """The names of the fields that are wrong with the recurring hours, and what is wrong."""
        if not self.repeats.data:
            return
        by_hours = self.repeats.data == "hours"
        if by_hours and not self.days.data:
            yield "days", "Choose a day."
        if by_hours and not _TIME.fullmatch(self.begins.data or ""):
            yield "begins", "A time of day such as 02:00."
        if not self.minutes.data:
            yield "minutes", "Say for how long it holds each time."
        named = "days" if by_hours else "cron"
        try:
            Cron(self._text, self.zone.data or "")
        except ValueError as error:
            yield named, f"{error}."
        if not self.next_spells:
            yield named, "It never begins between its start and its end."

    def _moment(self, name: str) -> datetime | None:
        """The moment that a field says, None where it is empty."""
        field = self[name]
        zone = self.zone.data or ""
        try:
            text = field.data or ""
            return clocks.instant(text, zone if clocks.is_zone(zone) else "") if text else None
        except ValueError:
            raise ValidationError("Not a date and time such as 2026-11-23T08:00.") from None


class SilencePageForm(SilenceForm):
    """The same for a page, which offers some of the project's rules, and finds others."""

    find = SearchField("Find a rule by its name", [at_most(LONGEST_FIND)])
    count = 0
    """How many rules match the search."""
    listed = 0
    """How many rules are offered."""

    @property
    def sought(self) -> str:
        """What the names of the rules that are offered have in them."""
        return plain(self.find.data)[:LONGEST_FIND]

    @property
    def is_cut(self) -> bool:
        """Whether rules that match are not offered."""
        return self.count > self.listed

    @property
    def is_partial(self) -> bool:
        """Whether there are rules that are not offered."""
        return bool(self.sought) or self.is_cut
