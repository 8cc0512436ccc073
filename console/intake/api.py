"""What became of everything that a project was sent, for scripts, as docs/api.md says."""

from dataclasses import asdict
from datetime import datetime, timedelta

from flask import Blueprint, Response, jsonify, request

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core import clock
from console.intake import queries
from console.intake.ledger import OUTCOMES
from console.web.errors import problem

LONGEST = timedelta(days=90)

bp = Blueprint(
    "intake_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/outcomes"
)


@bp.get("")
@api_view("outcomes:read")
def outcomes(project: Project) -> Response:
    """Answer `since`, `until` (ISO 8601, the last day by default), `item_type` and `outcome`."""
    now = clock.now()
    try:
        until = _moment("until", now)
        since = _moment("since", until - timedelta(days=1))
    except ValueError as error:
        return problem(400, "Bad Request", str(error))
    outcome = request.args.get("outcome", "")
    if outcome and outcome not in OUTCOMES:
        return problem(400, "Bad Request", f"outcome is one of {', '.join(OUTCOMES)}.")
    if not timedelta(0) < until - since <= LONGEST:
        return problem(400, "Bad Request", "until lies after since, by at most 90 days.")
    lines = queries.ledger(
        project, since, until, item_type=request.args.get("item_type", ""), outcome=outcome
    )
    rows = [{**asdict(line), "last_at": _iso(line.last_at)} for line in lines]
    return jsonify({"since": _iso(since), "until": _iso(until), "outcomes": rows})


def _moment(name: str, otherwise: datetime) -> datetime:
    given = request.args.get(name)
    if not given:
        return otherwise
    try:
        return clock.instant(given.replace(" ", "+"))  # an unescaped + of the zone
    except ValueError:
        raise ValueError(f"{name} is an ISO 8601 time such as 2026-01-31T12:00:00Z.") from None


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
