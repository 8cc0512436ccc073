"""The saved view that a person used last in a project: the rail's Issues leads to it.

A browser remembers it beside the project that was looked at last.
"""

from collections.abc import Sequence
from typing import Any

from flask import request, session

from console.accounts.models import Project
from console.errors.models import SavedView
from console.web.timerange import PARAMETERS

REMEMBERED = "views"
MOST = 20  # projects whose views a cookie has room for
INBOX = "errors.inbox"


def of_rail(shell: Any) -> dict[str, str]:
    """What the rail's link asks for: the view used last; on the list itself, the plain list."""
    remembered = session.get(REMEMBERED, {}).get(str(shell.project.id))
    return {} if remembered is None or request.endpoint == INBOX else {"view": str(remembered)}


def named(views: Sequence[SavedView]) -> SavedView | None:
    """The view that the address asks for; None if it is gone."""
    asked = request.args.get("view", "")
    return next((view for view in views if str(view.id) == asked), None)


def note(project: Project, views: Sequence[SavedView]) -> None:
    """Remember the view that the address shows; the plain list forgets it."""
    query = request.query_string.decode("ascii", "replace")
    view = next((view for view in views if query and view.query == query), None)
    is_plain = not set(request.args) - set(PARAMETERS)
    if view is not None or is_plain:
        _remember(project, view)


def _remember(project: Project, view: SavedView | None) -> None:
    kept: dict[str, int] = session.get(REMEMBERED, {})
    used = {key: number for key, number in kept.items() if key != str(project.id)}
    if view is not None:
        used[str(project.id)] = view.id
    latest = dict(list(used.items())[-MOST:])
    if latest != kept:
        session[REMEMBERED] = latest
