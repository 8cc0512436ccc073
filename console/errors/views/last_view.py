"""The saved view that a person used last in a project: the rail's Issues opens it again.

A browser remembers it beside the project that was looked at last.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import request, session

from console.accounts.models import Project
from console.errors.models import SavedView
from console.web.htmx import is_htmx
from console.web.timerange import PARAMETERS

REMEMBERED = "views"
MOST = 20  # projects whose views a cookie has room for


def last_view(project: Project, views: Sequence[SavedView]) -> SavedView | None:
    """The view to open instead of the plain list; None where the list itself is meant.

    Whoever comes from the list, by its tabs or by clearing its filters, means the list.
    """
    if is_htmx() or not _is_plain():
        return None
    remembered = session.get(REMEMBERED, {}).get(str(project.id))
    if remembered is None:
        return None
    view = next((view for view in views if view.id == remembered), None)
    if view is None or _is_from_here():
        _remember(project, None)
        return None
    return view


def note_view(project: Project, views: Sequence[SavedView]) -> None:
    """Remember the view whose filters the address has, if it is one."""
    query = request.query_string.decode("ascii", "replace")
    view = next((view for view in views if query and view.query == query), None)
    if view is not None and not is_htmx():
        _remember(project, view)


def _remember(project: Project, view: SavedView | None) -> None:
    kept: dict[str, int] = session.get(REMEMBERED, {})
    used = {key: number for key, number in kept.items() if key != str(project.id)}
    if view is not None:
        used[str(project.id)] = view.id
    latest = dict(list(used.items())[-MOST:])
    if latest != kept:
        session[REMEMBERED] = latest


def _is_plain() -> bool:
    return not set(request.args) - set(PARAMETERS)


def _is_from_here() -> bool:
    return urlsplit(request.referrer or "").path.endswith(request.path)
