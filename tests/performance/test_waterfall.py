"""The tree of a trace and its rows: nothing lost, nothing twice, whatever was sent."""

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.performance.traces.branches import TOP, Entry, Rest
from console.performance.traces.critical_path import critical_path
from console.performance.traces.ghosts import compare
from console.performance.traces.groups import Gap, Group, gaps, items, parameters
from console.performance.traces.selection import View
from console.performance.traces.time_shares import time_shares
from console.performance.traces.tree import Node, grown, preorder
from console.performance.traces.waterfall import MOST_ROWS, branch, waterfall
from tests.performance.trace_samples import error, query, request, row, span_id

EVERYTHING = View()


MOST = 12
SHAPES: list[dict[str, Any]] = [
    {"op": "db", "name": "SELECT 1", "category": "db", "fingerprint": "f" * 16},
    {"op": "db", "name": "SELECT 2", "category": "db", "fingerprint": "f" * 16},
    {"op": "middleware", "status": "internal_error"},
    {"op": "middleware"},
    {"op": "", "name": "\x00\n'", "category": "?"},
    {"category": "request", "is_segment": True, "server_name": "web-2"},
    {"category": "task", "is_segment": True, "server_name": "worker-1"},
    {"category": "page", "is_segment": True, "platform": "javascript", "server_name": ""},
]
shapes = st.tuples(
    st.integers(-1, MOST + 1),  # the parent: -1 is none, and the last are missing
    st.integers(-5_000, 5_000),
    st.sampled_from([0, 0.001, 1, 60, 3_000, 1e12]),
    st.sampled_from(SHAPES),
    st.integers(0, MOST + 1).map(span_id),
)


def traces():
    """Spans whose parents may be missing, themselves, or each other; of several clocks."""
    return st.lists(shapes, min_size=1, max_size=MOST).map(
        lambda found: [
            row(n, "" if parent < 0 else parent, at=at, ms=ms, segment_id=segment, **shape)
            for n, (parent, at, ms, shape, segment) in enumerate(found)
        ]
    )


@given(traces(), st.randoms(use_true_random=False))
def test_every_span_is_in_the_tree_once_whatever_the_order_and_repeats(spans, chance):
    tree = grown(spans)
    ids = [node.id for node in preorder(tree.roots)]
    assert sorted(ids) == sorted({span.span_id for span in spans})
    assert list(tree.nodes) == ids
    again = [*spans, *chance.choices(spans, k=5)]
    chance.shuffle(again)
    other = grown(again)
    assert [(n.id, n.start, n.depth) for n in preorder(other.roots)] == [
        (n.id, n.start, n.depth) for n in preorder(tree.roots)
    ]
    assert other.duplicates == 5


@given(traces())
def test_every_span_is_in_the_rows_once_when_all_groups_are_opened(spans):
    tree = grown(spans)
    opened = {key + one for one in tree.nodes for key in ("g", "c")}
    shown = waterfall(tree, View(opened=frozenset(opened)))
    ids = [row.entry.id for row in shown.rows if isinstance(row.entry, Node)]
    assert sorted(ids) == sorted(tree.nodes)
    assert shown.unshown == 0


@given(traces())
def test_shut_groups_hold_the_rest(spans):
    tree = grown(spans)
    rows = waterfall(tree, EVERYTHING).rows
    ids = [row.entry.id for row in rows if isinstance(row.entry, Node)]
    ids += [m.id for row in rows if isinstance(row.entry, Group) for m in row.entry.members]
    assert sorted(ids) == sorted(tree.nodes)


@given(traces())
def test_times_on_a_row_are_inside_the_axis(spans):
    shown = waterfall(grown(spans), EVERYTHING)
    for one in shown.rows:
        bars = [one.whole, *one.own, *one.critical]
        for bar in filter(None, bars):
            assert 0 <= bar.x <= 100
            assert bar.width >= 0
            assert bar.x + bar.width <= 100.2


@given(traces())
def test_the_critical_path_is_as_long_as_its_root_and_never_in_two_places(spans):
    tree = grown(spans)
    for root in tree.roots:
        path = critical_path([root])
        stretches = sorted(part for own in path.values() for part in own)
        assert sum(end - start for start, end in stretches) == root.duration
        assert all(a[1] <= b[0] for a, b in pairwise(stretches))


@given(traces())
def test_shares_of_time_add_up_to_the_roots(spans):
    tree = grown(spans)
    longest = tree.main.duration
    found = [gap for node in tree.nodes.values() for gap in gaps(node, longest)]
    covered, at = 0, 0
    for start, end in sorted((root.start, root.end) for root in tree.roots):
        covered += max(end - max(start, at), 0)
        at = max(at, end)
    assert sum(share.duration for share in time_shares(tree, found)) == covered


