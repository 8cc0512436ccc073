"""The page that says what goes with an issue, and deletes it."""

from flask import Response, flash

from console.accounts.access import project_view
from console.accounts.models import Project
from console.core.db import db
from console.errors import deletion, queries
from console.errors.views.blueprint import bp
from console.web.htmx import go_to, page_or_part
from console.web.timerange import scoped_url


@bp.get("/<id:issue_id>/deletion", endpoint="deletion")
@project_view("admin")
def confirm(project: Project, issue_id: int) -> Response:
    issue = queries.issue_or_404(project, issue_id)
    going = deletion.going(issue)
    return page_or_part("errors/deletion.html", "errors/_deletion.html", issue=issue, going=going)


@bp.post("/<id:issue_id>/deletion", endpoint="delete")
@project_view("admin")
def delete(project: Project, issue_id: int) -> Response:
    deletion.delete(project, queries.issue_or_404(project, issue_id))
    db.session.commit()
    flash(f"Issue {issue_id} was deleted. Its events go within a minute.", "good")
    return go_to(scoped_url("errors.inbox"))
