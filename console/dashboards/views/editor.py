"""The editor of a dashboard: one form with all places and titles, saved by one post."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flask import Response, request, url_for

from console.accounts.models import Project
from console.dashboards import editing, grid, queries
from console.dashboards.document import Document, Tab
from console.dashboards.models import Dashboard
from console.dashboards.views.blueprint import page
from console.dashboards.views.board import asked
from console.dashboards.views.saving import base_of, layout_faults, saved, version_of
from console.telemetry.tile import TileKind, tile_kinds
from console.web.htmx import page_or_part
from console.web.ids import counted
from console.web.timerange import RANGE_LABELS, RANGES, current_range

EDIT, EDIT_PART = "dashboards/edit.html", "dashboards/_edit.html"


@dataclass(frozen=True, slots=True)
class Editor:
    """A dashboard in its editor: the document as it would be saved, and what is wrong with it."""

    dashboard: Dashboard
    document: Document
    version: int
    number: int
    """Which tab is shown, from 1."""
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> int:
        """The place of the tab that is shown, from 0."""
        return self.number - 1

    @property
    def tab(self) -> Tab:
        """The tab that is shown; an empty one where the document has none."""
        return self.document.tabs[self.place] if self.document.tabs else Tab()

    @property
    def kinds(self) -> Mapping[str, TileKind]:
        return tile_kinds()

    @property
    def spots(self) -> Sequence[tuple[str, str]]:
        """Every section as a form names it, and how people do."""
        return list(spots(self.document))

    @property
    def ranges(self) -> Sequence[tuple[str, str]]:
        """The time ranges that a dashboard can open with."""
        return [("", "That of the console"), *RANGE_LABELS.items()]

    @property
    def asked(self) -> dict[str, str]:
        """The parameters of the addresses of its tiles."""
        return asked(self.document)

    @property
    def elsewhere(self) -> Sequence[str]:
        """What is wrong beyond the fields of the tab that is shown."""
        shown = ("title", "description", "tags", "range", f"tabs.{self.place}.")
        return [text for place, text in self.wrong.items() if not place.startswith(shown)]


@page("/<id:dashboard_id>/edit", "member")
def edit(project: Project | None, dashboard_id: int) -> Response:
    own = queries.dashboard_or_404(project, dashboard_id)
    document = Document.of(own.document)
    return _page(Editor(own, document, own.version, _tab_of(document)))


@page("/<id:dashboard_id>/versions", "member", post=True)
def save(project: Project | None, dashboard_id: int) -> Response:
    """Save what the editor's form says, then do what its button says."""
    own = queries.dashboard_to_change_or_404(project, dashboard_id)
    version = version_of(request.form)
    base = base_of(own, version)
    stored = editing.rewritten(base, request.form)
    wrong = layout_faults(stored, base)
    if wrong:
        return _refused(own, Document.of(stored), version, wrong)
    act = request.form.get("act", "")
    document = grid.all_apart(editing.moved(Document.of(stored), request.form))
    document = editing.acted(document, act)
    wrong = layout_faults(document.stored, base)
    if wrong:
        return _refused(own, Document.of(stored), version, wrong)
    return saved(own, document, version, _then(own, act, len(document.tabs)))


def spots(document: Document) -> Iterator[tuple[str, str]]:
    """Every section of a document: "0.1", and the words for it."""
    for i, tab in enumerate(document.tabs):
        for j, section in enumerate(tab.sections):
            words = section.title or f"Section {j + 1}"
            if len(document.tabs) > 1:
                words = f"{tab.title or f'Tab {i + 1}'}: {words}"
            yield f"{i}.{j}", words


def _then(own: Dashboard, act: str, tabs: int) -> str:
    """Where a button of the editor leads after saving."""
    verb, _, name = act.partition(":")
    if verb == "edit" and len(name) == 12:
        return url_for(".edit_tile", dashboard_id=own.id, tile_id=name)
    if verb == "new":
        return url_for(".new_tile", dashboard_id=own.id, section=name)
    if verb == "variables":
        return url_for(".variables", dashboard_id=own.id)
    if not act:
        return url_for(".dashboard", dashboard_id=own.id, tab=counted("tab", most=tabs or 1))
    number = tabs if verb == "add-tab" else counted("tab", most=tabs or 1)
    return url_for(".edit", dashboard_id=own.id, tab=number)


def _refused(
    own: Dashboard, document: Document, version: int, wrong: Mapping[str, str]
) -> Response:
    return _page(Editor(own, document, version, _tab_of(document), wrong), status=422)


def _tab_of(document: Document) -> int:
    return counted("tab", most=len(document.tabs) or 1)


def _page(editor: Editor, *, status: int = 200) -> Response:
    opens = editor.document.range  # which may be what was wrong
    current_range(opens if opens in RANGES else "")
    return page_or_part(EDIT, EDIT_PART, status=status, editor=editor)
