"""What people and scripts say of a report and its recipients: one form for the page and the API."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Self

from wtforms import Form, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Optional, ValidationError
from wtforms.widgets import TimeInput

from console.channels.email import is_address
from console.core import clock
from console.core.cron import Cron
from console.reports import pdf
from console.reports.models import LONGEST_NAME, Report, Subject
from console.web import clocks
from console.web.choices import choices
from console.web.forms import NumberField, OpenSelect, SwitchField, at_most, mark, plain
from console.web.timerange import LONGEST_ENVIRONMENT, RANGE_LABELS, RANGES

RUNS = 5
"""So many of the next due times are shown before a report is saved."""
LEAST = timedelta(minutes=15)
"""From one due time to the next."""
WORSE = "worse"
EVERY = {
    "daily": "every day",
    "weekdays": "Monday to Friday",
    "weekly": "every week",
    "monthly": "every month",
    "cron": "when a cron text says",
}
DAYS = {"1": "Monday", "2": "Tuesday", "3": "Wednesday", "4": "Thursday", "5": "Friday",
        "6": "Saturday", "0": "Sunday"}  # fmt: skip
MONTH_DAYS = [str(day) for day in range(1, 29)]
SIDES = {"above": "above", "below": "below"}
MOST_VARIABLES, LONGEST_VARIABLE = 12, 200
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_CRON = re.compile(r"(\d{1,2}) (\d{1,2}) (\*|\d{1,2}) \* (\*|1-5|[0-6])")


class VariablesField(TextAreaField):
    """Choices for a dashboard's variables: a line `name=value` each."""

    @property
    def values(self) -> dict[str, str]:
        """The choices by name. Only for a field that validates."""
        return dict(_variables(self.data or ""))

    def refuse_strange(self, known: Collection[str]) -> None:
        """Raise ValidationError for a choice of a variable that the dashboard does not have."""
        if self.errors:  # it says already what is wrong
            return
        if strange := [name for name in self.values if name not in known]:
            raise ValidationError(f"The dashboard has no variable {strange[0][:40]}.")

    def pre_validate(self, form: Any) -> None:
        """Refuse lines that choose nothing, and too many."""
        del form
        try:
            named = dict(_variables(self.data or ""))
        except ValueError:
            raise ValidationError("One choice a line, such as region=eu.") from None
        if len(named) > MOST_VARIABLES:
            raise ValidationError(f"At most {MOST_VARIABLES} variables.")
        if any(len(text) > LONGEST_VARIABLE for pair in named.items() for text in pair):
            raise ValidationError(f"At most {LONGEST_VARIABLE} characters each.")


class ReportForm(Form):
    """A report: of what, over which time, when, and what goes with it."""

    name = StringField("Name", [DataRequired("Name it."), at_most(LONGEST_NAME)], filters=[plain])
    about = OpenSelect("About", "Choose a dashboard or a tile", closed=True)
    range = SelectField("Time range", choices=choices(RANGE_LABELS.items()), default="7d")
    environment = StringField("Environment", [at_most(LONGEST_ENVIRONMENT)], filters=[plain])
    variables = VariablesField(
        "Variables", [Optional()], description="One choice a line, such as region=eu."
    )
    every = SelectField("Goes out", choices=choices(EVERY.items()), default="weekly")
    time = StringField("At", default="08:00", widget=TimeInput())
    day = SelectField("Day of the week", choices=choices(DAYS.items()), default="1")
    month_day = SelectField(
        "Day of the month", choices=choices((day, day) for day in MONTH_DAYS), default="1"
    )
    cron = StringField("Cron text", [at_most(100)], description="0 8 * * 1: Mondays at 08:00.")
    zone = StringField("Time zone", [Optional()], description="Such as Europe/Berlin.")
    metric = OpenSelect("Only if this metric", "It goes out always", closed=True)
    side = SelectField("is", choices=choices(SIDES.items()), default="above")
    level = NumberField("this number", [Optional()])
    skip_empty = SwitchField("Leave it out when there is nothing to report", default=True)
    pdf = SwitchField("Attach it as PDF")
    csv = SwitchField("Attach its numbers as CSV")
    enabled = SwitchField("It goes out on schedule", default=True)

    def offer(
        self,
        subjects: Iterable[tuple[str, str]],
        metrics: Iterable[tuple[str, str]],
        named: Mapping[str, Collection[str]],
    ) -> Self:
        """Offer dashboards and tiles, and the metrics that it can depend on.

        `named` are the names of each dashboard's variables by its id.
        """
        self.named = named
        self.about.offer(subjects)
        self.metric.offer(metrics)
        if not self.zone.data:
            self.zone.data = clocks.zone_name()
        return self

    @property
    def obstacle(self) -> str:
        """Why there is no PDF here, "" if there is."""
        return pdf.obstacle()

    def validate_about(self, field: StringField) -> None:
        if not field.data:
            raise ValidationError("Choose what it is about.")

    def validate_variables(self, field: VariablesField) -> None:
        """A slip of a name would choose nothing, and so show everything."""
        dashboard = (self.about.data or "").partition(":")[0]
        field.refuse_strange(self.named.get(dashboard, ()))

    def validate_zone(self, field: StringField) -> None:
        if not clocks.is_zone(field.data or ""):
            raise ValidationError("Unknown time zone. Use a name such as Europe/Berlin.")

    def validate_level(self, field: NumberField) -> None:
        if self.metric.data and field.data is None:
            raise ValidationError("Say above or below which number.")

    def validate_every(self, field: SelectField) -> None:
        """A script may leave it out where it gives a cron text."""
        if self.cron.data and "every" not in (field.raw_data or ()) and not field.raw_data:
            field.data = "cron"

    def validate_pdf(self, field: SwitchField) -> None:
        if field.data and self.obstacle:
            raise ValidationError(self.obstacle)

    def validate(self, extra_validators: Any = None) -> bool:
        """Whether the fields are valid, and it is ever due."""
        if not super().validate(extra_validators):
            return False
        faults = list(self._faults())
        for name, message in faults:
            mark(self, name, message)
        return not faults

    @property
    def text(self) -> str:
        """The cron text that it says."""
        if self.every.data == "cron":
            return plain(self.cron.data)
        hour, minute = map(int, (self.time.data or "0:0").split(":")[:2])
        days = {
            "daily": "* * *",
            "weekdays": "* * 1-5",
            "weekly": f"* * {self.day.data}",
            "monthly": f"{self.month_day.data} * *",
        }
        return f"{minute} {hour} {days[self.every.data]}"

    @property
    def words(self) -> str:
        """The schedule in plain English. Only for a form that validates."""
        return Cron(self.text, self.zone.data or "").words

    @property
    def runs(self) -> Sequence[datetime]:
        """When it would be due next. Only for a form that validates."""
        return Cron(self.text, self.zone.data or "").upcoming(clock.now(), RUNS)

    def apply(self, report: Report) -> None:
        """Write what it says into a report. Only for a form that validates."""
        dashboard, _, tile_id = (self.about.data or "").partition(":")
        is_worse = dashboard == WORSE
        report.name = self.name.data or ""
        report.subject = Subject.WORSE if is_worse else Subject.DASHBOARD
        report.dashboard_id = None if is_worse else int(dashboard)
        report.tile_id = tile_id
        report.cron, report.zone = self.text, self.zone.data or "UTC"
        report.range = self.range.data
        report.environment = self.environment.data or ""
        report.variables = dict(self.variables.values)
        report.pdf, report.csv = bool(self.pdf.data), bool(self.csv.data)
        report.skip_empty, report.enabled = bool(self.skip_empty.data), bool(self.enabled.data)
        report.metric = self.metric.data or ""
        report.above = self.side.data == "above"
        report.level = self.level.data if report.metric else None

    def _faults(self) -> Iterator[tuple[str, str]]:
        if self.every.data != "cron" and not _TIME.fullmatch(self.time.data or ""):
            yield "time", "A time of day such as 08:00."
            return
        name = "cron" if self.every.data == "cron" else "time"
        try:
            is_due = bool(self.runs)
        except ValueError as error:
            yield name, f"{error}."
            return
        if not is_due:
            yield name, "It is never due."
        elif any(after - before < LEAST for before, after in pairwise(self.runs)):
            yield name, f"It goes out every {LEAST // timedelta(minutes=1)} minutes at most."


