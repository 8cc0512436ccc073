"""What became of everything that a project was sent: a page, the API, and whether Pharos lives."""

from dataclasses import asdict
from datetime import datetime, timedelta

from flask import Blueprint, Response, current_app, jsonify, request

from console.accounts.access import api_view, project_view, public_view
from console.accounts.models import Project
from console.core import clock, failures, readiness
from console.core.config import config
from console.ingest import health, outcomes, queries, salvage
from console.web.charts import Chart, Series
from console.web.errors import problem
from console.web.htmx import polled_part
from console.web.nav import NavItem, nav_entry
from console.web.timeline import Timeline
from console.web.timerange import current_range

PROJECT = "/<slug:organization>/<slug:project>"
ROLES = {
    outcomes.STORED: "good",
    outcomes.DUPLICATE: "1",
    outcomes.IGNORED: "mute",
    outcomes.REFUSED: "warn",
    outcomes.INVALID: "bad",
    outcomes.LOST_BY_CLIENT: "5",
}
LONGEST = timedelta(days=90)

bp = Blueprint("intake", __name__)
nav_entry(bp, NavItem("Connect", icon="plug", endpoint="intake.connect", group="Data", order=40))
nav_entry(bp, NavItem("Intake", icon="inbox", endpoint="intake.intake", group="Data", order=41))


@bp.get(f"{PROJECT}/intake")
@project_view("viewer")
def intake(project: Project) -> Response:
    """The loss ledger of the chosen time."""
    line = Timeline.of(project, current_range(), least=queries.HOUR)
    lines = queries.ledger(project, line.since, line.until)
    totals = {
        name: sum(x.quantity for x in lines if x.outcome == name) for name in outcomes.OUTCOMES
    }
    return polled_part(
        "ingest/intake.html",
        "ingest/_ledger.html",
        project=project,
        range=line.shown,
        lines=lines,
        totals=totals,
        chart=_chart(project, line),
        set_aside=salvage.reports(config().instance),
        failures=failures.present(),
    )


@bp.get("/api/v1/<slug:organization>/<slug:project>/outcomes")
@api_view("outcomes:read")
def outcomes_api(project: Project) -> Response:
    """Answer `since`, `until` (ISO 8601, the last day by default), `item_type` and `outcome`."""
    now = clock.now()
    try:
        until = _moment("until", now)
        since = _moment("since", until - timedelta(days=1))
    except ValueError as error:
        return problem(400, "Bad Request", str(error))
    outcome = request.args.get("outcome", "")
    if outcome and outcome not in outcomes.OUTCOMES:
        return problem(400, "Bad Request", f"outcome is one of {', '.join(outcomes.OUTCOMES)}.")
    if not timedelta(0) < until - since <= LONGEST:
        return problem(400, "Bad Request", "until lies after since, by at most 90 days.")
    lines = queries.ledger(
        project, since, until, item_type=request.args.get("item_type", ""), outcome=outcome
    )
    found = [{**asdict(line), "last_at": _iso(line.last_at)} for line in lines]
    return jsonify({"since": _iso(since), "until": _iso(until), "outcomes": found})


@bp.get("/healthz")
@public_view
def healthz() -> Response:
    """Whether this process takes events and digests them, for a load balancer: ok, or codes.

    Damaged telemetry of one organization is named by a line, and keeps nobody else out.
    """
    reasons = health.reasons()
    lines = reasons or ["ok"]
    lines += [f"telemetry-damaged: organization {one}" for one in health.damaged_telemetry()]
    return Response("".join(f"{line}\n" for line in lines), 503 if reasons else 200)


@bp.get("/ready")
@public_view
def ready() -> Response:
    """Whether this process can do its work, and why not: codes and words that name nobody.

    A reason that stops only some organizations' data is told, and keeps nobody else out.
    """
    reasons = readiness.of(current_app).reasons()
    stopped = any(reason.stops for reason in reasons)
    told = [{"code": reason.code, "detail": reason.detail} for reason in reasons]
    answer = jsonify({"ready": not stopped, "reasons": told})
    answer.status_code = 503 if stopped else 200
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _chart(project: Project, line: Timeline) -> Chart:
    counts = queries.volume(project, line.buckets, line.until)
    series = [
        Series(name.replace("_", " "), values, kind="bar", role=ROLES[name])
        for name, values in counts.items()
    ]
    if shift := line.shown.shift:
        earlier = [start - shift for start in line.buckets]
        before = queries.volume(project, earlier, line.until - shift)
        items = [sum(column) for column in zip(*before.values(), strict=True)]
        name = line.shown.compared_with
        series.append(Series(name, items or [0] * len(earlier), "line", "previous"))
    return line.chart("Items", series, subtitle="by what became of them", unit="items")


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
