"""One URL, two answers: the page for a browser, the part for htmx."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from flask import Response, make_response, redirect, render_template, request, url_for
from werkzeug.urls import iri_to_uri

# A fresh token, or the time of a tile, in an otherwise equal part is not a change.
_PASSING = re.compile(
    r'(name="csrf_token"[^>]{0,200}value=")[^"]*|(<time data-tile-at)[^<]{0,200}(?=</time>)'
)
_AS_OF = re.compile(r'<time data-tile-at datetime="([^"<]{1,60})">')
VERSION_HEADER, AS_OF_HEADER = "Pharos-Part", "Pharos-As-Of"


def is_htmx() -> bool:
    """Whether the answer is swapped into a page, so that only the part is wanted.

    Boosted links, history restores and swaps of the whole body come from htmx too, but want the
    page (htmx 4 sends `HX-Request-Type: full` for the last).
    """
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and "HX-History-Restore-Request" not in headers
        and "HX-Boosted" not in headers
        and headers.get("HX-Request-Type") != "full"
    )


def page_or_part(page: str, part: str, *, status: int = 200, **context: Any) -> Response:
    """The page, or the part of it that htmx asked for. Answer 422 for a form with errors."""
    return _vary(make_response(render_template(part if is_htmx() else page, **context), status))


def panel(
    part: str, heading: str, back: tuple[str, str], *, mono: bool = False, **context: Any
) -> Response:
    """A part that `ui.panel` loads into a page; by itself under `heading` for everyone else.

    `back` is the address of its page, and the text of the link to it. A poll whose part is what the
    browser already shows gets 204.
    """
    named = {"panel": part, "heading": heading, "back": back, "mono": mono}
    return polled_part("layout/panel.html", part, **named, **context)


def polled_part(page: str, part: str, **context: Any) -> Response:
    """Like `page_or_part`; a poll whose part is what the browser already shows gets 204.

    A 204 says as of when that is so, if the part has the time of a tile.
    """
    response = page_or_part(page, part, **context)
    if not is_htmx():
        return response
    html = response.get_data(as_text=True)
    version, at = _version(html), _AS_OF.search(html)
    if request.headers.get(VERSION_HEADER) == version:
        response = _vary(Response(status=204))
        if at:
            response.headers[AS_OF_HEADER] = at[1]
    response.headers[VERSION_HEADER] = version
    return response


def part_or_redirect(
    part: str, endpoint: str, values: dict[str, Any] | None = None, **context: Any
) -> Response:
    """After a change: the part as it now is for htmx, 303 to `endpoint` for everyone else."""
    if is_htmx():
        return _vary(make_response(render_template(part, **context)))
    return _vary(make_response(redirect(url_for(endpoint, **(values or {})), 303)))


def go_to(url: str) -> Response:
    """Leave for another page after a change, whoever asked: a redirect that htmx follows too."""
    if is_htmx():
        return _vary(Response(status=204, headers={"HX-Redirect": iri_to_uri(url)}))
    return _vary(make_response(redirect(url, 303)))


def _vary(response: Response) -> Response:
    response.vary.add("HX-Request")
    return response


def _version(html: str) -> str:
    return hashlib.blake2b(_PASSING.sub(r"\1\2", html).encode(), digest_size=12).hexdigest()
