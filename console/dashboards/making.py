"""Dashboards are made, saved as versions, and deleted. Callers commit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select

from console.accounts.models import Project, User
from console.core import audit, clock
from console.core.db import db
from console.dashboards import queries
from console.dashboards.document import Document, settled
from console.dashboards.models import (
    Dashboard,
    DashboardFavourite,
    DashboardVersion,
    StandardDashboards,
)

TEMPLATES = Path(__file__).parent / "catalogue"
"""A JSON document for each dashboard that a project begins with, in the order of file names."""
MOST = 200
"""Dashboards of a project, and of an organization itself."""
MOST_VERSIONS = 200
ON_THE_WAY = timedelta(days=1)
FULL = f"There are {MOST} dashboards already. Delete one first."


@cache
def templates() -> Mapping[str, Document]:
    """The template catalogue: documents by the name of their file without its number."""
    documents = {}
    for path in sorted(TEMPLATES.glob("*.json")):
        name = path.stem.partition("-")[2]
        documents[name] = Document.of(json.loads(path.read_text(encoding="utf-8")))
    return documents


def create(
    project: Project | None, document: Document, *, template: str = "", by: User | None = None,
    script: str = "",
) -> Dashboard:  # fmt: skip
    """Add a dashboard of a project, or of the organization; its tiles get ids of their own."""
    own = settled(document)
    made = Dashboard(
        project_id=project.id if project else None,
        title=own.title,
        tags=list(own.tags),
        template=template,
        document=own.stored,
        created_by_id=by.id if by else None,
    )
    db.session.add(made)
    db.session.flush()
    _keep(made, by, script)
    audit.record("dashboard.created", own.title, actor=by.email if by else script)
    return made


def save(
    dashboard: Dashboard, document: Document, *, by: User | None = None, script: str = ""
) -> None:
    """Save a document as the next version; tiles keep the ids that the dashboard knows."""
    known = {tile.id for tile in Document.of(dashboard.document).tiles}
    _save(dashboard, settled(document, known), by, script)


def bring_back(dashboard: Dashboard, document: Document, *, by: User | None = None) -> None:
    """Save one of the dashboard's own versions again; its tiles have the ids that they had."""
    _save(dashboard, settled(document, {tile.id for tile in document.tiles}), by, "")


def remove(dashboard: Dashboard, *, by: User | None = None, script: str = "") -> None:
    """Delete a dashboard with its versions and links."""
    audit.record("dashboard.deleted", dashboard.title, actor=by.email if by else script)
    db.session.delete(dashboard)


def duplicate(dashboard: Dashboard, *, by: User | None = None) -> Dashboard:
    """Add a copy beside it."""
    document = Document.of(dashboard.document)
    title = f"{document.title[:90]} (copy)"
    return create(dashboard.project, replace(document, title=title), by=by)


def like(dashboard: Dashboard, user: User) -> None:
    """Put a dashboard at the top of a person's list."""
    own = select(DashboardFavourite).where(
        DashboardFavourite.dashboard_id == dashboard.id, DashboardFavourite.user_id == user.id
    )
    if db.session.scalar(own) is None:
        db.session.add(DashboardFavourite(dashboard_id=dashboard.id, user_id=user.id))


def like_no_more(dashboard: Dashboard, user: User) -> None:
    """Take a dashboard back from the top of a person's list."""
    own = delete(DashboardFavourite).where(
        DashboardFavourite.dashboard_id == dashboard.id, DashboardFavourite.user_id == user.id
    )
    db.session.execute(own)


def keep_standard(organization_id: int) -> dict[str, int]:
    """Give each project the dashboards of the catalogue that it did not get before; a job."""
    del organization_id
    have = {own.project_id: own for own in db.session.scalars(select(StandardDashboards))}
    made = 0
    for project in db.session.scalars(select(Project).order_by(Project.id)):
        made += ensure_standard(project, have.get(project.id))
    db.session.commit()
    return {"made": made}


def ensure_standard(project: Project, note: StandardDashboards | None) -> int:
    """The same for one project; how many were made."""
    had: Sequence[str] = note.templates if note else ()
    missing = [name for name in templates() if name not in had]
    if not missing:
        return 0
    if note is None:
        note = StandardDashboards(project_id=project.id)
        db.session.add(note)
    note.templates = [*had, *missing]
    db.session.flush()  # two processes: the second one meets the unique key here
    for name in missing:
        create(project, templates()[name], template=name)
    return len(missing)


def _save(dashboard: Dashboard, own: Document, by: User | None, script: str) -> None:
    if own.stored == dashboard.document:
        return
    dashboard.version += 1
    dashboard.document, dashboard.title, dashboard.tags = own.stored, own.title, list(own.tags)
    dashboard.changed_at = clock.now()
    _keep(dashboard, by, script)
    audit.record("dashboard.changed", own.title, actor=by.email if by else script)


def _keep(dashboard: Dashboard, by: User | None, script: str) -> None:
    """Keep a version; what was saved on the way to another makes room after a day, then the oldest.

    For that day, a form that was opened from it can still be compared with what came later.
    """
    rows, passed = queries.versions(dashboard), clock.now() - ON_THE_WAY
    on_the_way = [
        own
        for newer, own in pairwise(rows)
        if own.saved_at < passed and queries.is_followed(own, newer)
    ]
    staying = [own for own in rows if own not in on_the_way]
    for own in (*on_the_way, *staying[MOST_VERSIONS - 1 :]):
        db.session.delete(own)
    kept: dict[str, Any] = {"dashboard_id": dashboard.id, "number": dashboard.version}
    db.session.add(
        DashboardVersion(
            **kept, document=dashboard.document, saved_by_id=by.id if by else None, script=script
        )
    )
