"""Silences for scripts, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import BadRequest

from console.accounts.access import api_view
from console.accounts.models import Project
from console.alerting import queries
from console.alerting import silences as domain
from console.alerting.models import Silence
from console.alerting.silence_forms import SilenceForm, SilencesQuestion
from console.alerting.silences import Hours, SilenceState
from console.core import clock
from console.core.db import db
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "silences_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/silences"
)
NEXT = 4


@bp.get("")
@api_view("incidents:read")
def silences(project: Project) -> Response:
    form = valid(SilencesQuestion(request.args))
    state = SilenceState(form.state.data)
    page = domain.listed(project, state, form.cursor.data or "", form.length)
    return api.page("silences", [_silence(silence) for silence in page.rows], page.older)


@bp.get("/<id:silence_id>")
@api_view("incidents:read")
def silence(project: Project, silence_id: int) -> Response:
    """A silence with what it held back."""
    silence_ = domain.silence_or_404(project, silence_id)
    hid = [
        {
            "at": api.time(hidden.event.at),
            "incident": hidden.incident.id,
            "title": hidden.incident.title,
            "verb": hidden.event.verb,
        }
        for hidden in domain.hidden_by(silence_)
    ]
    return jsonify(_silence(silence_) | {"hid": hid})


@bp.post("")
@api_view("incidents:write")
def make(project: Project) -> Response:
    document = api.members(SilenceForm, "A silence")
    chosen = document.get("rule", "")
    form = valid(SilenceForm(document).offer(queries.names(project, chosen).options))
    if domain.is_full(project):
        raise BadRequest(domain.FULL)
    rule = queries.rule_or_404(project, form.chosen_rule) if form.chosen_rule else None
    reason, value = form.reason.data or "", form.value.data or ""
    silence_ = domain.begin(project, reason, form.spell, form.hours, rule=rule, value=value)
    db.session.commit()
    answer = jsonify(_silence(silence_))
    answer.status_code = 201
    return answer


@bp.post("/<id:silence_id>/end")
@api_view("incidents:write")
def end(project: Project, silence_id: int) -> Response:
    silence_ = domain.silence_or_404(project, silence_id)
    domain.end(silence_)
    db.session.commit()
    return jsonify(_silence(silence_))


def _silence(silence_: Silence) -> dict[str, Any]:
    hours = Hours(silence_.cron, silence_.zone, silence_.minutes)
    since = max(silence_.starts_at, clock.now())
    spells = domain.spells(hours, since, silence_.ends_at, NEXT)
    return {
        "id": silence_.id,
        "state": domain.state_of(silence_),
        "holds": domain.is_active(silence_, clock.now()),
        "rule": silence_.rule_id,
        "value": silence_.value,
        "reason": silence_.reason,
        "starts": api.time(silence_.starts_at),
        "ends": api.time(silence_.ends_at),
        "zone": silence_.zone,
        "cron": silence_.cron,
        "minutes": silence_.minutes,
        "next": [
            {"since": api.time(spell.since), "until": api.time(spell.until)} for spell in spells
        ],
        "hidden": silence_.hidden,
        "by": silence_.created_by.email if silence_.created_by else None,
        "url": api.url("alerting.silence", silence_id=silence_.id),
    }
