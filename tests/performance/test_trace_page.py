"""A trace's page: who may see it, what it says, what it refuses, and what bad traces look like."""

import re
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from console.telemetry.records import Batch
from console.telemetry.store import EXTENSION
from tests.performance.trace_samples import (
    NOON,
    TRACE,
    checkout,
    keep,
    page_load,
    query,
    request,
    row,
    span_id,
)
from tests.support.clients import HTMX
from tests.telemetry.samples import error

PAGE = f"/acme/shop/performance/traces/{TRACE}"
HINT = {"at": NOON.isoformat()}


@pytest.fixture
def noon(clock):
    """It is an hour after the traces of these tests."""
    clock.set(NOON + timedelta(hours=1))


@pytest.fixture
def slow(app, acme, noon):
    """The slow check-out is stored, with the error that it ended in."""
    keep(app, acme, checkout())
    event = error(
        2, organization_id=acme.organization_id, project_id=acme.id, trace_id=TRACE, at=NOON,
        span_id=span_id(9), title="PaymentError: declined",
    )  # fmt: skip
    app.extensions[EXTENSION].write(acme.organization_id, Batch(errors=[event]), 2)
    return event


def labels(text: str) -> list[str]:
    """The names in the rows of a page."""
    return re.findall(r'class="wf-name"[^>]*>([^<]*)<', text)


def test_a_viewer_sees_the_waterfall(as_vic, slow):
    page = as_vic.get(PAGE, query_string=HINT)
    assert page.status_code == 200
    assert "14× SELECT * FROM line WHERE order_id = 100" in page.text
    assert "no instrumentation 330 ms" in page.text
    assert "2 spans are moved into the span that called them, by up to 10 s" in page.text
    assert "1 span is shown under another span: the parent never arrived." in page.text
    assert "critical path, inferred from times" in page.text
    assert "1 error" in page.text
    assert page.text.count('role="row"') < 40


def test_a_stranger_finds_no_trace(as_eve, client, slow):
    assert as_eve.get(PAGE).status_code == 404
    assert as_eve.get(f"{PAGE}/spans/{span_id(1)}").status_code == 404
    assert as_eve.get(f"{PAGE}/children/{span_id(1)}").status_code == 404
    assert "/login" in client.get(PAGE).headers["Location"]


def test_another_projects_trace_is_not_found_by_its_id(as_eve, acme, globex, slow):
    assert as_eve.get(f"/globex/shop/performance/traces/{TRACE}").status_code == 404


def test_a_trace_is_found_without_a_hint_and_with_a_wrong_one(as_vic, slow):
    assert as_vic.get(PAGE).status_code == 200
    assert as_vic.get(PAGE, query_string={"at": "2026-10-01T00:00Z"}).status_code == 200


def test_a_trace_that_is_not_there_says_why(as_vic, acme):
    page = as_vic.get("/acme/shop/performance/traces/" + "0f" * 16)
    assert page.status_code == 404
    assert "it was not sampled, or is older than is kept" in page.text


def test_the_waterfall_alone_is_the_part(as_vic, slow):
    part = as_vic.get(PAGE, query_string=HINT, headers=HTMX).text
    assert part.startswith('<section id="waterfall"')


def test_filters_keep_what_is_above_a_match(as_vic, slow):
    found = labels(as_vic.get(PAGE, query_string=HINT | {"q": "pay.example"}).text)
    assert found[-1] == "POST https://pay.example/v2/charges/8812"
    assert "checkout/receipt.html" not in found
    failed = as_vic.get(PAGE, query_string=HINT | {"errors": "1"}).text
    assert "3 spans of 29 match" in failed
    assert "14×" not in failed
    gaps = as_vic.get(PAGE, query_string=HINT | {"category": "gap"}).text
    assert "no instrumentation" in gaps
    assert "receipt.html" not in gaps
    critical = as_vic.get(PAGE, query_string=HINT | {"critical": "1"}).text
    assert "cart:91c2" in critical
    assert "_line.html" in critical
    nothing = as_vic.get(PAGE, query_string=HINT | {"q": "no such text"})
    assert "No span matches" in nothing.text


