"""The blueprints of dashboards, of a project's and of an organization's own, which share views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, request

from console.accounts.access import organization_view, project_view
from console.accounts.models import Organization, Project
from console.web.nav import NavItem, nav_entry, stay_in_project

bp = Blueprint("dashboards", __name__, url_prefix="/<slug:organization>/<slug:project>")
stay_in_project(bp)
organization_bp = Blueprint("organization_dashboards", __name__, url_prefix="/<slug:organization>")
nav_entry(
    bp,
    NavItem(
        "Dashboards",
        icon="layers",
        endpoint="dashboards.dashboards",
        group="Overview",
        order=1,
        key="d",
        also="dashboards.home",
    ),
)
nav_entry(
    organization_bp,
    NavItem(
        "Across projects",
        icon="globe",
        endpoint="organization_dashboards.dashboards",
        group="Organization",
        level="organization",
        order=79,
        key="f",
    ),
)
View = Callable[..., Response]


@organization_bp.url_defaults
def _stay_in_organization(_endpoint: str, values: dict[str, Any]) -> None:
    """Fill in the organization of links among these pages."""
    present = request.view_args or {}
    if "organization" in present:
        values.setdefault("organization", present["organization"])


def page(
    rule: str, role: str, *, post: bool = False, around: Callable[[View], View] | None = None
) -> Callable[[View], View]:
    """Serve a view for the dashboards of a project, and for the organization's own.

    It is called with the project, or with None for the organization. `around` stands between the
    address and the check of who may enter.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def of_project(project: Project, **rest: Any) -> Response:
            return view(project, **rest)

        @wraps(view)
        def of_organization(organization: Organization, **rest: Any) -> Response:
            del organization
            return view(None, **rest)

        guarded = ((bp, project_view(role)(of_project)),
                   (organization_bp, organization_view(role)(of_organization)))  # fmt: skip
        for blueprint, entered in guarded:
            whole = around(entered) if around else entered
            blueprint.add_url_rule(
                f"/dashboards{rule}",
                view.__name__.rstrip("_"),
                whole,
                methods=["POST" if post else "GET"],
            )
        return view

    return decorate
