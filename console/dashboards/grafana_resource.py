"""Grafana's second format: panels stand in a table of elements, and a tree of layouts names them.

Grafana exports it by default since version 13. It is read as panels of the classic format, so that
both become tiles in one place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from console.dashboards.grafana_rows import WIDTH, Row, lost
from console.dashboards.grafana_values import Json, integer, mapping, mappings, text_of

DEEPEST = 8
"""Layouts in layouts; Grafana's own pages nest fewer."""
HIDDEN = "its condition for being shown"


def is_resource(model: Json) -> bool:
    """Whether it is the second format: a table of elements, and a layout."""
    return isinstance(model.get("elements"), dict) and isinstance(model.get("layout"), dict)


def rows(spec: Json) -> list[Row]:
    """The panels by tab and row, in their order."""
    elements = mapping(spec.get("elements"))
    layout = mapping(spec.get("layout"))
    if layout.get("kind") != "TabsLayout":
        return list(_rows(layout, elements, Row("", ()), 0))
    return [
        row
        for tab in _children(layout, "tabs")
        for row in _rows(
            mapping(tab.get("layout")),
            elements,
            Row("", (), text_of(tab.get("title")), _lost(tab)),
            1,
        )
    ]


def classic(spec: Json) -> dict[str, Any]:
    """Head and variables as the classic format has them."""
    time = mapping(spec.get("timeSettings"))
    return {
        "title": spec.get("title"),
        "description": spec.get("description"),
        "tags": spec.get("tags"),
        "time": {"from": time.get("from")},
        "timezone": time.get("timezone"),
        "refresh": time.get("autoRefresh"),
        "links": spec.get("links"),
        "annotations": {"list": [mapping(own.get("spec")) for own in _kinds(spec, "annotations")]},
        "templating": {"list": [_variable(own) for own in _kinds(spec, "variables")]},
    }


def _variable(given: Json) -> Json:
    kind = text_of(given.get("kind")).removesuffix("Variable").lower()
    return {**mapping(given.get("spec")), "type": "textbox" if kind == "text" else kind}


def _rows(layout: Json, elements: Json, row: Row, depth: int) -> Iterator[Row]:
    """The rows of a layout; `row` is the one that it stands in."""
    if depth > DEEPEST:
        return
    for name in ("rows", "tabs"):
        for inner in _children(layout, name):
            title = text_of(inner.get("title")) or row.title
            within = Row(title, (), row.tab, (*row.lost, *_lost(inner)))
            yield from _rows(mapping(inner.get("layout")), elements, within, depth + 1)
    items = _children(layout, "items")
    if layout.get("kind") == "AutoGridLayout":
        items = _spread(items, integer(mapping(layout.get("spec")).get("maxColumnCount"), 1, 12, 3))
    free = [item for item in items if "elements" not in item]
    if free:
        yield Row(row.title, [_panel(own, elements) for own in free], row.tab, row.lost)
    for item in items:  # rows of the grid, as its first versions had them
        if "elements" in item:
            inside = [mapping(own.get("spec")) for own in mappings(item["elements"])]
            panels = [_panel(own, elements) for own in inside]
            yield Row(text_of(item.get("title")), panels, row.tab, (*row.lost, *_lost(item)))


def _spread(items: list[Json], columns: int) -> list[Json]:
    """Items without places, side by side."""
    w = WIDTH // columns
    return [
        {**item, "x": at % columns * w, "y": at // columns * 8, "width": w, "height": 8}
        for at, item in enumerate(items)
    ]


def _panel(item: Json, elements: Json) -> Json:
    """The panel that an item of a layout names, as in the classic format."""
    element = mapping(elements.get(text_of(mapping(item.get("element")).get("name"))))
    spec, drawn = mapping(element.get("spec")), _drawing(element)
    group = mapping(mapping(spec.get("data")).get("spec"))
    own = mapping(drawn.get("spec"))
    return {
        **mapping(group.get("queryOptions")),
        "type": drawn["type"],
        "title": spec.get("title"),
        "description": spec.get("description"),
        "links": spec.get("links"),
        "options": own.get("options"),
        "fieldConfig": own.get("fieldConfig"),
        "targets": [_target(query) for query in mappings(group.get("queries"))],
        "transformations": group.get("transformations"),
        "libraryPanel": spec.get("libraryPanel"),
        "repeat": text_of(mapping(item.get("repeat")).get("value")),
        "conditionalRendering": item.get("conditionalRendering"),
        "gridPos": {
            "x": item.get("x"),
            "y": item.get("y"),
            "w": item.get("width"),
            "h": item.get("height"),
        },
    }


def _drawing(element: Json) -> dict[str, Any]:
    """How a panel is drawn; its kind stands in `group` since version 2beta1."""
    drawn = mapping(mapping(element.get("spec")).get("vizConfig"))
    kind = drawn.get("group") if drawn.get("kind") == "VizConfig" else drawn.get("kind")
    return {**drawn, "type": text_of(kind)}


def _target(query: Json) -> Json:
    spec = mapping(query.get("spec"))
    return {
        **mapping(mapping(spec.get("query")).get("spec")),
        "refId": spec.get("refId"),
        "hide": spec.get("hidden"),
    }


def _children(layout: Json, name: str) -> list[Json]:
    return [mapping(own.get("spec")) for own in mappings(mapping(layout.get("spec")).get(name))]


def _kinds(spec: Json, name: str) -> list[Json]:
    return mappings(spec.get(name))


def _lost(given: Json) -> tuple[str, ...]:
    """What of a row or tab has no like here."""
    return (*lost(given), HIDDEN) if given.get("conditionalRendering") else lost(given)
