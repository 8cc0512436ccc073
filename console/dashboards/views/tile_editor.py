"""A tile is added or changed: its form, with a preview drawn by the code that draws the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import Response, abort, request, url_for

from console.accounts.models import Project
from console.core.db import begin_to_write, reading_first
from console.dashboards import editing, grid, queries
from console.dashboards.document import Document, Tile
from console.dashboards.drawn import Drawn, drawn
from console.dashboards.models import Dashboard
from console.dashboards.settings import SETTINGS, Setting
from console.dashboards.tile_form import TileForm, fresh
from console.dashboards.views.blueprint import page
from console.dashboards.views.board import board_of
from console.dashboards.views.saving import base_of, saved, version_of
from console.metrics.catalogue import CATALOGUE
from console.metrics.known import known_values
from console.telemetry.tile import TileKind, tile_kinds
from console.web.htmx import page_or_part
from console.web.timerange import scope_arguments

FORM, FORM_PART = "dashboards/tile_form.html", "dashboards/_tile_form.html"
KINDS, KINDS_PART = "dashboards/tile_kinds.html", "dashboards/_tile_kinds.html"


@dataclass(frozen=True, slots=True)
class Draft:
    """A tile that is being made or changed, and what it shows if nothing is wrong with it."""

    dashboard: Dashboard
    form: TileForm
    version: int
    tile: Tile
    known: Mapping[str, Mapping[str, Sequence[str]]]
    """For each metric, the values of its dimensions that came in the last days."""
    drawn: Drawn | None = None

    @property
    def settings(self) -> Mapping[str, Setting]:
        """Every setting that a kind can have, with its words."""
        return SETTINGS

    @property
    def scope(self) -> Mapping[str, str]:
        """The parameters of the top bar, for the addresses of its form."""
        return scope_arguments()


@page("/<id:dashboard_id>/tiles/new", "member")
def new_tile(project: Project | None, dashboard_id: int) -> Response:
    """Choose a kind; with one, its form."""
    own = queries.dashboard_or_404(project, dashboard_id)
    document = Document.of(own.document)
    spot = request.args.get("section", "0.0")
    kind = tile_kinds().get(request.args.get("kind", ""))
    if kind is None:
        kinds: list[TileKind] = list(tile_kinds().values())
        return page_or_part(KINDS, KINDS_PART, dashboard=own, kinds=kinds, spot=spot)
    form = fresh(kind, spot, document)
    return _drafted(project, own, form, own.version, form.tile())


@page("/<id:dashboard_id>/tiles/<tile:tile_id>/edit", "member")
def edit_tile(project: Project | None, dashboard_id: int, tile_id: str) -> Response:
    own = queries.dashboard_or_404(project, dashboard_id)
    document = Document.of(own.document)
    tile = document.tile(tile_id) or abort(404)
    i, j = editing.section_of(document, tile_id) or (0, 0)
    return _drafted(project, own, TileForm.of(tile, f"{i}.{j}", document), own.version, tile)


@page("/<id:dashboard_id>/tiles/draft", "member", post=True, around=reading_first)
def draft_tile(project: Project | None, dashboard_id: int) -> Response:
    """The form of a new tile after a change, with its preview."""
    own = queries.dashboard_or_404(project, dashboard_id)
    return _redrawn(project, own, None)


@page("/<id:dashboard_id>/tiles/<tile:tile_id>/draft", "member", post=True, around=reading_first)
def draft_of_tile(project: Project | None, dashboard_id: int, tile_id: str) -> Response:
    """The form of a tile after a change, with its preview."""
    own = queries.dashboard_or_404(project, dashboard_id)
    return _redrawn(project, own, Document.of(own.document).tile(tile_id) or abort(404))


@page("/<id:dashboard_id>/tiles/", "member", post=True, around=reading_first)
def add_tile(project: Project | None, dashboard_id: int) -> Response:
    return _saved(project, queries.dashboard_or_404(project, dashboard_id), "")


@page("/<id:dashboard_id>/tiles/<tile:tile_id>", "member", post=True, around=reading_first)
def change_tile(project: Project | None, dashboard_id: int, tile_id: str) -> Response:
    return _saved(project, queries.dashboard_or_404(project, dashboard_id), tile_id)


def _saved(project: Project | None, own: Dashboard, tile_id: str) -> Response:
    """Put the tile of the form into the dashboard; the form again if something is wrong."""
    version = version_of(request.form)
    base = base_of(own, version)
    former = base.tile(tile_id) if tile_id else None
    if tile_id and former is None:
        abort(404)
    form = TileForm.sent(request.form, base)
    tile = _fitted(form.tile(tile_id, former.place if former else None))
    spot = editing.spot_of(form.section.data or "", base)
    names = [variable.name for variable in base.variables]
    if not form.is_valid_as(tile, names) or spot is None:
        return _drafted(project, own, form, version, tile, status=422, is_valid=False)
    if former is None:
        document = editing.added(base, tile, spot)
    else:
        document = editing.moved_to(editing.changed(base, tile), tile_id, spot)
    begin_to_write()
    own = queries.dashboard_to_change_or_404(project, own.id)
    then = url_for(".edit", dashboard_id=own.id, tab=spot[0] + 1)
    return saved(own, grid.all_apart(document), version, then)


def _redrawn(project: Project | None, own: Dashboard, former: Tile | None) -> Response:
    version = version_of(request.form)
    base = base_of(own, version)
    form = TileForm.sent(request.form, base)
    form.act(request.form.get("act", ""))
    form.settle()
    form.offer(base)
    tile = _fitted(form.tile(former.id if former else "", former.place if former else None))
    return _drafted(project, own, form, version, tile)


def _fitted(tile: Tile) -> Tile:
    kind = tile_kinds().get(tile.kind)
    return editing.fitted(tile, kind) if kind else tile


def _drafted(
    project: Project | None,
    own: Dashboard,
    form: TileForm,
    version: int,
    tile: Tile,
    *,
    status: int = 200,
    is_valid: bool | None = None,
) -> Response:
    document = Document.of(own.document)
    if is_valid is None:
        is_valid = form.is_valid_as(tile, [variable.name for variable in document.variables])
    if project is None:
        form.offer_projects((here.slug, here.name) for here in queries.projects_of_organization())
    board = board_of(project, own)
    preview = drawn(board, replace(tile, id=tile.id or "0" * 12)) if is_valid else None
    chosen = {metric for entry in form.queries if (metric := entry.form.metric.data) in CATALOGUE}
    known = {name: known_values(board.projects[0], CATALOGUE[name]) for name in chosen}
    draft = Draft(own, form, version, tile, known, preview)
    return page_or_part(FORM, FORM_PART, status=status, draft=draft)
