import pytest
from flask import render_template_string

from console.web.htmx import VERSION_HEADER, go_to, is_htmx, part_or_redirect, polled_part
from tests.support.clients import HTMX


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({}, False),
        (HTMX, True),
        (HTMX | {"HX-Request-Type": "partial"}, True),
        (HTMX | {"HX-Request-Type": "full"}, False),
        (HTMX | {"HX-Boosted": "true"}, False),
        (HTMX | {"HX-History-Restore-Request": "true"}, False),
    ],
)
def test_only_a_swap_gets_the_part(gallery, headers, part):
    with gallery.test_request_context(headers=headers):
        assert is_htmx() is part


def test_a_change_answers_with_the_part_or_a_redirect(gallery):
    with gallery.test_request_context(headers=HTMX):
        answer = part_or_redirect("web/_error.html", "gallery.inbox", title="Now")
        assert (answer.status_code, answer.vary.as_set()) == (200, {"hx-request"})
        assert "Now" in answer.get_data(as_text=True)
    with gallery.test_request_context():
        values = {"organization": "acme", "project": "shop"}
        answer = part_or_redirect("web/_error.html", "gallery.inbox", values)
        assert (answer.status_code, answer.location) == (303, "/acme/shop/issues/")


def test_leaving_works_for_both(gallery):
    with gallery.test_request_context(headers=HTMX):
        assert go_to("/x").headers["HX-Redirect"] == "/x"
    with gallery.test_request_context():
        assert go_to("/x").status_code == 303


def test_a_poll_is_answered_only_when_something_changed(gallery):
    def poll(title, version=""):
        with gallery.test_request_context(headers=HTMX | {VERSION_HEADER: version}):
            return polled_part("web/error.html", "web/_error.html", title=title, request_id=1)

    first = poll("one")
    assert (first.status_code, bool(first.data)) == (200, True)
    assert poll("one", first.headers[VERSION_HEADER]).status_code == 204
    assert poll("two", first.headers[VERSION_HEADER]).status_code == 200


def test_a_fresh_csrf_token_is_no_change(gallery):
    def version(token):
        html = f'<input type="hidden" name="csrf_token" value="{token}">'
        gallery.jinja_env.globals["token_html"] = html
        with gallery.test_request_context(headers=HTMX):
            template = gallery.jinja_env.from_string("{{ token_html|safe }}")
            return polled_part(template, template).headers[VERSION_HEADER]

    assert version("a.1") == version("b.2")


def test_macros_need_no_import(gallery):
    with gallery.test_request_context():
        assert "badge-good" in render_template_string('{{ ui.status("resolved") }}')
