"""Which requests count: what the lists of endpoints and of traces have in common."""

from typing import Any

from wtforms import Form, SelectField, StringField
from wtforms.validators import Length, ValidationError

from console.web.choices import choices

LONGEST_MS = 86_400_000
STATUS_CLASSES = {"": "Any status", "2": "2xx", "3": "3xx", "4": "4xx", "5": "5xx"}
SHORT_TEXT = Length(max=200, message="At most 200 characters.")


class RequestFilter(Form):
    """Which requests count: by release, status and an attribute that they have."""

    release = StringField("Release", [SHORT_TEXT])
    status = SelectField("Status", choices=choices(STATUS_CLASSES.items()), default="")
    attribute = StringField("Attribute", [Length(max=400, message="At most 400 characters.")])

    def validate_attribute(self, field: StringField) -> None:
        """An attribute is asked for as name=value."""
        if field.data and not self.name_and_value[0]:
            raise ValidationError("An attribute is asked for as name=value: user.plan=pro.")

    @property
    def name_and_value(self) -> tuple[str, str]:
        name, equals, value = (self.attribute.data or "").partition("=")
        return (name.strip(), value.strip()) if equals else ("", "")

    @property
    def filters(self) -> dict[str, Any]:
        """The same in the words of a Scope. Only for a form that validates."""
        return {
            "release": self.release.data or "",
            "status_class": self.status.data or "",
            "attributes": (self.name_and_value,) if self.attribute.data else (),
        }

    @property
    def narrowed(self) -> bool:
        """Whether requests are left out."""
        return bool(self.release.data or self.status.data or self.attribute.data)
