"""A document is saved over the version that somebody looked at; a second one sees what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, flash, request, url_for

from console.accounts.access import me
from console.accounts.models import Project
from console.core.db import db
from console.dashboards import making, queries
from console.dashboards.diff import Difference, differences
from console.dashboards.document import LONGEST_DOCUMENT, Document, faults
from console.dashboards.models import Dashboard, DashboardVersion
from console.dashboards.views.blueprint import page
from console.telemetry.tile import tile_kinds
from console.web.htmx import go_to, page_or_part
from console.web.ids import row_id

CONFLICT, CONFLICT_PART = "dashboards/conflict.html", "dashboards/_conflict.html"
_SHOWN = re.compile(r"tabs\.(\d+)\.sections\.(\d+)\.tiles\.(\d+)\.(?:kind|settings)(?:\..*)?")
"""Places of what a tile shows."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two people changed a dashboard: what the first one saved, and what the second one has."""

    dashboard: Dashboard
    latest: DashboardVersion
    mine: Document
    theirs: Sequence[Difference]
    """What changed since the second one began; empty if that version is not kept any more."""
    would_change: Sequence[Difference]
    """What saving it all the same would change."""

    @property
    def sent(self) -> str:
        """The second one's document as its form sends it again."""
        return json.dumps(self.mine.stored)


@page("/<id:dashboard_id>/document", "member", post=True)
def keep_mine(project: Project | None, dashboard_id: int) -> Response:
    """Save a whole document after its person saw what it changes."""
    own = queries.dashboard_to_change_or_404(project, dashboard_id)
    version = version_of(request.form)
    sent = document_of(request.form.get("document", ""))
    wrong = layout_faults(sent, Document.of(own.document), base_of(own, version))
    if wrong or not isinstance(sent, Mapping):
        flash(f"It was not saved. {next(iter(wrong.values()), '')}", "bad")
        return go_to(url_for(".edit", dashboard_id=own.id))
    then = url_for(".dashboard", dashboard_id=own.id)
    return saved(own, Document.of(sent), version, then)


def saved(own: Dashboard, document: Document, version: int, then: str) -> Response:
    """Save a document made from `version` and go on; 409 if somebody saved another since."""
    if version != own.version:
        return page_or_part(
            CONFLICT, CONFLICT_PART, status=409, conflict=_conflict(own, document, version)
        )
    making.save(own, document, by=me())
    db.session.commit()
    return go_to(then)


def base_of(own: Dashboard, version: int) -> Document:
    """The document that a form was made from; the present one where that is not kept."""
    if version == own.version:
        return Document.of(own.document)
    kept = queries.version(own, version)
    return Document.of(kept.document if kept else own.document)


def version_of(given: Mapping[str, str]) -> int:
    """The version that a form was made from; 0, which no dashboard has, for nonsense."""
    try:
        return row_id(given.get("version", ""))
    except ValueError:
        return 0


def layout_faults(given: object, *known: Document) -> dict[str, str]:
    """What is wrong with a document by place, but for what tiles of `known` show.

    A tile whose metric or kind is gone says so in its place; it must not keep people from saving.
    """
    shown = [(tile.kind, tile.settings) for document in known for tile in document.tiles]
    return {
        place: sentence
        for place, sentence in faults(given, tile_kinds())
        if not _is_of_known(place, given, shown)
    }


def _is_of_known(place: str, given: Any, shown: Collection[tuple[str, Mapping[str, Any]]]) -> bool:
    """Whether a place of a document is what a tile shows, and one of those shows the same."""
    match = _SHOWN.fullmatch(place)
    if match is None:
        return False
    tab, section, number = map(int, match.groups())
    tile = given["tabs"][tab]["sections"][section]["tiles"][number]
    return (tile.get("kind"), tile.get("settings", {})) in shown


def document_of(text: str) -> Any:
    """JSON from a form, None for what is none."""
    if len(text) > LONGEST_DOCUMENT:
        return None
    try:
        return request.json_module.loads(text.encode())
    except ValueError:
        return None


def _conflict(own: Dashboard, mine: Document, version: int) -> Conflict:
    now = Document.of(own.document)
    kept = queries.version(own, version)
    return Conflict(
        dashboard=own,
        latest=queries.version_or_404(own, own.version),
        mine=mine,
        theirs=differences(Document.of(kept.document), now) if kept else [],
        would_change=differences(now, mine),
    )