class RecipientForm(Form):
    """Who gets a report: a member, a channel, or an address outside."""

    contact = OpenSelect("Member or channel", "Someone outside", closed=True)
    address = StringField(
        "E-mail address outside",
        [at_most(254)],
        description="They are asked by e-mail, and get it once they agree.",
    )
    choices = VariablesField("Variables for them", [Optional()])

    def offer(self, known: Iterable[tuple[str, str]], named: Collection[str]) -> Self:
        """Offer members and channels as `user-7` and `channel-3`; `named` are variables."""
        self.named = named
        self.contact.offer(known)
        return self

    def validate_choices(self, field: VariablesField) -> None:
        field.refuse_strange(self.named)

    def validate_address(self, field: StringField) -> None:
        """An address that is one, and nothing by which a mail could get another header."""
        field.data = (field.data or "").strip(" ")
        if self.contact.data:
            if field.data:
                raise ValidationError("Choose a member or enter an address.")
        elif not field.data:
            raise ValidationError("Choose a member or enter an address.")
        elif not is_address(field.data):
            raise ValidationError(f"{field.data[:100]!r} is no e-mail address.")


def values_of(report: Report) -> Mapping[str, Any]:
    """What the form of a report begins with."""
    match = _CRON.fullmatch(report.cron)
    every, parts = "cron", dict[str, str]()
    if match and int(match[1]) < 60 and int(match[2]) < 24:
        minute, hour, month_day, day = match.groups()
        parts = {"time": f"{int(hour):02}:{int(minute):02}"}
        if month_day == "*":
            every = {"*": "daily", "1-5": "weekdays"}.get(day, "weekly")
            parts |= {"day": day} if every == "weekly" else {}
        elif day == "*" and month_day in MONTH_DAYS:
            every, parts["month_day"] = "monthly", month_day
    about = WORSE if report.subject is Subject.WORSE else str(report.dashboard_id or "")
    return {
        "name": report.name,
        "about": f"{about}:{report.tile_id}" if report.tile_id else about,
        "range": report.range if report.range in RANGES else "7d",
        "environment": report.environment,
        "variables": lines_of(report.variables),
        "every": every,
        **parts,
        "cron": report.cron if every == "cron" else "",
        "zone": report.zone,
        "metric": report.metric,
        "side": "above" if report.above else "below",
        "level": report.level,
        "skip_empty": report.skip_empty,
        "pdf": report.pdf,
        "csv": report.csv,
        "enabled": report.enabled,
    }


def lines_of(variables: Mapping[str, Any]) -> str:
    """Choices for variables as their field has them."""
    return "\n".join(f"{name}={value}" for name, value in variables.items())


def _variables(text: str) -> Iterator[tuple[str, str]]:
    """The choices of a text; raises ValueError for a line that is none."""
    for line in text.splitlines():
        if line.strip():
            name, sign, value = line.partition("=")
            if not sign or not name.strip():
                raise ValueError(line)
            yield name.strip(), value.strip()
