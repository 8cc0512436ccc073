"""One bug or two, by events as clients of many languages send them."""

import pytest

from console.errors.grouping import group
from tests.ingest.corpus.reading import event


def thrown(kind, value, *frames, platform="java", **fields):
    """An event with one exception; a frame is "module function" or a mapping."""
    stack = {"stacktrace": {"frames": [_frame(frame) for frame in frames]}} if frames else {}
    exception = {"type": kind, "value": value, **stack, **fields.pop("of_exception", {})}
    return event({"platform": platform, "exception": {"values": [exception]}, **fields})


def _frame(frame):
    if isinstance(frame, str):
        module, _, function = frame.rpartition(" ")
        return {"module": module, "function": function, "in_app": True}
    return frame


def script(name, function="render", **fields):
    """A browser's frame, in a file of a bundle."""
    filename = f"https://shop.test/assets/{name}"
    return {"filename": filename, "function": function, "in_app": True, **fields}


def in_browser(kind, value, *frames):
    return thrown(kind, value, *frames, platform="javascript")


def native(*addresses, image="/private/var/containers/Bundle/Application/1F2E/Till.app/Till"):
    return [
        {"instruction_addr": hex(0x104A00000 + at), "image_addr": "0x104a00000", "package": image}
        for at in addresses
    ]


def group_of(*members, kind="ExceptionGroup", message="unhandled errors", marked=True, **fields):
    """A group with its members, each (type, value, function), numbered as Python's SDK does."""
    values = [{
        "type": kind,
        "value": message,
        "mechanism": {
            "handled": False, "exception_id": 0, **({"is_exception_group": True} if marked else {}),
        },
        "stacktrace": {"frames": [_frame("jobs run")]},
    }]  # fmt: skip
    for number, (member, value, function) in enumerate(members, start=1):
        mechanism = {"exception_id": number, "parent_id": 0, "source": f"exceptions[{number - 1}]"}
        stack = {"frames": [_frame(f"jobs {function}")]}
        values.append({
            "type": member, "value": value, "mechanism": mechanism, "stacktrace": stack,
        })  # fmt: skip
    return event({"platform": "python", "exception": {"values": values[::-1]}, **fields})


