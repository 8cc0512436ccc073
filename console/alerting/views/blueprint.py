"""The blueprint of alerts, and their entries in the rail."""

from typing import Any

from flask import Blueprint

from console.accounts.access import me
from console.alerting import queries
from console.alerting.chronicle import Actor
from console.web.nav import NavItem, nav_entry, stay_in_project
from console.web.timeline import provide_markers

bp = Blueprint("alerting", __name__, url_prefix="/<slug:organization>/<slug:project>/alerts")
stay_in_project(bp)


@bp.record_once
def _mark_incidents(state: Any) -> None:
    """Mark the incidents of a project in every chart."""
    provide_markers(state.app, queries.markers)


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


def actor() -> Actor:
    """Who does something to an incident on a page."""
    return Actor(user=me())
