"""Times dashboards on 10 M events and 10 M spans: tiles, 20 viewers, a report, and a browser.

The template catalogue has the dashboards. Each tile is asked without what others asked before,
then as one of 20 who look at once; the questions that come of it are counted. A report of each is
made with pictures, PDF and CSV. Then Chromium opens each dashboard of a served console, also with a
processor four times slower. One JSON line each.

    python -m bench dashboards [--events 10000000] [--spans 10000000] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page
from sqlalchemy import select

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import page_loads, pages, spans, telemetry
from bench.ingest import Console
from bench.telemetry import tell
from console.core.db import db
from console.core.tenancy import organization_scope
from console.dashboards import making
from console.dashboards.document import Document
from console.dashboards.models import Dashboard
from console.dashboards.shelf import EXTENSION as SHELF
from console.dashboards.shelf import Shelf
from console.reports import editions
from console.reports.letter import Links, written
from console.reports.making import CSV_FILE, PDF_FILE, Made, make
from console.reports.models import Report
from console.telemetry import presence_rollups, vital_rollups
from console.telemetry.store import EXTENSION
from tests.support.chromium import launched
from tests.support.waiting import until

TRIES, VIEWERS = 20, 20
HOME = "/bench/one/dashboards"
WATCH = """
window.seen = { lcp: 0, cls: 0, blocked: 0 };
const watch = (type, take) => new PerformanceObserver((list) => list.getEntries().forEach(take))
  .observe({ type, buffered: true });
watch("largest-contentful-paint", (entry) => { window.seen.lcp = entry.startTime; });
watch("layout-shift", (entry) => { if (!entry.hadRecentInput) window.seen.cls += entry.value; });
watch("longtask", (entry) => { window.seen.blocked += Math.max(0, entry.duration - 50); });
"""
"""Largest Contentful Paint in ms, Cumulative Layout Shift, and Total Blocking Time in ms."""
WAITING = """
[...document.querySelectorAll(".tile .skeleton")]
  .some((part) => part.getBoundingClientRect().top < innerHeight)
"""
"""Whether a tile that can be seen is not drawn yet: the others load when somebody scrolls."""


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="pharos-bench-") as temporary:
        instance = Path(temporary) / "instance"
        app = filled(instance, options)
        boards = made(app)
        for template, (dashboard_id, tiles) in boards.items():
            client = app.test_client()  # its session ends when 20 viewers have signed in after it
            client.post("/login", data={"email": pages.EMAIL, "password": pages.PASSWORD})
            time_tiles(app, client, template, dashboard_id, tiles)
            look_at_once(app, template, dashboard_id, tiles)
            report_on(app, template, dashboard_id)
        app.extensions[EXTENSION].close()
        with Console(instance) as console, launched() as browser:
            for template, (dashboard_id, _) in boards.items():
                for slower in (1, 4):
                    watched(browser, console.url, template, dashboard_id, slower)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--spans", type=int, default=10_000_000)
    parser.add_argument("--page-loads", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="filled by an earlier run with --keep, copied")
    parser.add_argument("--keep", type=Path, help="where the filled telemetry is kept")
    return parser.parse_args()


def filled(instance: Path, options: argparse.Namespace) -> Flask:
    """A console with all of it in its first project."""
    own = argparse.Namespace(events=options.events, spans=1, folder=options.folder)
    app = pages.console(instance, own)
    store = app.extensions[EXTENSION]
    if not options.folder:
        spans.fill(store, options.spans)
        page_loads.fill(store, options.page_loads)
        with app.app_context():
            vital_rollups.roll_up(telemetry.ORGANIZATION)
            presence_rollups.roll_up(telemetry.ORGANIZATION)
    if options.keep:
        keep(store, instance, options.keep)
    return app


def keep(store: Any, instance: Path, folder: Path) -> None:
    """Copy the telemetry, closed, for later runs."""
    with store.using(telemetry.ORGANIZATION) as database, database.transaction() as connection:
        connection.exec_driver_sql("CHECKPOINT")
    folder.mkdir(parents=True)
    for path in (instance / "telemetry").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())


def made(app: Flask) -> Mapping[str, tuple[int, Sequence[str]]]:
    """The dashboards of the catalogue in the first project: their ids, and the tiles' ids."""
    with app.app_context(), organization_scope(telemetry.ORGANIZATION):
        making.keep_standard(telemetry.ORGANIZATION)
        own = db.session.scalars(select(Dashboard).where(Dashboard.project_id == 1)).all()
        return {
            board.template: (board.id, [tile.id for tile in Document.of(board.document).tiles])
            for board in own
        }


def time_tiles(
    app: Flask, client: FlaskClient, template: str, dashboard_id: int, tiles: Sequence[str]
) -> None:
    """The page, and each tile whose answer nobody has asked for yet, in milliseconds."""
    answers = [answered(client, f"{HOME}/{dashboard_id}") for _ in range(TRIES)]
    tell(f"{template}: page", **spread(answers), tiles=len(tiles))
    cold: dict[str, list[float]] = {}
    all_of_them = []
    for _ in range(TRIES):
        app.extensions[SHELF] = Shelf()
        began = time.perf_counter()
        for tile in tiles:
            cold.setdefault(tile, []).append(
                answered(client, f"{HOME}/{dashboard_id}/tiles/{tile}")
            )
        all_of_them.append((time.perf_counter() - began) * 1000)
    slowest = max(cold, key=lambda tile: median(cold[tile]))
    every = [took for own in cold.values() for took in own]
    tell(f"{template}: a tile, asked anew", **spread(every))
    tell(f"{template}: its slowest tile", **spread(cold[slowest]), tile=kind_of(app, slowest))
    tell(f"{template}: all tiles, one after the other", **spread(all_of_them))
    kept = [answered(client, f"{HOME}/{dashboard_id}/tiles/{tile}") for tile in tiles]
    tell(f"{template}: a tile that was asked before", **spread(kept))


