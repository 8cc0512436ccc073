"""A chart of the console is added to a dashboard as a tile that draws the same."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request, url_for

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.core.db import db
from console.dashboards import files, making, queries
from console.dashboards.document import MOST_TILES, Document, Tile
from console.dashboards.forms import ChartForm
from console.dashboards.models import LONGEST_TITLE, Dashboard
from console.dashboards.pinning import newest_id, pairs_of, tile_of, with_tile
from console.dashboards.views.blueprint import bp
from console.web.forms import mark
from console.web.htmx import go_to, page_or_part
from console.web.ids import row_id

PAGE, PART = "dashboards/chart.html", "dashboards/_chart_form.html"


@bp.get("/dashboards/chart", endpoint="add_chart")
@project_view("member")
def chart(project: Project) -> Response:
    """The form: to which dashboard, under which title."""
    form = _form(project, None)
    form.title.data = request.args.get("title", "")[:LONGEST_TITLE]
    _, wrong = tile_of(pairs_of(request.args), form.title.data)
    if wrong:
        mark(form, "title", files.in_words(wrong))
        return _answer(form, request.args, status=422)
    return _answer(form, request.args)


@bp.post("/dashboards/chart", endpoint="keep_chart")
@project_view("member")
def keep(project: Project) -> Response:
    """Add the tile, and lead to it."""
    form = _form(project, request.form)
    if not form.validate():
        return _answer(form, request.form, status=422)
    tile, wrong = tile_of(pairs_of(request.form), form.title.data or "")
    if wrong:
        mark(form, "title", files.in_words(wrong))
    elif form.dashboard.data == ChartForm.NEW:
        if queries.count(project) < making.MOST:
            return _added_to(making.create(project, Document(title="My dashboard"), by=me()), tile)
        mark(form, "dashboard", making.FULL)
    else:
        own = queries.dashboard_to_change_or_404(project, row_id(form.dashboard.data))
        if len(list(Document.of(own.document).tiles)) < MOST_TILES:
            return _added_to(own, tile)
        mark(form, "dashboard", f"It has {MOST_TILES} tiles, which is as many as there can be.")
    return _answer(form, request.form, status=422)


def _added_to(own: Dashboard, tile: Tile) -> Response:
    before = Document.of(own.document)
    making.save(own, with_tile(before, tile), by=me())
    db.session.commit()
    flash(f"The chart is on {own.title} now.", "good")
    tile_id = newest_id(before, Document.of(own.document))
    return go_to(url_for(".dashboard", dashboard_id=own.id, _anchor=f"tile-{tile_id}"))


def _form(project: Project, sent: Any) -> ChartForm:
    form = ChartForm(sent)
    form.offer((str(own.id), own.title) for own in queries.dashboards(project))
    return form


def _answer(form: ChartForm, given: Any, *, status: int = 200) -> Response:
    return page_or_part(PAGE, PART, status=status, form=form, pairs=pairs_of(given))
