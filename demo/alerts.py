"""What watches the shop: a rule and a silence of its own, and a mistake that fires the rule."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
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
PERMISSIONS = ("rules:read", "rules:write", "incidents:read", "incidents:write")
FIRST, BETWEEN = 30.0, 1_500.0  # seconds before the first mistake, and between two
MISTAKES, PAUSE = 20, 1.0
PATIENCE = 30


def watch(project: str, token: str) -> None:
    """Give the project at this address of the API its rule and its silence, unless it has them.

    Run again, it changes nothing.
    """
    if all(rule["name"] != RULE["name"] for rule in _api(f"{project}/rules", token)["rules"]):
        _api(f"{project}/rules", token, RULE)
    if not _api(f"{project}/silences", token)["silences"]:
        ends = (datetime.now(UTC) + timedelta(days=90)).isoformat(timespec="minutes")
        _api(f"{project}/silences", token, SILENCE | {"ends": ends})


def mistakes(shop: str, wait: Callable[[float], object] = time.sleep) -> None:
    """Make the checkout fail for a while, again and again: an incident opens, and it heals."""
    random = Random()
    wait(FIRST)
    while True:
        _fail(shop, random, wait)
        wait(BETWEEN)


def _fail(shop: str, random: Random, wait: Callable[[float], object]) -> None:
    """Redeem coupons while the cart is empty: divides by zero."""
    for _ in range(MISTAKES):
        try:
            Visitor(shop, random, random.randrange(VISITORS)).post("/cart/coupon", code="SPRING")
        except URLError:  # the shop is busy, or closes
            continue
        finally:
            wait(PAUSE)


def begin(shop: str) -> None:
    """Make mistakes in the background for as long as this program runs."""
    threading.Thread(target=mistakes, args=(shop,), name="mistakes", daemon=True).start()


def _api(url: str, token: str, document: dict[str, Any] | None = None) -> Any:
    """Ask the console's API, or post a document to it."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    body = None if document is None else json.dumps(document).encode()
    try:
        with urlopen(Request(url, body, headers), timeout=PATIENCE) as answer:
            return json.load(answer)
    except HTTPError as refusal:
        with refusal:
            raise RuntimeError(f"{url}: {refusal.code} {refusal.read().decode()}") from None
