"""The Flask application: it always answers, keeps addresses out of its log, and traces itself."""

from collections.abc import Iterable
from html import escape
from secrets import token_hex
from types import TracebackType
from typing import TYPE_CHECKING

import orjson
from flask import Flask, Request, Response, request

from console.core import config as configuration
from console.core.urls import split_url
from console.web.errors import SENTENCES, request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from werkzeug.routing import MapAdapter

# They carry a caller's ids and texts into the console's own traces.
TRACE_HEADERS = ("HTTP_BAGGAGE", "HTTP_SENTRY_TRACE", "HTTP_TRACEPARENT", "HTTP_TRACESTATE")
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Internal Server Error · Pharos</title>
<h1>Internal Server Error</h1>
<p>{sentence}</p>
<p><a href="{front}">Back to the console</a></p>
<p>500 · request {request_id}</p>
</html>
"""


class Application(Flask):
    """Flask that answers whatever happens, with a log that names requests by their route."""

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        for header in TRACE_HEADERS:
            environ.pop(header, None)
        return super().__call__(environ, start_response)

    def wsgi_app(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer with a plain page where Flask itself or an error page raises."""
        try:
            return super().wsgi_app(environ, start_response)
        except Exception:
            if self._propagates:
                raise
            name = token_hex(8)
            self.logger.exception("request %s found no answer", name)
            front = f"{environ.get('SCRIPT_NAME', '')}/"
            is_api = environ["PATH_INFO"].startswith("/api/")
            answer = last_resort(name, is_api=is_api, front=front)
            return answer(environ, start_response)

    def create_url_adapter(self, request: Request | None) -> "MapAdapter | None":
        """Make absolute addresses of PHAROS_URL where it is set, whatever host a request names."""
        adapter = super().create_url_adapter(request)
        base_url = self.extensions[configuration.EXTENSION].base_url
        if request is not None and adapter is not None and base_url:
            own = split_url(base_url)
            adapter.url_scheme, adapter.server_name = own.scheme, own.netloc
        return adapter

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        """Clean up; the answer stands, whatever happens here."""
        try:
            super().do_teardown_request(exc)
        except Exception:
            if self._propagates:
                raise
            self.logger.exception("cleaning up after a request failed")

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        """Log what broke a request, by the id on its page; its path may be a link that lets in."""
        rule = request.url_rule.rule if request.url_rule else "an unknown address"
        self.logger.error(
            "Exception on %s [%s], request %s",
            rule,
            request.method,
            request_id(),
            exc_info=exc_info,
        )

    @property
    def _propagates(self) -> bool:
        chosen: bool | None = self.config["PROPAGATE_EXCEPTIONS"]
        return self.testing or self.debug if chosen is None else chosen


def last_resort(name: str, *, is_api: bool, front: str = "/") -> Response:
    """The answer that needs no request, template, session or database; the log has its `name`."""
    sentence = SENTENCES[500]
    if is_api:
        title = "Internal Server Error"
        body = {"type": "about:blank", "title": title, "status": 500, "detail": sentence}
        content = orjson.dumps({**body, "request_id": name}).decode()
    else:
        content = PAGE.format(sentence=escape(sentence), request_id=name, front=escape(front))
    answer = Response(content, 500, mimetype="application/problem+json" if is_api else "text/html")
    answer.headers["X-Request-Id"] = name
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
