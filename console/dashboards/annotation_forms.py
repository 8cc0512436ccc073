"""What people and scripts say about a note on the time axis."""

from __future__ import annotations

from typing import Any

from wtforms import Form, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from console.core import clock
from console.dashboards.models import LONGEST_NOTE
from console.web import api
from console.web.forms import LocalMoment, Moment, at_most, plain
from console.web.timerange import LONGEST, LONGEST_ENVIRONMENT

_TEXT = [InputRequired("Write what happened."), at_most(LONGEST_NOTE)]
_ENVIRONMENT = [at_most(LONGEST_ENVIRONMENT)]


class AnnotationDocument(Form):
    """A note of a script."""

    at = Moment("When")
    environment = StringField("Environment", _ENVIRONMENT)
    text = StringField("What happened", _TEXT)

    @property
    def fields(self) -> dict[str, Any]:
        """What a valid form says; it is about now unless it names a moment."""
        return {
            "at": self.at.data or clock.now(),
            "environment": plain(self.environment.data),
            "text": plain(self.text.data),
        }

    def validate_text(self, field: StringField) -> None:
        """White space says nothing."""
        if not plain(field.data):
            raise ValidationError("Write what happened.")

    def validate_at(self, field: Moment) -> None:
        """A chart reaches that far, and no further."""
        if field.data and abs(field.data - clock.now()) > LONGEST:
            raise ValidationError(f"At most {LONGEST.days} days from now.")


class AnnotationForm(AnnotationDocument):
    """The same on a page."""

    at = LocalMoment("When", description="Empty for now. On your clock.")
    environment = StringField(
        "Environment",
        _ENVIRONMENT,
        description="Empty for all environments.",
        render_kw={"list": "known-environments"},
    )
    text = TextAreaField("What happened", _TEXT, render_kw={"rows": 2})


class AnnotationsQuestion(api.Paging, api.Anytime):
    """Which notes a script wants."""

    cursor = StringField("Cursor", [Length(max=200, message="Not one that an answer gave.")])
