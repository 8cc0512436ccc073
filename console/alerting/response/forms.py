"""Which incidents' response times are shown, broken down by what, and on which clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time
from typing import Self

from wtforms import Field, SelectField, StringField, TimeField
from wtforms.validators import Optional, ValidationError

from console.alerting.escalation.hours import WorkingHours
from console.alerting.models import Severity
from console.alerting.response.fates import FATES, NONE, fate_of, member_key, policy_key, rule_key
from console.metrics.response_times import PAGERDUTY, TIMES, Clock, Response
from console.web import clocks
from console.web.api import Period
from console.web.choices import choices
from console.web.forms import FilterForm, OpenSelect, at_most
from console.web.ids import LARGEST_ID

BREAKDOWNS = {
    "rule": "Rule",
    "policy": "Policy",
    "severity": "Severity",
    "project": "Project",
    "member": "Member",
}
DAYS: Mapping[str, tuple[str, Sequence[int]]] = {
    "mon-fri": ("Monday to Friday", range(5)),
    "mon-sat": ("Monday to Saturday", range(6)),
    "sun-thu": ("Sunday to Thursday", (6, 0, 1, 2, 3)),
    "all": ("Every day", range(7)),
}
NO_RULE = "Without a rule"
"""Its rule was deleted, or the incident is of the console itself."""
NO_POLICY = "No one was notified"
BEGIN, END = time(9), time(17)
WORKING = ("days", "begin", "end", "hours_zone")


class ResponseFilter(FilterForm):
    """The page of response times, and the list of incidents behind one of its figures."""

    label = "Filter response times"
    keeping = ("by", "sort", "hours", *WORKING)

    by = SelectField("Broken down by", choices=choices(BREAKDOWNS.items()), default="rule")
    rule = OpenSelect("Rule", "Any rule", closed=True)
    policy = OpenSelect("Policy", "Any policy", validators=[at_most(100)])
    severity = SelectField(
        "Severity",
        choices=choices(
            [("", "Any severity"), *((own.value, own.value.capitalize()) for own in Severity)]
        ),
        default="",
    )
    hours = SelectField(
        "Clock", choices=choices([("", "Wall clock"), ("work", "Working hours")]), default=""
    )
    days = SelectField(
        "Days",
        choices=choices((name, words) for name, (words, _) in DAYS.items()),
        default="mon-fri",
    )
    begin = TimeField("From", [Optional()], default=BEGIN)
    end = TimeField("To", [Optional()], default=END)
    hours_zone = StringField(
        "Time zone of working hours",
        [Optional(), at_most(clocks.LONGEST)],
        render_kw={"list": "time-zones"},
    )
    member = StringField("Member", [Optional()])
    fate = OpenSelect("Outcome", "Any outcome", closed=True)
    has = OpenSelect("With", "With any times", closed=True)
    week = StringField("Week", [Optional()])
    sort = SelectField(
        "Sorted by",
        choices=choices([("opened", "Opened"), *((own.name, own.title) for own in TIMES)]),
        default="opened",
    )

    is_list = False
    """Whether the incidents are listed: what figures of the page choose is shown then, too."""

    def offer(
        self, rules: Iterable[tuple[str, str]], policies: Iterable[str], *, is_list: bool = False
    ) -> Self:
        """Offer rules by their ids and names, and policies by name."""
        self.is_list = is_list
        self.rule.offer([*rules, (NONE, NO_RULE)])
        self.policy.offer([*((name, name) for name in policies), (NONE, NO_POLICY)])
        self.fate.offer((name, words) for name, (words, _) in FATES.items())
        self.has.offer((own.name, f"Has a {own.title.lower()}") for own in TIMES)
        if not self.hours_zone.data:
            self.hours_zone.data = clocks.zone_name()
        return self

    @property
    def hidden(self) -> tuple[str, ...]:  # type: ignore[override]
        """Working hours are shown where they count; what a figure chooses, in the list."""
        elsewhere = ("by", "sort", "member", "week")
        listed = () if self.is_list else ("fate", "has")
        return (*elsewhere, *listed, *(() if self.hours.data else WORKING))

    def validate_hours_zone(self, field: StringField) -> None:
        """It names a zone of the IANA database."""
        if field.data and not clocks.is_zone(field.data):
            raise ValidationError("Unknown time zone. Use a name such as Europe/Berlin.")

    def validate_member(self, field: StringField) -> None:
        """It may be anybody's id."""
        given = field.data or ""
        is_id = given.isascii() and given.isdigit() and 0 < int(given[:20]) <= LARGEST_ID
        if not is_id and given != PAGERDUTY:
            raise ValidationError(f"The id of a member, or {PAGERDUTY}.")

    def validate_week(self, field: StringField) -> None:
        """It is the day on which a week begins."""
        try:
            date.fromisoformat(field.data or "")
        except ValueError:
            raise ValidationError("A day such as 2026-11-23.") from None

    @property
    def working_hours(self) -> WorkingHours | None:
        """The hours that count; None for all of them. Only for a form that validates."""
        if not self.hours.data:
            return None
        _, days = DAYS[self.days.data]
        zone = self.hours_zone.data or clocks.zone_name()
        return WorkingHours(zone, list(days), self.begin.data or BEGIN, self.end.data or END)

    @property
    def clock(self) -> Clock | None:
        """How the times of people are counted; None for all seconds."""
        working = self.working_hours
        return working.seconds_between if working else None

    @property
    def monday(self) -> date | None:
        """The first day of the week that was chosen."""
        return date.fromisoformat(self.week.data) if self.week.data else None

    def choose(self, responses: Iterable[Response]) -> list[Response]:
        """The incidents that pass. Only for a form that validates."""
        wanted = [(own.data, key_of) for own, key_of in self._keys() if own.data]
        has = next((own for own in TIMES if own.name == self.has.data), None)
        return [
            response
            for response in responses
            if not response.is_member
            and all(key_of(response) == given for given, key_of in wanted)
            and (has is None or has.of(response) is not None)
        ]

    def _keys(self) -> list[tuple[Field, Callable[[Response], object]]]:
        """The fields that choose incidents, and what of an incident they choose by."""
        return [
            (self.rule, rule_key),
            (self.policy, policy_key),
            (self.severity, lambda response: response.severity),
            (self.member, member_key),
            (self.fate, fate_of),
        ]


class ResponseQuestion(ResponseFilter, Period):
    """Response times for a script."""
