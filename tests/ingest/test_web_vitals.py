"""Web vitals in what Sentry's browser clients send: streamed, as measurements, and on their own."""

from dataclasses import replace

import pytest

from console.core import clock
from console.ingest import web_vitals
from console.ingest.web_vitals import device_of
from console.performance.describe import described
from console.telemetry.page_loads import merge
from console.telemetry.records import PIECE
from console.telemetry.tables import page_load
from tests.telemetry.samples import span

PAGE_ID, TRACE = "a" * 16, "b" * 32
AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1"


def vital(name, value, **attributes):
    said = {f"browser.web_vital.{name}.value": value, "sentry.pageload.span_id": PAGE_ID}
    op = "ui.interaction.click" if name == "inp" else f"ui.webvital.{name}"
    return described(span(op=op, trace_id=TRACE, attributes=said | attributes))


def pageload(**attributes):
    said = {"url.path": "/orders/7", "user_agent.original": AGENT}
    return described(
        span(
            op="pageload",
            name="Pageload",
            source="url",
            span_id=PAGE_ID,
            segment_id=PAGE_ID,
            trace_id=TRACE,
            is_segment=True,
            attributes=said | attributes,
        )
    )


def test_streamed_vitals_are_pieces_of_their_page_load():
    spans = [
        vital("lcp", 1920.0, **{"browser.web_vital.lcp.element": "img#hero"}),
        vital("inp", 304.0, **{"browser.web_vital.inp.input_delay": 4.0}),
        vital("cls", 0.0),
        pageload(**{"browser.web_vital.ttfb.value": 30.0, "browser.web_vital.fcp.value": 200.0}),
        described(span(op="http.client", trace_id=TRACE)),
    ]
    found, implausible = web_vitals.page_loads(spans)
    assert implausible == 0
    assert {one.page_id for one in found} == {PAGE_ID}
    lcp, inp, cls, page = found
    assert (lcp.lcp, lcp.page, lcp.attribution["lcp.target"]) == (1920, "", "img#hero")
    assert (inp.inp, inp.attribution["inp.input_delay"], cls.cls) == (304, 4, 0)
    assert (page.page, page.device, page.ttfb, page.fcp) == ("/orders/{id}", "mobile", 30, 200)


def test_a_page_load_without_vitals_is_one():
    (found,), _ = web_vitals.page_loads([pageload()])
    assert (found.page, found.lcp) == ("/orders/{id}", None)


@pytest.mark.parametrize("value", [-1.0, 60_001.0, float("nan")])
def test_what_no_page_measures_is_counted(value):
    assert web_vitals.page_loads([vital("lcp", value)]) == ([], 1)


@pytest.mark.parametrize("value", ["fast", True, None])
def test_what_is_no_number_is_no_vital(value):
    assert web_vitals.page_loads([vital("lcp", value)]) == ([], 0)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (AGENT, "mobile"),
        ("Mozilla/5.0 (iPad; CPU OS 17_0 like Mac OS X)", "tablet"),
        ("Mozilla/5.0 (Linux; Android 15; SM-X910)", "tablet"),
        ("Mozilla/5.0 (Linux; Android 15; Pixel 9) Mobile", "mobile"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "desktop"),
        ("", ""),
    ],
)
def test_devices(agent, device):
    assert device_of(agent) == device


def test_measurements_of_older_clients_and_a_late_inp_make_one_row(accepted, digest, acme, stored):
    """Version 8 to 10: measurements on the page load's transaction, INP as a span of its own."""
    now = clock.now().timestamp()
    times = {"start_timestamp": now - 2, "timestamp": now}
    trace = {"trace_id": TRACE, "span_id": PAGE_ID, "op": "pageload"}
    inp = times | {
        "type": "span",
        "trace_id": TRACE,
        "span_id": "c" * 16,
        "op": "ui.interaction.click",
        "segment_id": "c" * 16,
        "is_segment": True,
        "measurements": {"inp": {"value": 304, "unit": "millisecond"}},
    }
    transaction = times | {
        "type": "transaction",
        "transaction": "/orders/7",
        "transaction_info": {"source": "url"},
        "contexts": {"trace": trace},
        "request": {"url": "https://shop.test/orders/7", "headers": {"User-Agent": AGENT}},
        "measurements": {
            "lcp": {"value": 1.92, "unit": "second"},
            "fcp": {"value": 300.5, "unit": "millisecond"},
            "ttfb": {"value": 40, "unit": "millisecond"},
            "cls": {"value": 0.12, "unit": ""},
            "fid": {"value": 8, "unit": "millisecond"},
        },
    }
    accepted(acme, inp)
    accepted(acme, transaction)
    digest.drain()
    (row,) = stored(acme).rows(page_load)
    assert (row.page, row.device, row.page_id) == ("/orders/{id}", "mobile", PAGE_ID)
    assert (row.lcp, row.fcp, row.ttfb, row.cls, row.inp, row.fid) == (
        1920, 300.5, 40, 0.12, 304, 8,
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["transaction", "sentry.transaction", "sentry.segment.name", "url.path", "url.full"]
)
def test_an_interaction_without_its_load_has_its_page_and_its_device(
    name, accepted, digest, acme, stored
):
    """As browsers before 11 send it when their load was not sampled, or after a navigation."""
    now = clock.now().timestamp()
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/130.0"
    accepted(
        acme,
        {
            "type": "span",
            "trace_id": TRACE,
            "span_id": "c" * 16,
            "segment_id": "c" * 16,
            "is_segment": True,
            "op": "ui.interaction.click",
            "description": "main > button.buy",
            "start_timestamp": now - 2,
            "timestamp": now - 1.7,
            "measurements": {"inp": {"value": 380, "unit": "millisecond"}},
            "data": {name: "/products/:id", "user_agent.original": agent},
        },
    )
    digest.drain()
    (row,) = stored(acme).rows(page_load)
    assert (row.page, row.device, row.source, row.inp) == ("/products/:id", "desktop", PIECE, 380)


def test_an_interaction_after_a_navigation_is_of_its_page_and_no_load():
    """The trace is the navigation's: no page load has it, and the span says where it was."""
    agent = "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36"
    inp = described(
        span(
            op="ui.interaction.click",
            name="body > button#pay",
            span_id="c" * 16,
            segment_id="c" * 16,
            is_segment=True,
            attributes={
                "browser.web_vital.inp.value": 184.0,
                "sentry.segment.name": "/carts/17/pay",
                "user_agent.original": agent,
            },
        )
    )
    (piece,), _ = web_vitals.page_loads([inp])
    assert (piece.page, piece.device, piece.source) == ("/carts/{id}/pay", "desktop", PIECE)
    (whole,), _ = web_vitals.page_loads([pageload()])
    joined = merge(replace(piece, page_id=PAGE_ID), whole)
    assert (joined.page, joined.device, joined.source, joined.inp) == (
        "/orders/{id}",
        "mobile",
        "sentry",
        184,
    )
