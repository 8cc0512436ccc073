"""Which rules the list of rules shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wtforms import SelectField
from wtforms.validators import Length

from console.alerting.decide import State
from console.web.choices import choices
from console.web.forms import FilterForm, SearchField

STATES = {
    "firing": (State.CRITICAL, State.WARNING),
    "pending": (State.PENDING,),
    "recovering": (State.RECOVERING,),
    "no_data": (State.NO_DATA,),
    "broken": (State.BROKEN,),
    "ok": (State.OK,),
}
OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFilter:
    """Which of a project's rules to list; what is empty lets everything through."""

    text: str = ""
    states: Sequence[State] = ()
    """The states of which one series has one, at the least."""
    only_off: bool = False


class RulesFilter(FilterForm):
    """The list of rules."""

    label = "Filter rules"

    q = SearchField("Search rules", [Length(max=200, message="At most 200 characters.")])
    state = SelectField(
        "State",
        choices=choices(
            [
                ("", "Any state"),
                *((name, name.replace("_", " ").capitalize()) for name in STATES),
                (OFF, "Switched off"),
            ]
        ),
        default="",
    )

    @property
    def filter(self) -> RuleFilter:
        """The same as a value. Only for a form that validates."""
        state = self.state.data
        return RuleFilter(
            text=self.q.data or "", states=STATES.get(state, ()), only_off=state == OFF
        )
