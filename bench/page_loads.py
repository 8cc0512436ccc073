"""The page loads that the performance benchmark asks about, through the store's own writer."""

import time
from datetime import datetime, timedelta
from math import exp
from random import Random

from bench.spans import BATCH, DAYS, ORGANIZATION, PROJECT, RELEASES
from bench.telemetry import tell
from console.core import clock
from console.telemetry.records import Batch, PageLoad
from console.telemetry.store import TelemetryStore

PAGES = 200
DEVICES = ("desktop", "desktop", "desktop", "mobile", "mobile", "tablet")
chance = Random(11)


def fill(store: TelemetryStore, count: int) -> None:
    """Loads of 200 pages, evenly over 30 days, each with its five metrics and what made them."""
    began, start = time.perf_counter(), clock.now() - timedelta(days=DAYS)
    step = timedelta(days=DAYS) / max(count, 1)
    position = store.position(ORGANIZATION)
    for first in range(0, count, BATCH):
        position += 1
        numbers = range(first, min(first + BATCH, count))
        loads = [page_load(position, start + step * n, n / count) for n in numbers]
        store.write(ORGANIZATION, Batch(page_loads=loads), position)
    rate = round(count / (time.perf_counter() - began))
    tell("fill page loads", rows=count, rows_per_second=rate)


def page_load(position: int, at: datetime, done: float) -> PageLoad:
    page = int(PAGES * chance.random() ** 3)
    ttfb, lcp = exp(chance.gauss(5.8, 0.5)), exp(chance.gauss(7.4 + page % 5 / 10, 0.5))
    delay = max(lcp - ttfb, 1)
    return PageLoad(
        organization_id=ORGANIZATION,
        project_id=PROJECT,
        position=position,
        page_id=f"{chance.getrandbits(64):016x}",
        timestamp=at,
        received_at=at,
        page=f"/shop/section{page}/:id",
        path=f"/shop/section{page}/7",
        device=chance.choice(DEVICES),
        navigation="navigate",
        environment="staging" if chance.random() < 0.05 else "production",
        release=RELEASES[int(done * 2.999)],
        source="beacon",
        lcp=lcp,
        inp=exp(chance.gauss(4.6, 0.7)) if chance.random() < 0.7 else None,
        cls=0.0 if chance.random() < 0.5 else chance.random() * 0.3,
        fcp=exp(chance.gauss(6.9, 0.4)),
        ttfb=ttfb,
        attribution={
            "lcp.at": position,
            "lcp.target": f"main > img.hero{page % 9}",
            "lcp.ttfb": ttfb,
            "lcp.load_delay": delay * 0.2,
            "lcp.load_duration": delay * 0.6,
            "lcp.render_delay": delay * 0.2,
            "cls.at": position,
            "inp.at": position,
        },
    )
