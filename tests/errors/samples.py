"""Error events and groupings as the ingest side hands them to the digest."""

from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

from console.accounts.models import Project
from console.errors.grouping import Component, Grouping
from console.telemetry.records import ErrorEvent

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def grouping(name: str = "a", **fields: Any) -> Grouping:
    """A grouping whose hash is spelled by one character."""
    given: dict[str, Any] = {
        "hash": name * 32,
        "variant": "stack trace",
        "components": (Component("exception", ("ZeroDivisionError",)),),
        "title": "ZeroDivisionError: division by zero",
        "culprit": "shop.checkout in price",
        "kind": "ZeroDivisionError",
    }
    return Grouping(**(given | fields))


def error_event(project: Project, minutes: float = 0, **fields: Any) -> ErrorEvent:
    """An event raised so many minutes after noon."""
    at = NOON + timedelta(minutes=minutes)
    given: dict[str, Any] = {
        "organization_id": project.organization_id,
        "project_id": project.id,
        "position": 1,
        "event_id": token_hex(16),
        "timestamp": at,
        "received_at": at,
        "grouping_hash": "a" * 32,
        "level": "error",
        "kind": "ZeroDivisionError",
        "title": "ZeroDivisionError: division by zero",
        "culprit": "shop.checkout in price",
        "environment": "production",
        "release": "shop@1.0",
        "platform": "python",
    }
    return ErrorEvent(**(given | fields))


def raised(kind: str = "KeyError", value: str = "'coupon'", **fields: Any) -> dict[str, Any]:
    """An error event as the Python SDK sends it: a cause, source, locals, a request, a user."""
    return {
        "level": "error",
        "platform": "python",
        "environment": "production",
        "release": "shop@1.4.2",
        "transaction": "checkout",
        "sdk": {"name": "sentry.python.flask", "version": "2.75.0"},
        "tags": {"plan": "trade"},
        "user": {"id": "u-17", "email": "mia@customer.test"},
        "request": {
            "method": "POST",
            "url": "https://shop.test/checkout",
            "query_string": "step=2&from=cart",
            "headers": {"User-Agent": "Mozilla/5.0", "Accept": "*/*"},
            "data": {"country": "CH"},
        },
        "breadcrumbs": {
            "values": [
                {
                    "timestamp": "2026-11-02T11:59:58.123Z",
                    "type": "default",
                    "category": "query",
                    "message": "SELECT price FROM product WHERE id = ?",
                    "data": {"rows": 1},
                }
            ]
        },
        "contexts": {
            "trace": {"trace_id": "ab" * 16, "span_id": "cd" * 8, "op": "http.server"},
            "runtime": {"name": "CPython", "version": "3.12.1"},
        },
        "extra": {"cart": [1, 2]},
        "exception": {"values": _chain(kind, value)},
        **fields,
    }


def _chain(kind: str, value: str) -> list[dict[str, Any]]:
    in_checkout = [
        frame("flask.app", "wsgi_app", 1500, in_app=False),
        frame("flask.app", "dispatch_request", 880, in_app=False),
        frame("shop.checkout", "price", 42, vars={"country": "'CH'"}),
    ]
    cause = {
        "type": "LookupError",
        "value": "no such price",
        "stacktrace": {"frames": [frame("shop.prices", "look_up", 12)]},
    }
    main = {
        "type": kind,
        "value": value,
        "mechanism": {"type": "flask", "handled": False},
        "stacktrace": {"frames": in_checkout},
    }
    return [cause, main]


def frame(module: str, function: str, line: int, **fields: Any) -> dict[str, Any]:
    """One frame with its source around it."""
    return {
        "module": module,
        "function": function,
        "filename": module.replace(".", "/") + ".py",
        "lineno": line,
        "in_app": True,
        "pre_context": [f"    line_before_{function} = 1"],
        "context_line": f"    raise_in_{function}(country)",
        "post_context": ["    never_reached = 2"],
        **fields,
    }
