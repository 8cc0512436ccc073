"""What the forms of all features share: checks, times with their zone, errors as a sentence."""

from datetime import UTC, datetime
from typing import Any

from wtforms import Form, StringField
from wtforms.validators import ValidationError


class Moment(StringField):
    """A date and time with its zone, as ISO 8601."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it; 400 with a sentence in the end if it cannot be."""
        self.data: Any = None
        if valuelist and valuelist[0]:
            try:
                moment = datetime.fromisoformat(valuelist[0])
                self.data = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
            except (ValueError, OverflowError):
                raise ValidationError("Not a date and time such as 2026-11-23T08:00Z.") from None


def without_nul(_form: Form, field: StringField) -> None:
    """Refuse a character that PostgreSQL has no place for."""
    if "\0" in (field.data or ""):
        raise ValidationError(f"{field.label.text} holds a NUL character.")


def sentence(form: Form) -> str:
    """What is wrong with a form, naming each parameter."""
    return " ".join(f"{field.name}: {said}" for field in form for said in field.errors)
