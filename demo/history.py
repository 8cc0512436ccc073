"""Two weeks of the shop's past, sent through the same public endpoints as the present."""

import http.client
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from random import Random
from urllib.parse import urlsplit

from demo import page_visits, processes
from demo.recording import Cast, Scene, recording
from demo.traffic import NAMES, VISITORS, Visitor, tour, visit, wait_for

Play = Iterable[bytes]
"""Envelopes that belong together, one after the other."""
Take = Callable[[], Play | None]

VISITS = 70
PAGE_LOADS = 0.3  # for each request of the shop
CONNECTIONS = 4
DAY = 86_400
# The release that is recorded completely, and what is recorded again because it is new, faster or
# slower in a later release: it plays in that release and the ones after it.
WHOLE = "shop@2.0.1"
ANEW: Mapping[str, Mapping[str, str]] = {
    "shop@2.1.0": {"storefront.products": "/products", "storefront.bestsellers": "/bestsellers"},
    "shop@2.1.1": {"storefront.products": "/products", "storefront.orders": "/orders"},
}
AGAIN = 12
# Share of a day's visits in each hour, UTC.
CURVE = [2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 9, 8, 9, 10, 10, 9, 8, 8, 9, 8, 6, 4, 3]
WEEKEND = 0.55
# From which part of the time on each release was in production.
RELEASES = [(0.0, "shop@2.0.0"), (0.36, "shop@2.0.1"), (0.57, "shop@2.1.0"), (0.86, "shop@2.1.1")]


@dataclass(frozen=True)
class Chapter:
    """A time in which a kind of error, or a page, exists or is more frequent."""

    kind: str
    since: float = 0.0
    until: float = 1.0
    factor: float = 1.0


STORY = [
    Chapter("IntegrityError", until=0.36),  # mended in 2.0.1 …
    Chapter("IntegrityError", since=0.86),  # … and back in 2.1.1
    Chapter("ZeroDivisionError", since=0.57),  # new in 2.1.0
    Chapter("TypeError", since=0.57, until=0.86),
    Chapter("URLError", factor=0.3),
    Chapter("URLError", since=0.70, until=0.708, factor=60),  # the provider's bad afternoon
    Chapter("RecursionError", factor=0.3),
    Chapter("LedgerError", since=0.5, factor=0.5),
    Chapter("storefront.bestsellers", since=0.57),
]
# What creeps since the last release: so many times its time on top at once, and each day more.
CREEPING = {"storefront.product": 5.0}


def send(dsn: str, *, days: int, per_day: int, visits: int = VISITS) -> int:
    """Record the shop, then send `days` of it up to now; return the number of envelopes."""
    scenes = record(visits)
    now = time.time()
    plays = _plays(scenes, urlsplit(dsn).username or "", now - days * DAY, now, per_day)
    lock = threading.Lock()

    def take() -> Play | None:
        with lock:
            return next(plays, None)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        workers = [pool.submit(_deliver, dsn, take) for _ in range(CONNECTIONS)]
        return sum(worker.result() for worker in workers)


def record(visits: int) -> list[Scene]:
    """Visit real shops that report to a local listener, and cut the record into scenes."""
    scenes = _recorded(WHOLE, partial(_look_at_everything, visits=visits))
    for release, pages in ANEW.items():
        again = _recorded(release, partial(_look_at, paths=list(pages.values())))
        scenes += [scene for scene in again if scene.endpoint in pages]
    return scenes


def _recorded(release: str, look: Callable[[str], None]) -> list[Scene]:
    port = processes.free_port()
    host = f"127.0.0.1:{port}"
    with (
        tempfile.TemporaryDirectory() as folder,
        recording() as recorder,
        processes.running(
            processes.python(
                "demo.shop", "--port", str(port), "--database", f"{folder}/shop.sqlite"
            ),
            SENTRY_DSN=recorder.dsn,
            SHOP_RELEASE=release,
            SHOP_ENVIRONMENT="recorded",
        ),
    ):
        wait_for(f"http://{host}/products/1")
        look(f"http://{host}")
        time.sleep(1)  # the SDK sends in the background
        return recorder.scenes(release, "recorded", host)


def _look_at_everything(shop: str, visits: int) -> None:
    tour(shop, Random(1))
    with ThreadPoolExecutor(CONNECTIONS) as streets:
        for number in range(visits):
            streets.submit(visit, shop, Random(number), 5)


