"""The blueprint of a project's dashboards, and their entry in the rail."""

from flask import Blueprint

from console.web.nav import NavItem, nav_entry, stay_in_project

bp = Blueprint("dashboards", __name__, url_prefix="/<slug:organization>/<slug:project>")
stay_in_project(bp)
nav_entry(
    bp,
    NavItem(
        "Dashboards",
        icon="layers",
        endpoint="dashboards.dashboards",
        group="Overview",
        order=1,
        key="d",
    ),
)
