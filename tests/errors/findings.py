"""Findings as detection hands them to the digest of errors."""

from datetime import datetime
from secrets import token_hex
from typing import Any

from flask import Flask

from console.accounts.models import Project
from console.core import clock
from console.core.db import db
from console.errors.counting import count_in, ensure_issues
from console.errors.grouping import Component, Grouping
from console.telemetry import bodies, store
from console.telemetry.records import ErrorEvent
from tests.support.factories import inside

LOOK_UP = "SELECT author.id, author.name FROM author WHERE author.id = ?"
ENDPOINT = "GET /books"


def finding(**fields: Any) -> dict[str, Any]:
    """A finding of 16 look-ups, as its event has it."""
    given = {
        "kind": "n_plus_one",
        "at_once": False,
        "endpoint": ENDPOINT,
        "subject": LOOK_UP,
        "fingerprint": "a" * 16,
        "category": "db",
        "count": 16,
        "total_us": 2000,
        "saving_us": 1875,
        "offset_us": 1200,
        "segment_us": 50_000,
        "segment_id": "f" * 16,
        "segment_category": "request",
        "span_id": "b" * 16,
        "parent": "http.server GET /books",
        "before": "SELECT book.id FROM book",
        "code": "shop/views.py:42 in books",
        "examples": [],
    }
    return given | fields


def find(app: Flask, project: Project, run: int = 1, **fields: Any) -> int:
    """Store one request with a finding and count it in; return its issue's id."""
    body = finding(**{k: v for k, v in fields.items() if k not in {"release", "at"}})
    at: datetime = fields.get("at") or clock.now()
    title = f"N+1 query: {body['subject']}"
    grouping = Grouping(
        hash=body["fingerprint"] * 2,
        variant="kind, endpoint and statement",
        components=(Component("statement", (body["subject"],)),),
        title=title,
        culprit=body["endpoint"],
        kind="N+1 query",
        level="warning",
    )
    event = ErrorEvent(
        organization_id=project.organization_id,
        project_id=project.id,
        position=-run,
        event_id=token_hex(16),
        timestamp=at,
        received_at=at,
        grouping_hash=grouping.hash,
        category="performance",
        level="warning",
        kind=grouping.kind,
        title=title,
        culprit=body["endpoint"],
        transaction=body["endpoint"],
        environment="production",
        release=fields.get("release", "shop@1"),
        trace_id="c" * 32,
        span_id=body["span_id"],
        platform="python",
        body=bodies.pack({"finding": body}),
    )
    with inside(app, project):
        (issue_id,) = ensure_issues(project.id, [(grouping, event)]).values()
        db.session.commit()
        store.current().write_own(project.organization_id, [event], run)
        count_in(project.id, [(issue_id, event)])
        db.session.commit()
    return issue_id
