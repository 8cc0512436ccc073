"""What a person says of how they want to be notified."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Any, Self

from wtforms import Form, SelectField, SelectMultipleField, StringField
from wtforms.validators import ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, TimeInput

from console.alerting.delivery.preferences import EMAIL, EVERY, WAYS, Gathering, Preferences
from console.alerting.escalation.hours import WorkingHours
from console.alerting.models import Severity
from console.core import clock
from console.web import clocks
from console.web.choices import choices
from console.web.forms import SwitchField

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY_DAY = list(range(len(DAYS)))
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def _ways(label: str) -> SelectMultipleField:
    return SelectMultipleField(
        label,
        choices=choices(WAYS.items()),
        default=[EMAIL],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


class PreferencesForm(Form):
    """Ways by severity, quiet hours, and one message for many."""

    mails = SwitchField("Mail me about incidents of this organization", default=True)
    high = _ways("High severity")
    medium = _ways("Medium severity")
    low = _ways("Low severity")
    quiet = SwitchField(
        "Keep messages back in quiet hours",
        description="They come when the hours end. High severity comes at once.",
    )
    days = SelectMultipleField(
        "Beginning on",
        choices=choices((str(number), day) for number, day in enumerate(DAYS)),
        default=[str(number) for number in EVERY_DAY],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    since = StringField("From", default="22:00", widget=TimeInput())
    until = StringField("Until", default="07:00", widget=TimeInput())
    zone = StringField("Time zone", description="Such as Europe/Berlin.")
    digest = SelectField("Low severity comes as", choices=choices(EVERY.items()), default="")
    digest_at = StringField(
        "At", default="09:00", widget=TimeInput(), description="For one message a day."
    )

    def __init__(self, *given: Any, **values: Any) -> None:
        """Fields that are needed only with a switch are filled in, and none is marked optional."""
        super().__init__(*given, **values)
        for name in ("since", "until", "zone", "digest_at"):
            self[name].flags.required = True
            self[name].render_kw = {"required": False}

    @classmethod
    def showing(cls, own: Preferences) -> Self:
        """The form as a person left it."""
        quiet, digest = own.quiet, own.gathering
        values: dict[str, Any] = {severity.value: list(own.ways[severity]) for severity in Severity}
        values |= {"mails": own.unsubscribed_at is None, "quiet": quiet is not None}
        if quiet:
            values |= {"days": [str(day) for day in quiet.days], **quiet.document}
            values["days"] = [str(day) for day in quiet.days]
        if digest:
            values |= {"digest": digest.every, "digest_at": f"{digest.at:%H:%M}"}
        chosen = [given.zone for given in (quiet, digest) if given]
        values["zone"] = chosen[0] if chosen else clocks.zone_name()
        return cls(data=values)

    def preferences(self, former: Preferences) -> Preferences:
        """What a valid form says."""
        zone = self.zone.data or "UTC"
        ended: datetime | None = former.unsubscribed_at or clock.now()
        return Preferences(
            ways={severity: list(self[severity.value].data or ()) for severity in Severity},
            quiet=WorkingHours(
                zone,
                [int(day) for day in self.days.data or ()],
                _time(self.since),
                _time(self.until),
            )
            if self.quiet.data
            else None,
            gathering=Gathering(self.digest.data, _time(self.digest_at), zone)
            if self.digest.data
            else None,
            unsubscribed_at=None if self.mails.data else ended,
        )

    def validate_high(self, field: SelectMultipleField) -> None:
        """What is urgent reaches a person somehow."""
        if not field.data:
            raise ValidationError("Choose one way at least: what is urgent must reach you.")

    def validate_zone(self, field: StringField) -> None:
        """The zone is one of the IANA database."""
        needed = self.quiet.data or self.digest.data
        if (needed or field.data) and not clocks.is_zone(field.data or ""):
            raise ValidationError("Unknown time zone. Use a name such as Europe/Berlin.")

    def validate_days(self, field: SelectMultipleField) -> None:
        """Quiet hours begin on some day."""
        if self.quiet.data and not field.data:
            raise ValidationError("Choose a day.")

    def validate_since(self, field: StringField) -> None:
        """A time of day, where quiet hours are wanted."""
        self._check(field, needed=bool(self.quiet.data))

    def validate_until(self, field: StringField) -> None:
        """Likewise."""
        self._check(field, needed=bool(self.quiet.data))

    def validate_digest_at(self, field: StringField) -> None:
        """A time of day, where messages are gathered."""
        self._check(field, needed=bool(self.digest.data))

    def _check(self, field: StringField, *, needed: bool) -> None:
        if needed and not _TIME.fullmatch(field.data or ""):
            raise ValidationError("A time of day such as 22:00.")


def _time(field: StringField) -> time:
    return time.fromisoformat(field.data or "")
