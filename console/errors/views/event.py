"""The way from an event to its issue, for pages that know the event alone."""

from datetime import datetime, timedelta

from flask import Response, abort, request, url_for
from wtforms import Form

from console.accounts.access import project_view
from console.accounts.models import Project
from console.core import clock
from console.errors import queries
from console.errors.views.blueprint import bp
from console.telemetry import errors as telemetry
from console.telemetry.scope import Scope
from console.web.forms import Moment, valid
from console.web.htmx import go_to
from console.web.timerange import LONGEST

NEAR = timedelta(hours=1)


class Hint(Form):
    """When the event was, if the link knows."""

    at = Moment("When it was")


@bp.get("/of-event/<event:event_id>")
@project_view("viewer")
def of_event(project: Project, event_id: str) -> Response:
    """Redirect to the event on the page of its issue."""
    hint = valid(Hint(request.args))
    url = event_url(project, event_id, hint.at.data)
    return go_to(url or abort(404, "This event is no longer stored."))


def event_url(project: Project, event_id: str, at: datetime | None = None) -> str:
    """The page of an event, "" if it is not kept; `at` is when it was, if that is known."""
    stored = telemetry.event(_scope(project, at), event_id)
    hashes = [stored.grouping_hash] if stored else []
    issues = queries.issues_by_hash(project.id, hashes)
    if not issues:
        return ""
    return url_for("errors.event", issue_id=next(iter(issues.values())), event_id=event_id)


def _scope(project: Project, at: datetime | None) -> Scope:
    until = clock.now() + NEAR
    scope = Scope(
        organization_id=project.organization_id,
        project_id=project.id,
        since=until - LONGEST,
        until=until,
    )
    return scope.around(at, NEAR) if at else scope
