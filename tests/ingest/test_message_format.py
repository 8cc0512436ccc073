import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from console.ingest.sentry.message_format import formatted
from tests.ingest.bounded import bounded

LIMIT = 8192
BUSY = settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # machines are
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.text(max_size=20),
    st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
WORDS = st.text(st.characters(exclude_characters="%{}"), max_size=8)
NAMES = st.sampled_from(["name", "who", "x_1"])
PERCENT = st.sampled_from(["%s", "%r", "%a", "%d", "%i", "%f", "%x", "%g", "%%"])
BRACES = st.sampled_from(["{}", "{!r}", "{{", "}}"])
NUMBERED = st.sampled_from(["{0}", "{1}", "{2!r}", "{1!s}", "{{", "}}"])


def templates(placeholders: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(WORDS | placeholders, max_size=8).map("".join)


@BUSY
@given(templates(PERCENT), st.lists(VALUES, min_size=1, max_size=5))
def test_percent_forms_are_filled_as_python_does(template, params):
    try:
        right = template % tuple(params)
    except (TypeError, ValueError):
        assume(not any(isinstance(value, str) for value in params))  # see the test of texts
        right = template
    assert formatted(template, params, limit=10_000) == right


@BUSY
@given(
    templates(st.tuples(NAMES, st.sampled_from("srdf")).map(lambda one: f"%({one[0]}){one[1]}")),
    st.dictionaries(NAMES, VALUES, min_size=1),
)
def test_named_percent_forms_are_filled_as_python_does(template, params):
    try:
        right = template % params
    except (TypeError, ValueError, KeyError):
        assume(not any(isinstance(value, str) for value in params.values()))
        right = template
    assert formatted(template, params, limit=10_000) == right


@BUSY
@given(templates(BRACES) | templates(NUMBERED), st.lists(VALUES, min_size=1, max_size=5))
def test_braces_are_filled_as_python_does(template, params):
    try:
        right = template.format(*params)
    except (IndexError, ValueError):
        right = template
    assert formatted(template, params, limit=10_000) == right


@BUSY
@given(templates(NAMES.map(lambda name: f"{{{name}}}")), st.dictionaries(NAMES, VALUES, min_size=1))
def test_named_braces_are_filled_as_python_does(template, params):
    try:
        right = template.format(**params)
    except KeyError:
        right = template
    assert formatted(template, params, limit=10_000) == right


@pytest.mark.parametrize(
    ("template", "params", "right"),
    [
        ("%1500000000d", [1], "1"),
        ("%.1500000000f|%-08.3f", [0.5, 2], "0.500000|2.000000"),
        ("%(n)9999999999s of %(n)#lx", {"n": 16}, "16 of 10"),
        ("{:>1500000000}{:<9.2f}", ["a", 1.5], "a1.5"),
        ("{0} is 100% sure", ["Ann"], "Ann is 100% sure"),
        ("100% of %s", ["all"], "100% of %s"),
        ("{0} of {1}", {"0": 1, "1": 2}, "1 of 2"),
    ],
)
def test_flags_width_and_precision_are_ignored(template, params, right):
    assert formatted(template, params, limit=LIMIT) == right


@pytest.mark.parametrize(
    ("template", "params", "right"),
    [
        ("raven %s has %d", ["'bob'", "3"], "raven 'bob' has 3"),
        ("%.1f of %(a)d", ["5.25"], "%.1f of %(a)d"),
        ("paid %.2f", ["Decimal('5.25')"], "paid Decimal('5.25')"),
        ("%(rows)d rows", {"rows": "np.int64(3)"}, "np.int64(3) rows"),
        ("got %s", {"a": 1}, "got {'a': 1}"),
        ("got %s and %s", {"a": 1}, "got %s and %s"),
        ("got %d", {"a": 1}, "got %d"),
    ],
)
def test_what_older_python_clients_send_is_filled_as_its_sender_would_have(template, params, right):
    """Raven 6 sends every value as a text, sentry_sdk 0 to 2 what JSON has no number for."""
    assert formatted(template, params, limit=LIMIT) == right


@pytest.mark.parametrize(
    ("template", "params"),
    [
        ("%*d", [1500000000, 1]),
        ("%.*f", [1500000000, 1.0]),
        ("{0:{1}}", ["a", 1500000000]),
        ("{0.__class__}", ["a"]),
        ("{name.__class__.__init__.__globals__}", {"name": "a"}),
        ("{0[0]}", ["a"]),
        ("{0!z} {", ["a"]),
        ("{} {0}", ["a", "b"]),
        ("{0} {}", ["a", "b"]),
        ("{99999999999999999999}", ["a"]),
        ("{٣}", ["a", "b", "c", "d"]),
        ("%s %s", ["a"]),
        ("%s", ["a", "b"]),
        ("%c", [1114112]),
        ("%d %f", [10**5000, 10**400]),
        ("%(a", {"a": 1}),
        ("%(a)s %(0)s", ["a"]),
        ('payload {"a": 1} refused', ["a"]),
        ("50%", [1]),
        ("%s", "ab"),
        ("%s", 1),
        ("%s", {}),
    ],
)
def test_what_does_not_go_together_leaves_the_template(template, params):
    assert formatted(template, params, limit=LIMIT) == template


@pytest.mark.parametrize(
    ("template", "params"),
    [
        ("%s" * 4096, ["x" * 16_000] * 4096),
        ("{0}" * 2700, ["x" * 1_000_000]),
        ("{0}" * 2700, [["x" * 16_000] * 200]),
        ("%(a)r" * 1600, {"a": [["x" * 16_000] * 200]}),
        ("{a}" * 2700, {"a": "\0" * 16_000}),
        ("{a!a}" * 1600, {"a": "\U0010ffff" * 16_000}),
        ("{0:" + "9" * 8000 + "}", ["x"]),
        ("%" + "0" * 8190, ["x"]),
        ("%(" * 4096, {"a": 1}),
        ("{" * 8192, ["x"]),
        ("{{" * 4000 + "{", ["x"]),
    ],
)
def test_a_message_costs_no_more_than_it_shows(template, params):
    with bounded(seconds=0.2, mb=64):
        assert len(formatted(template, params, limit=LIMIT)) <= LIMIT


@BUSY
@given(st.text(st.sampled_from("%{}()sdr.:!*0123456789na[] "), max_size=60), VALUES)
def test_no_template_raises(template, params):
    assert len(formatted(template, params, limit=50)) <= 50
