"""The delivery log: what was not delivered, what was, and each message with its tries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, Response, request

from console.accounts.access import organization_view, project_view
from console.accounts.models import Organization, Project
from console.alerting import queries
from console.alerting.delivery import banner, holds, log
from console.alerting.delivery.log_filter import DeliveriesFilter
from console.alerting.delivery.models import DeliveryAttempt, DeliveryHold, OutboxMessage
from console.alerting.escalation import releasing
from console.alerting.release_forms import DISCARD, ReleaseForm
from console.alerting.views.blueprint import bp as alerts
from console.core import audit
from console.core.db import db
from console.core.paging import Page
from console.web.forms import valid
from console.web.htmx import panel, part_or_redirect, polled_part
from console.web.nav import TabItem, tab_entry
from console.web.timerange import scoped_url

PER_PAGE = 30
PAGE, PART = "alerting/deliveries.html", "alerting/_deliveries.html"
MESSAGE = "alerting/_delivery.html"

bp = Blueprint("deliveries", __name__, url_prefix="/<slug:organization>/settings/deliveries")
tab_entry(bp, TabItem("Deliveries", "deliveries.deliveries", "organization", 28))


@dataclass(frozen=True, slots=True)
class ListedDeliveries:
    """One page of the delivery log, with the names of what its messages went to."""

    form: DeliveriesFilter
    page: Page[OutboxMessage]
    channels: Mapping[int, str]
    projects: Mapping[int, str]
    sizes: Mapping[int, int]
    """How many messages the lists of incidents on the page say, by their ids."""
    undelivered: log.Undelivered
    hold: DeliveryHold | None
    """Why nothing is delivered; None while messages are."""
    old: int
    """How many messages wait that were owed before the hold."""


@dataclass(frozen=True, slots=True)
class DeliveryDetails:
    """A message with its tries."""

    message: OutboxMessage
    tries: Sequence[DeliveryAttempt]
    channels: Mapping[int, str]
    projects: Mapping[int, str]
    copies: Sequence[OutboxMessage]
    """The messages that went to its fallback instead."""


@bp.get("", endpoint="deliveries")
@organization_view("viewer")
def listing(organization: Organization) -> Response:
    return polled_part(PAGE, PART, organization=organization, listed=_listed())


@bp.get("/<id:message_id>", endpoint="delivery")
@organization_view("viewer")
def delivery(organization: Organization, message_id: int) -> Response:
    details = _details(log.message_or_404(message_id))
    return polled_part(
        "alerting/delivery.html", MESSAGE, organization=organization, details=details
    )


@bp.post("/<id:message_id>/retry")
@organization_view("member")
def retry(organization: Organization, message_id: int) -> Response:
    message = log.message_or_404(message_id)
    return _saved(organization, message, "delivery.retried", changed=log.retry(message))


@bp.post("/<id:message_id>/discard")
@organization_view("member")
def discard(organization: Organization, message_id: int) -> Response:
    message = log.message_or_404(message_id)
    return _saved(organization, message, "delivery.discarded", changed=log.discard(message))


@bp.post("/retry")
@organization_view("member")
def retry_all(organization: Organization) -> Response:
    retried = log.retry_all()
    audit.record("deliveries.retried", organization.slug, count=retried)
    db.session.commit()
    return _listing(organization)


@bp.post("/hold")
@organization_view("admin")
def hold(organization: Organization) -> Response:
    """Send nothing more, until somebody says so."""
    releasing.hold()
    return _listing(organization)


@bp.post("/release")
@organization_view("admin")
def release(organization: Organization) -> Response:
    """Deliver again; old messages are sent too, or discarded."""
    form = valid(ReleaseForm(request.form))
    releasing.release(discard_old=form.old.data == DISCARD)
    return _listing(organization)


@alerts.get("/incidents/<id:incident_id>/deliveries", endpoint="incident_deliveries")
@project_view("viewer")
def of_incident(project: Project, incident_id: int) -> Response:
    """What was sent about an incident, to whom, and what became of it."""
    incident = queries.incident_or_404(project, incident_id)
    messages = log.of_incident(incident)
    return panel(
        "alerting/_incident_deliveries.html",
        incident.title,
        (scoped_url("alerting.incident", incident_id=incident.id), "Back to the incident"),
        organization=project.organization,
        incident=incident,
        messages=messages,
        channels=log.channel_names(),
    )


def _listing(organization: Organization) -> Response:
    """The log after a change."""
    banner.refresh(organization.id)
    at = {"organization": organization.slug}
    return part_or_redirect(
        PART, "deliveries.deliveries", at, organization=organization, listed=_listed()
    )


def _listed() -> ListedDeliveries:
    channels = log.channel_names()
    form = valid(DeliveriesFilter(request.args).offer(channels))
    asked = replace(form.asked, is_short=True)
    page = log.listed(asked, request.args.get("cursor", ""), PER_PAGE)
    held = holds.present()
    return ListedDeliveries(
        form=form,
        page=page,
        channels=channels,
        projects=log.projects(page.rows),
        sizes=log.sizes_of_lists(page.rows),
        undelivered=log.undelivered(),
        hold=held,
        old=holds.old(held) if held else 0,
    )


def _details(message: OutboxMessage) -> DeliveryDetails:
    return DeliveryDetails(
        message=message,
        tries=log.attempts([message])[message.id],
        channels=log.channel_names(),
        projects=log.projects([message]),
        copies=log.copies(message),
    )


def _saved(
    organization: Organization, message: OutboxMessage, action: str, *, changed: bool
) -> Response:
    if changed:
        audit.record(action, message.key)
    db.session.commit()
    banner.refresh(organization.id)
    at = {"organization": organization.slug, "message_id": message.id}
    details = _details(log.message_or_404(message.id))
    return part_or_redirect(
        MESSAGE, "deliveries.delivery", at, organization=organization, details=details
    )
