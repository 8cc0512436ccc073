"""The views of the inbox that people have saved, each for themselves and a project."""

from collections.abc import Sequence

from flask import abort
from sqlalchemy import select

from console.accounts.models import Project, User
from console.core.db import db
from console.errors.models import SavedView

MOST = 30


class TooMany(Exception):
    """A person has as many views of a project as a menu can show."""

    def __init__(self) -> None:
        super().__init__(f"You have {MOST} views of this project. Delete one first.")


def of(project: Project, person: User) -> Sequence[SavedView]:
    """A person's views of a project, by name."""
    mine = (SavedView.project_id == project.id, SavedView.user_id == person.id)
    return db.session.scalars(select(SavedView).where(*mine).order_by(SavedView.name)).all()


def save(project: Project, person: User, name: str, query: str) -> None:
    """Save a view, or give the one of this name other filters; raises TooMany."""
    views = {view.name: view for view in of(project, person)}
    if name in views:
        views[name].query = query
    elif len(views) >= MOST:
        raise TooMany
    else:
        row = SavedView(project_id=project.id, user_id=person.id, name=name, query=query)
        db.session.add(row)


def view_or_404(project: Project, person: User, view_id: int) -> SavedView:
    """A view of this person's own."""
    view = db.session.get(SavedView, view_id)
    if view is None or (view.project_id, view.user_id) != (project.id, person.id):
        abort(404)
    return view