def _look_at(shop: str, paths: Sequence[str]) -> None:
    visitor = Visitor(shop, Random(1), 1)
    for path in paths:
        for number in range(1, AGAIN + 1):
            visitor.get(f"{path}?page={number}")


def _plays(
    scenes: list[Scene], key: str, since: float, until: float, per_day: int
) -> Iterator[Play]:
    """Yield scenes in the order of time: more by day than by night, fewer on weekends."""
    random = Random(11)
    shares = {release: _shares(scenes, release) for _, release in RELEASES}
    whole = sum(scene.recorded.release == WHOLE for scene in scenes)
    for hour in range(int((until - since) // 3600)):
        start = since + hour * 3600
        at = time.gmtime(start)
        share = CURVE[at.tm_hour] / sum(CURVE) * (WEEKEND if at.tm_wday > 4 else 1)
        done = hour * 3600 / (until - since)
        release = [name for since, name in RELEASES if since <= done][-1]
        weights = [
            part * _weight(scene, done) for scene, part in zip(scenes, shares[release], strict=True)
        ]
        surge = sum(weights) / whole
        moments = sorted(
            start + random.random() * 3600 for _ in range(round(per_day * share * max(surge, 1)))
        )
        for moment, scene in zip(
            moments, random.choices(scenes, weights, k=len(moments)), strict=True
        ):
            cast = _cast(random, key, moment, release)
            cast = replace(cast, pace=cast.pace * _creep(scene, (moment - since) / (until - since)))
            yield scene.play(cast)
            if random.random() < PAGE_LOADS:
                visit = page_visits.envelope(page_visits.drawn(random, release), cast)
                yield [visit, page_visits.session(random, cast)]


def _shares(scenes: list[Scene], release: str) -> list[float]:
    """How much each scene counts while a release runs: as recorded then, or last before."""
    counts = Counter((scene.endpoint, scene.recorded.release) for scene in scenes)

    def share(scene: Scene) -> float:
        editions = sorted(edition for endpoint, edition in counts if endpoint == scene.endpoint)
        played = max((edition for edition in editions if edition <= release), default=editions[0])
        if scene.recorded.release != played:
            return 0.0
        return counts[scene.endpoint, WHOLE] / counts[scene.endpoint, played]

    return [share(scene) for scene in scenes]


def _weight(scene: Scene, done: float) -> float:
    """How likely a scene is when a part of the time has gone by."""
    chapters = [chapter for chapter in STORY if chapter.kind in {scene.kind, scene.endpoint}]
    if not chapters:
        return 1.0
    return max((c.factor for c in chapters if c.since <= done < c.until), default=0.0)


def _creep(scene: Scene, done: float) -> float:
    """How many times as long a scene takes as it took before the last release."""
    begun, _ = RELEASES[-1]
    steps = 1 + (done - begun) / (1 - begun) if done >= begun else 0.0
    return 1.0 + CREEPING.get(scene.endpoint, 0.0) * steps


def _cast(random: Random, key: str, moment: float, release: str) -> Cast:
    """Choose who it was, what was running then, and how busy the shop's machine was."""
    number = int(VISITORS * random.random() ** 2)
    name = NAMES[number % len(NAMES)]
    busy = CURVE[time.gmtime(moment).tm_hour] / max(CURVE)
    return Cast(
        at=moment,
        release=release,
        environment="staging" if random.random() < 0.06 else "production",
        visitor={
            "id": f"u-{number:04}",
            "email": f"{name.lower()}.{number}@shop.example",
            "username": name,
        },
        public_key=key,
        pace=(0.8 + 0.4 * busy) * random.lognormvariate(0, 0.25),
    )


def _deliver(dsn: str, take: Take) -> int:
    """Send over one connection until there is nothing left."""
    address = urlsplit(dsn)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    path = f"/api{address.path.rstrip('/')}/envelope/"
    headers = {
        "Content-Type": "application/x-sentry-envelope",
        "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={address.username}",
    }
    sent = 0
    while (play := take()) is not None:
        for body in play:
            while True:
                connection.request("POST", path, body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status not in {429, 503}:
                    break
                time.sleep(float(answer.headers.get("Retry-After", 1)))
            if answer.status != 200:
                raise RuntimeError(f"the console answered {answer.status}: {text.decode()}")
            sent += 1
    connection.close()
    return sent
