"""The form by which delivery that was held goes on."""

from __future__ import annotations

from wtforms import Form, SelectField

from console.web.choices import choices

SEND, DISCARD = "send", "discard"


class ReleaseForm(Form):
    """What becomes of messages that were owed before delivery was held."""

    old = SelectField("Old messages", choices=choices([(SEND, "Send"), (DISCARD, "Discard")]))
