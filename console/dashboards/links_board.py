"""What a link shows: the dashboard as it looks to outsiders, drawn on the server within limits."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import unescape
from typing import Any

from flask import render_template
from markupsafe import Markup

from console.accounts.models import Project
from console.accounts.projects import console_url
from console.core import clock
from console.core.db import db
from console.core.urls import split_url
from console.dashboards import queries
from console.dashboards.document import Document, Section, Tab, Tile
from console.dashboards.drawn import Board, Drawn, drawn
from console.dashboards.links_models import ShareLink
from console.dashboards.models import Dashboard
from console.dashboards.shelf import OUTSIDE
from console.telemetry.tile import TileProject
from console.web.timerange import DEFAULT_RANGE, RANGES, Range

PAGE_SECONDS = 20.0
"""A page is answered after this time, with the tiles that were drawn until then."""
LATE = "The page took too long before this tile. Open it again in a moment."
ROW, HEAD = 64, 68
POINTS = "dashboards/_tile_points.html"
"""Pixels of a row of the grid, and of a tile's head and padding."""
_HREF = re.compile(r"""(<a\b[^<>]*?)\s(?:xlink:)?href=(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SharedTile:
    """A tile, and what is in it as HTML that leads to no page of the console."""

    drawn: Drawn
    html: Markup
    points: str = ""
    """The numbers of what is a drawing, as a table."""


@dataclass(frozen=True, slots=True)
class SharedSection:
    """Tiles under a heading."""

    title: str
    tiles: Sequence[SharedTile]


def board_of(link: ShareLink, dashboard: Dashboard, asked: Mapping[str, str]) -> Board:
    """The dashboard as the link shows it; `asked` is what an address chooses of what is open."""
    document = Document.of(dashboard.document)
    values = {variable.name: variable.default for variable in document.variables}
    for variable in document.variables:
        value = asked.get(f"var.{variable.name}", "")[:200]
        is_offered = variable.kind != "list" or value in variable.values
        if variable.name in link.opened and value and is_offered:
            values[variable.name] = value
    values |= {name: str(own) for name, own in link.locked.items() if name in values}
    return Board(
        organization_id=link.organization_id,
        document=document,
        projects=_projects(dashboard),
        shown=_range(link, document, asked.get("range", "")),
        values=values,
        way=_nowhere,
        # Links with the same choices see the same: they share answers.
        audience="outside, with markers" if link.has_markers else "outside",
        has_markers=link.has_markers,
        shelf=OUTSIDE,
    )


def sections(board: Board, tab: Tab) -> Iterator[SharedSection]:
    """The sections of a tab with their tiles drawn, one after another, until time is up."""
    until = time.monotonic() + PAGE_SECONDS
    for section in tab.sections:
        yield _section(board, section, until)


def shared_tile(board: Board, tile: Tile) -> SharedTile:
    """A tile as the link shows it."""
    own = drawn(board, tile)
    content = own.content
    if content is None or content.empty or own.kind is None:
        return SharedTile(own, Markup())
    height = max(40, tile.place.h * ROW - HEAD)
    given = {"drawn": own, "content": content, "height": height}
    html = outward(render_template(own.kind.part, **given))
    if not own.kind.is_drawing:
        return SharedTile(own, html)
    return SharedTile(own, html, outward(render_template(POINTS, **given)))


def outward(html: str) -> Markup:
    """HTML whose links lead out of the console: those into it are plain text.

    Tiles make no such links for outsiders; people write some into texts.
    """

    def kept(match: re.Match[str]) -> str:
        return match[0] if _leads_out(unescape(match[2] or match[3] or "")) else match[1]

    return Markup(_HREF.sub(kept, html))  # noqa: S704 - a template's output without attributes


def _leads_out(url: str) -> bool:
    address = url.strip().lower().replace("\\", "/")  # as browsers read it
    if address.startswith("mailto:"):
        return True
    if not address.startswith(("https://", "http://")):
        return False
    try:
        host = _host(address)
    except ValueError:
        return False
    return bool(host[0]) and host != _host(console_url().lower())


def _host(url: str) -> tuple[str, int]:
    """Name and port of a site, the same for both schemes where they have no port of their own."""
    parts = split_url(url)
    port = parts.port or 0
    return (parts.hostname or "").rstrip("."), 0 if port in {80, 443} else port


def _section(board: Board, section: Section, until: float) -> SharedSection:
    tiles = []
    for tile in section.tiles:
        if time.monotonic() < until:
            tiles.append(shared_tile(board, tile))
        else:
            late = Drawn(tile=tile, title=tile.title or tile.kind, error=LATE, at=clock.now())
            tiles.append(SharedTile(replace(late, retry=True), Markup()))
    return SharedSection(section.title, tiles)


def _projects(dashboard: Dashboard) -> Sequence[Project]:
    """The dashboard's project; all but the console's own for one of the organization."""
    if dashboard.project_id is None:
        return queries.projects_of_organization()
    return [db.session.get_one(Project, dashboard.project_id)]


def _range(link: ShareLink, document: Document, asked: str) -> Range:
    name = link.range or document.range or DEFAULT_RANGE
    if link.is_range_open and asked in RANGES:
        name = asked
    until = clock.now()
    return Range(name, until - RANGES.get(name, RANGES[DEFAULT_RANGE]), until, link.environment)


def _nowhere(_project: TileProject, _endpoint: str, /, **_values: Any) -> str:
    """An outsider opens no page of the console."""
    return ""
