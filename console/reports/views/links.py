"""The pages that links in a report's mail lead to: to read it, to agree to it, to get no more."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template, request

from console.accounts.access import link_view
from console.accounts.models import Organization
from console.core import clock
from console.core.db import db
from console.reports import queries
from console.reports import recipients as domain
from console.reports.content import Frozen, label
from console.reports.models import LinkPurpose, Report, ReportLink, ReportRecipient
from console.reports.views.editions import served
from console.web.errors import for_outsiders
from console.web.frame import csrf

public = Blueprint("report_links", __name__, url_prefix="/r")
for_outsiders(public)


@public.get("/<token>")
@link_view
def link(token: str) -> Response:
    """A page, whatever the link does: what looks at links changes nothing."""
    own = _open(token)
    return own if isinstance(own, Response) else _page(own, token)


@public.post("/<token>")
@link_view
def act(token: str) -> Response:
    """Agree, or get no more; mail programs post here without a session (RFC 8058)."""
    own = _open(token)
    if isinstance(own, Response):
        return own
    recipient = db.session.get_one(ReportRecipient, own.recipient_id)
    if own.purpose is LinkPurpose.CONFIRM:
        domain.agree(recipient)
    elif own.purpose is LinkPurpose.LEAVE:
        domain.leave(recipient, undo=bool(request.form.get("undo")))
    own.used_at = clock.now()
    db.session.commit()
    return _page(own, token)


csrf.exempt(act)  # the token in the address is what lets it act


@public.get("/<token>/<filename>")
@link_view
def link_file(token: str, filename: str) -> Response:
    own = _open(token)
    if isinstance(own, Response):
        return own
    if own.purpose is not LinkPurpose.OPEN or own.content_id is None:
        return _gone(404)
    return served(own.content_id, filename)


def _open(token: str) -> ReportLink | Response:
    own = domain.by_token(token)
    if own is None:
        return _gone(404)
    if domain.has_ended(own, clock.now()):
        return _gone(410)
    recipient = db.session.get(ReportRecipient, own.recipient_id)
    if own.purpose is LinkPurpose.OPEN and (recipient is None or recipient.left_at is not None):
        return _gone(410)
    return own


def _page(own: ReportLink, token: str) -> Response:
    recipient = db.session.get_one(ReportRecipient, own.recipient_id)
    report = db.session.get_one(Report, recipient.report_id)
    organization = db.session.get_one(Organization, own.organization_id)
    if own.purpose is LinkPurpose.OPEN:
        content = queries.content(own.content_id)
        if content is None:
            return _gone(410)
        frozen = Frozen.of(content.document)
        files = queries.file_names(content.id)
        html = render_template(
            "reports/shared.html", frozen=frozen, label=label(frozen), files=files, token=token
        )
        return make_response(html)
    page = "reports/agreeing.html" if own.purpose is LinkPurpose.CONFIRM else "reports/leaving.html"
    html = render_template(page, recipient=recipient, report=report, organization=organization)
    return make_response(html)


def _gone(status: int) -> Response:
    return make_response(render_template("reports/link_ended.html", is_known=status == 410), status)
