"""The links of a dashboard, for members: made, changed, paused, revoked, and looked through."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, flash, make_response, render_template, request, url_for

from console.accounts.access import me
from console.accounts.models import Project
from console.core.db import db
from console.dashboards import embeds, links, links_board, queries
from console.dashboards.document import Document
from console.dashboards.drawn import Board
from console.dashboards.links_board import SharedSection
from console.dashboards.links_form import ShareLinkForm, SignedTokenForm
from console.dashboards.links_models import ShareLink
from console.dashboards.links_personal import Finding, findings, text_of
from console.dashboards.models import Dashboard
from console.dashboards.views.blueprint import page
from console.web import clocks
from console.web.forms import mark
from console.web.htmx import go_to, is_htmx, page_or_part

LIST, LIST_PART = "dashboards/links.html", "dashboards/_links.html"
LINK, LINK_PART = "dashboards/link.html", "dashboards/_link.html"
View = Callable[..., Response]


def served(rule: str, *, post: bool = False) -> Callable[[View], View]:
    """Serve a view to members, with the dashboard of its address."""

    def decorate(view: View) -> View:
        @wraps(view)
        def of_dashboard(project: Project | None, dashboard_id: int, **rest: Any) -> Response:
            return view(queries.dashboard_or_404(project, dashboard_id), **rest)

        page(f"/<id:dashboard_id>/links{rule}", "member", post=post)(of_dashboard)
        return view

    return decorate


@dataclass(frozen=True, slots=True)
class SharedTab:
    """A tab as outsiders see it."""

    title: str
    sections: list[SharedSection]


@served("")
def share_links(dashboard: Dashboard) -> Response:
    return page_or_part(LIST, LIST_PART, **_list(dashboard))


@served("", post=True)
def create_share_link(dashboard: Dashboard) -> Response:
    """Make a link and show its address, this once."""
    form = ShareLinkForm(request.form).about(Document.of(dashboard.document))
    if not form.validate():
        return page_or_part(LIST, LIST_PART, status=422, **_list(dashboard, form))
    if links.is_full(dashboard):
        mark(form, "name", links.FULL)
        return page_or_part(LIST, LIST_PART, status=422, **_list(dashboard, form))
    link, token = links.create(dashboard, form.terms, form.password.data or "", by=me())
    db.session.commit()
    address = url_for("shared.shared", token=token, _external=True)
    return page_or_part(LIST, LIST_PART, **_list(dashboard), made=link, address=address)


@served("/<id:link_id>")
def share_link(dashboard: Dashboard, link_id: int) -> Response:
    link = links.link_or_404(dashboard, link_id)
    return page_or_part(LINK, LINK_PART, **_of_link(dashboard, link))


@served("/<id:link_id>/settings", post=True)
def change_share_link(dashboard: Dashboard, link_id: int) -> Response:
    link = links.open_link_or_404(dashboard, link_id)
    form = ShareLinkForm(request.form).about(Document.of(dashboard.document))
    if not form.validate():
        return page_or_part(LINK, LINK_PART, status=422, **_of_link(dashboard, link, form))
    links.change(link, form.terms, password=form.new_password, by=me())
    db.session.commit()
    flash("The link was changed.", "good")
    return go_to(url_for(".share_link", dashboard_id=dashboard.id, link_id=link.id))


@served("/<id:link_id>/pause", post=True)
def pause_share_link(dashboard: Dashboard, link_id: int) -> Response:
    links.pause(links.open_link_or_404(dashboard, link_id), by=me())
    return _changed(dashboard, "The link is paused: it shows nothing until you resume it.")


@served("/<id:link_id>/resumption", post=True)
def resume_share_link(dashboard: Dashboard, link_id: int) -> Response:
    links.resume(links.open_link_or_404(dashboard, link_id), by=me())
    return _changed(dashboard, "The link works again.")


@served("/<id:link_id>/revocation", post=True)
def revoke_share_link(dashboard: Dashboard, link_id: int) -> Response:
    links.revoke(links.open_link_or_404(dashboard, link_id), by=me())
    return _changed(dashboard, "The link was revoked and no longer works.")


@served("/<id:link_id>/signing-key", post=True)
def make_signing_key(dashboard: Dashboard, link_id: int) -> Response:
    """Make a key for signed embeds and show its secret, this once; the former one ends."""
    link = links.open_link_or_404(dashboard, link_id)
    name, secret = embeds.new_key(link, by=me())
    db.session.commit()
    return page_or_part(LINK, LINK_PART, **_of_link(dashboard, link), new_key=name, secret=secret)


@served("/<id:link_id>/token-check", post=True)
def check_signed_token(dashboard: Dashboard, link_id: int) -> Response:
    """Say why a signed token opens nothing: its page answers outsiders with the same 404 always."""
    link = links.link_or_404(dashboard, link_id)
    form = SignedTokenForm(request.form)
    if form.validate() and (fault := embeds.fault(form.bare_token, link)):
        mark(form, "token", fault)
    wrong = bool(form.errors)
    of_link = _of_link(dashboard, link, token_form=form)
    return page_or_part(LINK, LINK_PART, status=422 if wrong else 200, **of_link, opens=not wrong)


@served("/<id:link_id>/preflight")
def share_link_preflight(dashboard: Dashboard, link_id: int) -> Response:
    """What an outsider sees, and what of it looks personal."""
    link = links.link_or_404(dashboard, link_id)
    board = links_board.board_of(link, dashboard, {})
    with clocks.in_zone_of(link.zone):
        tabs = [
            SharedTab(tab.title, list(links_board.sections(board, tab)))
            for tab in board.document.tabs
        ]
    names = links.names_of_members()
    personal = [*_personal(board.document, tabs, names), *_of_choices(link, board, names)]
    context = {"dashboard": dashboard, "link": link, "tabs": tabs, "personal": personal}
    return make_response(render_template("dashboards/preflight.html", **context, board=board))


def _personal(document: Document, tabs: list[SharedTab], names: Sequence[str]) -> Iterator[Finding]:
    headings = [document.title, document.description, *(tab.title for tab in document.tabs)]
    yield from findings("Headings", " \n ".join(headings), names)
    for tab in tabs:
        for section in tab.sections:
            yield from findings("Headings", section.title, names)
            for shown in section.tiles:
                title = shown.drawn.title
                yield from findings(title, f"{title} \n {text_of(shown.html)}", names)
                if shown.drawn.tile.kind == "text":
                    sample = " ".join(text_of(shown.html).split())[:80]
                    yield Finding(title, "Text that a person wrote", sample)


def _of_choices(link: ShareLink, board: Board, names: Sequence[str]) -> Iterator[Finding]:
    """What looks personal in the controls by which a reader chooses: lists may name customers."""
    for variable in board.document.variables:
        if variable.name in link.opened:
            texts = [variable.label, board.values[variable.name], *variable.values]
            place = f"Choices of {variable.label or variable.name}"
            yield from findings(place, " \n ".join(texts), names)


def _changed(dashboard: Dashboard, note: str) -> Response:
    db.session.commit()
    if is_htmx():
        return page_or_part(LIST, LIST_PART, **_list(dashboard), note=note)
    flash(note, "good")
    return go_to(url_for(".share_links", dashboard_id=dashboard.id))


def _list(dashboard: Dashboard, form: ShareLinkForm | None = None) -> dict[str, Any]:
    blank = form or ShareLinkForm.blank(Document.of(dashboard.document))
    rows = links.links(dashboard)
    states = {link.id: links.state_of(link, dashboard) for link in rows}
    return {"dashboard": dashboard, "rows": rows, "states": states, "form": blank}


def _of_link(
    dashboard: Dashboard,
    link: ShareLink,
    form: ShareLinkForm | None = None,
    token_form: SignedTokenForm | None = None,
) -> dict[str, Any]:
    return {
        "dashboard": dashboard,
        "link": link,
        "state": links.state_of(link, dashboard),
        "visits": links.visits(link),
        "key": embeds.key_of(link),
        "form": form or ShareLinkForm.of(link, Document.of(dashboard.document)),
        "token_form": token_form or SignedTokenForm(),
    }
