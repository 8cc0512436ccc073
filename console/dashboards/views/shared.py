"""A dashboard for whoever has a link to it: a page without a sign-in, a script or a way further."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from flask import Blueprint, Response, make_response, render_template, request, url_for

from console.accounts.access import link_view
from console.core.db import db
from console.dashboards import embeds, links, links_board, links_password
from console.dashboards.document import Section, Tab, Tile
from console.dashboards.drawn import Board
from console.dashboards.links_models import ShareLink, Visit
from console.web import clocks
from console.web.errors import for_outsiders
from console.web.frame import csrf, url_with
from console.web.htmx import go_to
from console.web.ids import counted
from console.web.timerange import RANGE_LABELS

bp = Blueprint("shared", __name__, url_prefix="/shared")
for_outsiders(bp)
AGAIN = "again"
"""The parameter of a page that reloads itself, so that a wall counts as one look an hour."""


@dataclass(frozen=True, slots=True)
class Looking:
    """Somebody who looks by a link: at which dashboard, in which way, with which values fixed."""

    link: ShareLink
    board: Board
    way: Visit
    is_bare: bool
    """Without heading and controls, for a frame."""

    @property
    def number(self) -> int:
        """Which tab is shown, from 1."""
        return counted("tab", most=max(1, len(self.board.document.tabs)))

    @property
    def open_ranges(self) -> Mapping[str, str]:
        """The time ranges to choose from, if the link lets its readers choose."""
        return RANGE_LABELS if self.link.is_range_open else {}

    @property
    def reload_url(self) -> str:
        """The same page later."""
        return url_with(**{AGAIN: 1})


@bp.get("/<token>")
@link_view
def shared(token: str) -> Response:
    """The dashboard, a tab of it at a time."""
    link = links.by_token(token)
    if link is None:
        return _gone()
    if not links_password.is_unlocked(link):
        return _locked(link, token)
    looking = _looking(link, _way())
    return _page(looking, _tab(looking))


@bp.get("/<token>/tiles/<tile:tile_id>")
@link_view
def shared_tile(token: str, tile_id: str) -> Response:
    """One tile of the dashboard by itself."""
    link = links.by_token(token)
    if link is None or not links_password.is_unlocked(link):
        return _gone()
    looking = _looking(link, _way())
    tile = looking.board.document.tile(tile_id)
    return _page(looking, _alone(tile)) if tile else _gone()


@bp.post("/<token>/password")
@link_view
def unlock(token: str) -> Response:
    """Let the browser in for some hours, if it is the right password."""
    link = links.by_token(token)
    if link is None or not link.password:
        return _gone()
    attempt = links_password.attempt_on(link)
    if wait := attempt.begin():
        seconds = ceil(wait.total_seconds())
        fault = f"Too many tries. Wait {seconds} seconds, then try again."
        answer = _locked(link, token, fault, status=429)
        answer.headers["Retry-After"] = str(seconds)
        return answer
    if not links_password.is_right(link, request.form.get("password", "")[:200]):
        return _locked(link, token, "This is not the password of this link.", status=422)
    attempt.succeeded()
    db.session.commit()
    page = url_for(".shared", token=token)
    answer = go_to(page)
    links_password.remember(answer, link, page)
    return answer


@bp.get("/embedded/<token>")
@link_view
def embedded(token: str) -> Response:
    """The dashboard in the page of a site that has signed what its visitor may see.

    `tile` in the address shows that tile alone.
    """
    signed = embeds.signed(token)
    if signed is None:
        return _gone()
    looking = _looking(signed.link, Visit.SIGNED, signed.values)
    tile_id = request.args.get("tile", "")
    if not tile_id:
        return _page(looking, _tab(looking))
    tile = looking.board.document.tile(tile_id)
    return _page(looking, _alone(tile)) if tile else _gone()


csrf.exempt(unlock)  # there is no session; the password is what lets somebody in


def _way() -> Visit:
    is_framed = request.headers.get("Sec-Fetch-Dest") in {"iframe", "frame", "embed", "object"}
    return Visit.EMBED if is_framed or _is_bare() else Visit.PAGE


def _is_bare() -> bool:
    return request.args.get("chrome") == "none"


def _looking(link: ShareLink, way: Visit, values: Mapping[str, str] | None = None) -> Looking:
    board = links_board.board_of(link, links.dashboard_of(link), request.args)
    if values:  # what the link locks stays locked
        board = replace(board, values={**board.values, **values, **_locked_values(link, board)})
    return Looking(link, board, way, is_bare=_is_bare() or way is Visit.SIGNED)


def _locked_values(link: ShareLink, board: Board) -> Mapping[str, str]:
    return {name: str(own) for name, own in link.locked.items() if name in board.values}


def _tab(looking: Looking) -> Tab:
    tabs = looking.board.document.tabs
    return tabs[looking.number - 1] if tabs else Tab()


def _alone(tile: Tile) -> Tab:
    """A tile as wide as the page."""
    wide = replace(tile, place=replace(tile.place, x=0, y=0, w=12))
    return Tab(sections=(Section(tiles=(wide,)),))


def _page(looking: Looking, tab: Tab) -> Response:
    is_again = AGAIN in request.args and not links.is_unseen(looking.link)
    with clocks.in_zone_of(looking.link.zone):
        sections = list(links_board.sections(looking.board, tab))
        html = render_template("dashboards/shared.html", looking=looking, sections=sections)
    answer = make_response(html)
    if looking.is_bare:
        embeds.let_embed(answer, looking.link)
    if request.method == "GET" and not is_again:
        links.viewed(looking.link.id, looking.way, request.user_agent.string)
    return answer


def _locked(link: ShareLink, token: str, fault: str = "", *, status: int = 200) -> Response:
    """The form for the password. It is shown in no frame: its cookie would not be kept there."""
    context: dict[str, Any] = {"theme_of_link": link.theme, "token": token, "fault": fault}
    return make_response(render_template("dashboards/shared_password.html", **context), status)


def _gone() -> Response:
    """The one answer to whatever opens nothing: it does not say why, nor lead anywhere."""
    return make_response(render_template("dashboards/shared_gone.html"), 404)
