"""The headers that let a page of any origin send, and read why it was refused."""

import re

ALLOWED = {
    "Access-Control-Allow-Origin": "*",  # the key is the credential; cookies are never read here
    "Access-Control-Expose-Headers": "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After",
}
PREFLIGHT = ALLOWED | {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Authorization, Baggage, Content-Encoding, Content-Type, Sentry-Trace, Traceparent,"
        " Tracestate, X-Requested-With, X-Sentry-Auth,"
        " *"  # what tracing adds by itself: request-id, x-datadog-…
    ),
    "Access-Control-Max-Age": "86400",
}
_ORIGIN = re.compile(r"null|[a-z][a-z0-9+.-]*://[\x21-\x2b\x2d-\x7e]{1,255}")


def for_page(origin: str) -> dict[str, str]:
    """The headers for a page that sends its cookies along, which "*" would not satisfy.

    `sendBeacon` always does: OpenTelemetry's exporter in a page loses its spans without
    (open-telemetry/opentelemetry-js#3062). No answer depends on a cookie, and none sets one.
    """
    if not _ORIGIN.fullmatch(origin):
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Vary": "Origin",
    }
