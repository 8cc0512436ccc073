"""What requests, tasks and pages are counted under."""

from typing import Any

import pytest

from console.performance.describe import described
from console.performance.names import (
    Named,
    category_of,
    collapsed_path,
    endpoint_of,
    page_of,
)
from tests.telemetry.samples import span

REQUESTS = {
    "Flask, static or streamed": (Named("books", "component", "GET", "", "/books/7"), "GET books"),
    "Express": (Named("GET /user/:id", "route", "GET", "/user/:id", "/user/7"), "GET /user/:id"),
    "FastAPI": (Named("/items/{id}", "route", "GET", "/items/{id}", "/items/3"), "GET /items/{id}"),
    "Django": (Named("/user/{pk}/", "route", "POST", "", "/user/3/"), "POST /user/{pk}/"),
    "a raw address": (Named("GET /carts/17", "url", "GET", "", "/carts/17"), "GET /carts/{id}"),
    "a raw address with host": (
        Named("https://shop.test/carts/17?a=1", "url", "GET"),
        "GET /carts/{id}",
    ),
    "a raw address with a route": (Named("GET", "url", "GET", "/a/:b", "/a/7"), "GET /a/:b"),
    "a scanner's": (Named("GET /wp-login.php", "url", "GET", "", "/wp-login.php", 404),
                    "GET (no route)"),
    "unrouted WSGI": (Named("generic WSGI request", "route", "GET", "", "/x"), "GET (no route)"),
    "unrouted Express": (Named("GET", "url", "GET", "", "/nowhere", 404), "GET (no route)"),
    "without a name": (Named("", "", "PUT"), "PUT (no route)"),
}  # fmt: skip
OPS = {
    "http.server": "request",
    "queue.task.celery": "task",
    "queue.process": "task",
    "queue.publish": "queue",
    "pageload": "page",
    "db": "db",
    "db.sql.query": "db",
    "db.redis": "db",
    "cache.get_item": "cache",
    "http.client": "http",
    "template.render": "render",
    "view.render": "render",
    "ui.webvital.lcp": "vital",
    "ui.interaction.click": "vital",
    "resource.script": "resource",
    "middleware.django": "app",
    "": "app",
}


@pytest.mark.parametrize(("named", "endpoint"), REQUESTS.values(), ids=REQUESTS)
def test_a_request_is_counted_under_method_and_route(named, endpoint):
    assert endpoint_of("request", named) == endpoint


@pytest.mark.parametrize(("op", "category"), OPS.items(), ids=OPS)
def test_an_operation_says_where_the_time_went(op, category):
    assert category_of(op, is_segment=True) == category


@pytest.mark.parametrize(
    ("fields", "category", "endpoint"),
    [
        ({"op": "function.aws", "name": "resize-image"}, "task", "resize-image"),
        (
            {"op": "function.gcp", "name": "/pay", "http_method": "POST", "http_status": 200},
            "request",
            "POST /pay",
        ),
        (
            {"op": "rails.request", "name": "CartController#index"},
            "request",
            "CartController#index",
        ),
        ({"op": "console.command", "name": "import:prices"}, "task", "import:prices"),
        ({"op": "ui.load", "name": "CartActivity"}, "screen", "CartActivity"),
        ({"op": "ui.action.click", "name": "CartActivity.pay"}, "screen", "CartActivity.pay"),
        ({"op": "ui.compose", "name": "Cart"}, "screen", "Cart"),
        ({"op": "", "name": "nightly export"}, "task", "nightly export"),
        ({"op": "import.prices", "name": "nightly"}, "task", "nightly"),
        ({"op": "", "name": "GET /a", "kind": "server", "http_method": "GET"}, "request", "GET /a"),
        ({"op": "", "name": "work", "kind": "consumer"}, "task", "work"),
        (
            {"op": "handle", "name": "/a", "http_method": "GET", "http_status": 200},
            "request",
            "GET /a",
        ),
        ({"op": "http.client", "name": "GET https://a.test/"}, "task", "GET https://a.test/"),
        ({"op": "queue.publish", "name": "orders"}, "task", "orders"),
        ({"op": "ui.webvital.lcp", "name": "img"}, "vital", ""),
        ({"op": "cache.get", "name": "cart:7"}, "cache", ""),
    ],
)
def test_every_segment_is_a_row_of_some_list(fields, category, endpoint):
    row = described(span(is_segment=True, **fields))
    assert (row.category, row.endpoint) == (category, endpoint)


def test_within_a_segment_its_words_mean_its_parts():
    assert category_of("ui.load", is_segment=False) == "render"
    assert category_of("function.aws", is_segment=False) == "app"


def test_only_a_segment_is_a_request():
    assert category_of("http.server", is_segment=False) == "app"
    lone = described(span(op="db", name="PRAGMA foreign_keys", is_segment=True))
    assert (lone.category, lone.endpoint) == ("db", "")


@pytest.mark.parametrize(
    ("path", "collapsed"),
    [
        ("/products/17", "/products/{id}"),
        ("/u/550e8400-e29b-41d4-a716-446655440000/edit", "/u/{id}/edit"),
        ("/c/deadbeef12", "/c/{id}"),
        ("/facade/v2/added", "/facade/v2/added"),
        ("/mail/ada@example.com", "/mail/{id}"),
        ("/search?q=1#top", "/search"),
        ("/" + "/".join("abcdefghij"), "/a/b/c/d/e/f/g/h/…"),
        ("", ""),
    ],
)
def test_a_path_keeps_what_visits_share(path, collapsed):
    assert collapsed_path(path) == collapsed


@pytest.mark.parametrize(
    ("named", "page"),
    [
        (Named("Pageload", "url", path="/products/17"), "/products/{id}"),
        (Named("/products/17", "url", path="/products/17"), "/products/{id}"),
        (Named("/products/:id", "route", path="/products/17"), "/products/:id"),
        (Named("Navigation", "custom", route="/cart", path="/cart"), "/cart"),
    ],
)
def test_a_page_is_its_route_or_its_path_without_ids(named, page):
    assert page_of(named) == page


def test_outgoing_calls_that_differ_in_ids_share_a_fingerprint():
    calls = [
        described(
            span(
                op="http.client",
                name=f"GET https://api.test/users/{number}",
                http_method="GET",
                attributes={"url.full": f"https://api.test/users/{number}?page={number}"},
            )
        )
        for number in (1, 2)
    ]
    assert calls[0].statement == "GET api.test/users/{id}"
    assert calls[0].fingerprint == calls[1].fingerprint != ""


def test_a_query_is_known_by_its_text_not_by_its_summary():
    streamed = span(
        op="db",
        name="SELECT book",
        attributes={"db.query.text": "SELECT id FROM book WHERE id = $1"},
    )
    static = span(op="db", name="SELECT id FROM book WHERE id = $1")
    assert described(streamed).name == static.name
    assert described(streamed).fingerprint == described(static).fingerprint != ""


@pytest.mark.parametrize("name", ["connect", "pg.connect", "pg-pool.connect"])
def test_connecting_to_a_database_is_no_statement(name):
    found = described(span(op="db", name=name))
    assert (found.category, found.fingerprint, found.statement) == ("db", "", "")


def test_a_task_answers_no_http_request():
    """Run within a request, it inherits the request's status: that is not how the task ended."""
    inherited: dict[str, Any] = {
        "http_method": "POST",
        "http_route": "/nightly",
        "http_status": 200,
    }
    found = described(span(op="queue.process", name="reindex", is_segment=True, **inherited))
    assert (found.endpoint, found.http_method, found.http_status) == ("reindex", "", None)