@given(traces(), st.integers(0, 40_000_000), st.integers(1, 40_000_000))
def test_a_zoom_keeps_all_that_ran_in_it(spans, since, length):
    tree = grown(spans)
    shown = waterfall(tree, View(since=since, until=since + length))
    for node in tree.nodes.values():
        if node.start <= shown.until and node.end >= shown.since:
            assert node.id in shown.selection.shown


@given(traces(), traces())
def test_any_two_traces_can_be_compared(spans, others):
    tree, other = grown(spans), grown(others)
    found = compare(tree, other)
    assert found.ours_alone + len(found.ghosts) == len(tree.nodes)
    assert found.theirs_alone + len(found.ghosts) == len(other.nodes)
    waterfall(tree, EVERYTHING, found)


def test_a_cycle_is_broken_at_its_first_span_and_counted():
    tree = grown([request(1), row(2, 4, at=5), row(3, 2, at=6), row(4, 3, at=7), row(5, 5, at=8)])
    assert tree.cycles == 2
    assert [root.id for root in tree.roots] == [span_id(1), span_id(2), span_id(5)]


def test_orphans_stand_under_their_segment_or_the_first_root():
    spans = [
        request(1),
        request(2, 1, at=10, ms=100),
        row(3, 99, at=20, segment_id=span_id(2)),
        row(4, 98, at=30),
    ]
    tree = grown(spans)
    parents = {node.id: node.parent.id for node in tree.nodes.values() if node.parent}
    assert parents[span_id(3)] == span_id(2)
    assert parents[span_id(4)] == span_id(1)
    assert (tree.orphans, tree.headless) == (2, 0)


def test_a_segment_whose_caller_reports_elsewhere_is_a_root():
    tree = grown([request(1, 99), row(2, 1)])
    assert [root.id for root in tree.roots] == [span_id(1)]
    assert (tree.orphans, tree.headless) == (0, 1)


def test_the_other_side_of_a_call_is_moved_into_it_and_so_is_what_is_below():
    spans = [
        request(1, ms=100),
        row(2, 1, at=10, ms=50, op="http.client", category="http"),
        request(3, 2, at=-4_990, ms=30, server_name="api-1"),
        query(4, 3, at=-4_985, ms=5, server_name="api-1"),
    ]
    tree = grown(spans)
    assert tree.skewed == 2
    assert tree.skew == 5_010_000
    assert tree.nodes[span_id(3)].start == 20_000
    assert tree.nodes[span_id(4)].start == 25_000


def test_a_task_may_outlive_what_queued_it():
    task = row(2, 1, at=500, ms=900, category="task", server_name="worker-1")
    assert grown([request(1, ms=100), task]).skewed == 0


def test_one_clock_is_shown_as_it_is_and_what_starts_early_is_counted():
    tree = grown([request(1, at=100), row(2, 1, at=50)])
    assert (tree.skewed, tree.early) == (0, 1)
    assert tree.nodes[span_id(2)].start == 0


def test_errors_mark_their_span_and_all_above_it():
    spans = [request(1), row(2, 1), row(3, 2), row(4, 1, status="not_found", http_status=404)]
    tree = grown(spans, [error(3), error(77)])
    assert tree.nodes[span_id(3)].failed
    assert tree.nodes[span_id(1)].failed_below == tree.nodes[span_id(2)].failed_below == 1
    assert not tree.nodes[span_id(4)].failed
    assert [one.span_id for one in tree.loose] == [span_id(77)]
    shut = waterfall(tree, View(shut=frozenset([span_id(2)])))
    assert [(r.label, r.failed_below) for r in shut.rows if r.is_open is False] == [("2", 1)]


def test_self_time_is_what_no_child_covers():
    spans = [request(1, ms=100), row(2, 1, at=10, ms=40), row(3, 1, at=30, ms=30), row(4, 2, at=90)]
    tree = grown(spans)
    assert tree.nodes[span_id(1)].self_us == 50_000
    assert tree.nodes[span_id(2)].self_us == 40_000  # what runs after it covers none of it


