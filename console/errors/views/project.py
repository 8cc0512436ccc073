"""A project in one line, for the list of an organization's projects, which loads it by itself."""

from flask import Response, make_response, render_template

from console.accounts.access import project_view
from console.accounts.models import Project
from console.errors import open_issues, trends
from console.errors.views.blueprint import bp


@bp.get("/summary")
@project_view("viewer")
def project_summary(project: Project) -> Response:
    part = render_template(
        "errors/_project_summary.html",
        project=project,
        counts=trends.of_project(project),
        label="14 d",
        open_issues=open_issues.in_inbox(project),
    )
    return make_response(part)
