"""The tile of a text: Markdown that people write, cleaned of everything that could act."""

from __future__ import annotations

from functools import lru_cache
from html import unescape
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

from console.dashboards.settings import LONGEST_MARKDOWN
from console.telemetry.tile import Table, TableCell, TableColumn, TileContent, TileKind, Viewing

TAGS = {
    *("a", "blockquote", "br", "code", "del", "em", "hr", "li", "ol", "p", "pre", "s", "strong"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
SCHEMES = {"http", "https", "mailto"}
DEEPEST = 20
"""Quotes and lists in each other; deeper ones are text."""


def text(viewing: Viewing) -> TileContent:
    """What a person wrote, with the values of variables in it."""
    written = str(viewing.settings.get("text", ""))[:LONGEST_MARKDOWN]  # with values in it
    html = rendered(written)
    return TileContent(
        table=Table([TableColumn("Text")], [[TableCell(written)]]),
        words=" ".join(unescape(nh3.clean(html, tags=set())).split()),
        own=html,
        empty="" if written.strip() else "Nothing has been written here yet.",
    )


@lru_cache(maxsize=200)
def rendered(written: str) -> Markup:
    """Markdown as HTML without images, scripts, styles and frames; links hide the page."""
    html = _markdown().render(written)
    clean = nh3.clean(
        html,
        tags=TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704 - cleaned in the line above


def _markdown() -> Any:
    return MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}).enable(
        ["table", "strikethrough"]
    )


KINDS = (
    TileKind(
        name="text",
        title="Text",
        icon="message",
        help="A note in Markdown: what this dashboard is for, whom to call.",
        takes=("text",),
        answer=text,
        part="dashboards/tiles/_text.html",
        width=4,
        height=2,
        given={"text": "## What this is for\n\nWrite here."},
    ),
)