ONE_BUG = {
    "CGLIB's enhancers": [
        thrown("A", "", "com.shop.Cart$$EnhancerBySpringCGLIB$$1a2b3c4d pay"),
        thrown("A", "", "com.shop.Cart$$EnhancerBySpringCGLIB$$99ffee00 pay"),
    ],
    "lambdas of the JVM": [
        thrown("A", "", "com.shop.Cart$$Lambda$14/0x00000008000c2c40 apply"),
        thrown("A", "", "com.shop.Cart$$Lambda$207/0x0000000800fa1c18 apply"),
    ],
    "proxies of the JVM": [
        thrown("A", "", "jdk.proxy2.$Proxy33 pay"),
        thrown("A", "", "jdk.proxy4.$Proxy121 pay"),
    ],
    "anonymous classes": [
        thrown("A", "", "com.shop.Cart$1 run"),
        thrown("A", "", "com.shop.Cart$2 run"),
    ],
    "lambdas of C#": [
        thrown("A", "", "Shop.Cart <Pay>b__0", platform="csharp"),
        thrown("A", "", "Shop.Cart <Pay>b__3_1", platform="csharp"),
    ],
    "templates of Rails": [
        thrown("A", "", " _app_views_cart_html_erb__81234567890123_4410", platform="ruby"),
        thrown("A", "", " _app_views_cart_html_erb___71234567890123_9920", platform="ruby"),
        thrown("A", "", " _app_views_cart_html_erb__5_7", platform="ruby"),
    ],
    "closures of Go": [
        thrown("A", "", "shop.test/cart (*Cart).Pay.func1", platform="go"),
        thrown("A", "", "shop.test/cart (*Cart).Pay.func2.1", platform="go"),
    ],
    "symbols of Rust": [
        thrown("A", "", " shop::cart::pay::h0123456789abcdef", platform="rust"),
        thrown("A", "", " shop::cart::pay::hfedcba9876543210", platform="rust"),
    ],
    "bundles of Vite": [
        in_browser("Error", "x is gone", script("index-CqYr_dKz.js")),
        in_browser("Error", "x is gone", script("index-B1xW-9Pq.js")),
    ],
    "bundles of webpack": [
        in_browser("Error", "x is gone", script("main.3f2a1b8c.chunk.js")),
        in_browser("Error", "x is gone", script("main.99aa77bb.chunk.js")),
    ],
    "chunks without a name": [
        in_browser("Error", "x is gone", script("chunk-7IHGRBSR.js")),
        in_browser("Error", "x is gone", script("chunk-LZBJRJJE.js")),
        in_browser("Error", "x is gone", script("417.3f2a1b8c.js")),
    ],
    "three browsers read of undefined": [
        in_browser("TypeError", "Cannot read properties of undefined (reading 'total')"),
        in_browser("TypeError", "Cannot read property 'total' of undefined"),
        in_browser("TypeError", "can't access property \"total\", cart is undefined"),
        in_browser("TypeError", "undefined is not an object (evaluating 'cart.total')"),
    ],
    "Node 14 and 16 read of undefined": [
        thrown("TypeError", "Cannot read property 'total' of undefined", platform="node"),
        thrown(
            "TypeError",
            "Cannot read properties of undefined (reading 'total')",
            platform="node",
        ),
    ],
    "what is no error, by clients of two ages": [
        thrown("Error", "Non-Error exception captured with keys: code", platform="node"),
        thrown("Error", "Object captured as exception with keys: code", platform="node"),
    ],
    "three browsers call what is none": [
        in_browser("TypeError", "cart.pay is not a function"),
        in_browser(
            "TypeError",
            "cart.pay is not a function. (In 'cart.pay(1)', 'cart.pay' is undefined)",
        ),
    ],
    "three browsers recurse": [
        in_browser("RangeError", "Maximum call stack size exceeded", script("app.js", "walk")),
        in_browser("InternalError", "too much recursion", script("app.js", "walk")),
    ],
    "three browsers name a method": [
        in_browser("TypeError", "a", script("app.js", "Cart.pay")),
        in_browser("TypeError", "b", script("app.js", "pay")),
        in_browser("TypeError", "c", script("app.js", "Cart/this.pay")),
        in_browser("TypeError", "d", script("app.js", "async*pay")),
    ],
    "a network that is gone": [
        in_browser("TypeError", "Failed to fetch"),
        in_browser("TypeError", "NetworkError when attempting to fetch resource."),
        in_browser("TypeError", "Load failed"),
    ],
    "Go's wrapped errors": [
        event({"platform": "go", "exception": {"values": [
            {"type": "*fs.PathError", "value": "open /a/1: no such file"},
            {"type": "*fmt.wrapError", "value": "load: open /a/1: no such file"},
        ]}}),
        event({"platform": "go", "exception": {"values": [
            {"type": "*fs.PathError", "value": "open /b/7: no such file"},
            {"type": "*fmt.wrapError", "value": "load: open /b/7: no such file"},
            {"type": "*fmt.wrapError", "value": "load: open /b/7: no such file"},
        ]}}),
    ],
    "members in any order": [
        group_of(("KeyError", "'a'", "parse"), ("ValueError", "b", "paint")),
        group_of(("ValueError", "b", "paint"), ("KeyError", "'a'", "parse")),
    ],
    "one member, once or thrice": [
        group_of(("KeyError", "'a'", "parse")),
        group_of(*[("KeyError", "'b'", "parse")] * 3),
    ],
    "runtime code around one's own": [
        thrown("A", "", {"module": "java.lang.Thread", "function": "run"},
               {"module": "com.shop.Cart", "function": "price"},
               {"module": "java.lang.Integer", "function": "parseInt"}),
        thrown("A", "", {"module": "org.springframework.web.Filter", "function": "doFilter"},
               {"module": "com.shop.Cart", "function": "price"},
               {"module": "java.lang.Long", "function": "parseLong"}),
    ],
    "a message formatted by braces": [
        event({"logentry": {"message": "sold {0} to {1}", "params": ["rice", "Cy"]}}),
        event({"logentry": {"message": "sold {0} to {1}", "params": ["figs", "Di"]}}),
    ],
    "an image at another address": [
        thrown("EXC_BAD_ACCESS", "", *native(0x10000), platform="cocoa"),
        thrown("EXC_BAD_ACCESS", "", {
            "instruction_addr": "0x200010000", "image_addr": 0x200000000,
            "package": "/private/var/containers/Bundle/Application/77AA/Till.app/Till",
        }, platform="cocoa"),
    ],
}  # fmt: skip

