import time

import pytest

from console.performance.findings.detectors import (
    CALLS,
    CALLS_AT_ONCE,
    GAP_US,
    MOST,
    SLOW_US,
    find,
)
from console.telemetry.finding_kinds import GAP, N_PLUS_ONE, REPEATED_CALL, SLOW_QUERY
from console.telemetry.records import Finding
from tests.performance.segments import BOOKS, LOOK_UP, ROOT, Request


def only(request: Request) -> Finding:
    (finding,) = find(request.spans())
    return finding


@pytest.mark.parametrize(
    "text",
    [
        LOOK_UP,
        "UPDATE book SET price = ? WHERE id = ?",
        "DELETE FROM cart",
        "WITH sold AS (SELECT * FROM line) SELECT * FROM sold",
        "INSERT INTO archive SELECT * FROM book",
        "COMMIT",
    ],
)
def test_a_slow_query_of_every_kind(text):
    request = Request()
    request.add(text, us=SLOW_US)
    request.add(text, us=SLOW_US - 1)
    finding = only(request)
    assert (finding.kind, finding.count, finding.total_us) == (SLOW_QUERY.name, 1, SLOW_US)


def test_a_slow_query_tells_all_its_slow_calls():
    request = Request()
    for us in (600_000, 700_000):
        request.add(us=us)
    assert (only(request).count, only(request).saving_us) == (2, 1_300_000)


def test_waiting_for_a_connection_is_no_slow_query():
    request = Request()
    request.add("connect", us=900_000)
    assert find(request.spans()) == []


def calls(request: Request, number: int, **fields) -> None:
    for item in range(number):
        url = f"https://stock.test/items/{item}"
        attributes = {"url.full": url}
        request.add(
            f"GET {url}", "http.client", us=20_000, http_method="GET", attributes=attributes,
            **fields,
        )  # fmt: skip


def test_repeated_calls_to_one_address_but_for_its_ids():
    request = Request()
    calls(request, CALLS)
    finding = only(request)
    assert (finding.kind, finding.count, finding.saving_us) == (REPEATED_CALL.name, CALLS, 80_000)
    assert finding.subject == "GET stock.test/items/{id}"
    assert finding.examples[1] == "https://stock.test/items/1"


def test_fewer_calls_parallel_calls_retries_and_polling_are_not_accused():
    few, parallel, retries, polling = (Request() for _ in range(4))
    calls(few, CALLS - 1)
    calls(parallel, CALLS_AT_ONCE - 1, at=1_000)
    calls(retries, 20, http_status=503)
    for number in range(20):
        polling.add(
            "GET https://jobs.test/1", "http.client", us=20_000, at=number * 400_000
        )  # fmt: skip
    for request in (few, parallel, retries):
        assert find(request.spans()) == []
    assert [one.kind for one in find(polling.spans())] == []


def test_a_list_of_calls_at_once_saves_what_passes_meanwhile():
    request = Request()
    calls(request, CALLS_AT_ONCE, at=1_000)
    finding = only(request)
    seen = finding.kind, finding.count, finding.at_once
    assert seen == (REPEATED_CALL.name, CALLS_AT_ONCE, True)
    assert finding.saving_us == 0


def test_a_large_gap_says_between_what():
    request = Request()
    view = request.add("books", "view", us=1_000_000)
    request.add(BOOKS, at=2_000, us=10_000, parent_span_id=view)
    request.add("list.html", "template.render", at=800_000, us=100_000, parent_span_id=view)
    finding = only(request)
    assert (finding.kind, finding.total_us, finding.span_id) == (GAP.name, 788_000, view)
    assert finding.subject == f"after db {BOOKS}, before template.render list.html"
    assert (finding.parent, finding.offset_us) == ("view books", 12_000)


def test_gaps_differ_by_place_not_by_ids():
    fingerprints = set()
    for number in (1, 2, 30):
        request = Request()
        request.add(f"load order {number}", "function", us=1_000)
        request.add(f"send order {number}", "function", at=900_000)
        fingerprints.add(only(request).fingerprint)
    assert len(fingerprints) == 1


@pytest.mark.parametrize(("name", "op"), [("connect", "db"), ("GET http://a.test", "http.client")])
def test_a_client_that_waits_is_no_gap(name, op):
    request = Request()
    holder = request.add(name, op, us=2_000_000, at=0)
    request.add("dns", "function", at=1_000, us=500, parent_span_id=holder)
    assert find(request.spans()) == []


def test_a_span_without_children_is_no_gap():
    request = Request()
    request.add("resize", "function", us=5_000_000)
    assert find(request.spans()) == []
    assert find(Request(us=9_000_000).spans()) == []


def test_gaps_of_short_requests_small_gaps_of_long_ones_and_of_pages_are_not_told():
    short, long, page = Request(), Request(), Request(op="pageload", name="/books")
    short.add(at=GAP_US - 2_000)
    for number in range(5):
        long.add("part", "function", us=1_000_000, at=number * 1_400_000)
    page.add("fetch", "function", at=5_000_000)
    for request in (short, long, page):
        assert find(request.spans()) == []


def test_children_that_outlive_or_precede_their_parent_do_not_make_gaps():
    request = Request(us=1_000_000)
    request.add("early", "function", at=-600_000, us=900_000)
    request.add("late", "function", at=400_000, us=9_000_000)
    assert find(request.spans()) == []


def test_a_task_is_looked_at_like_a_request():
    request = Request(op="queue.task", name="send_mails")
    for _ in range(6):
        request.add()
    assert only(request).parent == "queue.task send_mails"
    assert only(request).kind == N_PLUS_ONE.name


def test_of_very_many_findings_the_longest_are_reported():
    request = Request()
    for number in range(MOST + 5):
        request.add(f"SELECT * FROM t{chr(97 + number)} WHERE id = ?", us=SLOW_US + number)
    found = find(request.spans())
    assert len(found) == MOST
    assert found[0].total_us == SLOW_US + MOST + 4
    assert all(one.span_id != ROOT for one in found)


def _nested(number: int) -> Request:
    request, parent = Request(), ROOT
    for _ in range(number // 2):
        parent = request.add("step", "function", parent_span_id=parent)
        request.add(parent_span_id=parent)
    return request


def _different(number: int) -> Request:
    request = Request()
    for place in range(number):
        table = "".join(chr(ord("a") + int(digit)) for digit in str(place))
        request.add(f"SELECT a FROM {table}_ WHERE id = ?", us=SLOW_US)
    return request


def _queries(number: int) -> Request:
    request = Request()
    for place in range(number):
        url = f"https://stock.test/items?{'&'.join(f'a{place}b{name}=1' for name in range(20))}"
        request.add(
            f"GET {url}", "http.client", http_method="GET", attributes={"url.full": url}
        )  # fmt: skip
    return request


@pytest.mark.parametrize("made", [_nested, _different, _queries])
def test_a_segment_of_thousands_of_spans_is_examined_at_once(made):
    """Whoever knows a DSN can send it: work by the square of the spans would take half a minute."""
    rows = made(5_000).spans()
    began = time.thread_time()
    assert len(find(rows)) in range(1, MOST + 1)
    assert time.thread_time() - began < 5