def test_a_gap_is_a_tenth_of_a_second_and_a_twentieth_of_the_root():
    spans = [request(1, ms=1000), row(2, 1, at=0, ms=300), row(3, 1, at=540, ms=361)]
    found = items(grown(spans).roots[0], 1_000_000)
    assert [(i.start, i.end) for i in found if isinstance(i, Gap)] == [(300_000, 540_000)]
    long = [request(1, ms=10_000), row(2, 1, at=0, ms=5000), row(3, 1, at=5300, ms=4700)]
    assert not any(isinstance(i, Gap) for i in items(grown(long).roots[0], 10_000_000))
    page = [request(1, ms=1000, category="page", platform="javascript"), row(2, 1, ms=10)]
    assert not any(isinstance(i, Gap) for i in items(grown(page).roots[0], 1_000_000))
    rows = waterfall(grown(spans), EVERYTHING).rows
    assert [(r.kind, r.duration, r.fraction) for r in rows if r.kind == "gap"] == [
        ("gap", 240_000, 0.24)
    ]


@pytest.mark.parametrize(
    "fields", [{"category": "http"}, {"category": "db"}, {"category": "queue"}, {"kind": "client"}]
)
def test_a_client_that_waits_has_no_gap(fields):
    spans = [request(1, ms=1000), row(2, 1, ms=1000, **fields), row(3, 2, at=800, ms=200)]
    shown = waterfall(grown(spans), EVERYTHING)
    assert [r.kind for r in shown.rows] == ["span"] * 3
    assert "gap" not in [share.category for share in shown.shares]


def test_the_bar_of_a_span_is_solid_where_the_breakdown_calls_it_its_own():
    spans = [request(1, ms=1000), row(2, 1, at=0, ms=300), row(3, 1, at=540, ms=361)]
    root = waterfall(grown(spans), EVERYTHING).rows[0]
    assert [(bar.x, round(bar.width)) for bar in root.own] == [(90.1, 10)]


def test_five_alike_are_one_row_shut_and_say_what_they_took_together():
    spans = [request(1, ms=100), *(query(n, 1, at=n, ms=1.5) for n in range(2, 14))]
    spans.append(row(50, 1, at=7.5, ms=1, op="cache.get", category="cache"))
    shown = waterfall(grown(spans), EVERYTHING)
    group = next(r for r in shown.rows if r.kind == "siblings")
    assert group.label == "12× SELECT * FROM line WHERE order_id = 2"
    assert (group.is_open, group.hidden) == (False, 12)
    assert (group.duration, group.fraction) == (12_500, 0.125)
    assert group.values == [[str(n) for n in range(2, 14)]]
    assert len(shown.rows) == 3
    opened = waterfall(grown(spans), View(opened=frozenset([group.key])))
    assert [r.place.level for r in opened.rows] == [1, 2, *[3] * 12, 2]


def test_four_alike_are_no_group():
    spans = [request(1, ms=100), *(query(n, 1, at=n) for n in range(2, 6))]
    assert all(r.kind == "span" for r in waterfall(grown(spans), EVERYTHING).rows)


def test_a_chain_of_the_same_operation_is_one_row_until_opened():
    spans = [request(1, ms=99), *(row(n, n - 1, at=n, op="middleware") for n in range(2, 6))]
    spans.append(query(6, 5, at=9))
    rows = waterfall(grown(spans), EVERYTHING).rows
    assert [(r.kind, r.place.level) for r in rows] == [("span", 1), ("chain", 2), ("span", 3)]
    assert (rows[1].label, rows[1].hidden) == ("2 → … → 5", 3)
    opened = waterfall(grown(spans), View(opened=frozenset([rows[1].key]))).rows
    assert [(r.kind, r.place.level) for r in opened][2:] == [("span", n) for n in range(3, 8)]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["WHERE id = 1 AND a = 'x'", "WHERE id = 2 AND a = 'x'"], [["1", "2"]]),
        (["WHERE id = %s", "WHERE id = %s"], []),
        (["IN (1, 2)", "IN (1, 2, 3)"], []),
        (["t1.x = 'it''s' OR $1", "t1.x = 'b' OR $1"], [["'it''s'", "'b'"]]),
    ],
)
def test_parameters_are_the_inline_values_that_differ(names, expected):
    assert parameters(names) == expected


def test_the_critical_path_goes_back_along_what_finished_last():
    spans = [
        request(1, ms=100),
        row(2, 1, at=10, ms=30),
        row(3, 1, at=20, ms=60),  # finishes last, so 2 was not waited for: it runs beside
        row(4, 3, at=30, ms=40),
        row(5, 1, at=0, ms=15),
    ]
    tree = grown(spans)
    path = {tree.nodes[one].span.name: own for one, own in critical_path(tree.roots).items()}
    assert path == {
        "GET /orders": [(15_000, 20_000), (80_000, 100_000)],
        "3": [(20_000, 30_000), (70_000, 80_000)],
        "4": [(30_000, 70_000)],
        "5": [(0, 15_000)],
    }
    rows = waterfall(tree, View(critical_only=True)).rows
    assert [r.label for r in rows] == ["GET /orders", "5", "3", "4"]


