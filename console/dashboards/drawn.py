"""A dashboard as somebody looks at it, and its tiles drawn for them.

Members, links, walls, mails and the API all come through here: who looks is a value, `Board`.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, current_app, has_request_context
from sqlalchemy import func, select

from console.accounts.models import Project
from console.core import clock, outages, patience, repeated
from console.core.database_errors import concerns_all
from console.core.db import db
from console.dashboards.document import Document, Tile
from console.dashboards.settings import A_VARIABLE
from console.dashboards.shelf import EXTENSION, LONGEST_FRESH, OUTSIDE, Shelf, StillAskedError
from console.telemetry.database import TelemetryDamaged, TelemetryUnavailable
from console.telemetry.measures import CannotAskError
from console.telemetry.tile import TileContent, TileKind, Viewing, Way, tile_kinds
from console.web import clocks
from console.web.errors import request_id
from console.web.timeline import Timeline
from console.web.timerange import Range

SECONDS = 5.0
"""A tile that takes longer says so in its place, and the others do not wait for it."""
SOON, LATER = timedelta(seconds=15), timedelta(seconds=LONGEST_FRESH)
"""How long an answer over a day, and over a longer time, stays as it is."""
DAY = timedelta(hours=26)
_ACTS = re.compile(r"[\\`\[\]<]")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A dashboard as somebody looks at it: whose figures, over which time, with which choices."""

    organization_id: int
    document: Document
    projects: Sequence[Project]
    """The dashboard's project, or all projects of the organization by name."""
    shown: Range
    values: Mapping[str, str]
    """What was chosen for each variable."""
    way: Way
    audience: str = "members"
    """Who looks, as far as what they see differs: a link has other addresses in it."""
    has_markers: bool = True
    """Whether charts name releases, incidents and notes."""
    shelf: str = EXTENSION
    """The app's extension that keeps its answers."""

    @property
    def fresh(self) -> timedelta:
        """How long its answers stay as they are."""
        return SOON if self.shown.length <= DAY else LATER

    @property
    def steady(self) -> Range:
        """The range with an end that stands still for as long, so that all ask the same."""
        if not self.shown.name:
            return self.shown
        seconds = int(self.fresh.total_seconds())
        late = int(self.shown.until.timestamp()) % seconds
        moved = timedelta(seconds=late, microseconds=self.shown.until.microsecond)
        return replace(self.shown, since=self.shown.since - moved, until=self.shown.until - moved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A tile with what it shows, or with why it shows nothing."""

    tile: Tile
    title: str
    kind: TileKind | None = None
    content: TileContent | None = None
    error: str = ""
    retry: bool = False
    """Whether to try again may help."""
    request_id: str = ""
    """Under which the log has an error."""
    at: datetime
    """As of when."""


def init_app(app: Flask) -> None:
    """Give the app its shelves of answers."""
    app.extensions[EXTENSION], app.extensions[OUTSIDE] = Shelf(), Shelf()


def drawn(board: Board, tile: Tile) -> Drawn:
    """A tile as `board` shows it: whatever goes wrong with it is said in its place."""
    kind, now = tile_kinds().get(tile.kind), clock.now()
    title = tile.title or (kind.title if kind else tile.kind)
    nothing = Drawn(tile=tile, title=title, kind=kind, at=now)
    if kind is None:
        return replace(nothing, error=f"This console has no tiles of the kind {tile.kind[:40]}.")
    try:
        content, at = _content(board, kind, filled(tile.settings, board.values))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a tile stays in the tile
        if not db.session.is_active:  # its connection is lost: the next tile gets another
            db.session.rollback()
        sentence, retry = _in_words(error)
        logged = _logged(board, tile, error)
        return replace(nothing, error=sentence, retry=retry, request_id=logged)
    repeated.current().succeeded(_name(board, tile))
    return replace(nothing, content=content, at=at)


def _in_words(error: Exception) -> tuple[str, bool]:
    """What is wrong as a sentence, and whether to try again may help."""
    if patience.took_too_long(error) or isinstance(error, StillAskedError):
        text = f"No answer within {SECONDS:g} seconds. Choose a shorter time range, or try again."
        return text, True
    if isinstance(error, TelemetryDamaged):
        return error.sentence, False
    if isinstance(error, TelemetryUnavailable) or _is_of_stores(error):
        return patience.sentence(error), True
    if isinstance(error, CannotAskError):
        return f"It cannot be drawn: {error}.", False
    return "Something broke on our side. It was logged.", True


def _logged(board: Board, tile: Tile, error: Exception) -> str:
    """Log why a tile was not drawn; the id of the request by which to find it, "" if not logged.

    A wall asks again and again: each failure of a tile is logged at once, and then less often.
    """
    if isinstance(error, CannotAskError | StillAskedError):  # the page says all there is to say
        return ""
    words = next(iter(str(error).splitlines()), "") or type(error).__name__
    times = repeated.current().failed(_name(board, tile), words)
    if not times or outages.present.takes(error):
        return ""
    id_ = request_id() if has_request_context() else ""
    given = tile.kind, tile.id, times, id_ or "none", words
    if isinstance(error, TelemetryUnavailable) or _is_of_stores(error):
        log.warning("a tile was not drawn (%s %s, %d times, request %s): %s", *given)
    else:
        log.error("a tile was not drawn (%s %s, %d times, request %s): %s", *given, exc_info=error)
    return id_


def _name(board: Board, tile: Tile) -> tuple[str, int, str]:
    return "tile", board.organization_id, tile.id


def _is_of_stores(error: Exception) -> bool:
    """Whether the state database itself fails, or did not answer in time."""
    return concerns_all(error) or patience.took_too_long(error) or patience.is_locked(error)


def filled(settings: Any, values: Mapping[str, str]) -> Any:
    """Settings with the values of variables: a `$name` that stands alone, and ones in texts.

    A filter by a variable for which nothing is chosen filters nothing.
    """
    if isinstance(settings, str):
        return A_VARIABLE.sub(lambda match: values.get(match.group(1), match.group(0)), settings)
    if isinstance(settings, list | tuple):
        return [filled(own, values) for own in settings]
    if not isinstance(settings, Mapping):
        return settings
    whole = {
        name: filled(own, _in_markdown(values) if name == "text" else values)
        for name, own in settings.items()
    }
    if isinstance(settings.get("where"), Mapping):
        whole["where"] = {name: own for name, own in whole["where"].items() if own}
    return whole


def _in_markdown(values: Mapping[str, str]) -> dict[str, str]:
    """Values as text of Markdown: whoever writes an address makes no links, headings or code."""
    return {name: _ACTS.sub(r"\\\g<0>", " ".join(own.split())) for name, own in values.items()}


def _projects(board: Board, settings: Mapping[str, Any]) -> Sequence[Project]:
    """The projects whose figures a tile shows."""
    chosen = settings.get("project", "")
    return [project for project in board.projects if chosen in {"", project.slug}]


def _content(
    board: Board, kind: TileKind, settings: Mapping[str, Any]
) -> tuple[TileContent, datetime]:
    projects = _projects(board, settings)
    if not projects:
        raise CannotAskError("its project is gone")
    shelf = cast("Shelf", current_app.extensions[board.shelf])
    shown = board.steady
    key = json.dumps(
        [
            board.organization_id,
            [project.id for project in projects],
            kind.name,
            settings,
            board.audience,
            clocks.zone_name(),
            [shown.name, shown.since.isoformat(), shown.until.isoformat()],
            [shown.environment, shown.compare],
        ],
        sort_keys=True,
    )

    def ask() -> TileContent:
        with _apart():
            line = _line(board, projects, shown)
            return kind.answer(
                Viewing(projects=projects, line=line, settings=settings, way=board.way)
            )

    return shelf.take(key, board.fresh.total_seconds(), SECONDS, ask)


def _line(board: Board, projects: Sequence[Project], shown: Range) -> Timeline:
    """The axis of a tile with the markers of all its projects, which name theirs."""
    lines = [Timeline.of(project, shown, way=board.way) for project in projects]
    if not board.has_markers:
        return replace(lines[0], markers=())
    if len(projects) == 1:
        return lines[0]
    markers = tuple(
        replace(marker, text=f"{project.name}: {marker.text}")
        for project, line in zip(projects, lines, strict=True)
        for marker in line.markers
    )
    return replace(lines[0], markers=markers)


@contextmanager
def _apart() -> Iterator[None]:
    """Let a statement that fails or takes too long undo nothing but what is inside."""
    connection = db.session.connection()
    is_timed = connection.dialect.name == "postgresql"
    with db.session.begin_nested(), patience.altogether(SECONDS):
        if is_timed:  # the transaction began with the limits of a page
            _limit_statements()
        yield
    if is_timed:
        _limit_statements()


def _limit_statements() -> None:
    limit = patience.postgres_limits()["statement_timeout"]
    db.session.execute(select(func.set_config("statement_timeout", limit, True)))
