"""Error answers in the form that the request wants: a page, a part, or problem+json."""

import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from secrets import token_hex
from typing import Any

import orjson
from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
)
from flask.globals import request_ctx
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from console.core import outages, patience
from console.core.cursors import BadCursor
from console.core.database_errors import concerns_all, lacks_its_parent
from console.core.urls import split_url
from console.web.forms import Invalid
from console.web.htmx import is_htmx
from console.web.nav import heading_of
from console.web.timerange import current_range

SENTENCES = {
    400: "The address or the form says something that does not make sense here.",
    401: "Log in to see this.",
    403: "Your role does not allow this. An admin of the organization can change it.",
    404: "There is nothing here, or it belongs to an organization that you are not a member of.",
    405: "This address does not take that kind of request.",
    408: "What was sent came too slowly or not at all. Send it again.",
    413: "What was sent is larger than allowed.",
    422: "Some of the fields need another look.",
    429: "Too many requests. Wait a moment, then try again.",
    500: "Something broke on our side. It was reported, with the request id below.",
    503: patience.NO_ANSWER,
}
DELETED_MEANWHILE = "What this belongs to was deleted meanwhile, so that it was not saved."
RETRY_AFTER = "10"
PASSING = {408, 429, 500, 502, 503, 504}
"""A part that was answered with one of these may load at the next attempt."""
EXTENSION, OUTSIDE = "pharos.shell", "pharos.outside"

log = logging.getLogger(__name__)


def init_app(app: Flask) -> None:
    """Answer every HTTP error in our own words, and give each request an id to ask for."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Invalid, _invalid)
    app.register_error_handler(BadCursor, lambda error: _answer(400, str(error)))
    app.register_error_handler(OperationalError, unavailable)
    app.register_error_handler(PoolTimeoutError, unavailable)
    app.register_error_handler(SQLAlchemyError, _database_error)
    app.after_request(_add_request_id)
    app.after_request(_without_host)


def provide_shell(app: Flask, ask: Callable[[], Any]) -> None:
    """Let `ask` say whose console an error page stands in, where no view got to say it."""
    app.extensions[EXTENSION] = ask


def for_outsiders(blueprint: Blueprint) -> None:
    """Let the error pages below a blueprint's addresses say what is wrong, and lead nowhere."""
    below = f"{blueprint.url_prefix}/"
    blueprint.record_once(lambda state: state.app.extensions.setdefault(OUTSIDE, []).append(below))


def request_id() -> str:
    """The id of this request, in the error page, the answer's header and the log."""
    if "request_id" not in g:
        g.request_id = token_hex(8)
    name: str = g.request_id
    return name


def problem(status: int, title: str, detail: str = "", **extensions: Any) -> Response:
    """An RFC 9457 answer for the API; `extensions` are further members of the object."""
    body = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    body |= {**extensions, "request_id": request_id()}
    return _add_request_id(
        Response(orjson.dumps(body), status, mimetype="application/problem+json")
    )


def unavailable(error: Exception) -> Response:
    """The answer when a store does not work for now, with a sentence about it and a log line.

    There is no traceback: an outage meets every page, and the place does not show its cause.
    """
    sentence = patience.sentence(error)
    if not outages.present.takes(error):
        cause = getattr(error, "orig", None) or error
        kind, first_line = type(cause).__name__, next(iter(str(cause).splitlines()), "")
        name = request.endpoint
        current_app.logger.warning("503 for %s %s: %s: %s", request.method, name, kind, first_line)
    answer = _answer(503, sentence)
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


def busy(sentence: str) -> Response:
    """The answer when there is too much to do at this moment."""
    answer = _answer(503, sentence)
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


def damaged(error: Exception) -> Response:
    """The answer when a file is damaged: `sentence` says so, and offers no retry."""
    current_app.logger.error("503, as a file is damaged: %s", error)
    return _answer(503, getattr(error, "sentence", SENTENCES[503]), passes=False)


def _database_error(error: SQLAlchemyError) -> Response:
    """503 where the database itself fails, whatever class that gives the error; a bug stays one.

    409 where what the form is about was deleted while it was being saved.
    """
    if lacks_its_parent(error):
        current_app.logger.warning("409 for %s %s: %s", request.method, request.endpoint, error)
        return _answer(409, DELETED_MEANWHILE)
    if concerns_all(error) or outages.follows_from_one(error):
        return unavailable(error)
    raise error


