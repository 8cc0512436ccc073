"""The blueprint of uptime, and its entry in the rail."""

from flask import Blueprint

from console.uptime import queries
from console.web.nav import NavItem, nav_entry, stay_in_project

bp = Blueprint("uptime", __name__, url_prefix="/<slug:organization>/<slug:project>/uptime")
stay_in_project(bp)
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
