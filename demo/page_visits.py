"""Page loads of the shop's visitors with their web vitals, drawn by page, device and release.

The past goes out as the page loads and sessions of @sentry/browser 10, the present as posts of
Pharos' beacon.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from demo.recording import Cast


@dataclass(frozen=True)
class Page:
    """A page of the shop; its values are for a desktop, in milliseconds except CLS."""

    route: str
    path: str
    share: float
    lcp: float
    cls: float
    inp: float
    hero: str
    """The element that LCP waits for."""
    moving: str
    """The element that shifts."""
    button: str
    """The element that people press."""


@dataclass(frozen=True)
class Device:
    """A kind of device: how frequent it is, and how much slower than a desktop."""

    name: str
    agent: str
    share: float
    factor: float


PAGES = (
    Page("/", "/", 30, 1_300, 0.02, 70, "main > img.hero", "aside.offer", "button.search"),
    Page(
        "/products", "/products", 30, 1_500, 0.05, 110,
        "ul.products > li > img", "nav.filters", "select.order",
    ),
    Page(
        "/products/:id", "/products/{number}", 25, 1_250, 0.03, 90,
        "figure.product > img", "section.reviews", "button.add",
    ),
    Page("/cart", "/cart", 10, 1_000, 0.15, 260, "table.cart", "p.coupon", "button.pay"),
    Page("/orders", "/orders", 5, 2_200, 0.01, 80, "ol.orders", "ol.orders", "a.invoice"),
)  # fmt: skip
DEVICES = (
    Device("desktop", "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36", 55, 1.0),
    Device(
        "mobile", "Mozilla/5.0 (Linux; Android 15; Pixel 9) Chrome/142.0 Mobile Safari/537.36",
        38, 1.7,
    ),
    Device("tablet", "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Version/18.0 Safari", 7, 1.3),
)  # fmt: skip
# How much longer a page's server takes in a release than it should.
SLOWER = {
    ("/products", "shop@2.1.0"): 1.9,
    ("/orders", "shop@2.1.1"): 0.6,
    ("/", "shop@2.1.1"): 0.65,
}
CRASHES, CRASHING = 0.004, {"shop@2.1.0": 0.02}
"""How many sessions end with an error that nobody caught, and in which releases more do."""


@dataclass(frozen=True)
class PageVisit:
    """One page load with its web vitals."""

    page: Page
    path: str
    device: Device
    lcp: float
    cls: float
    inp: float | None
    """None where the visitor only looked."""
    fcp: float
    ttfb: float

    @property
    def values(self) -> Mapping[str, float]:
        """The measured metrics, by name."""
        metrics = {"LCP": self.lcp, "CLS": self.cls, "FCP": self.fcp, "TTFB": self.ttfb}
        return metrics if self.inp is None else {**metrics, "INP": self.inp}

    @property
    def causes(self) -> Mapping[str, Mapping[str, Any]]:
        """What made each metric, in the words of the web-vitals package."""
        rest, inp = self.lcp - self.ttfb, self.inp or 0.0
        return {
            "LCP": {
                "target": self.page.hero,
                "timeToFirstByte": self.ttfb,
                "resourceLoadDelay": round(rest * 0.3, 1),
                "resourceLoadDuration": round(rest * 0.55, 1),
                "elementRenderDelay": round(rest * 0.15, 1),
            },
            "CLS": {"largestShiftTarget": self.page.moving, "largestShiftValue": self.cls},
            "INP": {
                "interactionTarget": self.page.button,
                "interactionType": "pointer",
                "inputDelay": round(inp * 0.2, 1),
                "processingDuration": round(inp * 0.6, 1),
                "presentationDelay": round(inp * 0.2, 1),
            },
        }


def drawn(random: Random, release: str) -> PageVisit:
    """Somebody looks at a page."""
    (page,) = random.choices(PAGES, [page.share for page in PAGES])
    (device,) = random.choices(DEVICES, [device.share for device in DEVICES])
    slower = SLOWER.get((page.route, release), 1.0) * device.factor
    lcp = page.lcp * slower * random.lognormvariate(0, 0.35)
    return PageVisit(
        page=page,
        path=page.path.format(number=random.randint(1, 2000)),
        device=device,
        lcp=round(lcp, 1),
        cls=round(page.cls * random.lognormvariate(0, 0.8), 4) if random.random() < 0.4 else 0.0,
        inp=round(page.inp * device.factor * random.lognormvariate(0, 0.5), 1)
        if random.random() < 0.6
        else None,
        fcp=round(lcp * random.uniform(0.5, 0.9), 1),
        ttfb=round(lcp * random.uniform(0.1, 0.35), 1),
    )


def envelope(visit: PageVisit, cast: Cast) -> bytes:
    """The visit as an envelope that @sentry/browser 10 would have sent at the cast's time."""
    end = cast.at + visit.lcp / 1000
    trace = {
        "trace_id": token_hex(16),
        "span_id": token_hex(8),
        "op": "pageload",
        "origin": "auto.pageload.browser",
        "status": "ok",
        "data": {"lcp.element": visit.page.hero, "cls.source.1": visit.page.moving},
    }
    transaction = {
        "type": "transaction",
        "event_id": token_hex(16),
        "transaction": visit.page.route,
        "transaction_info": {"source": "route"},
        "start_timestamp": cast.at,
        "timestamp": end,
        "contexts": {"trace": trace},
        "measurements": {
            name.lower(): {"value": value, "unit": "" if name == "CLS" else "millisecond"}
            for name, value in visit.values.items()
        },
        "request": {
            "url": f"https://shop.example{visit.path}",
            "headers": {"User-Agent": visit.device.agent},
        },
        "release": cast.release,
        "environment": cast.environment,
        "platform": "javascript",
        "sdk": {"name": "sentry.javascript.browser", "version": "10.78.0"},
        "user": cast.visitor,
        "spans": [],
    }
    return b"\n".join(
        json.dumps(line).encode() for line in ({}, {"type": "transaction"}, transaction)
    )


def session(random: Random, cast: Cast) -> bytes:
    """The visit's session as an envelope that @sentry/browser 10 would have sent when it ended."""
    is_crash = random.random() < CRASHING.get(cast.release, CRASHES)
    ended = min(cast.at + random.expovariate(1 / 90), time.time())
    update = {
        "sid": token_hex(16),
        "init": True,
        "did": cast.visitor["id"],
        "started": datetime.fromtimestamp(cast.at, UTC).isoformat(),
        "timestamp": datetime.fromtimestamp(ended, UTC).isoformat(),
        "status": "crashed" if is_crash else "exited",
        "errors": int(is_crash),
        "attrs": {"release": cast.release, "environment": cast.environment},
    }
    return b"\n".join(json.dumps(line).encode() for line in ({}, {"type": "session"}, update))


def post(visit: PageVisit, dsn: str, release: str) -> None:
    """Send the visit as a page with Pharos' beacon does."""
    address = urlsplit(dsn)
    body: dict[str, Any] = {
        "v": 1,
        "key": address.username,
        "page": {"id": token_hex(8), "route": visit.page.route, "path": visit.path},
        "nav": "navigate",
        "conn": "4g",
        "dev": visit.device.name,
        "rel": release,
        "env": "production",
        "m": [
            {"n": name, "v": value, "id": f"v5-{token_hex(6)}", "a": visit.causes.get(name)}
            for name, value in visit.values.items()
        ],
    }
    url = f"http://{address.hostname}:{address.port}/api{address.path}/beacon/"
    headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": "https://shop.example"}
    urlopen(Request(url, json.dumps(body).encode(), headers), timeout=10).close()
