"""The JSON of database statements, as docs/api.md describes it."""

from datetime import timedelta

import pytest

from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.telemetry.samples import span

API = "/api/v1/acme/shop/performance/statements"
READ, WRITE = "a" * 16, "b" * 16


@pytest.fixture(autouse=True)
def stored(app, acme, clock):
    """A request with three look-ups and a failed, slow write, one minute ago."""
    at = clock.now() - timedelta(minutes=1)
    home = {"organization_id": acme.organization_id, "project_id": acme.id, "at": at}
    plain = home | {"segment_id": "1" * 16, "trace_id": "d" * 32}
    call = plain | {"op": "db", "category": "db", "attributes": {"db.system.name": "sqlite"}}
    read = {"fingerprint": READ, "statement": "SELECT a FROM book WHERE id = ?"}
    code = {"code.file.path": "shop/books.py", "code.line.number": 12}
    spans = [
        span(**plain, span_id="1" * 16, is_segment=True, category="request", endpoint="GET /a",
             duration_us=1_000_000),
        *[span(**(call | read), duration_us=n * 1000) for n in (1, 2, 3)],
        span(**call | {"attributes": code}, fingerprint=WRITE, statement="UPDATE book SET a = ?",
             duration_us=600_000, status="internal_error", span_id="2" * 16),
    ]  # fmt: skip
    app.extensions[EXTENSION].write(acme.organization_id, Batch(spans=spans), 1)


def test_statements_have_the_figures_of_the_page(get):
    answer = get(API).json
    write, read = answer["statements"]
    assert (write["fingerprint"], write["slow"], write["failed"]) == (WRITE, True, 1)
    assert (read["text"], read["verb"], read["tables"], read["system"]) == (
        "SELECT a FROM book WHERE id = ?",
        "SELECT",
        ["book"],
        "sqlite",
    )
    assert (read["calls"], read["calls_per_request"], read["p50_ms"]) == (3, 3, 2)
    assert (read["regressed"], read["p95_before_ms"]) == (False, None)
    assert read["url"].endswith(f"/acme/shop/performance/statements/{READ}")
    assert answer["count"] == 2
    assert answer["total"]["total_ms"] == 606


def test_the_list_can_be_narrowed(get):
    assert [one["verb"] for one in get(API, kind="writes").json["statements"]] == ["UPDATE"]
    assert [one["verb"] for one in get(API, sort="calls", limit="1").json["statements"]] == [
        "SELECT"
    ]
    for nothing in ({"name": "nowhere"}, {"environment": "nowhere"}):
        answer = get(API, **nothing).json
        assert (answer["statements"], answer["count"], answer["total"]) == ([], 0, None)


def test_one_statement_says_where_it_is_called(get):
    answer = get(f"{API}/{WRITE}", step="3600").json
    assert sum(step["calls"] for step in answer["series"]) == 1
    (caller,) = answer["callers"]
    assert (caller["endpoint"], caller["time_share"]) == ("GET /a", 0.6)
    (line,) = answer["code"]
    assert (line["path"], line["line"], line["function"]) == ("shop/books.py", 12, None)
    assert answer["slowest"][0]["trace_id"] == "d" * 32
    assert answer["releases"] == [{"release": "", "received": 1, "p95_ms": 600}]


@pytest.mark.parametrize(
    ("path", "arguments", "status"),
    [
        (API, {"sort": "odd"}, 400),
        (API, {"limit": "501"}, 400),
        (API, {"since": "yesterday"}, 400),
        (f"{API}/{READ}", {"step": "1"}, 400),
        (f"{API}/{READ}", {"since": "2026-01-01", "until": "2026-06-01", "step": "60"}, 404),
        (f"{API}/{'f' * 16}", {}, 404),
    ],
)
def test_bad_input_is_told(get, path, arguments, status):
    assert get(path, **arguments).status_code == status


def test_the_token_needs_the_permission(as_script, acme, client):
    assert as_script(acme, "issues:read").get(API).status_code == 403
    assert client.get(API).status_code == 401
