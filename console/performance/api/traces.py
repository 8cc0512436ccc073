"""Traces for scripts, as docs/api.md says."""

from datetime import timedelta
from typing import Any

from flask import Response, abort, jsonify, request

from console.accounts.access import api_view
from console.accounts.models import Project
from console.core import clock
from console.performance import queries
from console.performance.api.blueprint import SCOPE, bp, milliseconds, scope_of
from console.performance.forms.traces import TracesFilter
from console.performance.traces.cursors import cursor_after, mark_of
from console.telemetry import spans
from console.telemetry import traces as trace_questions
from console.telemetry.spans import SpanRow
from console.telemetry.traces import Began
from console.web.api import Paging, Period, page, url
from console.web.forms import valid
from console.web.timerange import LONGEST

MOST_SPANS = 10_000


class Traces(TracesFilter, Period, Paging):
    """The filters of the list of traces, and the page of it."""


@bp.get("/traces")
@api_view(SCOPE)
def traces(project: Project) -> Response:
    form = valid(Traces(request.args))
    scope = scope_of(project, form, **form.filters)
    listed = trace_questions.traces(
        scope,
        form.wanted,
        sort=form.sort.data,
        after=mark_of(form.cursor.data or ""),
        limit=form.length,
    )
    cursor = cursor_after(listed.last) if listed.last else ""
    return page("traces", [_trace(row) for row in listed.rows], cursor, scope)


@bp.get("/traces/<trace:trace_id>")
@api_view(SCOPE)
def trace(project: Project, trace_id: str) -> Response:
    form = valid(Period(request.args))
    if not form.since.data:  # the search for a trace covers everything that is kept
        days = queries.monitoring(project).retention_days
        form.since.data = clock.now() - timedelta(days=min(days, LONGEST.days - 1))
    stored = spans.trace(scope_of(project, form), trace_id, MOST_SPANS)
    if not stored.spans and not stored.errors:
        abort(404)
    return jsonify(
        trace_id=trace_id,
        spans=[_span(span) for span in stored.spans],
        errors=[
            {"id": error.event_id, "title": error.title, "span_id": error.span_id}
            for error in stored.errors
        ],
        complete=len(stored.spans) < MOST_SPANS,
        url=url("performance.trace", trace_id=trace_id),
    )


def _trace(row: Began) -> dict[str, Any]:
    return {
        "trace_id": row.trace_id,
        "span_id": row.span_id,
        "timestamp": row.timestamp.isoformat(),
        "duration_ms": milliseconds(row.duration_us),
        "category": row.category,
        "endpoint": row.endpoint,
        "status": row.status,
        "http_status": row.http_status,
        "failed": row.failed,
        "environment": row.environment,
        "release": row.release,
        "url": url("performance.trace", trace_id=row.trace_id, at=row.timestamp.isoformat()),
    }


def _span(span: SpanRow) -> dict[str, Any]:
    return {
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id or None,
        "segment_id": span.segment_id or None,
        "is_segment": span.is_segment,
        "timestamp": span.timestamp.isoformat(),
        "duration_ms": milliseconds(span.duration_us),
        "op": span.op,
        "category": span.category,
        "name": span.name,
        "endpoint": span.endpoint or None,
        "fingerprint": span.fingerprint or None,
        "status": span.status,
        "http_status": span.http_status,
        "environment": span.environment,
        "release": span.release,
        "attributes": span.attributes,
    }
