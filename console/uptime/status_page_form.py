"""What people and scripts say of a status page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from wtforms import Form, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from console.uptime.models import Check
from console.web.forms import ListField, ValuesByName, number_of, plain


class StatusPageForm(Form):
    """A public page about a choice of checks; `offer` says which there are."""

    title = StringField(
        "Title",
        [InputRequired("Give it a title."), Length(max=100, message="At most 100 characters.")],
        filters=[plain],
    )
    checks = ListField("Checks")
    position = ValuesByName("Position")
    """Where a person wants each check, by its id; without, they stand as they are sent."""

    @classmethod
    def of(cls, title: str, checks: Sequence[Check]) -> Self:
        """The form of a page that there is."""
        ids = [str(check.id) for check in checks]
        places = {id_: [str(place)] for place, id_ in enumerate(ids, start=1)}
        return cls(data={"title": title, "checks": ids, "position": places})

    def offer(self, checks: Sequence[Check]) -> Self:
        """Let these checks be chosen."""
        self.offered = {str(check.id): check for check in checks}
        return self

    def validate_checks(self, field: ListField) -> None:
        """At least one is chosen, each once, and all can be."""
        chosen = field.data or []
        if not chosen:
            raise ValidationError("Choose at least one check.")
        if strange := [text for text in chosen if text not in self.offered]:
            raise ValidationError(f"There is no check {strange[0][:20]} in this project.")

    def validate_position(self, field: ValuesByName) -> None:
        """Positions are numbers."""
        for values in field.data.values():
            if number_of(values[0]) is None:
                raise ValidationError("A position is a number: 1 stands first.")

    @property
    def shown(self) -> Sequence[tuple[str, Check]]:
        """What may be chosen, by id: the chosen ones first, in their order."""
        ids = [*self._ordered(), *(id_ for id_ in self.offered if id_ not in self.checks.data)]
        return [(id_, self.offered[id_]) for id_ in ids]

    @property
    def chosen(self) -> Sequence[Check]:
        """The checks of a valid form in their order."""
        return [self.offered[id_] for id_ in self._ordered()]

    def _ordered(self) -> Sequence[str]:
        numbers = {name: number_of(values[0]) for name, values in self.position.data.items()}
        places = {name: number for name, number in numbers.items() if number is not None}
        ids = [id_ for id_ in dict.fromkeys(self.checks.data) if id_ in self.offered]
        last = float(len(self.offered) + 1)
        return sorted(ids, key=lambda id_: places.get(id_, last))
