"""Who gets a report."""

from __future__ import annotations

from flask import Response, request

from console.accounts.access import project_view
from console.accounts.models import Project
from console.core.db import db
from console.reports import keeping, queries
from console.reports import recipients as domain
from console.reports.forms import RecipientForm
from console.reports.views.blueprint import bp
from console.reports.views.reports import answer
from console.web.forms import mark


@bp.post("/<id:report_id>/recipients", endpoint="add_recipient")
@project_view("member")
def add(project: Project, report_id: int) -> Response:
    report = queries.report_or_404(project, report_id)
    named = keeping.names_of(report.dashboard)
    form = RecipientForm(request.form).offer(keeping.known(), named)
    if not form.validate():
        return answer(report, form, status=422)
    if len(queries.recipients(report)) >= domain.MOST:
        mark(form, "contact", domain.FULL)
        return answer(report, form, status=422)
    contact, address = form.contact.data or "", form.address.data or ""
    if not contact and (why := domain.obstacle(report, address)):
        mark(form, "address", why)
        return answer(report, form, status=422)
    keeping.add(report, contact, address, form.choices.values)
    db.session.commit()
    return answer(report)


@bp.post("/<id:report_id>/recipients/<id:recipient_id>/removal", endpoint="remove_recipient")
@project_view("member")
def remove(project: Project, report_id: int, recipient_id: int) -> Response:
    report = queries.report_or_404(project, report_id)
    domain.remove(report, queries.recipient_or_404(report, recipient_id))
    db.session.commit()
    return answer(report)
