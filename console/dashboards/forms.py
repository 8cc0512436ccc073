"""The forms of dashboards: the filter of the list, a new dashboard, its deletion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

from werkzeug.datastructures import MultiDict
from wtforms import (
    FieldList,
    FileField,
    Form,
    FormField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, ValidationError

from console.dashboards.document import MOST_VARIABLES, Document
from console.dashboards.models import LONGEST_TITLE
from console.metrics.catalogue import CATALOGUE, full_title
from console.web.choices import choices
from console.web.forms import FilterForm, OpenSelect, SearchField, at_most, plain


class ListFilter(FilterForm):
    """Which dashboards the list shows."""

    label = "Filter the dashboards"

    q = SearchField("Search titles and tags", [Length(max=100)])
    tag = OpenSelect("Tag", "Any tag", validators=[at_most(40)])


class NewForm(Form):
    """A new dashboard: its title, and what it begins with."""

    title = StringField(
        "Title",
        [
            DataRequired("Give it a title."),
            Length(max=LONGEST_TITLE, message=f"At most {LONGEST_TITLE} characters."),
        ],
        filters=[plain],
    )
    start = OpenSelect("Begin with", "An empty grid", closed=True)


class ChartForm(Form):
    """A chart of the console that is added to a dashboard."""

    NEW: ClassVar[str] = "new"

    dashboard = SelectField("Dashboard", choices=choices([("new", "A new dashboard")]))
    title = StringField("Title of the tile", [Length(max=LONGEST_TITLE)], filters=[plain])

    def offer(self, dashboards: Iterable[tuple[str, str]]) -> None:
        """Set the dashboards to choose from, by id and title."""
        self.dashboard.choices = choices([*dashboards, (self.NEW, "A new dashboard")])


class ImportForm(Form):
    """A dashboard of Grafana: its JSON model as a file, or pasted."""

    file = FileField("File", description="What Grafana exports; at most a megabyte.")
    model = TextAreaField("Or paste the JSON model", render_kw={"rows": 10, "spellcheck": "false"})


class RemovalForm(Form):
    """A deletion that cannot be undone: the title must be typed."""

    confirmation = StringField(
        "Type the title of the dashboard", [DataRequired("Type the title.")], filters=[plain]
    )
    wanted = ""
    """The title, which the view sets."""

    def validate_confirmation(self, field: StringField) -> None:
        """Compare it with the title."""
        if field.data != plain(self.wanted):
            raise ValidationError("That is not its title.")


class VariableForm(Form):
    """A variable of a dashboard."""

    name = StringField("Name", filters=[plain], description="Tiles write it as $name.")
    kind = SelectField(
        "Kind",
        choices=choices(
            [
                ("dimension", "Values of a metric's dimension"),
                ("list", "Values from a list"),
                ("text", "Any text"),
            ]
        ),
        default="dimension",
    )
    label = StringField("Label", filters=[plain])
    default = StringField("Default", filters=[plain])
    values = StringField("Values", description="Of a list, separated by commas.")
    metric = OpenSelect("Metric", "None")
    dimension = StringField("Dimension", filters=[plain], description="Such as endpoint.")

    @property
    def stored(self) -> dict[str, Any]:
        """The variable as documents write it, with what its kind needs."""
        own = {name: self[name].data or "" for name in ("name", "kind", "label", "default")}
        is_list, is_dimension = own["kind"] == "list", own["kind"] == "dimension"
        return own | {
            "values": _separated(self["values"].data or "") if is_list else [],
            "metric": self.metric.data or "" if is_dimension else "",
            "dimension": self.dimension.data or "" if is_dimension else "",
        }


class VariablesForm(Form):
    """The variables of a dashboard."""

    rows = FieldList(FormField(VariableForm), max_entries=MOST_VARIABLES)

    @classmethod
    def sent(cls, given: MultiDict[str, str]) -> Self:
        """The form as a browser sent it."""
        return cls(given).offered()

    @classmethod
    def of(cls, document: Document) -> Self:
        """The form of a dashboard's variables."""
        rows = [{**own, "values": list(own["values"])} for own in document.stored["variables"]]
        return cls(None, data={"rows": rows}).offered()

    def offered(self) -> Self:
        """Offer the metrics."""
        for row in self.rows:
            row.form.metric.offer((own.id, full_title(own)) for own in CATALOGUE.values())
        return self

    @property
    def stored(self) -> list[dict[str, Any]]:
        """The variables as documents write them; a row without a name is none."""
        return [row.form.stored for row in self.rows if row.form.name.data]

    @property
    def is_full(self) -> bool:
        return len(self.rows) >= MOST_VARIABLES

    def act(self, name: str) -> None:
        """What a button says: a variable more, or one less."""
        verb, _, number = name.partition(":")
        if verb == "add" and not self.is_full:
            self.rows.append_entry()
        elif verb == "remove" and number.isdecimal():
            kept = [row.form.data for at, row in enumerate(self.rows) if at != int(number[:2])]
            while self.rows.entries:
                self.rows.pop_entry()
            for own in kept:
                self.rows.append_entry(own)
        self.offered()

    def mark(self, wrong: Mapping[str, str]) -> None:
        """Put what is wrong with `stored`, by place in the document, beside its field."""
        named = [row.form for row in self.rows if row.form.name.data]
        for place, sentence in wrong.items():
            _, number, *field = place.split(".")
            name = field[0] if field and field[0] in named[int(number)] else "name"
            named[int(number)][name].errors = [sentence]


def _separated(text: str) -> list[str]:
    return [part for part in map(plain, text.split(",")) if part]