def look_at_once(app: Flask, template: str, dashboard_id: int, tiles: Sequence[str]) -> None:
    """Viewers who open the dashboard together; how many questions they made of it."""
    app.extensions[SHELF] = shelf = Shelf()
    clients = [app.test_client() for _ in range(VIEWERS)]
    for client in clients:
        client.post("/login", data={"email": pages.EMAIL, "password": pages.PASSWORD})
    times: list[float] = []

    def look(client: FlaskClient) -> None:
        paths = (f"{HOME}/{dashboard_id}/tiles/{tile}" for tile in tiles)
        times.extend(answered(client, path) for path in paths)

    began = time.perf_counter()
    threads = [threading.Thread(target=look, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    seconds = round(time.perf_counter() - began, 2)
    counts = spread(times) | {"asked": shelf.asked, "tiles": len(tiles), "seconds": seconds}
    tell(f"{template}: {VIEWERS} viewers at once", **counts)


def watched(browser: Browser, url: str, template: str, dashboard_id: int, slower: int) -> None:
    """What a browser that has never been here sees of a dashboard, the processor slowed down."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{url}/login")
    page.fill("[name=email]", pages.EMAIL)
    page.fill("[name=password]", pages.PASSWORD)
    page.click("main button:has-text('Log in'), main button[type=submit]")
    page.wait_for_url(re.compile(r"/bench/"))
    page.add_init_script(WATCH)
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.clearBrowserCache")
    network.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    weights: list[float] = []
    network.on("Network.loadingFinished", lambda event: weights.append(event["encodedDataLength"]))
    began = time.perf_counter()
    page.goto(f"{url}{HOME}/{dashboard_id}")
    until(lambda: not page.evaluate(WAITING), "the tiles")
    drawn = (time.perf_counter() - began) * 1000
    page.wait_for_timeout(500)
    tell(
        f"{template}: Chromium" + (f", processor {slower} times slower" if slower > 1 else ""),
        **seen(page),
        all_drawn_ms=round(drawn),
        requests=len(weights),
        kilobytes=round(sum(weights) / 1000, 1),
        load_average=round(os.getloadavg()[0], 1),
    )
    context.close()


def seen(page: Page) -> dict[str, float]:
    figures: dict[str, float] = json.loads(page.evaluate("JSON.stringify(window.seen)"))
    return {
        "lcp_ms": round(figures["lcp"]),
        "tbt_ms": round(figures["blocked"]),
        "cls": round(figures["cls"], 4),
        "dom_nodes": page.evaluate("document.querySelectorAll('*').length"),
    }


def report_on(app: Flask, template: str, dashboard_id: int) -> None:
    """The CPU that an edition takes, its PDF's process included, and what its mail weighs."""
    with app.app_context(), organization_scope(telemetry.ORGANIZATION):
        report = Report(project_id=1, dashboard_id=dashboard_id, name=template, cron="0 8 * * 1")
        report.range, report.pdf, report.csv = "7d", True, True
        db.session.add(report)
        db.session.flush()
        edition = editions.send_now(report)
        begun = sum(os.times()[:4])
        made = make(edition)
        took = sum(os.times()[:4]) - begun
        db.session.rollback()
    assert isinstance(made, Made), made
    (content,) = made.contents.values()
    files = {name: len(data) for name, data in content.files.items()}
    pictures = {
        name: data for name, data in content.files.items() if name in content.frozen.drawings
    }
    mail = written(content.frozen, Links(reason="bench"), pictures, [], key="bench")
    tell(
        f"{template}: a report of a week",
        cpu_s=round(took, 2),
        pictures=len(mail.files),
        kilobytes_of_pictures=round(sum(len(file.body) for file in mail.files) / 1000),
        kilobytes_of_html=round(len(mail.html.encode()) / 1000, 1),
        kilobytes_of_pdf=round(files.get(PDF_FILE, 0) / 1000),
        kilobytes_of_csv=round(files.get(CSV_FILE, 0) / 1000, 1),
        load_average=round(os.getloadavg()[0], 1),
    )


def kind_of(app: Flask, tile_id: str) -> str:
    """The kind and title of a tile."""
    with app.app_context(), organization_scope(telemetry.ORGANIZATION):
        for board in db.session.scalars(select(Dashboard)):
            tile = Document.of(board.document).tile(tile_id)
            if tile is not None:
                return f"{tile.kind}, {tile.title}"
    raise LookupError(tile_id)


def answered(client: FlaskClient, path: str) -> float:
    """How long an answer takes, in milliseconds."""
    began = time.perf_counter()
    answer = client.get(path, headers={"HX-Request": "true"})
    took = (time.perf_counter() - began) * 1000
    assert answer.status_code == 200, f"{path}: {answer.status}"
    assert "tile-error" not in answer.text, f"{path}: {answer.text[:500]}"
    return took


def spread(times: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and the longest, in milliseconds."""
    return dict(figures(times))


def figures(times: Sequence[float]) -> Iterator[tuple[str, float]]:
    yield "p50_ms", round(median(times), 1)
    if len(times) > 1:
        yield "p95_ms", round(quantiles(times, n=20, method="inclusive")[-1], 1)
    yield "longest_ms", round(max(times), 1)
    yield "load_average", round(os.getloadavg()[0], 1)


if __name__ == "__main__":
    main()
