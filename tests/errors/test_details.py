"""What an event says besides its stack trace, from tidy clients and from odd ones."""

import json
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from console.core.db import db
from console.errors.details import Breadcrumb, details
from console.errors.models import IssueHash
from console.telemetry import errors as telemetry
from console.telemetry.scope import Scope
from tests.errors.samples import raised

PARTS = (
    "user", "request", "breadcrumbs", "contexts", "tags", "extra", "modules", "sdk", "exception",
    "threads", "stacktrace", "logentry", "fingerprint", "level", "platform", "timestamp", "message",
    "release", "environment", "transaction",
)  # fmt: skip
NAMES = st.sampled_from(
    ["values", "frames", "type", "value", "method", "url", "query_string", "headers", "cookies",
     "data", "env", "timestamp", "category", "message", "level", "trace", "trace_id", "id", "email",
     "name", "version", "lineno", "context_line", "pre_context", "vars", "stacktrace", "mechanism",
     "handled", "browser", "os"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.just("9" * 400),
    st.just("2026-13-45T99:99:99Z"),
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(NAMES, st.text(max_size=8)), inner, max_size=5),
    ),
    max_leaves=25,
)
ALWAYS = partial(
    Scope, since=datetime(2000, 1, 1, tzinfo=UTC), until=datetime(2100, 1, 1, tzinfo=UTC)
)
EVENTS = st.dictionaries(st.sampled_from(PARTS), ANYTHING, max_size=len(PARTS))


def test_json_takes_as_few_lines_as_are_easily_read():
    value = {"ids": list(range(30)), "owner": {"name": "Mia", "of": []}, "note": "x" * 60}
    (shown,) = details({"extra": {"value": value}}).extra
    assert json.loads(shown[1]) == value
    assert shown[1].splitlines() == [
        "{",
        '  "ids": [',
        "    " + ", ".join(map(str, range(22))) + ",",
        "    " + ", ".join(map(str, range(22, 30))),
        "  ],",
        '  "owner": {"name": "Mia", "of": []},',
        f'  "note": "{"x" * 60}"',
        "}",
    ]


def test_a_tidy_event():
    found = details(raised())
    assert found.request is not None
    assert found.request.line == "POST https://shop.test/checkout"
    assert found.request.query == (("step", "2"), ("from", "cart"))
    assert ("User-Agent", "Mozilla/5.0") in found.request.headers
    assert '"country": "CH"' in found.request.body
    assert found.user == (("id", "u-17"), ("email", "mia@customer.test"))
    assert found.sdk == "sentry.python.flask 2.75.0"
    assert found.breadcrumbs == (
        Breadcrumb(
            at=datetime(2026, 11, 2, 11, 59, 58, 123_000, tzinfo=UTC),
            kind="default",
            category="query",
            level="info",
            message="SELECT price FROM product WHERE id = ?",
            values=(("rows", "1"),),
        ),
    )
    assert ("Runtime", (("name", "CPython"), ("version", "3.12.1"))) in found.contexts


@pytest.mark.parametrize(
    "given",
    [[["Accept", "text/html"]], {"Accept": "text/html"}, (("Accept", "text/html"), "odd")],
)
def test_pairs_come_as_objects_and_as_lists(given):
    found = details({"request": {"headers": given}})
    assert found.request is not None
    assert found.request.headers == (("Accept", "text/html"),)


def test_the_latest_breadcrumb_comes_first_and_endless_values_are_cut():
    crumbs = [{"message": str(number), "timestamp": number} for number in range(500)]
    found = details({"breadcrumbs": crumbs, "extra": {"log": "x" * 10_000}})
    assert [crumb.message for crumb in found.breadcrumbs[:2]] == ["499", "498"]
    assert len(found.breadcrumbs) == 200
    assert found.extra[0][1].endswith("… (10,000 characters)")


@given(EVENTS)
def test_no_event_is_too_odd_to_be_read(event):
    details(MappingProxyType(event))


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(EVENTS)
def test_no_event_is_too_odd_for_its_page(as_vic, acme, send, inside, event):
    event_id = send(acme, {"message": "odd", **event})
    with inside(acme):
        scope = ALWAYS(organization_id=acme.organization_id, project_id=acme.id)
        stored = telemetry.event(scope, event_id)
        assume(stored is not None)  # an event without content is counted, not stored
        assert stored is not None
        of_hash = select(IssueHash.issue_id).where(IssueHash.hash == stored.grouping_hash)
        issue_id = db.session.scalars(of_hash).one()
    url = f"/acme/shop/issues/{issue_id}/events/{event_id}"
    for page in (url, f"{url}/json", f"{url}/trace", "/acme/shop/issues/"):
        assert as_vic.get(page).status_code == 200
