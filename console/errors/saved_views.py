"""The views of the inbox that people have saved, each for themselves or for the whole project."""

from collections.abc import Sequence

from flask import abort
from sqlalchemy import or_, select

from console.accounts.models import Project, User
from console.core.db import db
from console.errors.models import SavedView

MOST = 30


class TooMany(Exception):
    """There are as many views of a project as a menu can show."""

    def __init__(self, *, shared: bool) -> None:
        whose = "This project has" if shared else "You have"
        super().__init__(f"{whose} {MOST} views. Delete one first.")


def of(project: Project, person: User) -> Sequence[SavedView]:
    """The views of a project that a person sees: the project's first, then their own, by name."""
    seen = or_(SavedView.user_id == person.id, SavedView.user_id.is_(None))
    query = select(SavedView).where(SavedView.project_id == project.id, seen)
    views = db.session.scalars(query.order_by(SavedView.name)).all()
    return sorted(views, key=lambda view: not view.is_shared)


def save(project: Project, person: User, name: str, query: str, *, shared: bool = False) -> None:
    """Save a view, or give the one of this name other filters; raises TooMany."""
    views = {v.name: v for v in of(project, person) if v.is_shared is shared}
    if name in views:
        views[name].query = query
    elif len(views) >= MOST:
        raise TooMany(shared=shared)
    else:
        owner = None if shared else person.id
        db.session.add(SavedView(project_id=project.id, user_id=owner, name=name, query=query))


def view_or_404(project: Project, person: User, view_id: int) -> SavedView:
    """A view that this person sees in this project."""
    view = db.session.get(SavedView, view_id)
    if view is None or view.project_id != project.id or view.user_id not in (person.id, None):
        abort(404)
    return view
