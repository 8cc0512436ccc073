"""Which messages of the delivery log people and scripts want to see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from wtforms import SelectField
from wtforms.validators import NumberRange, Optional

from console.alerting.delivery.log import MessagesAsked
from console.alerting.delivery.models import MessageState
from console.web.api import Paging
from console.web.choices import choices
from console.web.forms import FilterForm, IntegerField, OpenSelect
from console.web.ids import LARGEST_ID

UNDELIVERED = "undelivered"
STATES = {
    MessageState.WAITING: "Waiting",
    MessageState.SENT: "Sent",
    MessageState.FAILED: "Failed",
    MessageState.DISCARDED: "Discarded",
    MessageState.MERGED: "In another message",
}


class DeliveriesFilter(FilterForm):
    """The delivery log."""

    label = "Filter deliveries"

    state = SelectField(
        "State",
        choices=choices(
            [("", "Any state"), (UNDELIVERED, "Not delivered")]
            + [(state.value, words) for state, words in STATES.items()]
        ),
        default="",
    )
    channel = OpenSelect("Channel", "Any channel", closed=True)
    incident = IntegerField("Incident", [Optional(), NumberRange(1, LARGEST_ID, "A number.")])

    members = IntegerField("Of list", [Optional(), NumberRange(1, LARGEST_ID, "A number.")])
    hidden = ("members",)

    def offer(self, channels: Mapping[int, str]) -> Self:
        """Offer channels by their ids and names."""
        self.channel.offer((str(id_), name) for id_, name in channels.items())
        return self

    @property
    def asked(self) -> MessagesAsked:
        """The same as a value. Only for a form that validates."""
        channel = self.channel.data
        return MessagesAsked(
            self.state.data or "",
            int(channel) if channel else None,
            self.incident.data,
            self.members.data,
        )


class DeliveriesQuestion(DeliveriesFilter, Paging):
    """The delivery log for a script."""
