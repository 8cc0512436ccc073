"""The blueprint of the error pages, its links in the rail and its part of the top bar."""

from typing import Any

from flask import Blueprint, request, url_for
from werkzeug.routing import BaseConverter

from console.errors import open_issues
from console.errors.views import last_view
from console.web.nav import NavItem, nav_entry, stay_in_project


class EventIdConverter(BaseConverter):
    """An event id in an address: 32 hexadecimal digits in lower case."""

    regex = "[0-9a-f]{32}"


bp = Blueprint("errors", __name__, url_prefix="/<slug:organization>/<slug:project>/issues")
stay_in_project(bp)
nav_entry(
    bp,
    NavItem(
        "Issues",
        icon="bug",
        endpoint="errors.inbox",
        group="Errors",
        order=10,
        count=open_issues.regressions,
        query=last_view.of_rail,
    ),
)
bp.record_once(lambda state: state.app.url_map.converters.update(event=EventIdConverter))


def project_of_page() -> dict[str, str]:
    """The slugs of organization and project that the present address names."""
    present = request.view_args or {}
    return {name: present[name] for name in ("organization", "project") if name in present}


@bp.app_template_global("listing_url")
def with_filters(endpoint: str, **values: Any) -> str:
    """The URL of a page or act on the list that keeps the list's filters, order and page."""
    query = request.query_string.decode("ascii", "replace")
    url = url_for(endpoint, **values)
    return f"{url}?{query}" if query else url