TWO_BUGS = {
    "functions with numbers": [
        thrown("A", "", "shop sha256", platform="python"),
        thrown("A", "", "shop sha512", platform="python"),
    ],
    "methods with long numbers": [
        thrown("A", "", "com.shop.Steps m0012"),
        thrown("A", "", "com.shop.Steps m0013"),
    ],
    "files with numbers": [
        thrown("A", "", {"filename": "migrations/0042_add.py", "function": "up"}),
        thrown("A", "", {"filename": "migrations/0043_add.py", "function": "up"}),
    ],
    "words before a script's ending": [
        in_browser("TypeError", "x", script("view-checkout.js")),
        in_browser("TypeError", "x", script("view-products.js")),
    ],
    "errorString of Go": [
        thrown("*errors.errorString", "no prices", "shop.test/cart main", platform="go"),
        thrown("*errors.errorString", "cart is closed", "shop.test/cart main", platform="go"),
    ],
    "Error of JavaScript": [
        in_browser("Error", "no prices", script("app.js", "fail")),
        in_browser("Error", "cart is closed", script("app.js", "fail")),
    ],
    "RuntimeException of Java": [
        thrown("RuntimeException", "no prices", "com.shop.Fail raise"),
        thrown("RuntimeException", "cart is closed", "com.shop.Fail raise"),
    ],
    "NSError's codes": [
        thrown("NSError", "", platform="cocoa", of_exception={
            "mechanism": {"meta": {"ns_error": {"domain": "Cart", "code": code}}}})
        for code in (4, 5)
    ],
    "offsets in an image": [
        thrown("EXC_BAD_ACCESS", "", *native(0x10000, 0x10040), platform="cocoa"),
        thrown("EXC_BAD_ACCESS", "", *native(0x73000, 0x73040), platform="cocoa"),
    ],
    "members of groups": [
        group_of(("ConnectionError", "prices host is down", "fetch_prices")),
        group_of(("KeyError", "'EUR'", "parse_rates")),
        group_of(("ValueError", "bad colour", "paint")),
        group_of(("ValueError", "bad size", "measure")),
    ],
    "callers behind a wrapper": [
        thrown("A", "", "shop checkout", "wrap call", "shop view", "wrap call", "shop save"),
        thrown("A", "", "shop refund", "wrap call", "shop view", "wrap call", "shop save"),
    ],
    "what Go wrapped": [
        event({"platform": "go", "exception": {"values": [
            {"type": root, "value": "x"}, {"type": "*fmt.wrapError", "value": "load: x"},
        ]}})
        for root in ("*fs.PathError", "*net.OpError")
    ],
    "variables of a fingerprint": [
        event({"message": "Ann lost her basket", "fingerprint": ["{{ message }}", "baskets"]}),
        event({"message": "Bea found two", "fingerprint": ["{{ message }}", "baskets"]}),
    ],
}  # fmt: skip


def hashes(events):
    return {group(one).hash for one in events}


@pytest.mark.parametrize("events", ONE_BUG.values(), ids=ONE_BUG)
def test_one_bug_is_one_group(events):
    assert len(hashes(events)) == 1


@pytest.mark.parametrize("events", TWO_BUGS.values(), ids=TWO_BUGS)
def test_other_bugs_are_other_groups(events):
    assert len(hashes(events)) == len(events)


