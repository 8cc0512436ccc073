"""The rules that every project begins with: what an SDK sends fires them, and they heal."""

import json
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import select

from console.alerting.evaluation import evaluate
from console.alerting.models import Incident, Rule
from console.alerting.rules import keep_standard
from console.core.db import db
from tests.support import factories
from tests.telemetry.samples import NOON

Items = list[tuple[str, dict[str, Any]]]


def request(at: datetime, seconds: float, status: int = 200) -> tuple[str, dict[str, Any]]:
    trace = {
        "op": "http.server",
        "trace_id": token_hex(16),
        "span_id": token_hex(8),
        "data": {"http.response.status_code": status},
        "status": "ok" if status < 500 else "internal_error",
    }
    return "transaction", {
        "type": "transaction",
        "event_id": token_hex(16),
        "transaction": "GET /a",
        "transaction_info": {"source": "route"},
        "start_timestamp": (at - timedelta(seconds=seconds)).timestamp(),
        "timestamp": at.timestamp(),
        "platform": "python",
        "contexts": {"trace": trace},
        "spans": [],
    }


def page_load(at: datetime, lcp: float) -> tuple[str, dict[str, Any]]:
    kind, item = request(at, 3)
    item["contexts"]["trace"]["op"] = "pageload"
    item |= {"transaction": "/", "platform": "javascript"}
    return kind, item | {"measurements": {"lcp": {"value": lcp, "unit": "millisecond"}}}


def failure(at: datetime) -> tuple[str, dict[str, Any]]:
    raised = {"values": [{"type": "PriceError", "value": "no price"}]}
    return "event", {
        "event_id": token_hex(16), "timestamp": at.timestamp(), "platform": "python",
        "exception": raised,
    }  # fmt: skip


def repeated(make: Any, at: datetime, count: int, *more: Any) -> Items:
    return [make(at - timedelta(seconds=number), *more) for number in range(count)]


@pytest.mark.parametrize(
    ("name", "make", "more", "count", "good", "hours", "words"),
    [
        ("API latency", request, (0.9,), 15, (0.1,), 1, "900 ms > 300 ms (warning)"),
        ("Failing requests", request, (0.1, 500), 15, (0.1, 200), 1, "100% > 5% (critical)"),
        ("Page loads (LCP)", page_load, (2_500.0,), 15, (900.0,), 2, "9 s > 2 s (warning)"),
        ("Error spike", failure, (), 30, None, 1, "% of the earlier period > 1,000% (critical)"),
        ("New error type", failure, (), 1, None, 2, "1 new error type > 0 (warning)"),
    ],
)
def test_a_standard_rule_fires_on_what_is_sent_and_heals(
    app, acme, inside, clock, name, make, more, count, good, hours, words
):
    clock.set(NOON)
    with inside(acme):
        keep_standard(acme.organization_id)
    key = factories.public_key(app, acme)

    def minute(items: Items) -> None:
        lines: list[dict[str, Any]] = [{}]
        for kind, item in items:
            lines += [{"type": kind}, item]
        body = "\n".join(json.dumps(line) for line in lines)
        url = f"/api/{acme.id}/envelope/?sentry_version=7&sentry_key={key}"
        assert app.test_client().post(url, data=body).status_code == 200
        app.extensions["pharos.pipeline"].drain()

    def incident() -> Incident | None:
        with inside(acme):
            own = select(Incident).join(Rule, Rule.id == Incident.rule_id)
            return db.session.scalar(own.where(Rule.name == name))

    for _ in range(15):
        clock.move(minutes=1)
        minute(repeated(make, clock.now(), count, *more))
        with inside(acme):
            evaluate(acme.organization_id)
    opened = incident()
    assert opened is not None
    assert opened.resolved_at is None
    assert words in opened.why
    for _ in range(int(hours * 10)):
        clock.move(minutes=6)
        if good is not None:
            minute(repeated(make, clock.now(), 30, *good))
        with inside(acme):
            evaluate(acme.organization_id)
    healed = incident()
    assert healed is not None
    assert healed.resolved_at is not None
