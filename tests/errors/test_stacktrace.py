"""The order and shape in which a page shows what an event carries."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors.colours import coloured
from console.errors.stacktrace import stacktrace
from console.errors.values import Value
from tests.ingest.corpus.reading import bugs, decoded, event

OWN = {"function": "total", "filename": "shop/cart.py", "lineno": 17, "in_app": True}
LIBRARY = {"function": "dispatch", "filename": "flask/app.py", "lineno": 900, "in_app": False}


def shown(*frames, platform="python", **fields):
    exception = {"type": "KeyError", "value": "'a'", "stacktrace": {"frames": list(frames)}}
    return stacktrace(event({"platform": platform, "exception": [{**exception, **fields}]}))


def test_the_main_error_comes_first_and_says_how_the_others_belong_to_it():
    view = stacktrace(dict(bugs())["quote"])
    assert [(one.type, one.relation) for one in view.exceptions] == [
        ("PricingError", ""),
        ("KeyError", "Caused by"),
    ]
    assert view.handled is True
    group = stacktrace(dict(bugs())["group"])
    assert group.exceptions[0].type == "ExceptionGroup"
    assert {one.relation for one in group.exceptions[1:]} == {"Part of the group"}


def test_an_exception_met_while_handling_another_says_so():
    view = stacktrace(
        event({"exception": [{"type": "A", "mechanism": {"source": "__context__"}}, {"type": "B"}]})
    )
    assert [one.relation for one in view.exceptions] == ["", "Raised while handling"]
    assert view.handled is None


def test_a_group_is_shown_as_the_tree_that_it_is():
    numbered = [
        ("ValueError", {"exception_id": 3, "parent_id": 2, "source": "exceptions[0]"}),
        ("OSError", {"exception_id": 4, "parent_id": 3, "source": "__context__"}),
        ("ExceptionGroup", {"exception_id": 2, "parent_id": 0, "is_exception_group": True}),
        ("KeyError", {"exception_id": 1, "parent_id": 0}),
        ("ExceptionGroup", {"exception_id": 0, "is_exception_group": True, "handled": False}),
    ]
    view = stacktrace(
        event({"exception": [{"type": kind, "mechanism": how} for kind, how in numbered]})
    )
    assert [(one.type, one.depth, one.relation) for one in view.exceptions] == [
        ("ExceptionGroup", 0, ""),
        ("KeyError", 1, "Part of the group"),
        ("ExceptionGroup", 1, "Part of the group"),
        ("ValueError", 2, "Part of the group"),
        ("OSError", 2, "Raised while handling"),
    ]
    assert view.handled is False


def test_a_native_frame_says_where_it_is_in_its_image():
    frame = {"instruction_addr": "0x1010", "image_addr": "0x1000", "package": "/a/Till.app/Till"}
    (placed,) = shown(frame, platform="cocoa").exceptions[0].stack.frames
    assert placed.words == "Till +0x10"
    (bare,) = shown({"instruction_addr": "0x1010"}, platform="native").exceptions[0].stack.frames
    assert bare.words == "0x1010"


def test_threads_have_their_states():
    listed = [
        {"name": "worker", "state": "WAITING", "stacktrace": {"frames": [OWN]}},
        {"name": "main", "state": "BLOCKED", "current": True, "stacktrace": {"frames": [OWN]}},
    ]
    view = stacktrace(event({"message": "ANR", "threads": {"values": listed}}))
    assert [(one.name, one.state, one.current) for one in view.threads] == [
        ("main", "BLOCKED", True),
        ("worker", "WAITING", False),
    ]


def test_frames_are_innermost_first_and_library_runs_fold():
    stack = shown(LIBRARY, LIBRARY, OWN, LIBRARY, {**OWN, "function": "price"}).exceptions[0].stack
    assert [frame.function for frame in stack.frames] == [
        "price", "dispatch", "total", "dispatch", "dispatch",
    ]  # fmt: skip
    assert [(len(run.frames), run.folded) for run in stack.runs] == [
        (1, False), (1, False), (1, False), (2, True),
    ]  # fmt: skip
    assert [frame.function for frame in stack.in_app] == ["price", "total"]
    assert stack.raw_order == stack.frames[::-1]
    assert shown(LIBRARY, OWN, platform="node").exceptions[0].stack.raw_order[0].function == "total"


def test_nothing_folds_if_there_is_only_library_code():
    stack = shown(LIBRARY, LIBRARY, LIBRARY).exceptions[0].stack
    assert [(len(run.frames), run.folded) for run in stack.runs] == [(3, False)]


def test_an_endless_stack_shows_its_two_ends():
    frames = [{"function": f"f{n}", "filename": "shop/deep.py", "in_app": True} for n in range(900)]
    stack = stacktrace({"stacktrace": {"frames": frames}, "platform": "python"}).stack
    assert stack is not None
    runs = stack.runs
    assert [(len(run.frames), run.omitted) for run in runs] == [(30, 0), (0, 860), (10, 0)]
    assert runs[0].frames[0].function == "f899"
    assert runs[-1].frames[-1].function == "f0"


def walk(function, line=30, **fields):
    return {
        "function": function,
        "filename": "shop/tree.py",
        "lineno": line,
        "in_app": True,
        **fields,
    }


def test_a_page_of_many_stacks_or_lines_shows_the_ends_of_each():
    lines = {
        "lineno": 3,
        "context_line": "x",
        "pre_context": ["a"] * 50,
        "post_context": ["b"] * 50,
    }
    frames = [{"function": f"f{number}", "in_app": True, **lines} for number in range(40)]
    raised = {"type": "Error", "stacktrace": {"frames": frames}}
    thread = {"name": "worker", "stacktrace": {"frames": frames}}
    trace = stacktrace({"exception": {"values": [raised] * 20}, "threads": {"values": [thread]}})
    stacks = [*(error.stack for error in trace.exceptions), trace.threads[0].stack]
    shown = [sum(len(run.frames) for run in stack.runs) for stack in stacks]
    assert shown == [40] * 10 + [8] * 11
    assert [line.text for line in stacks[0].frames[0].lines] == ["a"] * 20 + ["x"] + ["b"] * 20


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([walk("walk")] * 180, [1, (1, 178), 1]),
        ([walk("even"), walk("odd", 36)] * 90, [2, (2, 88), 2]),
        ([walk("a"), *[walk("walk")] * 50, walk("z", 44)], [2, (1, 48), 2]),
        ([walk("walk")] * 3, [3]),
        ([walk("walk", n) for n in range(30)], [30]),
        (
            [*[walk("walk")] * 10, *[walk("dig")] * 10],
            [1, (1, 8), 2, (1, 8), 1],
        ),
    ],
)
def test_rounds_of_a_recursion_are_folded_between_the_first_and_the_last(frames, expected):
    stack = stacktrace({"stacktrace": {"frames": frames}, "platform": "python"}).stack
    assert stack is not None
    runs = stack.runs
    assert [
        (run.rounds.calls, run.rounds.rounds) if run.rounds else len(run.frames) for run in runs
    ] == expected
    calls = sum(
        run.rounds.calls * run.rounds.rounds if run.rounds else len(run.frames) for run in runs
    )
    assert calls == len(frames)


def test_a_stack_says_how_many_frames_were_not_kept():
    frames = [walk("walk", n) for n in range(720)]
    view = stacktrace(event({"platform": "python", "stacktrace": {"frames": frames}}))
    assert view.stack is not None
    assert (len(view.stack.frames), view.stack.not_kept) == (500, 220)
    for odd in ([], [1], ["a", "b"], [9, 3], None, 7):
        holder = {"stacktrace": {"frames": [walk("a")], "frames_omitted": odd}}
        stack = stacktrace(holder).stack
        assert stack is not None
        assert stack.not_kept == 0


def test_a_frame_is_copied_with_its_place_and_line():
    (own,) = shown({**OWN, "context_line": "    return sum(lines)"}).exceptions[0].stack.frames
    assert own.copied == "shop/cart.py:17 in total\n    return sum(lines)"


@pytest.mark.parametrize(
    ("line", "language", "colours"),
    [
        (
            'if x == "a # b":  # why 3',
            "python",
            [("k", "if"), ("s", '"a # b"'), ("c", "# why 3")],
        ),
        ("const n = 0x1f; // 'x'", "javascript", [("k", "const"), ("n", "0x1f"), ("c", "// 'x'")]),
        ("a.class.new(nil)", "ruby", [("k", "nil")]),
        ("$this->total # 1", "php", [("c", "# 1")]),
        ("return `${a}`;", "node", [("k", "return"), ("s", "`${a}`")]),
        ("iffy = 'open", "python", []),
        ("", "python", []),
    ],
)
def test_source_lines_have_colours(line, language, colours):
    pieces = list(coloured(line, language))
    assert "".join(text for _, text in pieces) == line
    assert [(colour, text) for colour, text in pieces if colour] == colours


def test_source_lines_carry_their_numbers():
    source = {"pre_context": ["a", "b"], "context_line": "c\n", "post_context": ["d"], "lineno": 17}
    (frame,) = shown({**OWN, **source}).exceptions[0].stack.frames
    assert [(line.number, line.text, line.is_current) for line in frame.lines] == [
        (15, "a", False),
        (16, "b", False),
        (17, "c", True),
        (18, "d", False),
    ]
    assert frame.location == "shop/cart.py:17"


def test_locals_are_texts():
    variables = {"a": "'x'", "b": {"c": [1]}, "d": None}
    (frame,) = shown({**OWN, "vars": variables}, platform="node").exceptions[0].stack.frames
    assert [(name, value.text, value.kind) for name, value in frame.variables] == [
        ("a", "'x'", "text"),
        ("b", "{c: [1]}", "object"),
        ("d", "null", "null"),
    ]
    ((_, listed),) = frame.variables[1][1].parts
    assert listed.parts == (("0", Value("1", "number")),)


def test_nested_locals_of_python_are_reprs_and_not_quoted_again():
    nested: list[object] = []
    for _ in range(50):
        nested = [nested]
    variables = {"lines": [["229", "'1'"]], "cart": {"total": "49"}, "deep": nested, "none": None}
    frame = {**OWN, "vars": variables}
    ((lines, cart, deep, none),) = (
        [text for _, text in frame.variables]
        for frame in shown(frame, platform="python").exceptions[0].stack.frames
    )
    assert (lines.text, cart.text, none.text) == ("[[229, '1']]", "{total: 49}", "null")
    assert cart.parts == (("total", Value("49", "text")),)
    assert deep.text == "[[[[[[…]]]]]]"
    levels = 0
    while deep.parts:
        levels, deep = levels + 1, deep.parts[0][1]
    assert (levels, deep.text) == (10, "…")


def test_a_frame_with_endless_locals_says_that_there_are_more():
    frame = {**OWN, "vars": {"rows": [[str(n), str(n)] for n in range(400)]}}
    (own,) = shown(frame, platform="python").exceptions[0].stack.frames
    ((_, rows),) = own.variables
    assert rows.text.endswith(", …]")
    assert rows.parts[-1][1].text == "more values: the JSON of the event has them"
    assert sum(1 + len(row.parts) for _, row in rows.parts) <= 502


def test_endless_values_of_many_frames_have_one_limit_together():
    frames = [{**OWN, "lineno": n, "vars": {str(v): v for v in range(300)}} for n in range(1, 250)]
    stack = shown(*frames, platform="python").exceptions[0].stack
    counts = [len(frame.variables) for frame in stack.frames]
    assert (counts[0], counts[-1]) == (300, 1)  # the last says that there are more
    assert 6_000 <= sum(counts) <= 6_000 + len(frames)


def test_texts_of_ruby_php_and_node_are_not_quoted_again():
    variables = {"order": {"id": "17", "total": 49, "paid": True, "name": "Mia"}, "s": '"Mia"'}
    for platform in ("ruby", "php", "node"):
        (own,) = shown({**OWN, "vars": variables}, platform=platform).exceptions[0].stack.frames
        assert [value.text for _, value in own.variables] == [
            "{id: 17, total: 49, paid: true, name: Mia}",
            '"Mia"',
        ]
        kinds = [value.kind for _, value in own.variables[0][1].parts]
        assert kinds == ["text", "number", "boolean", "text"]


def test_what_a_client_adds_to_frames_and_mechanisms_is_shown():
    frame = {**OWN, "vars": {}, "lock": {"address": "0x1"}, "post_context": ["b"]}
    mechanism = {"type": "ANR", "handled": False, "meta": {"signal": {"number": 6}}, "data": None}
    (error,) = shown(frame, mechanism=mechanism, note="odd").exceptions
    assert [(name, value.text) for name, value in error.more] == [
        ("meta", "{signal: {number: 6}}"),
        ("note", "odd"),
    ]
    assert [(name, value.text) for name, value in error.stack.frames[0].more] == [
        ("lock", "{address: 0x1}")
    ]


def test_a_real_flask_error():
    view = stacktrace(decoded("flask-static").events[0])
    (error,) = view.exceptions
    assert (error.handled, error.mechanism) == (False, "flask")
    (own,) = error.stack.in_app
    assert (own.function, own.line_number) == ("checkout", own.lines[5].number)
    assert dict(own.variables)["cart"].text == "{total: 0, items: 3}"
    assert error.stack.runs[1].folded


def test_minified_code_is_told():
    line = {"filename": "https://a.example/app.min.js", "context_line": "!function(){}" * 40}
    stack = shown({**OWN, **line, "colno": 4711}, platform="javascript").exceptions[0].stack
    assert stack.minified
    assert stack.frames[0].location == "https://a.example/app.min.js:17:4711"
    assert not shown(OWN).exceptions[0].stack.minified


def test_threads_with_a_stack_the_crashed_one_first():
    stack = {"frames": [OWN]}
    threads = [
        {"id": 1, "name": "main", "stacktrace": stack},
        {"id": 2, "stacktrace": stack, "crashed": True},
        {"id": 3, "name": "idle"},
    ]
    view = stacktrace(event({"message": "x", "threads": threads}))
    assert [(one.name, one.crashed) for one in view.threads] == [
        ("Thread 2", True),
        ("main", False),
    ]


def test_a_message_has_its_bare_stack():
    view = stacktrace(decoded("express-static").events[-1])
    assert view.exceptions == ()
    assert view.stack is not None
    assert view.stack.in_app


FIELDS = st.sampled_from([
    "exception", "values", "stacktrace", "frames", "type", "value", "function", "vars",
    "mechanism", "context_line", "pre_context", "post_context", "lineno", "threads", "handled",
    "source", "id",
])  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=15,
)


@settings(deadline=None)
@given(st.dictionaries(FIELDS, ANY, max_size=5))
def test_any_mapping_has_a_view(content):
    view = stacktrace(content)
    assert all(one.type for one in view.exceptions)
