"""Which requests count: what the lists of endpoints and of traces have in common."""

from typing import Any

from wtforms import SelectField, StringField
from wtforms.validators import Length, ValidationError

from console.web.choices import choices
from console.web.forms import FilterForm, OpenSelect

LONGEST_MS = 86_400_000
STATUS_CLASSES = {"": "Any status", "2": "2xx", "3": "3xx", "4": "4xx", "5": "5xx"}
SHORT_TEXT = Length(max=200, message="At most 200 characters.")


def status_field() -> SelectField:
    """The first digit of the HTTP status."""
    return SelectField("Status", choices=choices(STATUS_CLASSES.items()), default="")


def attribute_field() -> StringField:
    """An attribute that requests must have, as name=value."""
    length = Length(max=400, message="At most 400 characters.")
    return StringField("Attribute", [length], description="attribute=value")


class RequestFilter(FilterForm):
    """Which requests count: its subclasses declare the fields, in the order of their toolbar."""

    q: StringField
    release: OpenSelect
    status: SelectField
    attribute: StringField

    def validate_attribute(self, field: StringField) -> None:
        """An attribute is a name and a value."""
        if field.data and not self.name_and_value[0]:
            raise ValidationError("Write an attribute as name=value, such as user.plan=pro.")

    @property
    def name_and_value(self) -> tuple[str, str]:
        name, equals, value = (self.attribute.data or "").partition("=")
        return (name.strip(), value.strip()) if equals else ("", "")

    @property
    def filters(self) -> dict[str, Any]:
        """The same in the words of a Scope. Only for a form that validates."""
        return {
            "text": (self.q.data or "").strip(),
            "release": self.release.data or "",
            "status_class": self.status.data or "",
            "attributes": (self.name_and_value,) if self.attribute.data else (),
        }
