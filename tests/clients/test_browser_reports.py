"""Chromium reports what a page's policy blocks, as its header asks it to."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

PAGE = b"""<!doctype html><title>Cart</title>
<script>document.title = "inline ran"</script>
<script src="http://cdn.blocked.test/tracker.js"></script>
<img src="http://pictures.blocked.test/a.png">"""


class Shop(BaseHTTPRequestHandler):
    """A page with a policy whose reports go to a console."""

    def __init__(self, policy: str, *rest: object) -> None:
        self.policy = policy
        super().__init__(*rest)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Security-Policy", self.policy)
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_words: object) -> None:
        """Stay silent."""


@pytest.fixture
def shop() -> Iterator[object]:
    servers = []

    def shop(policy: str) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Shop, policy))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/cart?coupon=1"

    yield shop
    for server in servers:
        server.shutdown()
        server.server_close()


def test_what_a_policy_blocks_is_an_issue_for_each_directive_and_origin(console, browser, shop):
    project = console.project("policy")
    dsn = urlsplit(project.dsn)
    address = (
        f"http://{dsn.hostname}:{dsn.port}/api{dsn.path}/security/?sentry_key={dsn.username}"
        "&sentry_release=shop%401.0&sentry_environment=staging"
    )
    policy = f"script-src 'self'; img-src 'self'; report-uri {address}"
    page = browser.new_page()
    for _ in range(2):
        page.goto(shop(policy))
        assert page.title() == "Cart"
    project.wait_for(event=6)
    issues = {issue["title"]: issue for issue in project.issues()}
    assert issues.keys() == {
        "Blocked 'script-src' from 'inline'",
        "Blocked 'script-src' from 'http://cdn.blocked.test'",
        "Blocked 'img-src' from 'http://pictures.blocked.test'",
    }
    for issue in issues.values():
        assert (issue["category"], issue["level"]) == ("report", "info")
        assert (issue["events"], issue["users"], issue["culprit"]) == (2, 1, "/cart")
        assert issue["first_release"] == "shop@1.0"
    page.close()
