"""Pictures of every page, in both themes, wide and narrow: `make screenshots`."""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from tests import chromium
from tests.crawl import addresses, crawl, sign_in
from tests.databases import ROOT, Database
from tests.live import Server

FOLDER = ROOT / "screenshots"
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
THEMES = ("light", "dark")
DIGEST_PATIENCE = 120


def main() -> None:
    """Fill a console with the demonstration, then look at each page that its links lead to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", default="14d", help="how much of the past to send")
    parser.add_argument("--per-day", default="300", help="requests in a day of it")
    arguments = parser.parse_args()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    with chromium.launched() as browser, console() as server:
        take_strangers_pages(browser, server)
        login = fill(server, arguments.history, arguments.per_day)
        take_pages(browser, server, login)
    print(f"{len(list(FOLDER.iterdir()))} pictures in {FOLDER.name}/")


@contextmanager
def console() -> Iterator[Server]:
    """Run a console of its own on a fresh instance."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), Database())
        server.start()
        try:
            yield server
        finally:
            server.stop()


def fill(server: Server, history: str, per_day: str) -> dict[str, Any]:
    """Send the demonstration's past and wait until it is digested; return who may sign in."""
    from demo import __main__ as demo  # noqa: PLC0415 - reads the environment that is set here

    os.environ["PHAROS_INSTANCE"] = str(server.instance)
    sys.argv = ["demo", "--port", str(urlsplit(server.url).port), "--history", history]
    sys.argv += ["--per-day", per_day, "--history-only"]
    demo.main()
    deadline = time.monotonic() + DIGEST_PATIENCE
    while json.loads(server.run("status", "--json"))["spool"]["rows"]:
        if time.monotonic() > deadline:
            raise TimeoutError("the digest did not catch up")
        time.sleep(0.5)
    made: dict[str, Any] = json.loads((server.instance / "demo.json").read_text())
    return {"email": demo.LOGIN, "password": made["password"]}


def take_strangers_pages(browser: Browser, server: Server) -> None:
    """Picture the pages that need no sign-in; the set-up page exists only now."""
    found = re.search(r"http://\S+/setup\S*", server.log.read_text())
    pages = {"login": server.url + "/login", "missing": server.url + "/no-such-page"}
    if found:
        pages["setup"] = found[0]
    for name, url in pages.items():
        for look, page in looks(browser):
            take(page, url, f"{name}-{look}")


def take_pages(browser: Browser, server: Server, login: dict[str, Any]) -> None:
    """Follow the links from the front page and picture one page of each kind."""
    kinds: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        adapter = addresses(Path(folder))
    for look, page in looks(browser):
        sign_in(page, server.url, **login)
        kinds = kinds or crawl(page, server.url, adapter)
        for kind, url in kinds.items():
            take(page, url, f"{kind}-{look}")


def looks(browser: Browser) -> Iterator[tuple[str, Page]]:
    """Yield a fresh page in each theme and size."""
    for size, (width, height) in SIZES.items():
        for theme in THEMES:
            context = browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if theme == "dark" else "light",
                is_mobile=size == "narrow",
            )
            yield f"{theme}-{size}", context.new_page()
            context.close()


def take(page: Page, url: str, name: str) -> None:
    """Picture the whole page when its parts have loaded."""
    page.goto(url)
    page.wait_for_timeout(600)  # polls never end, so the network is never idle
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)


if __name__ == "__main__":
    main()
