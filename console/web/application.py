"""The Flask application, which neither logs what an address says nor follows a stranger's trace."""

from collections.abc import Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from flask import Flask, request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# They carry a caller's ids and texts into the console's own traces.
TRACE_HEADERS = ("HTTP_BAGGAGE", "HTTP_SENTRY_TRACE", "HTTP_TRACEPARENT", "HTTP_TRACESTATE")


class Application(Flask):
    """Flask with a log that names requests by their route."""

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        for header in TRACE_HEADERS:
            environ.pop(header, None)
        return super().__call__(environ, start_response)

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, TracebackType] | tuple[None, None, None],
    ) -> None:
        """Log what broke a request; its path may be a link that lets somebody in."""
        rule = request.url_rule.rule if request.url_rule else "an unknown address"
        self.logger.error("Exception on %s [%s]", rule, request.method, exc_info=exc_info)
