"""Links to dashboards for scripts, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any

from flask import Response, g, jsonify, url_for
from werkzeug.exceptions import BadRequest

from console.accounts.models import Project
from console.core.db import db
from console.dashboards import links, queries
from console.dashboards.api_addresses import Addresses
from console.dashboards.document import Document
from console.dashboards.links_form import ShareLinkForm
from console.dashboards.links_models import ShareLink
from console.dashboards.models import Dashboard
from console.web import api
from console.web.forms import valid

addresses = Addresses("share_links_api", "/<id:dashboard_id>/links")


@addresses.at("", writes=True)
def share_links(project: Project | None, dashboard_id: int) -> Response:
    own = queries.dashboard_or_404(project, dashboard_id)
    return jsonify({"links": [_link(link, own) for link in links.links(own)]})


@addresses.at("", "POST")
def create(project: Project | None, dashboard_id: int) -> Response:
    """Add a link; its address stands in this answer only."""
    own = queries.dashboard_or_404(project, dashboard_id)
    fields = api.members(ShareLinkForm, "A link")
    form = valid(ShareLinkForm(fields).about(Document.of(own.document)))
    if links.is_full(own):
        raise BadRequest(links.FULL)
    link, token = links.create(
        own,
        form.terms,
        form.password.data or "",
        script=g.script,
        owner_id=g.script_owner_id,
    )
    db.session.commit()
    url = url_for("shared.shared", token=token, _external=True)
    answer = jsonify(_link(link, own) | {"url": url})
    answer.status_code = 201
    return answer


@addresses.at("/<id:link_id>", "PUT")
def change(project: Project | None, dashboard_id: int, link_id: int) -> Response:
    """Put a link as the document says; its address stays, and its password unless it says one."""
    link, own = _open(project, dashboard_id, link_id)
    fields = api.members(ShareLinkForm, "A link")
    form = valid(ShareLinkForm(fields).about(Document.of(own.document)))
    links.change(link, form.terms, password=form.new_password, script=g.script)
    db.session.commit()
    return jsonify(_link(link, own))


@addresses.at("/<id:link_id>/pause", "POST")
def pause(project: Project | None, dashboard_id: int, link_id: int) -> Response:
    link, own = _open(project, dashboard_id, link_id)
    links.pause(link, script=g.script)
    db.session.commit()
    return jsonify(_link(link, own))


@addresses.at("/<id:link_id>/resumption", "POST")
def resume(project: Project | None, dashboard_id: int, link_id: int) -> Response:
    link, own = _open(project, dashboard_id, link_id)
    links.resume(link, script=g.script)
    db.session.commit()
    return jsonify(_link(link, own))


@addresses.at("/<id:link_id>", "DELETE")
def revoke(project: Project | None, dashboard_id: int, link_id: int) -> Response:
    link, _own = _open(project, dashboard_id, link_id)
    links.revoke(link, script=g.script)
    db.session.commit()
    return Response(status=204)


def _open(project: Project | None, dashboard_id: int, link_id: int) -> tuple[ShareLink, Dashboard]:
    own = queries.dashboard_or_404(project, dashboard_id)
    return links.open_link_or_404(own, link_id), own


def _link(link: ShareLink, dashboard: Dashboard) -> dict[str, Any]:
    return {
        "id": link.id,
        "name": link.name,
        "state": links.state_of(link, dashboard),
        "suffix": link.suffix,
        "has_password": bool(link.password),
        "expires_at": api.time(link.expires_at),
        "range": link.range,
        "is_range_open": link.is_range_open,
        "environment": link.environment,
        "locked": link.locked,
        "opened": link.opened,
        "has_markers": link.has_markers,
        "theme": link.theme,
        "zone": link.zone,
        "origins": link.origins,
        "views": link.views,
        "last_viewed_at": api.time(link.last_viewed_at),
        "created_at": api.time(link.created_at),
    }
