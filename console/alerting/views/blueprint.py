"""The blueprint of alerts, and their entries in the rail."""

from typing import Any

from flask import Blueprint, request
from flask_login import current_user

from console.accounts.models import User
from console.alerting import queries
from console.alerting.incidents import Actor
from console.web.nav import NavItem, nav_entry

bp = Blueprint("alerting", __name__, url_prefix="/<slug:organization>/<slug:project>/alerts")
nav_entry(
    bp,
    NavItem(
        "Incidents",
        icon="bell",
        endpoint="alerting.incidents",
        group="Alerts",
        order=30,
        key="b",
        count=queries.open_incidents,
    ),
)
nav_entry(
    bp,
    NavItem("Rules", icon="filter", endpoint="alerting.rules", group="Alerts", order=31, key="u"),
)


@bp.url_defaults
def _stay_in_the_project(_endpoint: str, values: dict[str, Any]) -> None:
    """Fill in the organization and project of links among these pages."""
    present = request.view_args or {}
    for name in ("organization", "project"):
        if name in present:
            values.setdefault(name, present[name])


def me() -> User:
    """Who is signed in."""
    user: User = current_user._get_current_object()  # noqa: SLF001 - the model, not its proxy
    return user


def actor() -> Actor:
    """Who does something to an incident on a page."""
    return Actor(user=me())
