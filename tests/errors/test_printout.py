"""A stack trace as text, in the order of its language."""

from console.errors.printout import printout
from console.errors.stacktrace import stacktrace
from tests.errors.samples import frame, raised


def test_python_prints_the_cause_first_and_the_innermost_call_last():
    assert printout(stacktrace(raised())).splitlines() == [
        "Traceback (most recent call last):",
        "  at shop/prices.py:12 in look_up",
        "    raise_in_look_up(country)",
        "LookupError: no such price",
        "",
        "Traceback (most recent call last):",
        "  at flask/app.py:1500 in wsgi_app",
        "    raise_in_wsgi_app(country)",
        "  at flask/app.py:880 in dispatch_request",
        "    raise_in_dispatch_request(country)",
        "  at shop/checkout.py:42 in price",
        "    raise_in_price(country)",
        "KeyError: 'coupon'",
    ]


def test_javascript_prints_the_main_error_first_and_the_innermost_call_first():
    lines = printout(stacktrace(raised(platform="node"))).splitlines()
    assert lines[0] == "KeyError: 'coupon'"
    assert lines[1] == "  at shop/checkout.py:42 in price"
    assert lines[-3] == "LookupError: no such price"


def test_a_message_may_have_a_stack_or_nothing():
    bare = {"message": "hello", "stacktrace": {"frames": [frame("shop.cart", "add", 3)]}}
    assert printout(stacktrace(bare)).startswith("  at shop/cart.py:3 in add")
    assert printout(stacktrace({"message": "hello"})) == ""
