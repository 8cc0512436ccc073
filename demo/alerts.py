"""What watches the shop: checks, a rule and a silence, and a mistake that fires them.

While the shop's checkout fails, the provider of its payments does not answer either.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from random import Random
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from demo.traffic import VISITORS, Visitor

RULE = {
    "name": "Checkout fails",
    "metric": "errors.events",
    "where": {"kind": ["ZeroDivisionError"]},
    "op": ">",
    "levels": {"warning": 3, "critical": 10},
    "window_seconds": 60,
    "interval_seconds": 10,
    "environment": "production",
    "tags": ["checkout"],
}
SILENCE = {
    "reason": "The warehouse counts its stock on Sunday nights",
    "cron": "0 2 * * sun",
    "minutes": 90,
    "zone": "Europe/Berlin",
}
PERMISSIONS = (
    "rules:read",
    "rules:write",
    "incidents:read",
    "incidents:write",
    "checks:read",
    "checks:write",
)
CHECK = {"interval_seconds": 10, "timeout_seconds": 5, "slow_ms": 1_500}
FIRST, BETWEEN = 30.0, 900.0  # seconds before the first mistake, and between two
MISTAKES, PAUSE = (20, 420), 1.0
"""The first time it is over soon; the second one lasts until the owner is notified, too."""
PATIENCE = 30


class Payments:
    """The provider of the shop's payments: it answers 503 while it is `away`."""

    def __init__(self) -> None:
        """Listen on a free port."""
        self.away = threading.Event()
        away = self.away

        class Desk(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(503 if away.is_set() else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Desk)
        self.url = f"http://127.0.0.1:{server.server_address[1]}/status"
        threading.Thread(target=server.serve_forever, name="payments", daemon=True).start()


def check(project: str, token: str, pages: Mapping[str, str]) -> None:
    """Let the console check these pages by their names, at the addresses that they have now."""
    known = {check["name"]: check["id"] for check in _api(f"{project}/checks", token)["checks"]}
    for name, url in pages.items():
        document = {**CHECK, "name": name, "url": url}
        if name in known:
            _api(f"{project}/checks/{known[name]}", token, document, method="PUT")
        else:
            _api(f"{project}/checks", token, document)


def watch(project: str, token: str) -> None:
    """Give the project at this address of the API its rule and its silence, unless it has them.

    Run again, it changes nothing.
    """
    if all(rule["name"] != RULE["name"] for rule in _api(f"{project}/rules", token)["rules"]):
        _api(f"{project}/rules", token, RULE)
    if not _api(f"{project}/silences", token)["silences"]:
        ends = (datetime.now(UTC) + timedelta(days=90)).isoformat(timespec="minutes")
        _api(f"{project}/silences", token, SILENCE | {"ends": ends})


def mistakes(shop: str, payments: Payments, wait: Callable[[float], object] = time.sleep) -> None:
    """Make the checkout fail for a while, again and again: an incident opens, and it heals."""
    random = Random()
    wait(FIRST)
    for count in cycle(MISTAKES):
        payments.away.set()
        _fail(shop, random, wait, count)
        payments.away.clear()
        wait(BETWEEN)


def _fail(shop: str, random: Random, wait: Callable[[float], object], count: int) -> None:
    """Redeem coupons while the cart is empty: divides by zero."""
    for _ in range(count):
        try:
            Visitor(shop, random, random.randrange(VISITORS)).post("/cart/coupon", code="SPRING")
        except URLError:  # the shop is busy, or closes
            continue
        finally:
            wait(PAUSE)


def begin(shop: str, payments: Payments) -> None:
    """Make mistakes in the background for as long as this program runs."""
    asked = (shop, payments)
    threading.Thread(target=mistakes, args=asked, name="mistakes", daemon=True).start()


def _api(
    url: str, token: str, document: dict[str, Any] | None = None, method: str | None = None
) -> Any:
    """Ask the console's API, or send a document to it."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = None if document is None else json.dumps(document).encode()
    try:
        with urlopen(Request(url, body, headers, method=method), timeout=PATIENCE) as answer:
            return json.load(answer)
    except HTTPError as refusal:
        with refusal:
            problem = refusal.read().decode()
        raise RuntimeError(_sentence(problem) or f"{url} answers {refusal.code}") from None


def _sentence(problem: str) -> str:
    """What the console's API says is wrong; nothing when something else answered."""
    try:
        return str(json.loads(problem)["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
