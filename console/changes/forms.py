"""Which changes people and scripts ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wtforms import SelectField

from console.changes.judged import ChangeState
from console.changes.rules import KINDS
from console.web.api import Anytime, Paging
from console.web.choices import choices
from console.web.forms import FilterForm, SearchField, at_most

LIVING = (ChangeState.NEW, ChangeState.WORSE, ChangeState.TURNED)
STATES: Mapping[str, Sequence[ChangeState]] = {
    "living": LIVING,
    **{state.value: (state,) for state in ChangeState},
    "all": tuple(ChangeState),
}
SIDES = {"worse": False, "better": True}
"""By what a filter says: whether changes are for the better."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFilter:
    """Which of a project's changes to list; what is empty lets everything through."""

    states: Sequence[ChangeState] = tuple(ChangeState)
    kind: str = ""
    is_good: bool | None = None
    text: str = ""
    environment: str = ""
    since: datetime | None = None
    until: datetime | None = None


class ChangesFilter(FilterForm):
    """The list of changes."""

    label = "Filter changes"
    hidden = ("state",)

    q = SearchField("Search changes", [at_most(200)])
    state = SelectField(
        "State",
        choices=choices(
            [
                ("living", "Living"),
                ("new", "New"),
                ("worse", "Worse"),
                ("turned", "Turned"),
                ("over", "Over"),
                ("all", "All"),
            ]
        ),
        default="living",
    )
    kind = SelectField(
        "Kind",
        choices=choices([("", "Any kind"), *((kind.value, text) for kind, text in KINDS.items())]),
        default="",
    )
    side = SelectField(
        "Side",
        choices=choices(
            [("", "Better or worse"), ("worse", "For the worse"), ("better", "For the better")]
        ),
        default="",
    )

    def filter(self, **scope: Any) -> ChangeFilter:
        """The same as a value, with the time and environment. Only for a form that validates."""
        return ChangeFilter(
            states=STATES[self.state.data],
            kind=self.kind.data,
            is_good=SIDES.get(self.side.data),
            text=self.q.data or "",
            **scope,
        )


class ChangesQuestion(ChangesFilter, Anytime, Paging):
    """The list of changes for a script."""

    @property
    def asked(self) -> ChangeFilter:
        """What a valid form asks for."""
        return self.filter(
            environment=self.environment.data or "",
            since=self.since.data,
            until=self.until.data,
        )
