"""The page "What changed"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request

from console.accounts.access import project_view
from console.accounts.models import Project
from console.changes import queries, words
from console.changes.forms import ChangeFilter, ChangesFilter
from console.changes.models import Change, JudgedDays
from console.changes.sentence import Sentence, changed_most
from console.core.paging import Page
from console.metrics.subjects import Subjects
from console.web.forms import valid
from console.web.htmx import polled_part
from console.web.nav import NavItem, nav_entry, stay_in_project
from console.web.timeline import provide_markers
from console.web.timerange import Range, current_range, scoped_url

PER_PAGE = 30
bp = Blueprint("changes", __name__, url_prefix="/<slug:organization>/<slug:project>/changes")
stay_in_project(bp)
nav_entry(
    bp,
    NavItem(
        "What changed",
        icon="sort",
        endpoint="changes.changes",
        group="Overview",
        order=5,
        key="j",
    ),
)


@bp.record_once
def _on_charts(state: Any) -> None:
    """Mark the changes of what a chart is about."""
    provide_markers(state.app, queries.markers)


@dataclass(frozen=True, slots=True)
class ChangesBoard:
    """A page of the list, the sentence above it, and why it may be empty."""

    form: ChangesFilter
    listed: Page[Change]
    subjects: Mapping[int, Subjects]
    sentence: Sentence
    judged: JudgedDays | None

    def name(self, change: Change) -> str:
        """What the subject is called now, or was when it was judged last."""
        return self.subjects[change.id].names.get(change.subject, change.name)

    def url(self, change: Change) -> str:
        """The page about the subject, or about the project's number; "" if it is gone."""
        if not change.rule.by:
            return scoped_url("metrics.metrics", metric=change.metric.id)
        endpoint, own = self.subjects[change.id].pages.get(change.subject, ("", {}))
        narrowed = {"environment": change.environment} if change.environment else {}
        return scoped_url(endpoint, **own, **narrowed) if endpoint else ""

    def note(self, change: Change) -> str:
        """What the columns do not say: why it is over, what came with it, when it grew."""
        if change.ending is not None:
            return words.ENDINGS[change.ending]
        is_known = not change.cause and change.moved_on == change.first_day
        return "" if is_known else words.since(change)


@bp.get("")
@project_view("viewer")
def changes(project: Project) -> Response:
    form, shown = valid(ChangesFilter(request.args)), current_range()
    cursor = request.args.get("cursor", "")
    listed = queries.changes(project, _filter(form, shown), cursor, PER_PAGE)
    board = ChangesBoard(
        form=form,
        listed=listed,
        subjects=queries.subjects_of(project, listed.rows),
        sentence=changed_most([project], shown.since, shown.until, shown.environment),
        judged=queries.judged(project),
    )
    return polled_part("changes/changes.html", "changes/_changes.html", board=board, words=words)


def _filter(form: ChangesFilter, shown: Range) -> ChangeFilter:
    until = None if shown.name else shown.until
    return form.filter(environment=shown.environment, since=shown.since, until=until)
