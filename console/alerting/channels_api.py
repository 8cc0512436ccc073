"""Channels for scripts, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, g, jsonify, request, url_for
from werkzeug.exceptions import BadRequest

from console.accounts.access import api_view
from console.accounts.models import Project
from console.alerting.channel_forms import ChannelForm, form_of
from console.alerting.delivery import channels as domain
from console.alerting.delivery import trying
from console.alerting.delivery.models import Channel
from console.channels.kinds import Kind
from console.channels.registry import KINDS
from console.channels.way import way
from console.core.db import begin_to_write, db, reading_first
from console.web import api
from console.web.forms import sentence

bp = Blueprint(
    "channels_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/channels"
)


@bp.get("")
@api_view("channels:read")
def channels(project: Project) -> Response:
    """All channels of the project's organization."""
    return jsonify({"channels": [_channel(project, row) for row in domain.channels()]})


@bp.get("/<id:channel_id>")
@api_view("channels:read")
def channel(project: Project, channel_id: int) -> Response:
    return jsonify(_channel(project, domain.channel_or_404(channel_id)))


@bp.post("")
@api_view("channels:write")
def create(project: Project) -> Response:
    """Add a channel: `{"kind": …, "name": …, "settings": {…}}`."""
    document = api.document()
    kind = KINDS.get(str(document.pop("kind", "")))
    if kind is None:
        raise BadRequest(f"kind: one of {', '.join(KINDS)}.")
    if obstacle := kind.obstacle(way()):
        raise BadRequest(obstacle)
    if len(domain.channels()) >= domain.MOST:
        raise BadRequest(domain.FULL)
    form = _form(kind, document)
    made = domain.create(
        kind,
        form.name.data or "",
        form.values,
        fallback_id=form.chosen_fallback,
        enabled=bool(form.enabled.data),
        actor=g.script,
    )
    db.session.commit()
    answer = jsonify(_channel(project, made))
    answer.status_code = 201
    return answer


@bp.put("/<id:channel_id>")
@api_view("channels:write")
def change(project: Project, channel_id: int) -> Response:
    """Put a channel as the document says; secrets that are left out stay."""
    channel_ = domain.channel_or_404(channel_id)
    document, kind = api.document(), _kind(channel_)
    if document.pop("kind", kind.name) != kind.name:
        raise BadRequest("kind: a channel keeps its kind. Make another one.")
    form = _form(kind, document, channel_)
    domain.change(
        channel_,
        kind,
        form.name.data or "",
        form.values,
        removed=form.dropped,
        fallback_id=form.chosen_fallback,
        enabled=bool(form.enabled.data),
        actor=g.script,
    )
    db.session.commit()
    return jsonify(_channel(project, channel_))


@bp.delete("/<id:channel_id>")
@api_view("channels:write")
def delete(project: Project, channel_id: int) -> Response:
    del project  # the channels are the organization's
    domain.delete(domain.channel_or_404(channel_id), actor=g.script)
    db.session.commit()
    return Response(status=204)


@bp.post("/<id:channel_id>/test")
@reading_first
@api_view("channels:write")
def test(project: Project, channel_id: int) -> Response:
    """Send a test message, and answer what came of it."""
    del project
    channel_ = domain.channel_or_404(channel_id)
    try:
        trial = trying.try_out(channel_, _kind(channel_), way())
    except trying.Busy as busy:
        abort(429, str(busy))
    begin_to_write()
    trying.note(domain.channel_or_404(channel_id), trial)
    db.session.commit()
    return jsonify(trial.document)


def _form(kind: Kind, document: dict[str, Any], channel_: Channel | None = None) -> ChannelForm:
    """The form of a document, which is valid; aborts with what is wrong by member."""
    form = form_of(kind)
    given = api.members_of(document, "A channel", form().about(kind, channel_, ()))
    filled = form(given).about(kind, channel_, domain.channels())
    if not filled.passes(way(), channel=channel_):
        raise BadRequest(sentence(filled))
    return filled


def _kind(channel_: Channel) -> Kind:
    kind = KINDS.get(channel_.kind)
    if kind is None:
        raise BadRequest("This console no longer has this kind of channel.")
    return kind


def _channel(project: Project, channel_: Channel) -> dict[str, Any]:
    """A channel without its secrets."""
    secrets = domain.secrets_of(channel_)
    organization = (request.view_args or {})["organization"]
    del project
    return {
        "id": channel_.id,
        "kind": channel_.kind,
        "name": channel_.name,
        "enabled": channel_.enabled,
        "settings": channel_.settings,
        "secrets": sorted(name for name in secrets if name != domain.HOOK),
        "fallback": channel_.fallback_id,
        "failing_since": api.time(channel_.failing_since),
        "failures": channel_.failures,
        "last_error": channel_.last_error,
        "last_tried_at": api.time(channel_.last_tried_at),
        "last_sent_at": api.time(channel_.last_sent_at),
        "url": url_for(
            "channels.channel",
            organization=organization,
            channel_id=channel_.id,
            _external=True,
        ),
    }
