"""Saved views of the inbox: filters, order and range under a name, of a person or a project."""

from urllib.parse import urlencode

from flask import Response, abort, request, url_for

from console.accounts.access import current_shell, me, project_view
from console.accounts.models import Project, Role
from console.core.db import db
from console.errors import saved_views
from console.errors.forms import InboxFilter, SavedViewForm
from console.errors.views.blueprint import bp, with_filters
from console.web.forms import mark
from console.web.htmx import go_to, is_htmx, page_or_part
from console.web.timerange import PARAMETERS


@bp.post("/views")
@project_view("viewer")
def save_view(project: Project) -> Response:
    """Save the filters of the address under a name; a name that is taken gets the new ones."""
    form, here = SavedViewForm(request.form), with_filters("errors.inbox")
    _may_change(shared=form.shared.data)
    if form.validate():
        try:
            name, shared = form.name.data or "", form.shared.data
            saved_views.save(project, me(), name, _filters(), shared=shared)
        except saved_views.TooMany as refusal:
            mark(form, "name", str(refusal))
    if form.errors:
        return page_or_part(
            "layout/panel.html",
            "errors/_views.html",
            status=422,
            panel="errors/_views.html",
            heading="Saved views",
            mono=False,
            back=(here, "Back to the issues"),
            form=form,
            views=saved_views.of(project, me()),
        )
    db.session.commit()
    return _shown(project) if is_htmx() else go_to(here)


@bp.post("/views/<id:view_id>/deletion")
@project_view("viewer")
def delete_view(project: Project, view_id: int) -> Response:
    """Forget a view of one's own, or of the project."""
    view = saved_views.view_or_404(project, me(), view_id)
    _may_change(shared=view.is_shared)
    db.session.delete(view)
    db.session.commit()
    return _shown(project) if is_htmx() else go_to(with_filters("errors.inbox"))


@bp.app_template_global()
def view_url(query: str) -> str:
    """The inbox as a saved view shows it."""
    return f"{url_for('errors.inbox')}?{query}" if query else url_for("errors.inbox")


def _shown(project: Project) -> Response:
    views = saved_views.of(project, me())
    return page_or_part(
        "errors/_views.html", "errors/_views.html", form=SavedViewForm(), views=views
    )


def _may_change(*, shared: bool) -> None:
    """403 for a viewer who would change what everybody sees."""
    role = current_shell().role
    if shared and (role is None or not role.may(Role.MEMBER)):
        abort(403, f"This needs the role {Role.MEMBER}; yours is {role}.")


def _filters() -> str:
    """The part of the address that says what the list shows, without its page."""
    kept = {*(field.name for field in InboxFilter()), *PARAMETERS}
    pairs = [(name, value) for name, value in request.args.items() if name in kept and value]
    return urlencode(pairs)
