"""A dashboard's document as a file: written sorted, read with all faults, applied to projects."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import normalize

from sqlalchemy import select

from console.accounts.models import Organization, Project
from console.core.db import db
from console.core.tenancy import current_organization_id
from console.dashboards import making, queries
from console.dashboards.diff import Difference, differences, with_ids_of
from console.dashboards.document import LONGEST_DOCUMENT, Document, faults
from console.dashboards.models import Dashboard
from console.telemetry.tile import tile_kinds

TOO_LONG = f"A document has at most {LONGEST_DOCUMENT:,} characters as JSON."


class CannotApplyError(Exception):
    """A document has no one place to go to; the text says why."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A dashboard that is now as a document says, and what that changed."""

    dashboard: Dashboard
    is_new: bool
    differences: Sequence[Difference]


def written(document: Document) -> str:
    """The document as JSON, sorted, a member on each line: the same document is the same bytes."""
    return json.dumps(document.stored, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def document_faults(given: object) -> list[tuple[str, str]]:
    """Everything that is wrong with a document from outside, by place, its length too."""
    wrong = list(faults(given, tile_kinds()))
    if not wrong and len(json.dumps(given)) > LONGEST_DOCUMENT:
        return [("", TOO_LONG)]
    return wrong


def in_words(wrong: Sequence[tuple[str, str]]) -> str:
    """Faults in one text: each place with its sentence."""
    return " ".join(f"{place}: {sentence}" if place else sentence for place, sentence in wrong)


def put(dashboard: Dashboard, document: Document, *, script: str) -> Applied:
    """Save a document from outside as the next version. What is the same makes no version."""
    before = Document.of(dashboard.document)
    making.save(dashboard, with_ids_of(before, document), script=script)
    changes = differences(before, Document.of(dashboard.document))
    return Applied(dashboard, is_new=False, differences=changes)


def apply(project: Project | None, document: Document, *, script: str) -> Applied:
    """Make the dashboard of this title as the document says; add it if there is none.

    It is the project's, or the organization's own.

    Raises CannotApplyError if several have the title, or there is no room for another one.
    """
    # Two that apply the same file at once add one dashboard.
    home: type[Project | Organization] = Project if project else Organization
    home_id = project.id if project else current_organization_id()
    db.session.execute(select(home.id).where(home.id == home_id).with_for_update())
    title = _alike(document.title)
    listed = queries.dashboards(project)
    named = [row for row in listed if _alike(row.title) == title]
    if len(named) > 1:
        raise CannotApplyError(f"{len(named)} dashboards have the title {title}: name one by id.")
    if named:
        return put(named[0], document, script=script)
    return add(project, document, script=script)


def _alike(title: str) -> str:
    """A title as people see it: a file from a Mac may spell letters with marks in two parts."""
    return normalize("NFC", title.strip())


def add(project: Project | None, document: Document, *, script: str) -> Applied:
    """Add a dashboard; CannotApplyError if there is no room for another one."""
    if queries.count(project) >= making.MOST:
        raise CannotApplyError(making.FULL)
    made = making.create(project, document, script=script)
    return Applied(made, is_new=True, differences=())


def described(applied: Applied) -> dict[str, Any]:
    """What was done, for answers and commands."""
    own = applied.dashboard
    return {
        "id": own.id,
        "title": own.title,
        "version": own.version,
        "created": applied.is_new,
        "differences": worded(applied.differences),
    }


def worded(changes: Sequence[Difference]) -> list[Mapping[str, str]]:
    """Differences as JSON."""
    return [{"place": own.place, "words": own.words} for own in changes]
