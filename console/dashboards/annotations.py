"""Notes that people write at moments of the time axis: they stand in every chart of a project."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import abort
from sqlalchemy import Select, func, select
from sqlalchemy.orm import joinedload

from console.accounts.models import Project, User
from console.core import audit
from console.core.db import db
from console.core.paging import Page, page
from console.dashboards.models import Annotation
from console.web.charts import Marker
from console.web.timeline import About

MOST, MOST_MARKERS = 5_000, 30
FULL = f"There are {MOST:,} notes already. Delete some first."
SHORT = 40
"""Characters of a note in a chart."""


def listed(
    project: Project,
    cursor: str,
    limit: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    environment: str = "",
) -> Page[Annotation]:
    """Notes of a time and, with the common ones, of an environment; the latest first.

    Raises BadCursor.
    """
    own = _in(_own(project), environment)
    if since is not None:
        own = own.where(Annotation.at >= since)
    if until is not None:
        own = own.where(Annotation.at < until)
    options = [joinedload(Annotation.created_by)]
    return page(own, [Annotation.at, Annotation.id], cursor, limit, options=options)


def annotation_or_404(project: Project, annotation_id: int) -> Annotation:
    own = _own(project).where(Annotation.id == annotation_id)
    return db.session.scalar(own.options(joinedload(Annotation.created_by))) or abort(404)


def is_full(project: Project) -> bool:
    own = select(func.count()).select_from(Annotation).where(Annotation.project_id == project.id)
    return (db.session.scalar(own) or 0) >= MOST


def mark(
    project: Project, fields: Mapping[str, Any], *, by: User | None = None, script: str = ""
) -> Annotation:
    """Write a note at a moment; `fields` are at, environment and text. Callers commit."""
    made = Annotation(project_id=project.id, created_by_id=by.id if by else None, **fields)
    db.session.add(made)
    db.session.flush()
    _audit("annotation.created", made, by, script)
    return made


def change(
    annotation: Annotation, fields: Mapping[str, Any], *, by: User | None = None, script: str = ""
) -> None:
    """Put a note as `fields` say."""
    for name, value in fields.items():
        setattr(annotation, name, value)
    _audit("annotation.changed", annotation, by, script)


def remove(annotation: Annotation, *, by: User | None = None, script: str = "") -> None:
    """Delete a note."""
    _audit("annotation.deleted", annotation, by, script)
    db.session.delete(annotation)


def markers(
    project: Project, since: datetime, until: datetime, environment: str = "", about: About = None
) -> list[Marker]:
    """The notes of a time range, for charts."""
    del about  # a note is about whatever changes at its moment
    own = _in(_own(project), environment).where(Annotation.at >= since, Annotation.at < until)
    rows = db.session.scalars(own.order_by(Annotation.at, Annotation.id).limit(MOST_MARKERS))
    return [
        Marker(
            row.at,
            _short(row.text),
            page="dashboards.annotations",
            asked={"_anchor": f"annotation-{row.id}"},
        )
        for row in rows
    ]


def _own(project: Project) -> Select[Annotation]:
    return select(Annotation).where(Annotation.project_id == project.id)


def _in(query: Select[Annotation], environment: str) -> Select[Annotation]:
    """Of an environment: its own notes, and the ones about all environments."""
    return query.where(Annotation.environment.in_(("", environment))) if environment else query


def _short(text: str) -> str:
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"


def _audit(act: str, annotation: Annotation, by: User | None, script: str) -> None:
    audit.record(act, annotation.text[:200], actor=by.email if by else script)
