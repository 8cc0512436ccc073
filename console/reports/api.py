"""Reports for scripts, as docs/api.md describes them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, abort, g, jsonify
from werkzeug.exceptions import BadRequest, Conflict

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core import clock
from console.core.cron import Cron
from console.core.db import db
from console.reports import editions as sending
from console.reports import keeping, queries, recipients
from console.reports.content import Frozen
from console.reports.forms import RUNS, WORSE, RecipientForm, ReportForm, lines_of
from console.reports.models import Report, ReportEdition, ReportRecipient, Subject
from console.web import api
from console.web.forms import valid

bp = Blueprint(
    "reports_api", __name__, url_prefix="/api/v1/<slug:organization>/<slug:project>/reports"
)


@bp.get("")
@api_view("reports:read")
def reports(project: Project) -> Response:
    own = [report for report in queries.reports(project) if not report.is_across]
    return api.page("reports", [_report(report) for report in own], "")


@bp.get("/<id:report_id>")
@api_view("reports:read")
def report(project: Project, report_id: int) -> Response:
    """A report with its recipients."""
    return jsonify(_whole(_own(project, report_id)))


@bp.post("")
@api_view("reports:write")
def make(project: Project) -> Response:
    form = _form(project)
    if keeping.is_full(project):
        raise BadRequest(keeping.FULL)
    made = keeping.create(project, form.apply, script=g.script, owner_id=g.script_owner_id)
    db.session.commit()
    answer = jsonify(_whole(made))
    answer.status_code = 201
    return answer


@bp.put("/<id:report_id>")
@api_view("reports:write")
def change(project: Project, report_id: int) -> Response:
    """Replace all that a report says; recipients stay."""
    own = _own(project, report_id)
    keeping.change(own, _form(project).apply, script=g.script)
    db.session.commit()
    return jsonify(_whole(own))


@bp.delete("/<id:report_id>")
@api_view("reports:write")
def remove(project: Project, report_id: int) -> Response:
    keeping.remove(_own(project, report_id), script=g.script)
    db.session.commit()
    return Response(status=204)


@bp.post("/<id:report_id>/recipients")
@api_view("reports:write")
def add(project: Project, report_id: int) -> Response:
    own = _own(project, report_id)
    form = RecipientForm(api.members(RecipientForm, "A recipient"))
    valid(form.offer(keeping.known(), keeping.names_of(own.dashboard)))
    if len(queries.recipients(own)) >= recipients.MOST:
        raise BadRequest(recipients.FULL)
    contact, address = form.contact.data or "", form.address.data or ""
    if not contact and (why := recipients.obstacle(own, address)):
        abort(429, why)
    keeping.add(own, contact, address, form.choices.values)
    db.session.commit()
    return jsonify(_whole(own))


@bp.delete("/<id:report_id>/recipients/<id:recipient_id>")
@api_view("reports:write")
def take_off(project: Project, report_id: int, recipient_id: int) -> Response:
    own = _own(project, report_id)
    recipients.remove(own, queries.recipient_or_404(own, recipient_id))
    db.session.commit()
    return Response(status=204)


@bp.get("/<id:report_id>/editions")
@api_view("reports:read")
def editions(project: Project, report_id: int) -> Response:
    own = _own(project, report_id)
    return api.page("editions", [_edition(own, row) for row in queries.editions(own)], "")


@bp.get("/<id:report_id>/editions/<id:edition_id>")
@api_view("reports:read")
def edition(project: Project, report_id: int, edition_id: int) -> Response:
    """An edition with what it said to members, and what became of its messages."""
    own = _own(project, report_id)
    row = queries.edition_or_404(own, edition_id)
    content = next(iter(queries.contents(row)), None)
    deliveries = [
        {"id": message.id, "state": message.state, "sent_at": api.time(message.sent_at)}
        for message in queries.deliveries(row)
    ]
    blocks = _blocks(Frozen.of(content.document)) if content else []
    return jsonify(_edition(own, row) | {"blocks": blocks, "deliveries": deliveries})


@bp.post("/<id:report_id>/editions")
@api_view("reports:write")
def send(project: Project, report_id: int) -> Response:
    """Send it now, whatever its conditions say."""
    own = _own(project, report_id)
    if not queries.readers(own):
        raise Conflict("This report has no recipients yet. Add one first.")
    if why := sending.obstacle(own):
        abort(429, why)
    row = sending.send_now(own)
    db.session.commit()
    answer = jsonify(_edition(own, row))
    answer.status_code = 202
    return answer


def _own(project: Project, report_id: int) -> Report:
    """A report of the project; a token of one project reads nothing of the others."""
    own = queries.report_or_404(project, report_id)
    return abort(404) if own.is_across else own


def _form(project: Project) -> ReportForm:
    document = api.members(ReportForm, "A report")
    own = queries.dashboards(project, across=False)
    form = ReportForm(document)
    chosen = form.about.data or ""
    return valid(
        form.offer(keeping.subjects(own, chosen), keeping.metrics(), keeping.variables(own))
    )


def _report(own: Report) -> dict[str, Any]:
    about = WORSE if own.subject is Subject.WORSE else str(own.dashboard_id)
    upcoming = Cron(own.cron, own.zone).upcoming(clock.now(), RUNS) if own.enabled else []
    return {
        "id": own.id,
        "name": own.name,
        "about": f"{about}:{own.tile_id}" if own.tile_id else about,
        "range": own.range,
        "environment": own.environment,
        "variables": lines_of(own.variables),
        "cron": own.cron,
        "zone": own.zone,
        "next": [api.time(at) for at in upcoming],
        "metric": own.metric,
        "side": "above" if own.above else "below",
        "level": own.level,
        "skip_empty": own.skip_empty,
        "pdf": own.pdf,
        "csv": own.csv,
        "enabled": own.enabled,
        "url": api.url("reports.report", report_id=own.id),
    }


def _whole(own: Report) -> dict[str, Any]:
    return _report(own) | {"recipients": [_recipient(row) for row in queries.recipients(own)]}


def _recipient(row: ReportRecipient) -> dict[str, Any]:
    return {
        "id": row.id,
        "contact": row.contact,
        "variables": lines_of(row.variables),
        "confirmed_at": api.time(row.confirmed_at),
        "left_at": api.time(row.left_at),
    }


def _edition(own: Report, row: ReportEdition) -> dict[str, Any]:
    return {
        "id": row.id,
        "due_at": api.time(row.due_at),
        "state": row.state,
        "by_hand": row.by_hand,
        "sentence": row.sentence,
        "why": row.why,
        "made_at": api.time(row.made_at),
        "url": api.url("reports.edition", report_id=own.id, edition_id=row.id),
    }


def _blocks(frozen: Frozen) -> list[dict[str, Any]]:
    return [
        {
            "title": block.title,
            "words": block.words,
            "columns": [head.title for head in block.heads],
            "rows": [
                [cell.text if cell.number is None else cell.number for cell in row]
                for row in block.rows
            ],
            "note": block.note,
        }
        for block in frozen.blocks
    ]
