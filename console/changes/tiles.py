"""The tiles of what changed: the list, and the sentence on what changed most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from console.changes import queries, words
from console.changes.forms import LIVING, ChangeFilter
from console.changes.models import Change
from console.changes.sentence import changed_most
from console.metrics.subjects import Subjects
from console.telemetry.tile import (
    Table,
    TableCell,
    TableColumn,
    TileContent,
    TileKind,
    TileProject,
    Tone,
    Viewing,
)
from console.web.filters import compact

LISTED = 10
NOTHING = "Nothing changed in this time: every number is like the days before."


TONES: Mapping[bool | None, Tone] = {True: "good", False: "bad", None: "mute"}


@dataclass(frozen=True, slots=True)
class SentenceOnChanges:
    """What the part of the sentence draws."""

    text: str
    url: str
    tone: Tone


def changes(viewing: Viewing) -> TileContent:
    """The changes that live, the largest first, each with the way to the page of its subject."""
    limit = viewing.settings.get("limit", LISTED)
    projects = {project.id: project for project in viewing.projects}
    shown = viewing.line.shown
    by = ChangeFilter(
        states=LIVING,
        environment=shown.environment,
        since=shown.since,
        until=None if shown.name else shown.until,
    )
    listed = queries.largest(projects, by, limit)
    several = len(projects) > 1
    columns = [
        *([TableColumn("Project")] if several else []),
        TableColumn("What"),
        TableColumn("Number"),
        TableColumn("Before", "number"),
        TableColumn("After", "number"),
        TableColumn("Change", "number"),
        TableColumn("Since"),
    ]
    subjects = _subjects(viewing, listed)
    rows = [
        [
            *([TableCell(projects[change.project_id].name)] if several else []),
            *_row(viewing, projects[change.project_id], change, subjects[change.id]),
        ]
        for change in listed
    ]
    return TileContent(
        table=Table(columns, rows),
        words=" ".join(words.line(change) for change in listed) or NOTHING,
        subtitle="Largest first; each day of UTC against the days before it",
        empty="" if listed else NOTHING,
    )


SENTENCE = "changed-most"


def sentence(viewing: Viewing) -> TileContent:
    """What changed most in the time of the dashboard, and what came with it."""
    shown = viewing.line.shown
    most = changed_most(viewing.projects, shown.since, shown.until, shown.environment)
    url, tone = "", TONES[None]
    if most.change is not None:
        home = next(own for own in viewing.projects if own.id == most.change.project_id)
        url = viewing.way(home, "changes.changes", _anchor=f"change-{most.change.id}")
        tone = TONES[most.change.is_good]
    return TileContent(
        table=Table([TableColumn("Sentence")], [[TableCell(most.text, url)]]),
        words=most.text,
        own=SentenceOnChanges(most.text, url, tone),
    )


def _row(
    viewing: Viewing, project: TileProject, change: Change, subjects: Subjects
) -> Sequence[TableCell]:
    metric, delta = change.metric, words.delta(change)
    endpoint, own = subjects.pages.get(change.subject, ("", {}))
    sign = "+" if delta and delta > 0 else ""
    unit = " pt" if metric.format == "share" else "%"
    return [
        TableCell(
            change.name,
            viewing.way(project, endpoint, **own) if endpoint else "",
            TONES[change.is_good],
            f"{subjects.names.get(change.subject, change.name)} {words.effect(change)}",
        ),
        TableCell(change.rule.noun),
        TableCell(change.before, word=words.written(metric, change.before)),
        TableCell(words.reached(change), word=words.written(metric, words.reached(change))),
        TableCell(delta, word="" if delta is None else f"{sign}{compact(delta)}{unit}"),
        TableCell(change.first_day.isoformat(), word=words.named(change.first_day)),
    ]


def _subjects(viewing: Viewing, listed: Sequence[Change]) -> Mapping[int, Subjects]:
    """By the id of each change what its subject is called now, and where its page is."""
    known: dict[int, Subjects] = {}
    for project in viewing.projects:
        own = [change for change in listed if change.project_id == project.id]
        known |= queries.subjects_of(project, own) if own else {}
    return known


KINDS = (
    TileKind(
        name="changes",
        title="What changed",
        icon="sort",
        help="The numbers that are away from the days before them, the largest first.",
        takes=("limit", "project"),
        answer=changes,
        width=12,
    ),
    TileKind(
        name=SENTENCE,
        title="What changed most",
        icon="message",
        help="One sentence: the largest change of the time range, and what came with it.",
        takes=("project",),
        answer=sentence,
        part="changes/_tile_sentence.html",
        width=12,
        height=2,
    ),
)
