"""What an edition says is asked, drawn and frozen here; nothing is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from flask import current_app, url_for

from console.accounts.models import Organization, Project
from console.accounts.projects import console_url
from console.changes.sentence import Sentence, changed_most
from console.changes.tiles import SENTENCE
from console.changes.weekly import slightly_worse
from console.core import clock
from console.core.crypto import hash_of
from console.core.db import db
from console.dashboards.document import Document, Tile
from console.dashboards.drawn import Board, Drawn, drawn
from console.dashboards.queries import projects_of_organization
from console.reports import pdf, queries
from console.reports.content import (
    LONGEST_CELL,
    Block,
    Frozen,
    frozen_changes,
    frozen_tile,
    in_format,
    moved_most,
    outward_block,
)
from console.reports.letter import pdf_html, picture_of
from console.reports.models import Report, ReportEdition, ReportRecipient, Subject
from console.reports.sheet import csv_of
from console.telemetry.tile import TileProject, Way
from console.web import clocks
from console.web.timerange import RANGES, Range

PDF_FILE, CSV_FILE = "report.pdf", "report.csv"
LAST_TRY = 3
"""In the last try, a tile that had no answer says so in its place."""


class TryAgain(Exception):
    """A store gave no answer in time; the text is a sentence."""


@dataclass(frozen=True, slots=True)
class Content:
    """What those with the same choices get."""

    outside: bool
    frozen: Frozen
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An edition that goes out: its contents by variant, and who gets which."""

    sentence: str
    contents: Mapping[str, Content]
    variants: Mapping[int, str]
    """The variant of each recipient, by the recipient's id."""
    why: str = ""
    """What it lacks, such as its PDF."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An edition that does not go out, and why."""

    why: str
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An edition that is being made, for readers with the same choices."""

    report: Report
    project: Project
    organization: Organization
    shown: Range
    variables: Mapping[str, str] = field(default_factory=dict)
    outside: bool = False
    is_last_try: bool = True

    @property
    def is_narrowed(self) -> bool:
        """Whether it is for outsiders who see the figures of chosen values alone.

        What changed in all of a project names figures that they must not see.
        """
        return self.outside and any(self.variables.values())


def make(edition: ReportEdition) -> Made | Skipped:
    """Ask and draw everything that an edition says; raises TryAgain where a store did not answer.

    Nothing is written; pictures and PDFs are part of it, so it takes seconds.
    """
    report = edition.report
    address = current_app.test_request_context(base_url=console_url())
    with address, clocks.in_zone_of(report.zone):
        part = _part(report, edition)
        readers = queries.readers(report, edition.for_id)
        if why := _held_back(part, edition, readers):
            return Skipped(why=why)
        contents: dict[str, Content] = {}
        variants: dict[int, str] = {}
        faults: list[str] = []
        # Without anybody who gets it, it is made for members to look at.
        everybody: Sequence[ReportRecipient | None] = readers or [None]
        for reader in everybody:
            own = _for(part, reader)
            if why := _obstacle(own, reader):
                faults.append(why)
                continue
            variant = variant_of(own.outside, own.variables)
            if variant not in contents:
                contents[variant] = _content(own, faults)
            if reader is not None:
                variants[reader.id] = variant
        if not contents:
            return Skipped(why=faults[0])
        first = next(iter(contents.values())).frozen
        is_empty = all(content.frozen.is_empty for content in contents.values())
        if is_empty and report.skip_empty and not edition.by_hand:
            return Skipped(why="There was nothing to report.", sentence=first.sentence)
        why = " ".join(dict.fromkeys(faults))
        return Made(sentence=first.sentence, contents=contents, variants=variants, why=why)


def previewed(report: Report) -> Frozen:
    """What an edition would say to members if it was due now; the report need not be saved."""
    edition = ReportEdition(due_at=clock.now(), attempts=LAST_TRY)
    with db.session.no_autoflush, clocks.in_zone_of(report.zone):
        return _frozen(_part(report, edition))


def variant_of(outside: bool, variables: Mapping[str, Any]) -> str:  # noqa: FBT001 - one of two
    """What tells contents of an edition apart."""
    return hash_of(json.dumps([outside, dict(variables)], sort_keys=True))


def _part(report: Report, edition: ReportEdition) -> Part:
    project = db.session.get_one(Project, report.project_id)
    return Part(
        report=report,
        project=project,
        organization=db.session.get_one(Organization, project.organization_id),
        shown=Range(
            "",
            edition.due_at - RANGES[report.range],
            edition.due_at,
            report.environment,
            "previous",
        ),
        variables=dict(report.variables),
        is_last_try=edition.attempts >= LAST_TRY,
    )


def _for(part: Part, reader: ReportRecipient | None) -> Part:
    if reader is None:
        return part
    variables = {**part.variables, **reader.variables}
    return replace(part, variables=variables, outside=bool(reader.address))


def _obstacle(part: Part, reader: ReportRecipient | None) -> str:
    """Why somebody gets no content; "" if they do.

    What was chosen for a variable that there is no more kept figures back: they stay back.
    """
    known = {variable.name for variable in _document(part).variables}
    lost = next((name for name in part.variables if name not in known), "")
    if not lost:
        return ""
    lacks = f"the dashboard no longer has the variable {lost[:40]}"
    if reader is None:
        return f"It was not made: {lacks}."
    return f"{reader.address or reader.contact} does not get it: {lacks}."


def _content(part: Part, faults: list[str]) -> Content:
    frozen, report = _frozen(part), part.report
    files = {name: picture_of(name, svg) for name, svg in frozen.drawings.items()}
    if report.csv:
        files[CSV_FILE] = csv_of(frozen)
    if report.pdf:
        try:
            files[PDF_FILE] = pdf.render_pdf(pdf_html(frozen, files))
        except pdf.NoPdf as error:  # the report goes out without it, and says so
            faults.append(str(error))
    return Content(part.outside, frozen, files)


def _frozen(part: Part) -> Frozen:
    report, shown = part.report, part.shown
    projects = _projects(part)
    blocks = _blocks(part, projects)
    if part.is_narrowed:
        changed = Sentence(moved_most(blocks))
    else:
        changed = changed_most(projects, shown.since, shown.until, shown.environment)
    filters = [f"Environment: {shown.environment}"] if shown.environment else []
    filters += [f"{name}: {value}" for name, value in part.variables.items() if value]
    return Frozen(
        title=report.name,
        place=f"{part.organization.name} / {part.project.name}",
        sentence=changed.text,
        sentence_url="" if part.outside else changed.url or "",
        since=shown.since if report.subject is Subject.WORSE else shown.start,
        until=shown.until,
        zone=report.zone,
        made_at=clock.now(),
        filters=filters,
        blocks=_without(blocks, changed.text, keep=bool(report.tile_id)),
    )


def _without(blocks: Sequence[Block], sentence: str, *, keep: bool) -> Sequence[Block]:
    """The blocks without a tile that only says the edition's first sentence again."""
    again = sentence[:LONGEST_CELL]
    return [block for block in blocks if keep or block.texts != [again]]


