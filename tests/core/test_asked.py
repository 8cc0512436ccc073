"""What requests ask for is noted, or the walks that send fields together would prove too little."""

import pytest
from flask import request

from console.web.frame import kept_arguments, url_with
from tests.support.asked import EVERY, NONE, noted

WAYS = {
    "get": lambda: request.args.get("a"),
    "subscript": lambda: request.args["a"],
    "getlist": lambda: request.args.getlist("a"),
    "in": lambda: "a" in request.args,
    "of both": lambda: request.values.get("a"),
    "by a copy": lambda: request.args.copy().pop("a"),
    "absent": lambda: request.form.get("a", "default"),
    "in a form": lambda: request.form["a"],
}
WHOLE = {
    "for": lambda: [*request.args],
    "items": lambda: [*request.args.items(multi=True)],
    "keys": lambda: [*request.args.keys()],
    "values": lambda: [*request.args.values()],
    "lists": lambda: [*request.args.lists()],
    "as a dict": lambda: dict(request.args),
    "to_dict": lambda: request.args.to_dict(),  # noqa: PLW0108 - there is no request yet
    "unpacked": lambda: {**request.form},
    "of a copy": lambda: [*request.args.copy().items()],
    "of both": lambda: [*request.values.items()],
    "the body": lambda: request.get_data(),  # noqa: PLW0108 - as above
}
LINKS = {"kept": kept_arguments, "changed": lambda: url_with(b=1)}


def asked_by(app, reader):
    with noted(app) as asked, app.test_request_context("/?a=1", method="POST", data={"a": "2"}):
        reader()
        return asked


@pytest.mark.parametrize("reader", WAYS.values(), ids=WAYS)
def test_a_name_is_noted(app, reader):
    assert "a" in asked_by(app, reader)


@pytest.mark.parametrize("reader", WHOLE.values(), ids=WHOLE)
def test_whoever_goes_through_all_may_ask_for_every_name(app, reader):
    assert EVERY in asked_by(app, reader)


@pytest.mark.parametrize("reader", LINKS.values(), ids=LINKS)
def test_links_that_keep_the_query_ask_for_no_name_of_it(app, reader):
    assert asked_by(app, reader) <= {NONE, "b"}


def test_a_request_that_asks_for_nothing_has_been_looked_through(app, client):
    with noted(app) as asked:
        assert client.get("/login/code?a=1").status_code == 303
    assert NONE in asked
    assert not asked & {EVERY, "a"}


def test_an_app_is_left_as_it_was(app):
    before = app.request_class
    asked_by(app, lambda: None)
    assert app.request_class is before
