"""What the forms of all features share: checks, times with their zone, errors as a sentence."""

from typing import Any

import wtforms
from wtforms import Form, StringField
from wtforms.validators import ValidationError

from console.core import clock

MOST_DIGITS = 20


class IntegerField(wtforms.IntegerField):
    """A whole number of a size that can be compared; more digits than any column holds are none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it as WTForms does, whose NumberRange makes a float of it."""
        if valuelist and len(valuelist[0]) > MOST_DIGITS:
            self.data = None
            raise ValueError(self.gettext("Not a valid integer value."))
        super().process_formdata(valuelist)


class Moment(StringField):
    """A date and time with its zone, as ISO 8601."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it; 400 with a sentence in the end if it cannot be."""
        self.data: Any = None
        if valuelist and valuelist[0]:
            try:
                self.data = clock.instant(valuelist[0])
            except ValueError:
                raise ValidationError("Not a date and time such as 2026-11-23T08:00Z.") from None


def sentence(form: Form) -> str:
    """What is wrong with a form, naming each parameter."""
    return " ".join(f"{field.name}: {said}" for field in form for said in field.errors)
