"""What people and scripts ask of the list of database statements."""

from wtforms import SelectField, StringField
from wtforms.validators import NumberRange, Optional

from console.performance.forms.requests import LONGEST_MS, SHORT_TEXT
from console.performance.statements.listing import KINDS, SORTS, wanted_of
from console.telemetry.statements import StatementsWanted
from console.web.choices import choices
from console.web.forms import FilterForm, IntegerField, SearchField


class StatementsFilter(FilterForm):
    """The list of database statements."""

    label = "Filter statements"

    q = SearchField("Search statements and tables", [SHORT_TEXT])
    kind = SelectField("Kind", choices=choices(KINDS.items()), default="")
    over = IntegerField("P95 from (ms)", [Optional(), NumberRange(0, LONGEST_MS)])
    name = StringField("Endpoint", [SHORT_TEXT], description="Called by GET /…")
    sort = SelectField(
        "Sort",
        choices=choices((name, sort.label) for name, sort in SORTS.items()),
        default="time",
    )

    @property
    def wanted(self) -> StatementsWanted:
        """The same for the question. Only for a form that validates."""
        return wanted_of(
            text=self.q.data or "",
            kind=self.kind.data,
            over_ms=self.over.data or 0,
            endpoint=self.name.data or "",
        )
