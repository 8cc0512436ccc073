"""Addresses of the API for a project's dashboards and for the organization's own: one view each."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response

from console.accounts.access import api_view
from console.accounts.models import Project
from console.web import api

HERE = "/api/v1/<slug:organization>/<slug:project>"
View = Callable[..., Response]


class Addresses:
    """The addresses of one module: below `…/dashboards` and below `…/organization-dashboards`.

    A view is called with the token's project, or with None for the organization's dashboards, which
    show the figures of all projects and so need a permission of their own.
    """

    def __init__(self, name: str, rule: str = "") -> None:
        """Give both the address `rule` below their list."""
        self.of_projects = Blueprint(name, name, url_prefix=f"{HERE}/dashboards{rule}")
        self.of_organization = Blueprint(
            f"organization_{name}", name, url_prefix=f"{HERE}/organization-dashboards{rule}"
        )

    @property
    def blueprints(self) -> tuple[Blueprint, Blueprint]:
        """Both, for the app."""
        return self.of_projects, self.of_organization

    def at(
        self, rule: str, method: str = "GET", *, writes: bool | None = None
    ) -> Callable[[View], View]:
        """Serve a view for both kinds; `writes` is by the method unless it is given."""
        is_writing = method != "GET" if writes is None else writes
        verb = "write" if is_writing else "read"

        def decorate(view: View) -> View:
            @wraps(view)
            def of_organization(project: Project, **rest: Any) -> Response:
                del project  # its token speaks for the organization by the permission
                return view(None, **rest)

            across = api_view(f"organization-dashboards:{verb}")(of_organization)
            here = api_view(f"dashboards:{verb}")(view)
            for blueprint, guarded in (self.of_projects, here), (self.of_organization, across):
                blueprint.add_url_rule(rule, view.__name__, guarded, methods=[method])
            return view

        return decorate


def page_of(project: Project | None, dashboard_id: int) -> str:
    """The address of a dashboard's page."""
    if project is None:
        return api.url_of_organization(
            "organization_dashboards.dashboard", dashboard_id=dashboard_id
        )
    return api.url("dashboards.dashboard", dashboard_id=dashboard_id)
