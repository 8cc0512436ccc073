"""A finding as an event of an issue: what the inbox calls it, and the finding in its body."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from console.errors.grouping import Component, Grouping
from console.telemetry import bodies
from console.telemetry.records import ErrorEvent, Finding
from console.telemetry.scope import Scope
from console.telemetry.spans import SpanRow

_COLUMNS = re.compile(r"^(SELECT(?: DISTINCT)?) .{40,}? (FROM )", re.IGNORECASE | re.DOTALL)


def event_of(
    finding: Finding, rows: Sequence[SpanRow], scope: Scope, *, position: int
) -> tuple[Grouping, ErrorEvent]:
    """The group and the event of a finding in the segment that these rows are.

    The event's id follows from segment, kind and fingerprint: it is the same whenever it is found.
    """
    root = next(row for row in rows if row.is_segment)
    grouping = grouping_of(finding, root)
    key = (scope.project_id, root.trace_id, root.span_id, finding.kind, finding.fingerprint)
    event_id = _hash(*map(str, key))
    return grouping, ErrorEvent(
        organization_id=scope.organization_id,
        project_id=scope.project_id,
        position=position,
        event_id=event_id,
        timestamp=root.timestamp,
        received_at=root.timestamp,
        grouping_hash=grouping.hash,
        category="performance",
        level=grouping.level,
        kind=grouping.kind,
        title=grouping.title,
        culprit=grouping.culprit,
        platform=root.platform,
        environment=root.environment,
        release=root.release,
        transaction=root.endpoint,
        user_key=root.user_key,
        trace_id=root.trace_id,
        span_id=finding.span_id,
        sdk=root.sdk,
        body=bodies.pack(_body(finding, root, event_id)),
    )


def grouping_of(finding: Finding, root: SpanRow) -> Grouping:
    """One issue per endpoint, kind and statement or place."""
    title = finding.words.title
    subject = _COLUMNS.sub(r"\1 … \2", finding.subject)
    return Grouping(
        hash=_hash(finding.kind, root.endpoint, finding.fingerprint),
        variant="kind, endpoint and statement",
        components=(
            Component("kind", (title,)),
            Component("endpoint", (root.endpoint,)),
            Component("statement" if finding.words.has_spans else "place", (finding.subject,)),
        ),
        title=f"{title}: {subject}"[:200],
        culprit=root.endpoint,
        kind=title,
        level="warning",
    )


def _body(finding: Finding, root: SpanRow, event_id: str) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "timestamp": root.timestamp.isoformat(),
        "level": "warning",
        "platform": root.platform,
        "environment": root.environment,
        "release": root.release,
        "transaction": root.endpoint,
        "contexts": {"trace": {"trace_id": root.trace_id, "span_id": finding.span_id}},
        "finding": asdict(finding),
    }


def _hash(*parts: str) -> str:
    text = "\0".join(parts).encode(errors="replace")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
