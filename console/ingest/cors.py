"""The headers that let a page of any origin send, and read why it was refused."""

ALLOWED = {
    "Access-Control-Allow-Origin": "*",  # the key is the credential; cookies are never read here
    "Access-Control-Expose-Headers": "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After",
}
PREFLIGHT = ALLOWED | {
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Authorization, Baggage, Content-Encoding, Content-Type, Sentry-Trace, X-Requested-With,"
        " X-Sentry-Auth, *"  # what tracing adds by itself: traceparent, request-id, x-datadog-…
    ),
    "Access-Control-Max-Age": "86400",
}
