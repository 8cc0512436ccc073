"""Health endpoints for load balancers and people."""

from flask import Blueprint, Response, current_app, jsonify

from console.accounts.access import public_view
from console.core import readiness
from console.ingest import health

bp = Blueprint("health", __name__)


@bp.get("/healthz")
@public_view
def healthz() -> Response:
    """Whether this process takes events and digests them, for a load balancer: ok, or codes.

    A reason that only slows the digest, or stops one organization, has a line and status 200.
    """
    reasons = health.reasons()
    lines = reasons or ["ok"]
    lines += health.remarks()
    return Response("".join(f"{line}\n" for line in lines), 503 if reasons else 200)


@bp.get("/ready")
@public_view
def ready() -> Response:
    """Whether this process can do its work, and why not: codes and words that name nobody.

    A reason that stops only some organizations' data is listed, and the console stays ready.
    """
    reasons = readiness.of(current_app).reasons()
    stopped = any(reason.stops for reason in reasons)
    shown = [{"code": reason.code, "detail": reason.detail} for reason in reasons]
    answer = jsonify({"ready": not stopped, "reasons": shown})
    answer.status_code = 503 if stopped else 200
    answer.headers["Cache-Control"] = "no-store"
    return answer
