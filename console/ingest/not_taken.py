"""Addresses that clients know from other servers and nothing is taken at: the answer says so."""

import re
from dataclasses import dataclass

from console.ingest.judging import Answer, refused
from console.ingest.otlp import encodings

REASON = "not taken here"
SENDS = frozenset({"POST", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class NotTaken:
    """What is sent to some addresses, and what to tell the sender."""

    address: re.Pattern[str]
    detail: str
    gets: bool = False
    """Whether clients use GET, too; never where an organization's page might stand."""


_ADDRESSES = (
    NotTaken(
        re.compile(r"/api/[^/]*/(?:envelope|store|beacon)/?"),
        "the address names no project: a DSN ends in the project's number, as its Connect page"
        " shows it",
    ),
    NotTaken(
        re.compile(r"/api/[^/]+/(?:minidump|unreal/[^/]+|playstation)/?"),
        "minidumps and the reports of game engines are not taken",
    ),
    NotTaken(
        re.compile(r"/api/[^/]+/(?:security|csp-report|nel)/?"),
        "the reports of browsers (CSP, NEL) are not taken",
    ),
    NotTaken(
        re.compile(r"/api/[^/]+/cron/.*", re.DOTALL),
        "check-ins by a plain request are not taken; those of SDKs are counted",
        gets=True,
    ),
    NotTaken(
        re.compile(
            r"/api/[^/]+/(?:events/[^/]+/attachments|user-feedback)/?|/api/embed/.*", re.DOTALL
        ),
        "attachments and user feedback are not taken here; those in envelopes are counted",
        gets=True,
    ),
    NotTaken(
        re.compile(r"/api/0/.*", re.DOTALL),
        "this is no Sentry server: what sentry-cli uploads (releases, source maps) is not taken",
        gets=True,
    ),
    NotTaken(
        re.compile(r"(?:/i|/api/[^/]+/integration/otlp)?/v1/(?:logs|metrics)/?"),
        "of OpenTelemetry only traces are taken: OTEL_LOGS_EXPORTER=none and"
        " OTEL_METRICS_EXPORTER=none keep clients from sending the rest",
    ),
    NotTaken(
        re.compile(r"/opentelemetry\.proto\..*", re.DOTALL),
        "OpenTelemetry's gRPC is not spoken here: OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
    ),
    NotTaken(
        re.compile(r"/(?:batch|capture|e|i/v0/e|i/v0/ai|s|decide|flags|engage|track)/?"),
        "product events, flags and recordings of PostHog's clients are not taken yet",
    ),
)


def answer(method: str, path: str) -> Answer | None:
    """What a client is told that sends to such an address; None for every other request.

    A page of 404 or 405 would be no answer to it: a browser hides from scripts what carries no
    CORS headers, and they try again as if the network had failed.
    """
    prefix = max(path.rfind("/api/"), 0)  # a DSN may have a path before the project
    for place in _ADDRESSES:
        asked = method in SENDS or (place.gets and method == "GET" and not prefix)
        if asked and place.address.fullmatch(path, prefix):
            return refused(404, REASON, place.detail)
    return None


def kind(path: str, content_type: str) -> str:
    """How the answer is to be encoded: senders of OTLP read their own form."""
    return encodings.kind_of(content_type) if "/v1/" in path else ""
