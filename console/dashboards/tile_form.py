"""The form of a tile: what its kind takes, read from what a browser sent and from documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from werkzeug.datastructures import MultiDict
from wtforms import FieldList, Form, FormField, HiddenField, SelectField, StringField, TextAreaField
from wtforms.validators import Optional

from console.dashboards.document import Document, Place, Tile, stored_tile, tile_faults
from console.dashboards.settings import MOST_QUERIES
from console.metrics.catalogue import CATALOGUE, full_title
from console.telemetry.metric import Metric
from console.telemetry.tile import TileKind, tile_kinds
from console.web.choices import choices
from console.web.forms import (
    IntegerField,
    NumberField,
    OpenSelect,
    SwitchField,
    ValuesByName,
    number_of,
    plain,
)

METRICS = choices((metric.id, full_title(metric)) for metric in CATALOGUE.values())


class QueryForm(Form):
    """A metric of a tile with its filters and parameters."""

    metric = SelectField("Metric", choices=METRICS, default="requests.count")
    was = HiddenField()
    """The metric that the form was drawn for: what belongs to another is left out."""
    name = StringField("Called", filters=[plain])
    where = ValuesByName("Filters")
    parameters = ValuesByName("Parameters")

    @property
    def chosen(self) -> Metric | None:
        """The metric, if there is one of that name."""
        return CATALOGUE.get(str(self.metric.data))

    @property
    def settings(self) -> dict[str, Any]:
        """The query as documents write it."""
        own: dict[str, Any] = {"metric": self.metric.data}
        is_another = bool(self.was.data) and self.was.data != self.metric.data
        if self.name.data and not is_another:
            own["name"] = self.name.data
        where = {} if is_another else {n: values[0] for n, values in self.where.data.items()}
        given = {} if is_another else self.parameters.data
        numbers = {name: _number(values[0]) for name, values in given.items()}
        return (
            own | ({"where": where} if where else {}) | ({"parameters": numbers} if numbers else {})
        )


class TileForm(Form):
    """A tile: its kind, title and section, and the settings that its kind takes."""

    kind = SelectField("Kind", validate_choice=False)
    title = StringField("Title", filters=[plain])
    description = StringField("Description", filters=[plain])
    section = SelectField("Section", validate_choice=False)
    queries = FieldList(FormField(QueryForm), min_entries=1, max_entries=MOST_QUERIES)
    formula = StringField(
        "Formula",
        filters=[plain],
        description="Such as a / b * 100; without one, each metric is drawn.",
    )
    by = OpenSelect("Broken down by", "Nothing")
    limit = IntegerField("Parts shown", [Optional()], description="1 to 20.")
    compare = SwitchField("Draw the period that the top bar compares with")
    threshold = NumberField("Threshold line", [Optional()])
    text = TextAreaField("Text", render_kw={"rows": 10})
    project = OpenSelect("Project", "All projects of the dashboard")
    extra = ValuesByName("More")
    """The settings of single kinds, which have no field of their own."""
    wrong: Mapping[str, str] = {}
    """What is wrong with those, by name."""

    @classmethod
    def sent(cls, given: MultiDict[str, str], document: Document) -> Self:
        """The form as a browser sent it."""
        form = cls(given)
        form.offer(document)
        return form

    @classmethod
    def of(cls, tile: Tile, spot: str, document: Document) -> Self:
        """The form of a tile as it is saved."""
        settings = dict(tile.settings)
        queries = [_query(own) for own in settings.pop("queries", [])]
        head = {"kind": tile.kind, "title": tile.title, "description": tile.description}
        extra = {name: [str(own)] for name, own in settings.items() if not hasattr(cls, name)}
        form = cls(
            None, data={**settings, **head, "section": spot, "queries": queries, "extra": extra}
        )
        form.offer(document)
        return form

    @property
    def chosen(self) -> TileKind | None:
        """The kind, if there is one of that name."""
        return tile_kinds().get(str(self.kind.data))

    @property
    def takes(self) -> Sequence[str]:
        """The settings of the kind, in its order."""
        return self.chosen.takes if self.chosen else ()

    def offer(self, document: Document) -> None:
        """Fill in what can be chosen: kinds, sections, and the dimensions of the metrics."""
        self.kind.choices = choices((kind.name, kind.title) for kind in tile_kinds().values())
        self.section.choices = choices(
            (f"{i}.{j}", f"{tab.title or f'Tab {i + 1}'}: {section.title or f'Section {j + 1}'}")
            for i, tab in enumerate(document.tabs)
            for j, section in enumerate(tab.sections)
        )
        self.by.offer((name, name.replace("_", " ").capitalize()) for name in self.dimensions)

    def offer_projects(self, projects: Iterable[tuple[str, str]]) -> None:
        """Offer the projects of a dashboard across projects."""
        self.project.offer(projects)

    @property
    def dimensions(self) -> list[str]:
        """What all metrics of the tile can be broken down by."""
        metrics = [own.form.chosen for own in self.queries]
        if not metrics or None in metrics:
            return []
        first, *rest = [metric for metric in metrics if metric]
        return [name for name in first.dimensions if all(name in own.dimensions for own in rest)]

    def act(self, name: str) -> None:
        """What a button says: a metric more, or one less."""
        verb, _, number = name.partition(":")
        if verb == "add-metric" and len(self.queries) < MOST_QUERIES:
            self.queries.append_entry({"metric": self.queries[-1].form.metric.data})
        elif verb == "remove-metric" and number.isdecimal() and len(self.queries) > 1:
            kept = [own.form for place, own in enumerate(self.queries) if place != int(number[:2])]
            given = [_query(form.settings) for form in kept]
            while self.queries.entries:
                self.queries.pop_entry()
            for query in given:
                self.queries.append_entry(query)

    def settle(self) -> None:
        """Leave out what belongs to metrics that are chosen no more."""
        for entry in self.queries:
            query = entry.form
            if query.was.data and query.was.data != query.metric.data:
                query.where.data, query.parameters.data, query.name.data = {}, {}, ""
                if self.by.data not in self.dimensions:
                    self.by.data = ""
            query.was.data = query.metric.data

    def tile(self, tile_id: str = "", place: Place | None = None) -> Tile:
        """The tile that the form describes, whatever is wrong with it."""
        kind = self.chosen
        size = Place(w=kind.width, h=kind.height) if kind else Place()
        return Tile(
            id=tile_id,
            kind=str(self.kind.data),
            title=self.title.data or "",
            description=self.description.data or "",
            place=place or size,
            settings={name: value for name, value in self._settings() if value is not None},
        )

    def is_valid_as(self, tile: Tile, variables: Iterable[str]) -> bool:
        """Whether nothing is wrong with the tile; what is stands beside its field then."""
        is_valid = self.validate()
        for path, sentence in tile_faults(stored_tile(tile), "", tile_kinds(), set(variables)):
            if not path.startswith(".place"):
                self._mark(path.strip(".").removeprefix("settings.").split("."), sentence)
                is_valid = False
        return is_valid

    def _settings(self) -> Iterator[tuple[str, Any]]:
        for name in self.takes:
            if name not in self:
                values = self.extra.data.get(name)
                yield name, values[0] if values else None
                continue
            value = self[name].data
            if name == "queries":
                yield name, [own.form.settings for own in self.queries]
            elif name in {"formula", "by", "project"}:
                yield name, value or None
            elif name == "compare":
                yield name, True if value else None
            else:
                yield name, value

    def _mark(self, path: Sequence[str], sentence: str) -> None:
        """Put a sentence beside the field that a path of the document leads to."""
        field: Any = self._fields.get(path[0])
        if path[0] == "queries" and len(path) > 2 and path[1].isdecimal():
            query = self.queries[int(path[1])].form
            field = query._fields.get(path[2], query.metric)
        if field is None and path[0] in self.takes:
            self.wrong = {**self.wrong, path[0]: sentence}
        elif field is None:
            self.form_errors.append(sentence)
        elif sentence not in field.errors:
            field.errors = [*field.errors, sentence]


def fresh(kind: TileKind, spot: str, document: Document) -> TileForm:
    """The form of a new tile of a kind."""
    form = TileForm.of(Tile(id="", kind=kind.name, settings=kind.given), spot, document)
    needs_by = any(name == "by" for name, _ in kind.faults(form.tile().settings))
    if needs_by and form.dimensions:
        form.by.data = form.dimensions[0]
    return form


def _query(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A query as its form takes it."""
    return {
        "metric": settings.get("metric", ""),
        "was": settings.get("metric", ""),
        "name": settings.get("name", ""),
        "where": {name: [str(value)] for name, value in settings.get("where", {}).items()},
        "parameters": {
            name: [f"{value:g}" if isinstance(value, float) else str(value)]
            for name, value in settings.get("parameters", {}).items()
        },
    }


def _number(text: str) -> float | str:
    number = number_of(text)
    return text if number is None else number
