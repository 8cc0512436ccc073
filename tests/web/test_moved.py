"""Addresses without their last slash, or with too many, which lead to the page."""

import pytest


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/acme", "/acme/"),
        ("/acme/shop?range=7d&q=%26", "/acme/shop/?range=7d&q=%26"),
        ("/acme//shop/", "/acme/shop/"),
    ],
)
def test_whatever_host_a_request_names_the_way_is_a_path_of_the_console(as_vic, asked, page):
    answer = as_vic.get(asked, base_url="https://evil.test/")
    assert (answer.status_code, answer.headers["Location"]) == (308, page)
    assert "evil.test" not in answer.text
