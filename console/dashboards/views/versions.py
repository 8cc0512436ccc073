"""The versions of a dashboard: a list, a look at each, what differs, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Response, abort, flash, request, url_for

from console.accounts.access import me
from console.accounts.models import Project
from console.core.db import db
from console.dashboards import making, queries
from console.dashboards.diff import Difference, differences
from console.dashboards.document import Document
from console.dashboards.models import Dashboard, DashboardVersion
from console.dashboards.views.blueprint import page
from console.web.htmx import go_to, page_or_part
from console.web.ids import counted

LIST, LIST_PART = "dashboards/versions.html", "dashboards/_versions.html"
VERSION, VERSION_PART = "dashboards/version.html", "dashboards/_version.html"


@dataclass(frozen=True, slots=True)
class Compared:
    """A version beside another one of the same dashboard."""

    dashboard: Dashboard
    version: DashboardVersion
    document: Document
    beside: DashboardVersion | None
    differences: Sequence[Difference]

    @property
    def is_latest(self) -> bool:
        return self.version.number == self.dashboard.version


@page("/<id:dashboard_id>/versions", "viewer")
def versions(project: Project | None, dashboard_id: int) -> Response:
    own = queries.dashboard_or_404(project, dashboard_id)
    kept = queries.versions(own)
    sittings = queries.sittings(kept)
    if "all" in request.args:
        sittings = [queries.Sitting(version, 1, version.number) for version in kept]
    return page_or_part(
        LIST, LIST_PART, dashboard=own, sittings=sittings, is_shorter=len(sittings) < len(kept)
    )


@page("/<id:dashboard_id>/versions/<id:number>", "viewer")
def version(project: Project | None, dashboard_id: int, number: int) -> Response:
    """What a version consists of, and what it changed in the one before, or in `beside`."""
    own = queries.dashboard_or_404(project, dashboard_id)
    here = queries.version_or_404(own, number)
    asked = counted("beside", least=0, most=10**9)
    beside = queries.version(own, asked) if asked else queries.version_before(own, number)
    document = Document.of(here.document)
    before = Document.of(beside.document) if beside else document
    compared = Compared(own, here, document, beside, differences(before, document))
    return page_or_part(VERSION, VERSION_PART, compared=compared)


@page("/<id:dashboard_id>/versions/<id:number>/return", "member", post=True)
def bring_back(project: Project | None, dashboard_id: int, number: int) -> Response:
    """Save an earlier version as the next one."""
    own = queries.dashboard_to_change_or_404(project, dashboard_id)
    earlier = queries.version(own, number) or abort(404)
    making.bring_back(own, Document.of(earlier.document), by=me())
    db.session.commit()
    flash(f"Version {number} is back, as version {own.version}.", "good")
    return go_to(url_for(".dashboard", dashboard_id=own.id))
