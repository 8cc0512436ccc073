"""A report of a browser becomes an event of its own: quiet, and in a group by its cause."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from console.core.urls import split_url
from console.ingest.arrival import Arrival, label, text
from console.ingest.content_encodings import Undecodable
from console.ingest.decoded import IGNORED, INVALID, Decoded
from console.ingest.sentry.browser_reports import (
    MOST,
    URL_LENGTH,
    NotWanted,
    Report,
    SentReport,
    report_of,
    sent_in,
)
from console.ingest.sentry.event_items import BROWSER_REPORT, normalise
from console.ingest.sentry.shapes import named

RAW_SECURITY, NEL = "raw_security", "nel"
REPORTS = frozenset({RAW_SECURITY, NEL, "security"})


@dataclass(frozen=True, slots=True)
class About:
    """What the address of a report's request and its head say."""

    release: str = ""
    environment: str = ""
    agent: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "About":
        """Of the header of an item, or of a request's first line."""
        return cls(
            label(fields.get("sentry_release"), 200),
            label(fields.get("sentry_environment"), 64),
            text(fields.get("user_agent"), 300),
        )


def keep(item_type: str, payload: Any, about: About, arrival: Arrival, decoded: Decoded) -> None:
    """Keep each report of a body as an event, and count each that is none. Raises Undecodable."""
    listed = payload if isinstance(payload, list) else [payload]
    for element in listed[:MOST]:
        try:
            _keep(sent_in(element), about, arrival, decoded)
        except NotWanted as unwanted:
            decoded.count(item_type, IGNORED, str(unwanted))
        except Undecodable as error:
            decoded.count(item_type, INVALID, str(error))
    if len(listed) > MOST:
        reason = f"more than {MOST} reports at once"
        decoded.count(item_type, INVALID, reason, len(listed) - MOST)


def _keep(sent: SentReport, about: About, arrival: Arrival, decoded: Decoded) -> None:
    report, context = report_of(sent), arrival.context
    # A report has no id: its place in the spool tells it from all others, also in a replay.
    identity = f"{context.project_id} {context.position} {len(decoded.errors)}"
    own_id = hashlib.sha256(identity.encode()).hexdigest()[:32]
    scrubbed = context.scrubbed(_event(sent, report, about, arrival))
    user_key = context.people.key_of({"ip_address": context.address})
    decoded.keep_error(
        scrubbed.then(
            lambda fields: {
                **normalise(fields, arrival),
                "event_id": own_id,
                BROWSER_REPORT: fields[BROWSER_REPORT],
            }
        ),
        user_key,
    )


def _event(sent: SentReport, report: Report, about: About, arrival: Arrival) -> dict[str, Any]:
    at = arrival.context.received_at - timedelta(seconds=min(sent.age, 1e8))
    agent = sent.agent or about.agent
    event = {
        "platform": "javascript",
        "level": "info",
        "timestamp": at.isoformat(),
        "logger": sent.kind,
        "message": report.title,
        "transaction": _path(report.page),
        "release": about.release,
        "environment": about.environment,
        "request": {"url": report.page, "headers": {"User-Agent": agent} if agent else {}},
        "contexts": {"report": _shown(sent.body)},
        "tags": {name: value for name, value in report.tags.items() if value},
        BROWSER_REPORT: {"name": report.name, "parts": [list(part) for part in report.parts]},
    }
    if arrival.context.address:
        event["user"] = {"ip_address": arrival.context.address}
    return event


def _shown(body: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value[:URL_LENGTH] if isinstance(value, str) else value
        for name, value in named(dict(body)).items()
    }


def _path(page: str) -> str:
    try:
        return split_url(page).path
    except ValueError:
        return ""
