"""A page as its reader sees it: rows, cards, charts, links, whatever markup they are made of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode


def text_of(node: LexborNode) -> str:
    """The text of an element with single spaces."""
    return " ".join(node.text(separator=" ").split())


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: the text of each cell, by the heading of its column where it has one."""

    cells: list[str]
    by_heading: dict[str, str]
    title: str
    """The text of the link that the row leads to, or ""."""
    link: str

    def __getitem__(self, heading: str) -> str:
        return self.by_heading[heading]


@dataclass(frozen=True, slots=True)
class Card:
    """A key figure: its label, its value, and the line below it."""

    label: str
    value: str
    note: str


class Page:
    """The answer of a page or of a part."""

    def __init__(self, answer: Any) -> None:
        """`answer` is a response, or its text."""
        self.text: str = answer if isinstance(answer, str) else answer.text
        whole = LexborHTMLParser(self.text)
        self._main = whole.css_first("main") or whole.body or whole.root

    def select(self, selector: str) -> list[LexborNode]:
        """The elements of the page's main part that a CSS selector names."""
        return list(self._main.css(selector)) if self._main else []

    def rows(self, table: str = "table") -> list[Row]:
        """The rows below the headings of the tables that a CSS selector names."""
        return [
            _row(row, [text_of(head) for head in found.css("thead th")])
            for found in self.select(table)
            for row in found.css("tbody tr")
        ]

    def card(self, label: str) -> Card:
        """The key figure with this label; KeyError without one."""
        for card in self.cards():
            if card.label == label:
                return card
        raise KeyError(label)

    def cards(self) -> list[Card]:
        """The key figures, in order."""
        return [
            Card(
                _first(kpi, ".kpi-label"),
                _first(kpi, ".kpi-value > span"),
                _first(kpi, ".kpi-foot"),
            )
            for kpi in self.select(".kpi")
        ]

    def datasets(self) -> list[dict[str, Any]]:
        """The series of all charts, as the script in the browser gets them."""
        scripts = self.select('script[type="application/json"]')
        charts = [json.loads(script.text()) for script in scripts]
        return [each for chart in charts for each in chart.get("data", {}).get("datasets", [])]

    def charted(self, *names: str, kind: str = "") -> float:
        """The sum of the series of these names, or of this kind ("bar", "line"), in all charts."""
        series = (
            each
            for each in self.datasets()
            if (not names or each["label"] in names) and kind in ("", each["type"])
        )
        return float(sum(sum(filter(None, each["data"])) for each in series))

    def links(self, selector: str = "a") -> list[str]:
        """The addresses of links that a CSS selector names."""
        return [str(link.attributes.get("href") or "") for link in self.select(selector)]


def _row(row: LexborNode, headings: Iterable[str]) -> Row:
    cells = [text_of(cell) for cell in row.css("td, th")]
    link = row.css_first("a[data-open]") or row.css_first("a")
    return Row(
        cells=cells,
        by_heading=dict(zip(headings, cells, strict=False)),
        title=text_of(link) if link else "",
        link=str(link.attributes.get("href") or "") if link else "",
    )


def _first(node: LexborNode, selector: str) -> str:
    part = node.css_first(selector)
    return text_of(part) if part else ""
