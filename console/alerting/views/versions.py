"""Two versions of a rule beside each other."""

from __future__ import annotations

from flask import Response, abort, render_template

from console.accounts.access import project_view
from console.accounts.models import Project
from console.alerting import queries
from console.alerting.versions import Comparison
from console.alerting.views.blueprint import bp


@bp.get("/rules/<id:rule_id>/versions/<id:number>")
@project_view("viewer")
def version(project: Project, rule_id: int, number: int) -> Response:
    """A version beside the latest one; the latest beside the one before."""
    rule = queries.rule_or_404(project, rule_id)
    by_number = {version.number: version for version in queries.versions(rule)}
    beside = rule.version if number != rule.version else number - 1
    if number not in by_number or beside not in by_number:
        abort(404)
    earlier, later = sorted((number, beside))
    comparison = Comparison(by_number[earlier], by_number[later])
    page = render_template("alerting/versions.html", rule=rule, comparison=comparison)
    return Response(page)