def test_a_zoom_is_in_the_address_and_leaves_out_what_ran_elsewhere(as_vic, slow):
    page = as_vic.get(PAGE, query_string=HINT | {"from": "890.5", "to": "1000"}).text
    assert "checkout/receipt.html" in page
    assert "14×" not in page
    assert 'name="from" value="890.5"' in page
    assert "Whole trace" in page


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"from": "x"}, "from: Not a valid float value."),
        ({"from": "nan"}, "from: Between 0 and"),
        ({"from": "10", "to": "5"}, "to: The zoom ends before it starts."),
        ({"over": "-1"}, "over: Between 0 and"),
        ({"category": "x"}, "category: Not a valid choice."),
        ({"against": "x"}, "against: “median”, or the id of a trace."),
        ({"at": "yesterday"}, "at: Not a date and time"),
        ({"q": "\0"}, "NUL"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(as_vic, slow, asked, said):
    page = as_vic.get(PAGE, query_string=asked)
    assert page.status_code == (400 if said == "NUL" else 422)
    assert said.rpartition(": ")[2] in page.text


def test_a_group_opens_by_its_link_and_by_its_part(as_vic, slow):
    key = f"g{span_id(100)}"
    page = as_vic.get(PAGE, query_string=HINT | {"open": key}).text
    assert "SELECT * FROM line WHERE order_id = 113" in page
    assert "14 different values: <span" in page
    part = as_vic.get(
        f"{PAGE}/children/{span_id(100)}",
        query_string=HINT | {"group": "g", "level": "4"},
        headers=HTMX,
    ).text
    assert part.count('aria-level="4"') == 15  # the values stand above them
    assert "14 different values" in part
    assert "<html" not in part
    shut = as_vic.get(PAGE, query_string=HINT | {"shut": span_id(1)}).text
    assert labels(shut) == ["POST /checkout"]


def test_there_is_nothing_below_a_leaf(as_vic, slow):
    assert as_vic.get(f"{PAGE}/children/{span_id(7)}").status_code == 404
    assert as_vic.get(f"{PAGE}/children/{'e' * 16}").status_code == 404
    assert as_vic.get(f"{PAGE}/children/{span_id(7)}?group=x").status_code == 400


def test_a_spans_panel_says_all_that_is_known(as_vic, slow):
    address = f"{PAGE}/spans/{span_id(8)}"
    part = as_vic.get(address, query_string=HINT, headers=HTMX).text
    assert part.startswith('<aside id="span-panel"')
    assert "\nFROM orders o\nJOIN customer c\n  ON c.id = o.customer_id\nWHERE" in part
    assert "shop/orders.py:42 in lines_of" in part
    assert "P50 14 ms" in part
    assert "db.system.name" in part
    page = as_vic.get(address, query_string=HINT).text
    assert 'id="waterfall"' in page
    assert 'id="span-panel"' in page
    assert as_vic.get(f"{PAGE}/spans/{'e' * 16}").status_code == 404


def test_a_spans_errors_lead_to_their_issue(app, as_vic, acme, slow, make_issue):
    part = as_vic.get(f"{PAGE}/spans/{span_id(9)}", headers=HTMX).text
    link = re.search(r'href="([^"]*/of-event/[^"]*)"', part)
    assert "PaymentError: declined" in part
    assert link is not None
    assert as_vic.get(link[1]).status_code == 404  # not counted in an issue yet
    issue = make_issue(acme, hash=slow.grouping_hash)
    answer = as_vic.get(link[1])
    assert answer.headers["Location"] == f"/acme/shop/issues/{issue.id}/events/{slow.event_id}"


def test_a_trace_is_compared_with_the_median_of_its_endpoint(app, as_vic, acme, slow):
    for number, ms in enumerate((300, 500, 900), 3):
        other = request(
            1, at=-number * 1000, ms=ms, endpoint="POST /checkout", name="POST /checkout"
        )
        keep(app, acme, [replace(other, trace_id=f"{number:032x}")], number)
    page = as_vic.get(PAGE, query_string=HINT | {"against": "median"}).text
    assert "nearest to the median of 4 × POST /checkout, last 24 hours" in page
    assert "(500 ms)" in page or "(900 ms)" in page
    assert "wf-ghost" in page
    chosen = as_vic.get(PAGE, query_string=HINT | {"against": f"{3:032x}"}).text
    assert "the trace that you chose" in chosen
    assert "+940 ms" in chosen
    gone = as_vic.get(PAGE, query_string=HINT | {"against": "9" * 32}).text
    assert "Nothing is stored of the trace" in gone


def test_a_trace_without_others_like_it_says_so(app, as_vic, acme, noon):
    keep(app, acme, [row(1)])
    page = as_vic.get(PAGE, query_string=HINT | {"against": "median"}).text
    assert "began with no request, task or screen" in page


def test_a_page_is_marked_by_its_vitals(app, as_vic, acme, noon):
    keep(app, acme, page_load())
    page = as_vic.get(PAGE, query_string=HINT).text
    assert "TTFB 182 ms, FCP 640 ms, LCP 1.71 s" in page
    assert page.count("wf-phase-waiting") == 3
    assert "no instrumentation" not in page


def test_impossible_times_cycles_and_missing_parents_are_shown_and_told(app, as_vic, acme, noon):
    spans = [
        request(1, ms=0),
        row(2, 1, at=-3_600_000, ms=10**9, name="before its parent, for days"),
        row(3, 4, at=10, name="one"),
        row(4, 3, at=11, name="two"),
        row(5, 5, at=12, name="its own parent"),
        row(6, 99, at=13, name="an orphan"),
        row(7, 1, at=14, name="", op="", attributes={f"a{n}": "<b>" for n in range(200)}),
    ]
    keep(app, acme, spans)
    page = as_vic.get(PAGE, query_string=HINT)
    assert page.status_code == 200
    assert "2 circles of spans that call each other" in page.text
    assert "1 span starts before its parent by the same clock" in page.text
    assert "1 span is shown under another span" in page.text
    assert "two" in labels(page.text)
    for number in range(1, 8):
        panel = as_vic.get(f"{PAGE}/spans/{span_id(number)}", query_string=HINT, headers=HTMX)
        assert panel.status_code == 200
        assert "<b>" not in panel.text


def test_five_thousand_spans_stay_usable(app, as_vic, acme, noon, capsys):
    spans = [request(0, ms=60_000)]
    for n in range(1, 500):
        view = 10_000 + n
        spans.append(row(view, 0, at=n * 100, ms=95, name=f"step {n}"))
        spans += [query(n * 10 + m, view, at=n * 100 + m * 9, ms=8, fingerprint=f"{m % 3:016x}")
                  for m in range(9)]  # fmt: skip
    keep(app, acme, spans)
    as_vic.get(PAGE, query_string=HINT)
    began = time.process_time()  # of this process alone: others may use the machine as well
    page = as_vic.get(PAGE, query_string=HINT)
    took = time.process_time() - began
    with capsys.disabled():
        print(f"\n{len(spans):,} spans: {took * 1000:.0f} ms, {len(page.data) / 1000:.0f} KB")
    assert page.text.count('role="row"') <= 502
    assert "spans are not shown: open a row, filter or zoom to see them." in page.text
    assert took < 5
    below = as_vic.get(
        f"{PAGE}/children/{span_id(10_400)}", query_string=HINT | {"level": 3}, headers=HTMX
    )
    assert below.text.count('role="row"') == 9


def test_more_spans_than_are_read_are_told(app, as_vic, acme, noon):
    spans = [request(0, ms=60_000), *(row(n, 0, at=n) for n in range(1, 10_200))]
    keep(app, acme, spans)
    page = as_vic.get(PAGE, query_string=HINT).text
    assert "The trace has 10,200 spans; the first 10,000 by start are read." in page
