"""A part for pages of other features: which rules watch what the page is about."""

from __future__ import annotations

from flask import Response, request
from wtforms import Form, StringField
from wtforms.validators import Length

from console.accounts.access import project_view
from console.accounts.models import Project
from console.alerting.views.blueprint import bp
from console.alerting.watching import Subject, watching
from console.web.forms import valid
from console.web.htmx import panel
from console.web.timerange import scoped_url

SUBJECTS = {
    "name": ("endpoint", ("requests", "statements")),
    "page": ("page", ("vitals",)),
    "kind": ("kind", ("errors", "issues")),
    "issue": ("issue", ("errors", "issues")),
    "check": ("check", ("checks",)),
}
"""The dimension that a parameter names, and the groups of metrics that are about it."""
GROUPS = ("vitals",)
_SHORT = Length(max=500, message="At most 500 characters.")


class SubjectFilter(Form):
    """What a page is about: values of dimensions, or a whole group of metrics."""

    name = StringField("Endpoint", [_SHORT])
    page = StringField("Page", [_SHORT])
    kind = StringField("Kind", [_SHORT])
    issue = StringField("Issue", [_SHORT])
    check = StringField("Check", [_SHORT])
    metrics = StringField("Group of metrics", [_SHORT])

    @property
    def subjects(self) -> list[Subject]:
        """The subjects that are named. Only for a form that validates."""
        named = [
            Subject(groups, dimension, self[name].data)
            for name, (dimension, groups) in SUBJECTS.items()
            if self[name].data
        ]
        whole = self.metrics.data
        return [*named, Subject((whole,))] if whole in GROUPS else named


@bp.get("/watching", endpoint="watching")
@project_view("viewer")
def watches(project: Project) -> Response:
    form = valid(SubjectFilter(request.args))
    subjects = form.subjects
    listed = watching(project, subjects) if subjects else []
    back = scoped_url("alerting.rules"), "Rules"
    return panel("alerting/_watching.html", "Rules that watch this", back, watches=listed)
