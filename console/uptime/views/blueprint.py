"""The blueprint of uptime, and its entry in the rail."""

from typing import Any

from flask import Blueprint, request
from flask_login import current_user

from console.accounts.models import User
from console.uptime import queries
from console.web.nav import NavItem, nav_entry

bp = Blueprint("uptime", __name__, url_prefix="/<slug:organization>/<slug:project>/uptime")
nav_entry(
    bp,
    NavItem(
        "Uptime",
        icon="pulse",
        endpoint="uptime.checks",
        group="Alerts",
        order=32,
        key="y",
        count=queries.checks_down,
    ),
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
