"""The limits of an organization on one page, and a banner on all pages while one holds."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Flask, Response, url_for

from console.accounts.access import organization_view
from console.accounts.models import Organization
from console.core.config import Config
from console.core.disk import Disk
from console.ingest.guardrails import DISK, guardrails, key_rates, sentences
from console.web.htmx import polled_part
from console.web.nav import NavItem, TabItem, nav_entry, tab_entry
from console.web.notices import Notice, add_source

bp = Blueprint("guardrails", __name__)
nav_entry(
    bp,
    NavItem(
        "Guardrails",
        icon="shield",
        endpoint="guardrails.guardrails",
        group="Organization",
        level="organization",
        order=83,
    ),
)
tab_entry(bp, TabItem("Guardrails", "guardrails.guardrails", "organization", 30))


def init_app(app: Flask, settings: Config) -> None:
    """Show what holds on every page of an organization."""
    app.extensions[DISK] = Disk(settings.instance)
    add_source(app, _notices)


@bp.get("/<slug:organization>/settings/guardrails", endpoint="guardrails")
@organization_view("viewer")
def show(organization: Organization) -> Response:
    """Each limit with what is there now, what happens beyond it, and whether it holds."""
    return polled_part(
        "ingest/guardrails.html",
        "ingest/_guardrails.html",
        organization=organization,
        guardrails=guardrails(organization.id),
        rates=key_rates(),
    )


def _notices(organization: Any) -> Iterator[Notice]:
    url = url_for("guardrails.guardrails", organization=organization.slug)
    for text, tone in sentences(organization.id):
        yield Notice(text, tone, url)
