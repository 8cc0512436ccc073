"""The blueprint of a project's reports, and their entry in the rail."""

from flask import Blueprint

from console.web.nav import NavItem, nav_entry, stay_in_project

bp = Blueprint("reports", __name__, url_prefix="/<slug:organization>/<slug:project>/reports")
stay_in_project(bp)
nav_entry(
    bp,
    NavItem("Reports", icon="mail", endpoint="reports.reports", group="Overview", order=6, key="r"),
)