def test_shares_count_each_moment_for_the_deepest_span():
    spans = [request(1, ms=1000), query(2, 1, at=0, ms=300), query(3, 1, at=200, ms=200)]
    spans.append(row(4, 1, at=400, ms=100, op="template.render", category="render"))
    tree = grown(spans)
    found = time_shares(tree, gaps(tree.roots[0], 1_000_000))
    assert {share.category: share.duration for share in found} == {
        "db": 400_000,
        "render": 100_000,
        "gap": 500_000,
    }


def test_a_filter_keeps_what_is_above_a_match():
    spans = [request(1), row(2, 1, name="view"), query(3, 2, at=1), row(4, 1, name="other")]
    rows = waterfall(grown(spans), View(text="select")).rows
    assert [(r.place.level, r.is_match) for r in rows] == [(1, False), (2, False), (3, True)]
    assert waterfall(grown(spans), View(category="db")).selection.matches == {span_id(3)}
    assert len(waterfall(grown(spans), View(over=10_001)).selection.matches) == 1
    assert waterfall(grown(spans), View(server="elsewhere")).rows == []


def test_too_many_rows_are_cut_groups_first_and_the_rest_is_told():
    spans = [request(1, ms=10_000)]
    spans += [row(n, 1, at=n, ms=1 + n % 7, name=f"step {n}") for n in range(2, 2_000)]
    spans += [query(n, 1, at=n) for n in range(3_000, 3_100)]
    shown = waterfall(grown(spans), EVERYTHING)
    assert len(shown.rows) == MOST_ROWS
    assert [r.kind for r in shown.rows].count("siblings") == 1
    rest: Entry | None = shown.rows[-1].entry
    assert shown.rows[-1].label == "1,503 more spans"
    assert shown.unshown == 1_503
    tree, seen = grown(spans), {r.node.id for r in shown.rows if r.node}
    while isinstance(rest, Rest):
        more = branch(tree, EVERYTHING, None, span_id(1), level=2, skip=rest.skip)
        rest = next((r.entry for r in more if r.kind == "rest"), None)
        ids = {r.node.id for r in more if r.node}
        assert not ids & seen
        seen |= ids
    assert len(seen) == 2_000  # 1,998 steps, the root and the group


def test_a_very_deep_trace_is_shown_from_the_top():
    spans = [request(0, ms=20_000)]
    spans += [row(n, n - 1, at=n / 1000, ms=19_999, op=f"f{n}") for n in range(1, 10_000)]
    shown = waterfall(grown(spans), EVERYTHING)
    assert [r.place.level for r in shown.rows] == list(range(1, MOST_ROWS + 1))
    assert shown.rows[-1].is_open is False
    assert shown.rows[-1].hidden == 9_500


def test_the_top_level_itself_may_be_too_long():
    spans = [request(n, at=n, name=f"GET /{n}") for n in range(900)]
    shown = waterfall(grown(spans), EVERYTHING)
    assert isinstance(shown.rows[-1].entry, Rest)
    assert shown.rows[-1].entry.key == TOP
    assert len(branch(grown(spans), EVERYTHING, None, TOP, level=1, skip=499)) == 200


def test_a_second_trace_stands_where_ours_does():
    ours = [request(1, ms=100), query(2, 1, at=10, ms=20), query(3, 1, at=40), row(4, 1, at=60)]
    theirs = [
        request(7, at=5_000, ms=80),
        query(8, 7, at=5_012, ms=5),
        row(9, 7, at=5_020, name="x"),
    ]
    tree = grown(ours)
    found = compare(tree, grown(theirs))
    assert (found.ours_alone, found.theirs_alone) == (2, 1)
    rows = waterfall(tree, EVERYTHING, found).rows
    assert [(r.change, r.ghost and r.ghost.x) for r in rows] == [
        (20_000, 0.0),
        (15_000, 12.0),
        (None, None),
        (None, None),
    ]


def test_the_order_in_which_spans_came_changes_no_row():
    spans = [request(1), *(query(n, 1, at=n) for n in range(2, 30)), row(40, 99), row(41, 40)]
    shuffled = random.Random(7).sample(spans, len(spans))
    described = [[(r.key, r.label, r.whole) for r in waterfall(grown(s), EVERYTHING).rows]
                 for s in (spans, shuffled)]  # fmt: skip
    assert described[0] == described[1]
