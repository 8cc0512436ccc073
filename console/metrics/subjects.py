"""What people call the values of dimensions, and where the pages about them are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import current_app

from console.errors.queries import chosen
from console.telemetry.events_by_issue import ISSUE
from console.telemetry.scope import Owned
from console.uptime.queries import checks as listed_checks

CHECK = "check"
OWN_PAGES = {
    "endpoint": ("performance.endpoint", "name"),
    "page": ("performance.vitals_page", "page"),
}
"""By dimension: the page about one of its values, and the parameter that takes the value."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """Some values of a dimension: their names, where they have others, and their pages."""

    names: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, tuple[str, Mapping[str, Any]]] = field(default_factory=dict)
    """The endpoint and the parameters of the page about a value."""

    def name(self, value: str) -> str:
        """What people call it; one that is gone is called as it is stored."""
        return self.names.get(value, value)


def named(project: Owned, dimension: str, values: Collection[str]) -> Subjects:
    """The names and pages of a dimension's values; for issues and checks by one statement."""
    if dimension == ISSUE:
        ids = [int(value) for value in values if value.isdecimal()]
        issues = {str(issue.id): issue for issue in chosen(project, ids)}
        pages = {id_: ("errors.issue", {"issue_id": int(id_)}) for id_ in issues}
        return Subjects({id_: issue.title for id_, issue in issues.items()}, pages)
    if dimension == CHECK:
        checks = {check.slug: check for check in listed_checks(project) if check.slug in values}
        pages = {slug: ("uptime.check", {"check_id": own.id}) for slug, own in checks.items()}
        return Subjects({slug: check.name for slug, check in checks.items()}, pages)
    endpoint, parameter = OWN_PAGES.get(dimension, ("", ""))
    if endpoint not in current_app.view_functions:
        return Subjects()
    return Subjects(pages={value: (endpoint, {parameter: value}) for value in values if value})