def _http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < 400:  # a redirect that was raised
        return make_response(error.get_response())
    if page := _page_without_slash():
        return make_response(redirect(page, 308))
    answer = _answer(error.code, _sentence(error))
    if error.response is None:
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                answer.headers[name] = value
    return answer


def _page_without_slash() -> str:
    """The address of the page that is meant by one that only ends with a slash too many, or ""."""
    has_no_page = isinstance(request.routing_exception, NotFound | MethodNotAllowed)
    adapter, path = request_ctx.url_adapter, request.path.rstrip("/")
    if not (has_no_page and adapter and path and path != request.path and request.method == "GET"):
        return ""
    try:
        adapter.match(path)
    except HTTPException:
        return ""
    query = request.query_string.decode("ascii", "replace")
    return f"{request.root_path}{path}" + (f"?{query}" if query else "")


def _invalid(error: Invalid) -> Response:
    """The page of an invalid GET form: 422, with its filters and the errors beside them."""
    with suppress(Invalid):  # the top bar is marked too, if it is wrong as well
        current_range()
    shell = _shell(422)
    if shell is None or is_htmx():
        return _answer(422, _sentence(error))
    heading = heading_of(shell) or getattr(error.form, "label", "") or "Filters"
    page = render_template("web/invalid.html", form=error.form, heading=heading, shell=shell)
    answer = _add_request_id(make_response(page, 422))
    answer.vary.add("HX-Request")
    return answer


def _can_link() -> bool:
    """Whether the request names a host that addresses can be built for."""
    return request_ctx.url_adapter is not None


def _answer(status: int, sentence: str, *, passes: bool = True) -> Response:
    title = HTTPStatus(status).phrase
    if request.path.startswith("/api/"):
        return problem(status, title, sentence)
    # Without the context processors: they may need the very thing that failed.
    is_outside = request.path.startswith(tuple(current_app.extensions.get(OUTSIDE, ())))
    whole = "web/error_outside.html" if is_outside else "web/error.html"
    template = current_app.jinja_env.get_template("web/_error.html" if is_htmx() else whole)
    has_rail = not is_outside and not is_htmx() and _can_link()
    may_pass = passes and status in PASSING and request.method == "GET"
    context = {
        "status": status,
        "title": title,
        "sentence": sentence,
        "request_id": request_id(),
        "retry": request.full_path.rstrip("?") if may_pass else "",
    }
    try:
        html = template.render(context, shell=_shell(status) if has_rail else None)
    except (SQLAlchemyError, HTTPException):
        # What the rail asks for is what failed: a store, which the log has already, or the reading
        # of an address that is refused as a whole.
        html = template.render(context, shell=None)
    answer = _add_request_id(make_response(html, status))
    answer.vary.add("HX-Request")
    if is_htmx() and request.method not in {"GET", "HEAD"}:
        # A refused change must not take the place of what it would have changed.
        answer.headers["HX-Retarget"] = "#refusal"
        answer.headers["HX-Reswap"] = "innerHTML"
    return answer


def _shell(status: int) -> Any:
    """The shell for the rail of an error page; None for a stranger.

    A store that just failed is not read again.
    """
    shell = g.get("shell")
    ask: Callable[[], Any] | None = current_app.extensions.get(EXTENSION)
    if status >= 500 or ask is None:
        return shell
    try:
        return ask()
    except (SQLAlchemyError, HTTPException):  # as above
        return shell
    except Exception:
        log.exception("an error page has no rail")
        return shell


def _sentence(error: HTTPException) -> str:
    code = error.code or 500
    if isinstance(error, CSRFError):
        return "This page is too old to be trusted with a change. Reload it, then try again."
    given = error.description
    if given and given != type(error).description:
        return given
    return SENTENCES.get(code, given or HTTPStatus(code).phrase)


def _add_request_id(response: Response) -> Response:
    response.headers.setdefault("X-Request-Id", request_id())
    return response


def _without_host(response: Response) -> Response:
    """Lead to an address that lacks its last slash by its path alone.

    Routing writes the request's Host header into it, which its sender chooses: a cache in front
    would keep a link to somewhere else.
    """
    moved = request.routing_exception
    if isinstance(moved, RequestRedirect) and response.status_code == moved.code:
        url = split_url(moved.new_url)
        path = f"/{url.path.lstrip('/')}"
        response.location = f"{path}?{url.query}" if url.query else path
        response.set_data(b"")
    return response
