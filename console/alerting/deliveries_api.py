"""The delivery log for scripts, as docs/api.md describes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, jsonify, request, url_for

from console.accounts.access import api_view
from console.accounts.models import Project
from console.alerting.delivery import banner, log
from console.alerting.delivery.log_filter import DeliveriesQuestion
from console.alerting.delivery.models import DeliveryAttempt, OutboxMessage
from console.alerting.delivery.threads import key_of
from console.core import audit
from console.core.db import db
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "deliveries_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/deliveries"
)


@bp.get("")
@api_view("deliveries:read")
def deliveries(project: Project) -> Response:
    form = valid(DeliveriesQuestion(request.args).offer(log.channel_names()))
    page = log.listed(form.asked, form.cursor.data or "", form.length)
    return api.page("deliveries", [_message(project, row) for row in page.rows], page.older)


@bp.get("/<id:message_id>")
@api_view("deliveries:read")
def delivery(project: Project, message_id: int) -> Response:
    """A message with its tries."""
    return _answer(project, log.message_or_404(message_id))


@bp.post("/<id:message_id>/retry")
@api_view("deliveries:write")
def retry(project: Project, message_id: int) -> Response:
    """Try a message that was not delivered again at once."""
    message = log.message_or_404(message_id)
    return _saved(project, message, "delivery.retried", changed=log.retry(message))


@bp.post("/<id:message_id>/discard")
@api_view("deliveries:write")
def discard(project: Project, message_id: int) -> Response:
    """Give a message up."""
    message = log.message_or_404(message_id)
    return _saved(project, message, "delivery.discarded", changed=log.discard(message))


def _saved(project: Project, message: OutboxMessage, action: str, *, changed: bool) -> Response:
    if changed:
        audit.record(action, message.key)
    db.session.commit()
    banner.refresh(project.organization_id)
    return _answer(project, log.message_or_404(message.id))


def _answer(project: Project, message: OutboxMessage) -> Response:
    return jsonify(
        _message(project, message) | {"tries": _tries(log.attempts([message])[message.id])}
    )


def _message(project: Project, message: OutboxMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "key": key_of(message, project.organization),
        "incident": message.incident_id,
        "verb": message.verb,
        "state": message.state,
        "channel": message.channel_id,
        "person": message.user.email if message.user else None,
        "address": message.address or None,
        "written_at": api.time(message.created_at),
        "next_at": api.time(message.next_at) if message.state == "waiting" else None,
        "sent_at": api.time(message.sent_at),
        "attempts": message.attempts,
        "error": message.error,
        "receipt": message.receipt,
        "merged_into": message.merged_into_id,
        "fallback_of": message.fallback_of_id,
        "url": url_for(
            "deliveries.delivery",
            organization=project.organization.slug,
            message_id=message.id,
            _external=True,
        ),
    }


def _tries(tries: Sequence[DeliveryAttempt]) -> list[dict[str, Any]]:
    return [
        {
            "number": attempt.number,
            "at": api.time(attempt.at),
            "milliseconds": attempt.milliseconds,
            "outcome": attempt.outcome,
            "status": attempt.status,
            "answer": attempt.answer,
        }
        for attempt in tries
    ]
