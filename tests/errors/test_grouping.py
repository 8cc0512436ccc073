"""Which events are one issue, on what unmodified clients send and on what they might."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.errors.grouping import group
from console.errors.parametrise import error_codes, parametrise
from tests.ingest.corpus.reading import bugs, event

FRAME = {
    "module": "shop.cart",
    "filename": "shop/cart.py",
    "abs_path": "/srv/shop/cart.py",
    "function": "total",
    "lineno": 17,
    "context_line": "    return prices[name]",
    "in_app": True,
}
LIBRARY = {**FRAME, "module": "flask.app", "function": "dispatch", "in_app": False}


def raised(*frames, kind="KeyError", value="'a'", **fields):
    exception = {"type": kind, "value": value, "stacktrace": {"frames": list(frames)}, **fields}
    return event({"platform": "python", "exception": {"values": [exception]}})


def chained(*exceptions):
    return event({"platform": "python", "exception": {"values": list(exceptions)}})


def hash_of(one):
    return group(one).hash


def said(message, **fields):
    return event({"message": message, **fields})


@pytest.fixture(scope="module")
def corpus():
    return [(_line_and_name(bug, one), hash_of(one)) for bug, one in bugs()]


def _line_and_name(bug, one):
    """A line fails once whoever runs it, also in a thread, and once for each column it lacks."""
    if bug == "no-column":
        return bug, one["exception"]["values"][0]["value"]
    return ({"thread": "price"}.get(bug, bug),)


def test_real_bugs_are_told_apart(corpus, capsys):
    """Over all pairs of events of sentry-sdk and @sentry/node: a group for a bug, and no other."""
    outcomes = Counter(
        (first[0] == second[0], first[1] == second[1]) for first, second in combinations(corpus, 2)
    )
    together, apart, merged = outcomes[True, True], outcomes[True, False], outcomes[False, True]
    precision, recall = together / (together + merged), together / (together + apart)
    with capsys.disabled():
        counts = f"{len(corpus)} events of {len({bug for bug, _ in corpus})} bugs"
        print(
            f"\ngrouping: {counts}, {sum(outcomes.values()):,} pairs,"
            f" precision {precision:.3f}, recall {recall:.3f}"
        )
    assert sum(outcomes.values()) > 20_000
    assert precision == 1
    assert recall == 1


def test_a_hash_survives_what_a_deployment_changes():
    moved = {
        **FRAME,
        "lineno": 40,
        "abs_path": "/opt/releases/20260401/shop/cart.py",
        "context_line": "return   prices[name]",
        "vars": {"b": "2", "a": "1"},
        "pre_context": ["# a comment"],
    }
    other_host = raised(LIBRARY, moved, value="'b'") | {"server_name": "web-9", "release": "2"}
    assert hash_of(raised(LIBRARY, FRAME)) == hash_of(other_host)


@pytest.mark.parametrize(
    "changed",
    [
        {"function": "subtotal"},
        {"module": "shop.basket"},
        {"context_line": "    return stock[name]"},
    ],
)
def test_another_place_is_another_group(changed):
    assert hash_of(raised(FRAME)) != hash_of(raised({**FRAME, **changed}))


def test_another_type_is_another_group():
    assert hash_of(raised(FRAME)) != hash_of(raised(FRAME, kind="IndexError"))


def test_callers_count_where_the_place_acts_for_them_alone():
    shop, job = ({**FRAME, "module": "shop.jobs", "function": name} for name in ("bill", "mail"))
    assert hash_of(raised(shop, FRAME)) == hash_of(raised(job, FRAME))
    for module, function in (
        ("shop.http", "request"), ("shop.auth", "require_user"), ("jobs.base", "with_retries"),
        ("shop.db", "executeQuery"), ("shop.errors", "throwIfFailed"), ("shop.client", "call"),
    ):  # fmt: skip
        helper = {**FRAME, "module": module, "function": function}
        assert hash_of(raised(shop, helper)) != hash_of(raised(job, helper)), function
        assert hash_of(raised(FRAME, shop, helper)) == hash_of(raised(shop, helper))
    for module, function in (("services.renew", "call"), ("shop.tax", "checkout")):
        own = {**FRAME, "module": module, "function": function}
        assert hash_of(raised(shop, own)) == hash_of(raised(job, own)), function


def test_a_callers_line_may_be_edited():
    caller = {**FRAME, "function": "checkout", "context_line": "total(cart)"}
    edited = {**caller, "context_line": "total(cart, currency)"}
    assert hash_of(raised(caller, FRAME)) == hash_of(raised(edited, FRAME))


def test_framework_frames_do_not_count_unless_there_are_no_others():
    other = {**LIBRARY, "function": "full_dispatch"}
    assert hash_of(raised(LIBRARY, FRAME, LIBRARY)) == hash_of(raised(other, FRAME))
    assert hash_of(raised(LIBRARY)) != hash_of(raised(other))
    only_library = group(raised(LIBRARY))
    assert only_library.variant == "exception stack and message"
    assert [one.label for one in only_library.components] == [
        "exception types",
        "library frames",
        "message",
    ]


def test_library_frames_are_known_by_their_path_if_the_client_does_not_say():
    silent = {**FRAME, "abs_path": "/srv/venv/lib/python3.11/site-packages/flask/app.py"}
    del silent["in_app"]
    own = {name: value for name, value in FRAME.items() if name != "in_app"}
    assert hash_of(raised(silent, own)) == hash_of(raised(own))


def test_recursion_has_one_group_at_any_depth():
    def stack(depth):
        start = [{**FRAME, "function": "view"}]
        pair = [{**FRAME, "function": "visit"}, {**FRAME, "function": "descend"}]
        return start + pair * depth

    assert hash_of(raised(*stack(3))) == hash_of(raised(*stack(90)[40:]))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"function": "handler_3f9a8b2c11aa"}, {"function": "handler_77aa00ff1122"}),
        ({"function": "<lambda>"}, {"function": ""}),
        ({"function": "outer.<locals>.inner"}, {"function": "other.<locals>.inner"}),
        (
            {"module": "", "filename": "https://a.example/static/app.3f9a8b2c.js"},
            {"module": "", "filename": "https://b.example/static/app.11223344.js?v=2"},
        ),
        ({"module": "__main__"}, {"module": ""}),
        ({"function": "Object.render [as show]"}, {"function": "render"}),
        ({"function": "block (2 levels) in total"}, {"function": "total"}),
        (
            {"platform": "php", "function": "{closure:/srv/a.php:17}"},
            {"platform": "php", "function": "{closure}"},
        ),
        ({"function": "lambda$total$0"}, {"function": "lambda$total$1"}),
        (
            {"module": "", "filename": "https://a.example/users/7"},
            {"module": "", "filename": "https://a.example/users/8"},
        ),
    ],
)
def test_generated_names_do_not_count(first, second):
    assert hash_of(raised({**FRAME, **first})) == hash_of(raised({**FRAME, **second}))


def test_minified_names_do_not_count():
    def minified(name):
        line = "!function(e,t){" + "a.b(c);" * 100
        frame = {"function": name, "filename": "https://x/app.min.js", "context_line": line}
        return event({
            "platform": "javascript",
            "exception": {"values": [{
                "type": "TypeError", "value": "x is undefined", "stacktrace": {"frames": [frame]},
            }]},
        })  # fmt: skip

    assert hash_of(minified("e")) == hash_of(minified("Xy"))
    assert group(minified("e")).variant == "exception stack and message"  # its file


def test_the_chain_counts_with_its_types_and_the_main_errors_frames():
    cause = {"type": "KeyError", "value": "1", "stacktrace": {"frames": [LIBRARY]}}
    main = {"type": "PricingError", "value": "x", "stacktrace": {"frames": [FRAME]}}
    first = group(chained(cause, main))
    assert first.components[0].values == ("KeyError", "PricingError")
    assert first.kind == "PricingError"
    assert first.hash == hash_of(chained({**cause, "value": "2"}, main))
    assert first.hash != hash_of(chained({**cause, "type": "ValueError"}, main))


def test_a_library_error_is_placed_by_the_in_app_frames_of_its_cause():
    cause = {"type": "KeyError", "value": "1", "stacktrace": {"frames": [FRAME]}}
    main = {"type": "TemplateError", "value": "x", "stacktrace": {"frames": [LIBRARY]}}
    assert group(chained(cause, main)).components[1].label == "in-app frames"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("HTTP 502 from payments", "HTTP 404 from payments"),
        ("503 Server Error: x for url: http://a/1", "429 Client Error: x for url: http://a/1"),
        ("[Errno 2] No such file: '/a/1'", "[Errno 28] No space left: '/a/1'"),
        ("connect ECONNREFUSED 127.0.0.1:5432", "connect ETIMEDOUT 127.0.0.1:5432"),
        ("failed (SQLSTATE 40001)", "failed (SQLSTATE 23505)"),
        ("(1062, 'Duplicate entry')", "(1213, 'Deadlock found')"),
        ("command exited with status 137", "command exited with status 1"),
        ("killed by signal SIGKILL", "killed by signal SIGTERM"),
    ],
)
def test_codes_that_carry_meaning_tell_groups_apart(first, second):
    assert error_codes(first) != error_codes(second)
    assert parametrise(first) != parametrise(second)
    assert hash_of(raised(FRAME, value=first)) != hash_of(raised(FRAME, value=second))
    assert hash_of(said(first)) != hash_of(said(second))


def test_errno_of_the_mechanism_counts():
    def failed(number):
        return raised(FRAME, value="", mechanism={"meta": {"errno": {"number": number}}})

    assert hash_of(failed(2)) != hash_of(failed(13))


@pytest.mark.parametrize(
    ("message", "parametrised"),
    [
        ("order 4711 of user 17 took 3.5 s", "order <number> of user <number> took <duration>"),
        ("job 8f14e45f-ceea-467f-a0e6-b1f3c5b7d9aa is stuck", "job <uuid> is stuck"),
        ("object d41d8cd98f00b204e9800998ecf8427e at 0x7f3a2b", "object <hex> at <hex>"),
        ("mail to ada.l@example.com bounced", "mail to <email> bounced"),
        ("GET https://a.example/x?y=1 from 10.0.0.7:443", "GET <url> from <ip>"),
        ("no route to fe80:0:0:0:1:2:3:4", "no route to <ip>"),
        ("cannot read /srv/files/7/a.pdf", "cannot read <path>"),
        (r"cannot read C:\Users\bob\a.pdf", "cannot read <path>"),
        ("since 2026-11-23T18:38:35.061Z, 23/11/2026 10:11:12", "since <date>"),
        ("no template for 'letter-1' in \"de\"", "no template for <text> in <text>"),
        ("can't open what isn't there", "can't open what isn't there"),
        (
            "'NoneType' object has no attribute 'total'",
            "'NoneType' object has no attribute 'total'",
        ),
        ("Cannot read properties of undefined (reading 'x')",) * 2,
        ("answered status 503 for order 1", "answered status 503 for order <number>"),
        ("ended with exit code 137 after 3 s", "ended with exit code 137 after <duration>"),
        ("ipv6 utf8 sha256sum", "ipv6 utf8 sha<number>sum"),
        ("a\n  b\n\n c", "a b c"),
    ],
)
def test_parametrise(message, parametrised):
    assert parametrise(message) == parametrised
    assert parametrise(parametrised) == parametrised


def test_a_template_counts_as_it_is():
    def logged(number):
        entry = {"message": "order %s failed", "params": [number]}
        return event({"logentry": entry, "level": "error"})

    assert group(logged(1)).variant == "message template"
    assert hash_of(logged(1)) == hash_of(logged(2)) != hash_of(said("order 1 failed"))
    assert group(logged(1)).title == "order 1 failed"


def test_the_clients_fingerprint_comes_first():
    own = {"fingerprint": ["checkout", "timeout"]}
    first = group({**raised(FRAME), **own})
    assert first.variant == "fingerprint"
    assert first.components[0].values == ("checkout", "timeout")
    assert first.hash == hash_of({**said("something else"), **own})
    assert first.hash != hash_of({**raised(FRAME), "fingerprint": ["timeout", "checkout"]})


def test_default_in_a_fingerprint_stands_for_our_own_rules():
    plain = raised(FRAME)
    assert hash_of({**plain, "fingerprint": ["{{ default }}"]}) == hash_of(plain)
    assert hash_of({**plain, "fingerprint": []}) == hash_of(plain)
    split = group({**plain, "fingerprint": ["{{default}}", "tenant-1"]})
    assert split.variant == "fingerprint and exception stack"
    assert [one.label for one in split.components] == [
        "fingerprint",
        "exception types",
        "in-app frames",
        "message",
    ]
    assert split.hash != hash_of({**plain, "fingerprint": ["{{ default }}", "tenant-2"]})
    assert split.hash != hash_of(
        {**raised({**FRAME, "function": "f"}), "fingerprint": ["{{ default }}", "tenant-1"]}
    )


def test_a_synthetic_exception_is_told_by_its_message():
    def thrown(text):
        return raised(FRAME, kind="Error", value=text, mechanism={"synthetic": True})

    assert hash_of(thrown("order 1 has no total")) == hash_of(thrown("order 2 has no total"))
    assert hash_of(thrown("order 1 has no total")) != hash_of(thrown("cart is empty"))


def test_a_bare_stack_and_an_empty_event_have_groups():
    assert group({"stacktrace": {"frames": [FRAME]}}).variant == "stack"
    empty = group({})
    assert (empty.variant, empty.title, empty.kind) == ("no content", "(no message)", "")


@pytest.mark.parametrize(
    ("one", "title", "culprit", "kind"),
    [
        (raised(LIBRARY, FRAME), "KeyError: 'a'", "shop.cart in total", "KeyError"),
        (raised(FRAME, value=""), "KeyError", "shop.cart in total", "KeyError"),
        (
            raised(FRAME, value="\n first \nsecond"),
            "KeyError: first",
            "shop.cart in total",
            "KeyError",
        ),
        (said("cache is cold", transaction="home"), "cache is cold", "home", ""),
        (said("x" * 500, logger="shop"), "x" * 200, "shop", ""),
    ],
)
def test_title_culprit_and_kind(one, title, culprit, kind):
    found = group(one)
    assert (found.title, found.culprit, found.kind) == (title, culprit, kind)


FIELDS = st.sampled_from([
    "exception", "values", "stacktrace", "frames", "type", "value", "module", "function",
    "in_app", "logentry", "message", "formatted", "params", "fingerprint", "mechanism",
    "synthetic", "level", "context_line", "filename", "platform", "meta", "errno", "number",
    "transaction", "abs_path",
])  # fmt: skip
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=15,
)


@settings(deadline=None)
@given(st.dictionaries(FIELDS, ANY, max_size=5))
def test_grouping_is_total_and_deterministic(content):
    found = group(content)
    assert found == group(dict(reversed(content.items())))
    assert len(found.hash) == 32
    assert found.title


@settings(deadline=None)
@given(st.text(max_size=300))
def test_parametrise_is_total_and_short(text):
    assert len(parametrise(text)) <= 1000
