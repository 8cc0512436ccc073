"""Visitors of the shop: named people who look around, buy, and run into its mistakes."""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.cookiejar import CookieJar
from random import Random
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from demo import page_visits

NAMES = ["Maria", "Jonas", "Aiko", "Peter", "Leila", "Tomás", "Ingrid", "Paul", "Nadia", "Emil"]
BROWSERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0.0.0 Safari/537.36",
]
VISITORS = 400
PATIENCE = 20
STARTING = 120  # a shop fills its shelves first, maybe on a busy machine


class Visitor:
    """One person's browser."""

    def __init__(self, shop: str, random: Random, number: int) -> None:
        """Open the shop and sign in."""
        self.shop, self.random = shop, random
        self.opener: OpenerDirector = build_opener(HTTPCookieProcessor(CookieJar()))
        self.opener.addheaders = [
            ("User-Agent", BROWSERS[number % len(BROWSERS)]),
            ("X-Forwarded-For", f"203.0.113.{number % 250 + 1}"),
        ]
        self.post("/login", id=number, name=NAMES[number % len(NAMES)])

    def get(self, path: str) -> None:
        """Look at a page."""
        self._open(path, None)

    def post(self, path: str, body: bytes | None = None, **fields: object) -> None:
        """Send a form, or a body as it is."""
        self._open(path, urlencode(fields).encode() if body is None else body)

    def _open(self, path: str, body: bytes | None) -> None:
        try:
            self.opener.open(self.shop + path, body, timeout=PATIENCE).close()
        except HTTPError as answer:  # a visitor sees an error page, and goes on
            answer.close()


def browse(visitor: Visitor) -> None:
    """Look around."""
    visitor.get("/")
    visitor.get(f"/products?page={visitor.random.randint(1, 40)}")
    for _ in range(3):
        visitor.get(f"/products/{visitor.random.randint(1, 2000)}")


def buy(visitor: Visitor) -> None:
    """Put something into the cart and pay, not always from a country that the shop knows."""
    random = visitor.random
    visitor.post(f"/cart/{random.randint(1, 2000)}", quantity=random.choice([1, 1, 2, 9]))
    if random.random() < 0.3:
        visitor.post("/cart/coupon", code=random.choice(["SPRING", "OLD2024"]))
    country = random.choices(["FR", "BE", "PT", "IT", "CH"], [6, 3, 3, 3, 1])[0]
    card = random.choices(["4111", "4000-1", "4000-2", "5000"], [12, 1, 1, 1])[0]
    visitor.post("/checkout", country=country, card=card)


def try_a_coupon_first(visitor: Visitor) -> None:
    """Redeem a coupon while the cart is empty: divides by zero."""
    visitor.post("/cart/coupon", code="SPRING")


# How many of 100 things that visitors do are of which kind.
HABITS: list[tuple[float, Callable[[Visitor], None]]] = [
    (40, browse),
    (22, buy),
    (10, lambda v: v.get("/orders")),
    (4, lambda v: v.get("/bestsellers")),
    (3, lambda v: v.get("/delivery")),
    (7, lambda v: v.get("/search?q=" + v.random.choice(["warm", "quiet", "folded"]))),
    (4, lambda v: v.get("/account/address")),
    (2, lambda v: v.get(f"/products/{v.random.randint(3000, 9000)}")),
    (2, try_a_coupon_first),
    (2, lambda v: v.post("/signup", email="customer7@shop.example", name="C. 7")),
    (1, lambda v: v.get(f"/categories/{v.random.choice([3, 5, 98])}")),
    (1.5, lambda v: v.post("/webhooks/payments", b"amount=12")),
    (1, lambda v: v.post("/webhooks/payments", b'{"amount": "12.50"}')),
    (1, lambda v: v.post("/admin/import", "Kettle;12,50 €".encode("cp1252"))),
    (1, lambda v: v.post("/admin/import", b"Kettle,twelve")),
    (1.5, lambda v: v.get("/admin/report?by=" + v.random.choice(["placed_at", "created_at"]))),
    (0.5, lambda v: v.get("/admin/ledger?strict=1")),
    (0.5, lambda v: v.get("/admin/turnover")),
    (0.5, lambda v: v.post("/admin/restock", b"")),
    (0.5, lambda v: v.get("/admin/export")),
    (1, lambda v: v.post("/admin/nightly", b"")),
]


def visit(shop: str, random: Random, things: int = 3) -> None:
    """Send one visitor, who does a few things."""
    visitor = Visitor(shop, random, random.randrange(VISITORS))
    weights, kinds = zip(*HABITS, strict=True)
    for habit in random.choices(kinds, weights, k=things):
        habit(visitor)


def tour(shop: str, random: Random) -> None:
    """Send one visitor, who does everything once."""
    visitor = Visitor(shop, random, random.randrange(VISITORS))
    for _, habit in HABITS:
        habit(visitor)


def wait_for(url: str) -> None:
    """Return as soon as somebody answers there."""
    deadline = time.monotonic() + STARTING
    while True:
        try:
            build_opener().open(url, timeout=PATIENCE).close()
        except HTTPError as answer:
            answer.close()
        except URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
            continue
        return


def look(shop: str, dsn: str, release: str, random: Random) -> None:
    """Send a visitor, whose browser tells of one page how quick it felt."""
    visit(shop, random)
    page_visits.post(page_visits.drawn(random, release), dsn, release)


def main() -> None:
    """Send visitors until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shop", required=True, help="address of the shop")
    parser.add_argument("--dsn", required=True, help="where their browsers report to")
    parser.add_argument("--release", required=True, help="of the shop")
    parser.add_argument("--rate", type=float, default=0.5, help="visitors in a second")
    arguments = parser.parse_args()
    wait_for(arguments.shop)
    random = Random()
    with ThreadPoolExecutor(4) as streets:
        while True:
            own = Random(random.random())
            streets.submit(look, arguments.shop, arguments.dsn, arguments.release, own)
            time.sleep(random.expovariate(arguments.rate))


if __name__ == "__main__":
    main()
