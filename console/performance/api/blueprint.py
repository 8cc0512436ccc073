"""The blueprint of performance for scripts, and what its answers have in common."""

from datetime import timedelta
from typing import Any, TypeVar

from flask import Blueprint, abort, request, url_for
from wtforms import Form, StringField
from wtforms.validators import Length

from console.accounts.models import Project
from console.core import clock
from console.performance.latency import Change
from console.telemetry.scope import Scope
from console.web.forms import Moment, sentence
from console.web.timerange import LONGEST

bp = Blueprint(
    "performance_api",
    __name__,
    url_prefix="/api/v1/<slug:organization>/<slug:project>/performance",
)
SCOPE = "performance:read"
F = TypeVar("F", bound=Form)
DAY = timedelta(days=1)


class Period(Form):
    """Which time and environment an answer is about; without any, the last 24 hours."""

    since = Moment("Since")
    until = Moment("Until")
    environment = StringField("Environment", [Length(max=64, message="At most 64 characters.")])

    def scope(self, project: Project, **filters: Any) -> Scope:
        """The scope that a valid form asks for; 400 for a range that ends before it begins."""
        until = self.until.data or clock.now()
        since = self.since.data or until - DAY
        if not timedelta(0) < until - since <= LONGEST:
            abort(
                400, f"since, until: a range of up to {LONGEST.days} days that ends after it began."
            )
        return Scope(
            organization_id=project.organization_id,
            project_id=project.id,
            since=since,
            until=until,
            environment=self.environment.data or "",
            **filters,
        )


def valid(form: F) -> F:
    """The form, if what it says makes sense; 400 with its sentences otherwise."""
    if not form.validate():
        abort(400, sentence(form))
    return form


def period(scope: Scope) -> dict[str, Any]:
    """The time that an answer is about."""
    return {"since": scope.since.isoformat(), "until": scope.until.isoformat()}


def page_url(endpoint: str, **values: Any) -> str:
    """The address of a page of the project that is asked about."""
    slugs = request.view_args or {}
    return url_for(
        endpoint,
        organization=slugs["organization"],
        project=slugs["project"],
        _external=True,
        **values,
    )


def milliseconds(microseconds: float) -> float:
    """A duration as answers give it."""
    return round(microseconds / 1000, 3)


def earlier(change: Change | None) -> float | None:
    """A P95 before, in milliseconds, if there is something to compare with."""
    return milliseconds(change.then) if change else None


def latest(change: Change | None) -> float | None:
    """A P95 now, in milliseconds, if there is something to compare it with."""
    return milliseconds(change.now) if change else None
