"""Editions: sent now, to everybody or to oneself, and each as it was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response, abort, make_response

from console.accounts.access import me, project_view
from console.accounts.models import Project
from console.alerting.delivery.models import OutboxMessage
from console.core.db import db
from console.reports import editions as domain
from console.reports import queries
from console.reports.content import Frozen, label
from console.reports.models import Report, ReportContent, ReportEdition
from console.reports.views.blueprint import bp
from console.reports.views.reports import answer
from console.web.htmx import page_or_part

TYPES = {"png": "image/png", "pdf": "application/pdf", "csv": "text/csv; charset=utf-8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionDetails:
    """An edition, what it said to members, and what became of its messages."""

    report: Report
    edition: ReportEdition
    content: ReportContent | None = None
    frozen: Frozen | None = None
    label: str = ""
    files: Sequence[str] = ()
    deliveries: Sequence[OutboxMessage] = ()
    channels: Mapping[int, str]


@bp.post("/<id:report_id>/editions", endpoint="send_now")
@project_view("member")
def send_now(project: Project, report_id: int) -> Response:
    """Send it to everybody who gets it, whatever its conditions say."""
    report = queries.report_or_404(project, report_id)
    if not queries.readers(report):
        abort(409, "This report has no recipients yet. Add one first.")
    if why := domain.obstacle(report):
        abort(429, why)
    domain.send_now(report)
    db.session.commit()
    return answer(report)


@bp.post("/<id:report_id>/editions/mine", endpoint="send_to_me")
@project_view("member")
def send_to_me(project: Project, report_id: int) -> Response:
    """Send it to whoever asks alone; they need not be among its recipients."""
    report = queries.report_or_404(project, report_id)
    if why := domain.obstacle(report, me()):
        abort(429, why)
    domain.send_now(report, only=me())
    db.session.commit()
    return answer(report)


@bp.get("/<id:report_id>/editions/<id:edition_id>", endpoint="edition")
@project_view("viewer")
def edition(project: Project, report_id: int, edition_id: int) -> Response:
    report = queries.report_or_404(project, report_id)
    own = queries.edition_or_404(report, edition_id)
    content = next(iter(queries.contents(own)), None)
    frozen = Frozen.of(content.document) if content else None
    details = EditionDetails(
        report=report,
        edition=own,
        content=content,
        frozen=frozen,
        label=label(frozen) if frozen else "",
        files=queries.file_names(content.id) if content else (),
        deliveries=queries.deliveries(own),
        channels=queries.channel_names(),
    )
    return page_or_part("reports/edition.html", "reports/_edition.html", details=details)


@bp.get("/<id:report_id>/editions/<id:edition_id>/<filename>", endpoint="file")
@project_view("viewer")
def file(project: Project, report_id: int, edition_id: int, filename: str) -> Response:
    report = queries.report_or_404(project, report_id)
    own = queries.edition_or_404(report, edition_id)
    content = next(iter(queries.contents(own)), None) or abort(404)
    return served(content.id, filename)


def served(content_id: int, filename: str) -> Response:
    """A file of a content: pictures are shown, the rest is saved."""
    body = queries.file_or_404(content_id, filename)
    response = make_response(body)
    kind = filename.rpartition(".")[2]
    response.headers["Content-Type"] = TYPES.get(kind, "application/octet-stream")
    if kind != "png":
        response.headers["Content-Disposition"] = f'attachment; filename="report.{kind}"'
    return response