def _blocks(part: Part, projects: Sequence[Project]) -> list[Block]:
    shown, report = part.shown, part.report
    if report.subject is Subject.WORSE:
        worse = slightly_worse(projects, shown.since, shown.until, shown.environment)
        changes = frozen_changes(worse)
        return [outward_block(changes) if part.outside else changes]
    board = _board(part, projects)
    tiles = [board.document.tile(report.tile_id)] if report.tile_id else [*board.document.tiles]
    if tiles == [None]:
        return [Block(title=report.name, form="note", note="The tile was deleted.", is_empty=True)]
    if part.is_narrowed:
        tiles = [tile for tile in tiles if tile is None or tile.kind != SENTENCE]
    answers = [drawn(board, tile) for tile in tiles if tile is not None]
    if not part.is_last_try and any(answer.retry for answer in answers):
        raise TryAgain(next(answer.error for answer in answers if answer.retry))
    blocks = [frozen_tile(answer) for answer in answers]
    return [outward_block(block) for block in blocks] if part.outside else blocks


def _projects(part: Part) -> Sequence[Project]:
    """The dashboard's project, or all of them where it is the organization's."""
    return projects_of_organization() if part.report.is_across else [part.project]


def _board(part: Part, projects: Sequence[Project]) -> Board:
    document = _document(part)
    values = {variable.name: variable.default for variable in document.variables}
    chosen = {name: str(value) for name, value in part.variables.items() if name in values}
    return Board(
        organization_id=part.organization.id,
        document=document,
        projects=projects,
        shown=part.shown,
        values=values | chosen,
        way=_nowhere if part.outside else _way(part),
        audience="report-outside" if part.outside else "report-members",
        has_markers=not part.outside,
    )


def _document(part: Part) -> Document:
    dashboard = part.report.dashboard
    return Document.of(dashboard.document) if dashboard else Document(title="")


def _way(part: Part) -> Way:
    """Links that open the console at the time that the edition is about."""
    times = {"since": part.shown.since.isoformat(), "until": part.shown.until.isoformat()}
    if part.shown.environment:
        times["environment"] = part.shown.environment

    def way(project: TileProject, endpoint: str, /, **values: Any) -> str:
        home = {"organization": part.organization.slug, "project": project.slug}
        return url_for(endpoint, **{**times, **values, **home}, _external=True)

    return way


def _nowhere(project: TileProject, endpoint: str, /, **values: object) -> str:
    del project, endpoint, values
    return ""


def _held_back(part: Part, edition: ReportEdition, readers: Sequence[ReportRecipient]) -> str:
    """Why an edition does not go out although it is due; "" if it does."""
    report = part.report
    if edition.by_hand:
        return ""
    if not readers:
        return "It has no recipients."
    if not report.metric or report.level is None:
        return ""
    tile = Tile(id="", kind="number", settings={"queries": [{"metric": report.metric}]})
    answer = drawn(_board(part, _projects(part)), tile)
    if not part.is_last_try and answer.retry:
        raise TryAgain(answer.error)
    numbers = _numbers(answer)
    crossed = [n for n, _ in numbers if (n > report.level if report.above else n < report.level)]
    if crossed:
        return ""
    way, figures = "above" if report.above else "below", ", ".join(text for _, text in numbers)
    level = (
        in_format(report.level, answer.content.own[0].format) if answer.content else report.level
    )
    return f"{report.metric} was {figures or 'unknown'}, not {way} {level}."


def _numbers(answer: Drawn) -> list[tuple[float, str]]:
    own = answer.content.own if answer.content else []
    return [(n.value, in_format(n.value, n.format)) for n in own if n.value is not None]
