"""A message of an edition is composed when it is sent, from what was frozen."""

from __future__ import annotations

from datetime import datetime

from flask import url_for

from console.accounts.models import Organization, Project
from console.alerting.delivery.models import OutboxMessage
from console.alerting.delivery.threads import key_of
from console.channels.letter import page
from console.channels.message import Button, Enclosed, Fact, Message, Picture, Verb, Written
from console.core.db import db
from console.reports import queries
from console.reports.content import Frozen
from console.reports.letter import CSV, PDF, Links, written
from console.reports.making import CSV_FILE, PDF_FILE
from console.reports.models import (
    LinkPurpose,
    Report,
    ReportContent,
    ReportEdition,
    ReportRecipient,
)
from console.reports.recipients import url_of
from console.web.still import HEIGHT, WIDTH

MOST_KEYS = 10
"""Numbers of a message in a chat."""
TYPES = {PDF_FILE: PDF, CSV_FILE: CSV}


def compose(row: OutboxMessage, now: datetime) -> Message:
    """What an edition, or the question whether somebody wants them, says to one recipient."""
    recipient = db.session.get(ReportRecipient, row.payload.get("recipient", 0))
    report = db.session.get_one(Report, row.payload["report"])
    organization = db.session.get_one(Organization, row.organization_id)
    key = key_of(row, organization)
    if "content" not in row.payload and recipient is not None:
        return _question(key, now, report, recipient, organization)
    content = db.session.get_one(ReportContent, row.payload["content"])
    frozen, files = Frozen.of(content.document), queries.files(content.id)
    links = _links(report, recipient, content, organization)
    charts = [(files[name], block) for name, block in frozen.charts if name in files]
    picture = (
        Picture(charts[0][0], charts[0][1].words or charts[0][1].title, WIDTH, HEIGHT)
        if charts
        else None
    )
    attachments = [
        Enclosed(name, TYPES[name], body) for name, body in files.items() if name in TYPES
    ]
    return Message(
        key=key,
        thread=key,
        verb=Verb.REPORT,
        at=frozen.until,
        title=frozen.title,
        headline=f"{frozen.title}: {frozen.sentence}",
        state="open",
        organization=organization.name,
        project=db.session.get_one(Project, report.project_id).name,
        facts=_facts(frozen),
        picture=picture,
        evidence=Button("Open the report", links.open_url) if links.open_url else None,
        incident_url=links.open_url,
        unsubscribe_url=links.leave_url,
        zone=frozen.zone,
        written=written(frozen, links, files, attachments, key=key),
    )


def _facts(frozen: Frozen) -> list[Fact]:
    """The numbers as a chat shows them; the rows of its first table where there are none."""
    facts = [
        Fact(own.name, " ".join(filter(None, (own.text, own.unit, own.change))), own.url)
        for own in frozen.keys
    ]
    rows = next((block.rows for block in frozen.blocks if block.rows), ())
    facts = facts or [
        Fact(row[0].text, ", ".join(cell.text for cell in row[1:] if cell.text), row[0].url)
        for row in rows
    ]
    return facts[:MOST_KEYS]


def _links(
    report: Report,
    recipient: ReportRecipient | None,
    content: ReportContent,
    organization: Organization,
) -> Links:
    """Where a mail leads; whoever sent it to themselves alone is no recipient."""
    leaves = recipient is not None and recipient.channel_id is None
    leave = url_of(recipient, LinkPurpose.LEAVE) if recipient and leaves else ""
    if recipient is not None and recipient.address:
        reason = f"You get it because you agreed to reports of {organization.name}."
        return Links(
            reason=reason,
            open_url=url_of(recipient, LinkPurpose.OPEN, content.id),
            leave_url=leave,
        )
    edition = db.session.get_one(ReportEdition, content.edition_id)
    project = db.session.get_one(Project, report.project_id)
    open_url = url_for(
        "reports.edition",
        organization=organization.slug,
        project=project.slug,
        report_id=report.id,
        edition_id=edition.id,
        _external=True,
    )
    why = "as a recipient" if recipient else "because you asked for this edition"
    reason = f"You get it {why} of the report “{report.name}”."
    return Links(reason=reason, open_url=open_url, leave_url=leave)


def _question(
    key: str, now: datetime, report: Report, recipient: ReportRecipient, organization: Organization
) -> Message:
    url = url_of(recipient, LinkPurpose.CONFIRM)
    title = f"Do you want the report “{report.name}”?"
    text = (
        f"{organization.name} wants to send you the report “{report.name}” by e-mail.\n"
        f"You get it only if you agree: {url}\n\n"
        "If you do not know what this is, do nothing: you get no further mail.\n"
    )
    html = page("report_confirm.html", title=report.name, place=organization.name, url=url)
    return Message(
        key=key,
        thread=key,
        verb=Verb.REPORT,
        at=now,
        title=title,
        headline=title,
        organization=organization.name,
        written=Written(subject=title, text=text, html=html),
    )
