"""The Database pages: who may see them, what they say, and what they refuse."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from console.accounts import releases
from console.core.db import db
from console.performance.latency import FEW, Change
from console.performance.metrics import STATEMENT_COUNT, STATEMENT_P95, STATEMENTS_PER_REQUEST
from console.performance.statements.listing import REGRESSED_US, SLOW_MS, is_regression
from console.telemetry import metric, statements
from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from console.uptime import queries
from tests.support.clients import HTMX
from tests.telemetry.samples import span

READ, WRITE = "a" * 16, "b" * 16
LIST, ONE = "/acme/shop/performance/statements/", f"/acme/shop/performance/statements/{READ}"
TEXTS = {READ: "SELECT * FROM book WHERE id = ?", WRITE: "UPDATE author SET name = ? WHERE id = ?"}
PANELS = ("latency", "callers", "calls")
MS = 1000


@pytest.fixture
def calls_of(app, clock):
    """Store calls of a statement in one request, a minute ago unless told otherwise."""
    position = iter(range(1, 1_000))

    def store(project, count=1, *, endpoint="GET /books/:id", ago=timedelta(minutes=1), **fields):
        number, at = next(position), clock.now() - ago
        home = {
            "organization_id": project.organization_id,
            "project_id": project.id,
            "segment_id": f"{number:016x}",
            "at": at,
        }
        plain = home | {
            "op": "db",
            "category": "db",
            "fingerprint": READ,
            "status": "ok",
            "segment_name": endpoint,
            "duration_us": 10 * MS,
            "trace_id": "d" * 32,
        }
        plain |= fields
        plain.setdefault("statement", TEXTS.get(plain["fingerprint"], ""))
        spans = [span(number, **plain) for _ in range(count)]
        segment = {"is_segment": True, "category": "request", "endpoint": endpoint}
        request = span(number, **home, **segment, span_id=f"{number:016x}", duration_us=100 * MS)
        batch = Batch(spans=[request, *spans])
        app.extensions[EXTENSION].write(project.organization_id, batch, number)

    return store


def test_the_list_says_what_is_slow_and_stands_by_impact(as_vic, acme, calls_of):
    calls_of(acme, 4)
    calls_of(acme, fingerprint=WRITE, duration_us=SLOW_MS * MS, status="internal_error")
    page = as_vic.get(LIST).text
    assert page.index("UPDATE author") < page.index("SELECT * FROM book")
    assert page.count("</svg>Slow</span>") == 1
    assert 'href="/acme/shop/performance/statements/aaaaaaaaaaaaaaaa' in page
    assert ">4</td>" in page


def test_the_figures_are_those_that_rules_watch(acme, calls_of, monkeypatch, app):
    monkeypatch.setattr(statements, "MANY", 0)  # of so many calls, a list looks at a sample
    for number in range(1, 30):
        calls_of(acme, 1 + number % 3, duration_us=number * MS)
    with app.app_context():
        scope = queries.lately(acme, timedelta(hours=1))
        _, total = statements.statements(scope, statements.StatementsWanted())
        watched = metric.values([STATEMENT_COUNT, STATEMENT_P95, STATEMENTS_PER_REQUEST], scope)
    assert total is not None
    assert watched["statements.count"].whole.number == total.usage.count
    assert watched["statements.p95"].whole.number == total.usage.p95 / MS
    assert watched["statements.per_request"].whole.number == total.per_request


def test_the_list_swaps_as_a_part_and_answers_204_when_nothing_changed(as_vic, acme, calls_of):
    calls_of(acme)
    part = as_vic.get(LIST, headers=HTMX)
    assert part.text.startswith('<div id="statements"')
    again = as_vic.get(LIST, headers=HTMX | {"Pharos-Part": part.headers["Pharos-Part"]})
    assert again.status_code == 204


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, {"book", "author"}),
        ({"q": "AUTHOR"}, {"author"}),
        ({"q": "%"}, set()),
        ({"kind": "reads"}, {"book"}),
        ({"kind": "writes"}, {"author"}),
        ({"over": "20"}, {"author"}),
        ({"name": "POST /authors"}, {"author"}),
        ({"sort": "calls"}, {"book", "author"}),
        ({"environment": "nowhere"}, set()),
        ({"page": "99"}, set()),
        ({"page": "x"}, {"book", "author"}),
    ],
)
def test_filters(as_vic, acme, calls_of, query, shown):
    calls_of(acme)
    calls_of(acme, fingerprint=WRITE, endpoint="POST /authors", duration_us=20 * MS)
    part = as_vic.get(LIST, query_string=query, headers=HTMX).text
    titles = {"book": "SELECT * FROM book", "author": "UPDATE author"}
    assert {name for name, title in titles.items() if title in part} == shown


@pytest.mark.parametrize(
    "query",
    [{"sort": "nonsense"}, {"kind": "odd"}, {"q": "x" * 201}, {"q": "a\0"}, {"over": "much"},
     {"over": "-1"}, {"name": "a\0"}],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_a_sentence(as_vic, acme, query):
    answer = as_vic.get(LIST, query_string=query)
    has_nul = "\0" in "".join(query.values())
    assert answer.status_code == (400 if has_nul else 422)
    assert next(iter(query)) in answer.text
    assert has_nul or 'aria-invalid="true"' in answer.text


def test_a_statement_says_what_calls_it_from_where_and_how_slowly(as_vic, acme, calls_of):
    code = {"code.file.path": "shop/books.py", "code.line.number": 12}
    calls_of(acme, 3, attributes=code, release="shop@1")
    page = as_vic.get(ONE).text
    assert "SELECT *\nFROM book\nWHERE id = ?" in page
    assert "shop@1" in page
    assert "GET /books/:id" in as_vic.get(f"{ONE}/callers", headers=HTMX).text
    part = as_vic.get(f"{ONE}/calls", headers=HTMX).text
    assert "shop/books.py:12" in part
    assert f"/acme/shop/performance/traces/{'d' * 32}?" in part
    assert "at=" in part
    assert "<svg" in as_vic.get(f"{ONE}/latency", headers=HTMX).text


def test_without_code_it_says_how_to_have_it(as_vic, acme, calls_of):
    calls_of(acme)
    assert "db_query_source_threshold_ms=0" in as_vic.get(f"{ONE}/calls", headers=HTMX).text


def test_slower_than_the_period_before_is_told(as_vic, acme, calls_of):
    calls_of(acme, FEW, duration_us=20 * MS)
    calls_of(acme, FEW, ago=timedelta(hours=25))
    assert "Slower than in the previous period" in as_vic.get(ONE, headers=HTMX).text
    listed = as_vic.get(LIST, headers=HTMX).text
    assert "</svg>Slower</span>" in listed
    assert "Change" not in listed, "no comparison is chosen"
    compared = as_vic.get(f"{LIST}?compare=previous", headers=HTMX).text
    assert re.search(r'title="P95 vs [^"]+">Change</th>', compared)
    assert "delta-bad" in compared
    week = as_vic.get(f"{LIST}?compare=week", headers=HTMX).text
    assert "Fewer than 20 calls on one of the two sides" in week, "nothing was sent a week before"
    assert "delta-bad" not in week


def test_few_calls_are_compared_with_nothing(as_vic, acme, calls_of):
    calls_of(acme, FEW - 1, duration_us=20 * MS)
    calls_of(acme, FEW, ago=timedelta(hours=25))
    assert "Slower" not in as_vic.get(ONE, headers=HTMX).text


def test_slower_since_a_release_is_told(as_vic, acme, calls_of, inside, clock):
    with inside(acme):
        for hours, version in ((3, "shop@1"), (1, "shop@2")):
            releases.saw(acme.id, [("", version, clock.now() - timedelta(hours=hours))])
        db.session.commit()
    calls_of(acme, FEW, release="shop@1", ago=timedelta(hours=2))
    calls_of(acme, FEW, release="shop@2", duration_us=20 * MS)
    assert "Slower since shop@2" in as_vic.get(ONE, headers=HTMX).text


@pytest.mark.parametrize(
    ("then", "now", "regressed"),
    [
        (10 * MS, 15 * MS, True),
        (10 * MS, 14.9 * MS, False),
        (1 * MS, 1 * MS + REGRESSED_US, True),
        (1 * MS, REGRESSED_US, False),
        (20 * MS, 10 * MS, False),
    ],
)
def test_a_regression_needs_a_factor_and_milliseconds(then, now, regressed):
    assert is_regression(Change(now, then)) is regressed


def test_a_statement_without_calls_in_the_range_says_so(as_vic, acme, calls_of):
    calls_of(acme, ago=timedelta(days=3))
    page = as_vic.get(ONE)
    assert page.status_code == 200
    assert "No call of this statement in this time range" in page.text


def test_an_unknown_statement_is_not_found(as_vic, acme, calls_of):
    calls_of(acme)
    assert as_vic.get(LIST + "f" * 16).status_code == 404
    assert as_vic.get(LIST + "nonsense").status_code == 404


@pytest.mark.parametrize("path", ["", *(f"/{name}" for name in PANELS)])
def test_a_stranger_finds_nothing(as_eve, acme, globex, calls_of, path):
    calls_of(acme)
    assert as_eve.get(ONE + path).status_code == 404
    assert as_eve.get(LIST).status_code == 404
    assert as_eve.get(f"/globex/shop/performance/statements/{READ}").status_code == 404


@pytest.mark.parametrize("path", [LIST, ONE, *(f"{ONE}/{name}" for name in PANELS)])
def test_a_viewer_sees_pages_without_javascript_too(as_vic, acme, calls_of, path):
    calls_of(acme)
    page = as_vic.get(path)
    assert page.status_code == 200
    assert page.text.startswith("<!doctype html>")


def test_an_empty_project_is_told_the_next_step(as_vic, acme):
    assert "Connect an application" in as_vic.get(LIST).text


@pytest.fixture
def asked():
    """The texts of all statements that either database is asked, as they are asked."""
    seen = []

    def note(_connection, _cursor, text, *_):
        seen.append(text)

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def test_twenty_statements_cost_as_many_questions_as_one(as_vic, acme, calls_of, asked):
    calls_of(acme)
    as_vic.get(LIST)
    asked.clear()
    as_vic.get(LIST)
    with_one = len(asked)
    for number in range(1, 20):
        calls_of(acme, fingerprint=f"{number:016x}", statement=f"SELECT {number}")
    asked.clear()
    assert "SELECT 19" in as_vic.get(LIST).text
    assert len(asked) == with_one
