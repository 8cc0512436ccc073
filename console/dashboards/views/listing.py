"""The list of dashboards, favourites, and dashboards made, copied and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, flash, request, url_for

from console.accounts.access import me
from console.accounts.models import Project
from console.core.db import db
from console.dashboards import making, queries
from console.dashboards.document import Document, Section, Tab
from console.dashboards.forms import ListFilter, NewForm, RemovalForm
from console.dashboards.models import Dashboard
from console.dashboards.views.blueprint import page
from console.web.forms import mark, valid
from console.web.htmx import go_to, page_or_part, part_or_redirect

LIST, LIST_PART = "dashboards/dashboards.html", "dashboards/_dashboards.html"
NEW, NEW_PART = "dashboards/new.html", "dashboards/_new.html"
REMOVAL, REMOVAL_PART = "dashboards/removal.html", "dashboards/_removal.html"
TEMPLATE = "template."


@dataclass(frozen=True, slots=True)
class Listing:
    """The dashboards that match the filter: a person's favourites first, then by title."""

    form: ListFilter
    dashboards: Sequence[Dashboard]
    favourites: set[int]
    count: int
    """How many there are without the filter."""


@page("", "viewer")
def dashboards(project: Project | None) -> Response:
    return page_or_part(LIST, LIST_PART, listing=_listing(project, valid(ListFilter(request.args))))


@page("/new", "member")
def new(project: Project | None) -> Response:
    return page_or_part(NEW, NEW_PART, form=_new_form(project, None))


@page("/", "member", post=True)
def create(project: Project | None) -> Response:
    form = _new_form(project, request.form)
    is_valid = form.validate()
    if is_valid and queries.count(project) >= making.MOST:
        mark(form, "title", making.FULL)
        is_valid = False
    if not is_valid:
        return page_or_part(NEW, NEW_PART, status=422, form=form)
    begun = _begun(project, form.start.data)
    made = making.create(project, replace(begun, title=form.title.data or ""), by=me())
    db.session.commit()
    return go_to(url_for(".edit", dashboard_id=made.id))


@page("/<id:dashboard_id>/favourite", "viewer", post=True)
def favourite(project: Project | None, dashboard_id: int) -> Response:
    """Put a dashboard at the top of a person's list."""
    own = queries.dashboard_or_404(project, dashboard_id)
    making.like(own, me())
    return _liked(project, own)


@page("/<id:dashboard_id>/favourite-removal", "viewer", post=True)
def favourite_removal(project: Project | None, dashboard_id: int) -> Response:
    """Take a dashboard back from the top of a person's list."""
    own = queries.dashboard_or_404(project, dashboard_id)
    making.like_no_more(own, me())
    return _liked(project, own)


@page("/<id:dashboard_id>/copy", "member", post=True)
def copy(project: Project | None, dashboard_id: int) -> Response:
    own = queries.dashboard_or_404(project, dashboard_id)
    if queries.count(project) >= making.MOST:
        flash(making.FULL, "bad")
        return go_to(url_for(".dashboard", dashboard_id=own.id))
    made = making.duplicate(own, by=me())
    db.session.commit()
    flash(f"{made.title} was made.", "good")
    return go_to(url_for(".edit", dashboard_id=made.id))


@page("/<id:dashboard_id>/deletion", "member")
def removal(project: Project | None, dashboard_id: int) -> Response:
    return _removal(queries.dashboard_or_404(project, dashboard_id), RemovalForm())


@page("/<id:dashboard_id>/deletion", "member", post=True)
def remove(project: Project | None, dashboard_id: int) -> Response:
    own = queries.dashboard_or_404(project, dashboard_id)
    form = RemovalForm(request.form)
    form.wanted = own.title
    if not form.validate():
        return _removal(own, form, status=422)
    title = own.title
    making.remove(own, by=me())
    db.session.commit()
    flash(f"The dashboard {title} was deleted.", "good")
    return go_to(url_for(".dashboards"))


def _listing(project: Project | None, form: ListFilter) -> Listing:
    everything = queries.dashboards(project)
    form.tag.offer((tag, tag) for tag in sorted({tag for own in everything for tag in own.tags}))
    liked = queries.favourites(me().id)
    words = (form.q.data or "").casefold().split()
    matches = [
        own
        for own in everything
        if all(word in " ".join([own.title, *own.tags]).casefold() for word in words)
        and (not form.tag.data or form.tag.data in own.tags)
    ]
    in_order = sorted(matches, key=lambda own: (own.id not in liked, own.title.casefold(), own.id))
    return Listing(form, in_order, liked, len(everything))


def _new_form(project: Project | None, sent: Any) -> NewForm:
    form = NewForm(sent)
    own = queries.dashboards(project)
    form.start.offer(
        [
            *((TEMPLATE + name, begun.title) for name, begun in making.templates().items()),
            *((str(dashboard.id), f"A copy of {dashboard.title}") for dashboard in own),
        ]
    )
    return form


def _begun(project: Project | None, start: str) -> Document:
    """What a new dashboard begins with."""
    if start.startswith(TEMPLATE):
        return making.templates()[start.removeprefix(TEMPLATE)]
    if start:
        return Document.of(queries.dashboard_or_404(project, int(start)).document)
    return Document(title="", tabs=(Tab(sections=(Section(),)),))


def _liked(project: Project | None, own: Dashboard) -> Response:
    db.session.commit()
    if request.args.get("from") == "page":
        return go_to(url_for(".dashboard", dashboard_id=own.id))
    listing = _listing(project, ListFilter(None))
    return part_or_redirect(LIST_PART, ".dashboards", listing=listing)


def _removal(own: Dashboard, form: RemovalForm, *, status: int = 200) -> Response:
    return page_or_part(REMOVAL, REMOVAL_PART, status=status, dashboard=own, form=form)
