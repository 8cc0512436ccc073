"""Incidents for scripts, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any, TypeVar

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.exceptions import BadRequest
from wtforms import Form

from console.accounts.access import api_view
from console.accounts.models import Project
from console.alerting import incidents as domain
from console.alerting import queries
from console.alerting.chronicle import Actor
from console.alerting.escalation import running
from console.alerting.incident_forms import (
    AssessmentForm,
    IncidentsQuestion,
    NoteForm,
    UntilForm,
)
from console.alerting.models import Assessment, Incident, IncidentEvent, IncidentVerb
from console.core.db import db
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "incidents_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/incidents"
)
F = TypeVar("F", bound=Form)


@bp.get("")
@api_view("incidents:read")
def incidents(project: Project) -> Response:
    offered = queries.names_with_incidents(project, request.args.get("rule", ""))
    form = valid(IncidentsQuestion(request.args).offer(offered))
    page = queries.incidents(project, form.asked, form.cursor.data or "", form.length)
    return api.page("incidents", [_incident(incident) for incident in page.rows], page.older)


@bp.get("/<id:incident_id>")
@api_view("incidents:read")
def incident(project: Project, incident_id: int) -> Response:
    """An incident with everything that happened to it."""
    return _answer(queries.incident_or_404(project, incident_id))


@bp.post("/<id:incident_id>/acknowledgement")
@api_view("incidents:write")
def acknowledge(project: Project, incident_id: int) -> Response:
    incident_ = queries.incident_or_404(project, incident_id)
    domain.acknowledge(incident_, by=_actor())
    return _saved(incident_)


@bp.post("/<id:incident_id>/resolution")
@api_view("incidents:write")
def resolve(project: Project, incident_id: int) -> Response:
    incident_ = queries.incident_or_404(project, incident_id)
    domain.resolve(incident_, by=_actor())
    return _saved(incident_)


@bp.post("/<id:incident_id>/notes")
@api_view("incidents:write")
def note(project: Project, incident_id: int) -> Response:
    """Add a note: `{"text": …}`."""
    incident_ = queries.incident_or_404(project, incident_id)
    text = _given(NoteForm).text.data or ""
    _refuse_more(incident_, IncidentVerb.NOTED)
    domain.note(incident_, text, by=_actor())
    return _saved(incident_)


@bp.post("/<id:incident_id>/snooze")
@api_view("incidents:write")
def snooze(project: Project, incident_id: int) -> Response:
    """Let it be quiet: `{"until": …}` or `{"minutes": …}`."""
    incident_ = queries.incident_or_404(project, incident_id)
    form = _given(UntilForm)
    _refuse_more(incident_, IncidentVerb.SNOOZED)
    if not domain.snooze(incident_, form.moment, by=_actor()):
        raise BadRequest("A resolved incident cannot be snoozed.")
    return _saved(incident_)


@bp.post("/<id:incident_id>/policy-version")
@api_view("incidents:write")
def move(project: Project, incident_id: int) -> Response:
    """Let it be escalated by its policy's latest version from now on."""
    incident_ = queries.incident_or_404(project, incident_id)
    if not running.move_to_latest(incident_, by=_actor()):
        raise BadRequest("It goes by the latest version already, or its policy is gone.")
    return _saved(incident_)


@bp.post("/<id:incident_id>/assessment")
@api_view("incidents:write")
def assess(project: Project, incident_id: int) -> Response:
    """Say whether it was worth a message: `{"assessment": "noise"}`."""
    incident_ = queries.incident_or_404(project, incident_id)
    form = _given(AssessmentForm)
    domain.assess(incident_, Assessment(form.assessment.data), by=_actor())
    return _saved(incident_)


def _refuse_more(incident_: Incident, verb: IncidentVerb) -> None:
    if domain.is_full(incident_, verb):
        raise BadRequest(domain.FULL[verb])


def _given(kind: type[F]) -> F:
    """The form of a request's document; aborts for members that it does not have."""
    return valid(kind(api.members(kind, "The document")))


def _actor() -> Actor:
    """The script, by its token's label."""
    return Actor(name=g.script)


def _saved(incident_: Incident) -> Response:
    db.session.commit()
    return _answer(incident_)


def _answer(incident_: Incident) -> Response:
    events = [_event(event) for event in queries.history(incident_)]
    return jsonify(_incident(incident_) | {"events": events})


def _incident(incident_: Incident) -> dict[str, Any]:
    taken, closed = incident_.acknowledged_by, incident_.resolved_by
    return {
        "id": incident_.id,
        "title": incident_.title,
        "rule": incident_.rule_id,
        "rule_version": incident_.rule_version,
        "value": incident_.value,
        "watch": incident_.watch or None,
        "state": incident_.state,
        "level": incident_.level,
        "worst": incident_.worst,
        "shadow": incident_.shadow,
        "assessment": incident_.assessment,
        "why": incident_.why,
        "number": incident_.number,
        "opened_at": api.time(incident_.opened_at),
        "reopened": incident_.reopened,
        "acknowledged_at": api.time(incident_.acknowledged_at),
        "acknowledged_by": taken.email if taken else None,
        "snoozed_until": api.time(incident_.snoozed_until),
        "resolved_at": api.time(incident_.resolved_at),
        "resolved_by": closed.email if closed else None,
        "url": api.url("alerting.incident", incident_id=incident_.id),
    }


def _event(event: IncidentEvent) -> dict[str, Any]:
    return {
        "sequence": event.sequence,
        "verb": event.verb,
        "at": api.time(event.at),
        "by": event.actor.email if event.actor else event.details.get("script"),
        "text": event.text,
        "details": event.details,
    }