@pytest.mark.parametrize(
    ("one", "title", "culprit", "kind"),
    [
        (
            group_of(("KeyError", "'EUR'", "parse_rates")),
            "KeyError: 'EUR'",
            "jobs in parse_rates",
            "KeyError",
        ),
        (
            group_of(("KeyError", "'a'", "parse"), ("ValueError", "b", "paint")),
            "KeyError: 'a' and 1 more",
            "jobs in parse",
            "KeyError",
        ),
        (
            group_of(("Error", "a", "parse"), kind="AggregateError", marked=False),
            "Error: a",
            "jobs in parse",
            "Error",
        ),
        (group_of(), "ExceptionGroup: unhandled errors", "jobs in run", "ExceptionGroup"),
        (
            thrown("A", "", {"function": "onCreate"}, {"function": "loadCart"}),
            "A",
            "loadCart",
            "A",
        ),
        (
            thrown("EXC_BAD_ACCESS", "", *native(0x10000, 0x10040), platform="cocoa"),
            "EXC_BAD_ACCESS",
            "Till +0x10040",
            "EXC_BAD_ACCESS",
        ),
        (
            in_browser("TypeError", "x", script("index-CqYr_dKz.js")),
            "TypeError: x",
            "assets/index-CqYr_dKz.js in render",
            "TypeError",
        ),
        (
            thrown("", "", platform="cocoa", of_exception={
                "mechanism": {"meta": {"ns_error": {"domain": "Cart", "code": 4}}}}),
            "Cart: code 4",
            "",
            "",
        ),
        (
            event({"csp": {"effective_directive": "script-src", "blocked_uri": "https://a.test"}}),
            "Blocked 'script-src' from 'https://a.test'",
            "",
            "",
        ),
        (
            event({"platform": "java", "threads": {"values": [
                {"name": "main", "current": True, "state": "BLOCKED"}]}}),
            "main: blocked",
            "",
            "",
        ),
        *(
            (event({"exception": {"values": [
                {"type": cause, "value": "gone"}, {"type": outer, "value": "not paid: gone"}]}}),
             called, "", kind)
            for cause, outer, called, kind in (
                ("SQLException", "RuntimeException", "RuntimeException: not paid: gone",
                 "RuntimeException"),
                ("KeyError", "Error", "Error: not paid: gone", "Error"),
                ("*pq.Error", "*fmt.wrapError", "*pq.Error: not paid: gone", "*pq.Error"),
                ("KeyError", "", "not paid: gone", "KeyError"),
            )
        ),
        (event({"transaction": "/cart"}), "/cart", "/cart", ""),
        (event({"message": "late", "culprit": "shop.views"}), "late", "shop.views", ""),
        (
            event({"logger": "till", "contexts": {"Rust Tracing Fields": {"error": "no disk"}}}),
            "no disk",
            "till",
            "",
        ),
        (
            event({"platform": "go", "message": "text", "threads": {"values": [
                {"current": True, "stacktrace": {"frames": [_frame("shop pay")]}}]}}),
            "text",
            "shop in pay",
            "",
        ),
    ],
)  # fmt: skip
def test_what_an_event_is_called(one, title, culprit, kind):
    called = group(one)
    assert (called.title, called.culprit, called.kind) == (title, culprit, kind)


def test_members_that_fail_in_one_library_are_counted_by_ones_own_code():
    """Titles count as hashes do: by what is the application's, not by the frame below it."""
    library = {"module": "json.decoder", "function": "decode", "in_app": False}
    values = [
        {"type": "ExceptionGroup", "mechanism": {"exception_id": 0, "is_exception_group": True}},
        *(
            {
                "type": "ValueError",
                "mechanism": {"exception_id": number, "parent_id": 0},
                "stacktrace": {"frames": [_frame(f"jobs {function}"), library]},
            }
            for number, function in ((1, "parse"), (2, "paint"))
        ),
    ]
    found = group(event({"platform": "python", "exception": {"values": values[::-1]}}))
    assert (found.title, found.culprit) == ("ValueError and 1 more", "jobs in parse")


def test_an_exception_without_frames_takes_those_of_its_thread():
    threads = [
        {"id": 1, "crashed": True, "stacktrace": {"frames": [_frame("shop wait")]}},
        {"id": 7, "stacktrace": {"frames": [_frame("shop pay")]}},
    ]
    named = thrown("A", "", of_exception={"thread_id": "7"}, threads={"values": threads})
    assert group(named).culprit == "shop in pay"
    silent = thrown("A", "", threads={"values": threads})
    assert group(silent).culprit == "shop in wait"
    member = {"type": "B", "thread_id": 7, "mechanism": {"exception_id": 1, "parent_id": 0}}
    caught = {
        "type": "AggregateException",
        "thread_id": 7,
        "mechanism": {"exception_id": 0, "is_exception_group": True},
    }
    of_group = event({"exception": {"values": [member, caught]}, "threads": {"values": threads}})
    assert group(of_group).culprit == "shop in pay"


def test_an_address_is_placed_in_the_image_that_holds_it():
    images = [{"type": "macho", "image_addr": "0x1000", "image_size": 256, "code_file": "/a/Till"}]
    frame = {"instruction_addr": "0x1010"}
    placed = thrown("A", "", frame, platform="native", debug_meta={"images": images})
    assert group(placed).culprit == "Till +0x10"
    outside = {"instruction_addr": "0x2010"}
    assert group(thrown("A", "", outside, debug_meta={"images": images})).culprit == ""
