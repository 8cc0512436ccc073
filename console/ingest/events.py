"""The record of a normalised error event: what questions ask for, and the whole event packed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.errors.facts import facts
from console.errors.grouping import Grouping
from console.ingest.arrival import parse_time, sdk_text
from console.ingest.decoded import Context
from console.telemetry.bodies import pack
from console.telemetry.records import ERROR, REPORT, ErrorEvent


def error_event(
    event: dict[str, Any], grouping: Grouping, context: Context, user_key: str
) -> ErrorEvent:
    """Return the record of an event that `sentry.decode` gave and `grouping.group` judged."""
    trace = event.get("contexts", {}).get("trace", {})
    return ErrorEvent(
        organization_id=context.organization_id,
        project_id=context.project_id,
        position=context.position,
        event_id=event["event_id"],
        timestamp=_moment(event, "timestamp") or context.received_at,
        client_timestamp=_moment(event, "client_timestamp"),
        received_at=context.received_at,
        grouping_hash=grouping.hash,
        level=event["level"],
        kind=grouping.kind,
        title=grouping.title,
        culprit=grouping.culprit,
        message=event.get("logentry", {}).get("formatted", ""),
        platform=event["platform"],
        environment=event.get("environment", ""),
        release=event.get("release", ""),
        transaction=event.get("transaction", ""),
        user_key=user_key,
        trace_id=trace.get("trace_id", ""),
        span_id=trace.get("span_id", ""),
        handled=_handled(event),
        sdk=sdk_text(event.get("sdk")),
        tags=facts(event),
        body=pack(event),
        category=REPORT if "browser_report" in event else ERROR,
    )


def _moment(event: Mapping[str, Any], name: str) -> datetime | None:
    return parse_time(event.get(name))


def _handled(event: Mapping[str, Any]) -> bool | None:
    """Whether the program went on: what the outermost exception's mechanism says."""
    exceptions = event.get("exception", {}).get("values", [])
    handled = exceptions[-1].get("mechanism", {}).get("handled") if exceptions else None
    return handled if isinstance(handled, bool) else None
