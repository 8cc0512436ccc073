"""What stands around the rows of a trace: vitals, phases of requests, the map of the whole."""

from console.performance.traces.mini_map import mini_map
from console.performance.traces.page_marks import marks, phases
from console.performance.traces.tree import grown
from tests.performance.trace_samples import request, row, span_id


def test_a_page_is_marked_by_its_vitals_also_by_those_that_come_late():
    page = request(
        1, at=100, ms=3000, category="page", op="pageload", platform="javascript",
        attributes={"browser.web_vital.ttfb.value": 120.5, "browser.web_vital.fcp.value": 640,
                    "browser.web_vital.lcp.value": "no number"},
    )  # fmt: skip
    late = row(
        2, at=900, ms=0, category="vital", op="ui.webvital.lcp", segment_id=span_id(1),
        attributes={"browser.web_vital.lcp.value": 1800.0},
    )  # fmt: skip
    found = marks(grown([page, late, request(3, at=0, ms=1)]))
    assert [(m.name, m.at) for m in found] == [
        ("TTFB", 220_500),
        ("FCP", 740_000),
        ("LCP", 1_900_000),
    ]


def test_a_resource_shows_the_phases_that_the_browser_timed():
    at = 1_795_000_000.0
    times = {"fetch_start": at, "domain_lookup_start": at + 0.01, "request_start": at + 0.02,
             "response_start": at + 0.08, "response_end": at + 0.1, "connect_start": 0}  # fmt: skip
    attributes = {f"http.request.{name}": value for name, value in times.items()}
    spans = [request(1), row(2, 1, at=50, ms=100, category="resource", attributes=attributes)]
    found = phases(grown(spans).nodes[span_id(2)])
    assert [(p.name, p.start, p.end) for p in found] == [
        ("queue", 50_000, 60_000),
        ("waiting", 70_000, 130_000),
        ("download", 130_000, 150_000),
    ]


def test_the_mini_map_has_six_levels_at_most():
    spans = [request(0), *(row(n, n - 1, at=n, op=f"f{n}") for n in range(1, 12))]
    pieces = mini_map(grown(spans))
    assert {piece.level for piece in pieces} == set(range(6))
    assert all(piece.x >= 0 and piece.x + piece.width <= 100 for piece in pieces)
