"""The one sentence on what changed most and why: a report and a dashboard open with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import current_app, has_request_context, url_for
from sqlalchemy import func, select

from console.accounts.projects import console_url
from console.changes import queries, words
from console.changes.forms import LIVING
from console.changes.models import Change, JudgedDays
from console.core.db import db
from console.telemetry.tile import TileProject
from console.web.filters import plural


@dataclass(frozen=True, slots=True)
class Sentence:
    """What changed most in a time; without a change it says that nothing did, and has no page."""

    text: str
    url: str | None = None
    """The list of changes, where its own stands."""
    change: Change | None = None


def changed_most(
    projects: Sequence[TileProject], since: datetime, until: datetime, environment: str = ""
) -> Sentence:
    """The largest change that is new, worse or turned since a moment, with what came with it.

    Changes are ordered by how many people or requests they concern, times how far the number moved
    (`Life.impact`). "" as the environment takes all of them. The Session must be bound to the
    organization of the projects; two statements at most.
    """
    names = {project.id: project.name for project in projects}
    listed = queries.moved(names, since, until, environment)
    if not listed:
        return Sentence(_nothing(names))
    # One that is back where it was is news only where nothing else is.
    largest = next((change for change in listed if not change.quiet_days), listed[0])
    where = f"{names[largest.project_id]}: " if len(names) > 1 else ""
    return Sentence(where + words.line(largest), page_of(largest), largest)


def page_of(change: Change) -> str:
    """The absolute address of the list of changes that shows this one; jobs have one, too."""
    own = change.project
    values = {"organization": own.organization.slug, "project": own.slug}
    if change.environment:
        values["environment"] = change.environment
    anchor = f"change-{change.id}"
    if has_request_context():
        return url_for("changes.changes", **values, _anchor=anchor, _external=True)
    with current_app.test_request_context(base_url=console_url()):
        return url_for("changes.changes", **values, _anchor=anchor, _external=True)


def _nothing(names: dict[int, str]) -> str:
    """Why there is nothing to say: all is as before, or there is nothing to compare with yet."""
    judged = select(func.count(JudgedDays.id), func.coalesce(func.sum(JudgedDays.compared), 0))
    count, compared = db.session.execute(judged.where(JudgedDays.project_id.in_(names))).one()
    if not count:
        return "What changed is not known yet: the first day is compared after it is over."
    if not compared:
        return "There is too little data to say what changed: no number has four days before it."
    lasting = select(func.count(Change.id)).where(
        Change.project_id.in_(names), Change.state.in_(LIVING)
    )
    going_on = db.session.scalar(lasting) or 0
    numbers = plural(int(compared), "number")
    if going_on:
        earlier = plural(going_on, "earlier change")
        return f"Nothing new changed: {numbers} were compared, and {earlier} went on."
    return f"Nothing changed: {numbers} were compared with the week before."
