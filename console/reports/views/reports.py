"""The list of reports, the page of one, its form, and what its mail looks like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response, abort, make_response, request

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.alerting.delivery.models import Channel
from console.core import clock
from console.core.cron import Cron
from console.core.db import db, reading_first
from console.reports import keeping, queries
from console.reports.forms import RUNS, RecipientForm, ReportForm, values_of
from console.reports.letter import Links, html_of
from console.reports.making import previewed
from console.reports.models import Report, ReportEdition, ReportRecipient
from console.reports.views.blueprint import bp
from console.reports.views.pictures import embedded
from console.web.csp import policy
from console.web.forms import mark
from console.web.htmx import go_to, page_or_part, part_or_redirect
from console.web.timerange import scoped_url

PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
)
"""A mail brings its own styles, runs nothing, and leads nowhere."""


@dataclass(frozen=True, slots=True)
class ListedReports:
    """The reports of a project, with how many get each and how its latest edition went."""

    reports: Sequence[Report]
    counts: Mapping[int, int]
    latest: Mapping[int, ReportEdition]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDetails:
    """A report with its recipients and editions."""

    report: Report
    words: str
    runs: Sequence[object]
    recipients: Sequence[ReportRecipient]
    editions: Sequence[ReportEdition]
    form: RecipientForm
    channels: Sequence[Channel] = ()


@bp.get("/", endpoint="reports")
@project_view("viewer")
def listing(project: Project) -> Response:
    reports = queries.reports(project)
    listed = ListedReports(reports, queries.counts(reports), queries.latest(reports))
    return page_or_part("reports/reports.html", "reports/_reports.html", listed=listed)


@bp.get("/new", endpoint="new_report")
@project_view("member")
def new(project: Project) -> Response:
    about = request.args.get("about", "")
    return _form(None, offered(project, ReportForm(data={"about": about})))


@bp.post("/", endpoint="make_report")
@project_view("member")
def make(project: Project) -> Response:
    form = offered(project, ReportForm(request.form))
    if not form.validate():
        return _form(None, form, status=422)
    if "look" in request.form:
        return _form(None, form, is_looking=True)
    if keeping.is_full(project):
        mark(form, "name", keeping.FULL)
        return _form(None, form, status=422)
    report = keeping.create(project, form.apply, by=me())
    db.session.commit()
    return go_to(scoped_url("reports.report", report_id=report.id))


@bp.get("/<id:report_id>", endpoint="report")
@project_view("viewer")
def report(project: Project, report_id: int) -> Response:
    details = details_of(queries.report_or_404(project, report_id))
    response = page_or_part("reports/report.html", "reports/_report.html", details=details)
    response.headers["Content-Security-Policy"] = f"{policy()}; frame-src 'self'"  # its preview
    return response


@bp.get("/<id:report_id>/edit", endpoint="edit_report")
@project_view("member")
def edit(project: Project, report_id: int) -> Response:
    own = queries.report_or_404(project, report_id)
    return _form(own, offered(project, ReportForm(data=values_of(own))))


@bp.post("/<id:report_id>", endpoint="change_report")
@project_view("member")
def change(project: Project, report_id: int) -> Response:
    own = queries.report_or_404(project, report_id)
    form = offered(project, ReportForm(request.form))
    if not form.validate():
        return _form(own, form, status=422)
    if "look" in request.form:
        return _form(own, form, is_looking=True)
    keeping.change(own, form.apply, by=me())
    db.session.commit()
    return go_to(scoped_url("reports.report", report_id=own.id))


@bp.post("/<id:report_id>/deletion", endpoint="delete_report")
@project_view("member")
def remove(project: Project, report_id: int) -> Response:
    keeping.remove(queries.report_or_404(project, report_id), by=me())
    db.session.commit()
    return go_to(scoped_url("reports.reports"))


@bp.post("/<id:report_id>/pause", endpoint="pause_report")
@project_view("member")
def pause(project: Project, report_id: int) -> Response:
    return _switched(project, report_id, enabled=False)


@bp.post("/<id:report_id>/resumption", endpoint="resume_report")
@project_view("member")
def resume(project: Project, report_id: int) -> Response:
    return _switched(project, report_id, enabled=True)


@bp.get("/preview", endpoint="preview_form")
@project_view("member")
@reading_first
def preview_form(project: Project) -> Response:
    """The mail that a form which is not saved yet would send now."""
    form = offered(project, ReportForm(request.args))
    if not form.validate():
        abort(422, "The form has a fault. Mend it, and look again.")
    return _mail(keeping.draft(project, form.apply))


@bp.get("/<id:report_id>/preview", endpoint="preview")
@project_view("viewer")
@reading_first
def preview(project: Project, report_id: int) -> Response:
    """The mail as it would be now, drawn by the code that sends it."""
    return _mail(queries.report_or_404(project, report_id))


def _mail(report: Report) -> Response:
    frozen = previewed(report)
    links = Links(reason="This is a preview.")
    answer = make_response(html_of(frozen, links, embedded(frozen)))
    answer.headers["Content-Security-Policy"] = PREVIEW_POLICY
    return answer


def offered(project: Project, form: ReportForm) -> ReportForm:
    """The form with what a report of this project can be about."""
    own = queries.dashboards(project)
    chosen = form.about.data or ""
    return form.offer(keeping.subjects(own, chosen), keeping.metrics(), keeping.variables(own))


def details_of(own: Report, form: RecipientForm | None = None) -> ReportDetails:
    schedule = Cron(own.cron, own.zone)
    return ReportDetails(
        report=own,
        words=schedule.words,
        runs=schedule.upcoming(clock.now(), RUNS) if own.enabled else (),
        recipients=queries.recipients(own),
        editions=queries.editions(own),
        form=form or RecipientForm().offer(keeping.known(), keeping.names_of(own.dashboard)),
    )


def answer(own: Report, form: RecipientForm | None = None, *, status: int = 200) -> Response:
    """The part of a report as it now is, or its page."""
    if status != 200:
        details = details_of(own, form)
        page, part = "reports/report.html", "reports/_report.html"
        return page_or_part(page, part, status=status, details=details)
    named = {"report_id": own.id}
    part = "reports/_report.html"
    return part_or_redirect(part, "reports.report", named, details=details_of(own))


def _switched(project: Project, report_id: int, *, enabled: bool) -> Response:
    own = queries.report_or_404(project, report_id)
    if enabled and not queries.recipients(own):
        abort(409, "This report has no recipients yet. Add one first.")
    keeping.switch(own, enabled=enabled, by=me())
    db.session.commit()
    return answer(own)


def _form(
    own: Report | None, form: ReportForm, *, status: int = 200, is_looking: bool = False
) -> Response:
    part = "reports/_report_form.html"
    sent = {name: values for name, values in request.form.lists() if name in form}
    preview_url = scoped_url("reports.preview_form", **sent) if is_looking else ""
    named = {"report": own, "form": form, "preview_url": preview_url}
    answer = page_or_part("reports/report_form.html", part, status=status, **named)
    answer.headers["Content-Security-Policy"] = f"{policy()}; frame-src 'self'"  # its preview
    return answer
