"""Every page of the console as a picture, in both themes, wide and narrow: `make screenshots`.

Starts the demonstration with two weeks of history, unless `--url` names a console that runs, signs
in, follows the links of each page and photographs one page of every kind into `screenshots/`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from demo.processes import free_port  # noqa: E402 - after the path that leads to it
from tests.chromium import launched  # noqa: E402 - the tests' browser is this one's

WIDTHS = {"wide": (1440, 900), "narrow": (390, 844)}
THEMES = ("light", "dark")
SKIPPED = re.compile(r"^/(static|api|logout)|\.json$|\braw\b")
MOST = 60
# What README shows: the picture's name, and the page as a kind of path.
DOCS = {"inbox": "/demo/shop/issues/", "issue": "/demo/shop/issues/N/"}


def main() -> None:
    """Take the pictures; end with 1 when a page is broken or scrolls sideways."""
    arguments = _arguments()
    with _console(arguments) as (url, email, password), launched() as browser:
        pages = _pages(browser, url, email, password)
        if arguments.docs:
            _photograph_docs(browser, url, pages, (email, password))
            return
        faults = [
            fault
            for theme in THEMES
            for size in WIDTHS
            for fault in _photograph(browser, url, pages, (email, password), theme, size)
        ]
    print(f"{len(pages)} pages in {ROOT / 'screenshots'}")
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(bool(faults))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--url", help="a running demonstration; one is started without it")
    parser.add_argument("--instance", default="instance", help="its data folder")
    parser.add_argument("--history", default="14d", help="how much past to send first")
    parser.add_argument("--docs", action="store_true", help="only README's, into docs/")
    return parser.parse_args()


@contextmanager
def _console(arguments: argparse.Namespace) -> Iterator[tuple[str, str, str]]:
    """Address, e-mail and password of the demonstration, which ends with the block if started."""
    if arguments.url:
        yield (arguments.url, *_login(Path(arguments.instance)))
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        demo = subprocess.Popen(
            [sys.executable, "-m", "demo", "--port", str(port), "--history", arguments.history],
            cwd=ROOT,
            env={**os.environ, "PHAROS_INSTANCE": folder},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert demo.stdout
        try:
            for line in demo.stdout:
                print(line, end="", flush=True)
                if "open" in line:
                    break
            yield (f"http://127.0.0.1:{port}", *_login(Path(folder)))
        finally:
            demo.terminate()
            demo.wait(30)


def _login(instance: Path) -> tuple[str, str]:
    return "demo@shop.example", json.loads((instance / "demo.json").read_text())["password"]


def _pages(browser: Browser, url: str, email: str, password: str) -> dict[str, str]:
    """One address for each kind of page (path with its numbers left out), as the links lead."""
    context = browser.new_context()
    page = context.new_page()
    found = {"/login": "/login"}
    _sign_in(page, url, email, password)
    waiting = [urlsplit(page.url).path]
    while waiting and len(found) < MOST:
        path = waiting.pop(0)
        if _kind(path) in found:
            continue
        answer = page.goto(url + path)
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            continue
        found[_kind(path)] = path
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        waiting += [_path(link) for link in links if _wanted(link, url)]
    context.close()
    return found


def _wanted(link: str, url: str) -> bool:
    return link.startswith(url) and not SKIPPED.search(urlsplit(link).path)


def _path(link: str) -> str:
    return urlsplit(link).path


def _kind(path: str) -> str:
    """The path with ids left out: issues 7 and 8 are the same kind of page."""
    return re.sub(r"/([0-9a-f]{16,}|\d+)(?=/|$)", "/N", path)


def _photograph(
    browser: Browser, url: str, pages: dict[str, str], login: tuple[str, str], theme: str, size: str
) -> Iterator[str]:
    folder = ROOT / "screenshots" / f"{size}-{theme}"
    folder.mkdir(parents=True, exist_ok=True)
    context, page = _visitor(browser, theme, size)
    page.goto(f"{url}/login")
    page.screenshot(path=folder / "login.png", full_page=True)
    _sign_in(page, url, *login)
    for kind, path in pages.items():
        if path == "/login":
            continue
        answer = page.goto(url + path, wait_until="load")
        page.wait_for_timeout(300)  # panels that load themselves
        if answer is None or answer.status >= 400:
            yield f"{path} answers {answer.status if answer else 'nothing'}"
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > WIDTHS[size][0]:
            yield f"{path} is {width} px wide on a screen of {WIDTHS[size][0]}"
        page.screenshot(path=folder / f"{_name(kind)}.png", full_page=True)
    context.close()


def _photograph_docs(
    browser: Browser, url: str, pages: dict[str, str], login: tuple[str, str]
) -> None:
    folder = ROOT / "docs"
    folder.mkdir(exist_ok=True)
    for theme in THEMES:
        context, page = _visitor(browser, theme, "wide")
        _sign_in(page, url, *login)
        for name, kind in DOCS.items():
            page.goto(url + pages[kind])
            page.wait_for_timeout(300)
            page.screenshot(path=folder / f"{name}-{theme}.png")
        context.close()


def _visitor(browser: Browser, theme: str, size: str) -> tuple[BrowserContext, Page]:
    width, height = WIDTHS[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    return context, context.new_page()


def _sign_in(page: Page, url: str, email: str, password: str) -> None:
    page.goto(f"{url}/login")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password)
    page.click("main button")
    page.wait_for_load_state()


def _name(kind: str) -> str:
    return kind.strip("/").replace("/", "_") or "front"


if __name__ == "__main__":
    main()
