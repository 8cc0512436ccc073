"""What changed, for scripts, as docs/api.md describes it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from console.accounts.access import api_view
from console.accounts.models import Project
from console.changes import queries, words
from console.changes.forms import ChangesQuestion
from console.changes.models import Change
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "changes_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/changes"
)


@bp.get("")
@api_view("changes:read")
def changes(project: Project) -> Response:
    form = valid(ChangesQuestion(request.args))
    page = queries.changes(project, form.asked, form.cursor.data or "", form.length)
    return api.page("changes", [described(change) for change in page.rows], page.older)


def described(change: Change) -> dict[str, Any]:
    """A change as scripts read it."""
    return {
        "id": change.id,
        "rule": change.rule_id,
        "kind": change.rule.kind,
        "metric": change.metric.id,
        "dimension": change.rule.by or None,
        "subject": change.subject,
        "name": change.name,
        "environment": change.environment or None,
        "state": change.state,
        "ending": change.ending,
        "better": change.is_good,
        "before": change.before,
        "after": change.after,
        "peak": change.peak,
        "unit": change.metric.unit,
        "samples": change.samples,
        "impact": change.impact,
        "first_day": change.first_day.isoformat(),
        "moved_on": change.moved_on.isoformat(),
        "last_day": change.last_day.isoformat(),
        "judged_day": change.judged_day.isoformat(),
        "days": [
            {"day": at, "number": number, "samples": samples}
            for at, number, samples, _ in change.course["days"]
        ],
        "cause": change.cause or None,
        "text": words.line(change),
        "url": api.url("changes.changes", state="all", _anchor=f"change-{change.id}"),
    }
