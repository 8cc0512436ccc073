"""Every page of the console as a picture, in both themes, wide and narrow: `make screenshots`.

Starts the demonstration with two weeks of history, unless `--url` names a console that runs, signs
in, follows the links of each page and photographs one page of every kind into `screenshots/`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from demo.processes import free_port  # noqa: E402 - after the path that leads to it
from tests.support.chromium import Complaints, launched  # noqa: E402
from tests.support.crawl import addresses, crawl, sign_in  # noqa: E402
from tools.boards import photograph_mail, photograph_shared, photograph_wall  # noqa: E402
from tools.messages import photograph as photograph_messages  # noqa: E402
from tools.palette import with_palette  # noqa: E402
from tools.states import photograph_links, photograph_paper, unroll  # noqa: E402

WIDTHS = {"wide": (1440, 900), "narrow": (390, 844)}
THEMES = ("light", "dark")
INCIDENT = 300  # seconds for the first one
# As many visitors now as in the past, or the last half hour is the only bar of every chart.
TRAFFIC = ["--per-day", "2000", "--rate", "0.03"]
PANELS = 500  # milliseconds for those that load themselves
PATIENCE = 180_000  # milliseconds for a page of a console that shares a slow machine
LOADED = """() => ![...document.querySelectorAll(".skeleton")].some(
    (panel) => panel.getBoundingClientRect().top < innerHeight)"""
# What README shows: the picture's name, its theme, the list, its query, and whether the list's
# first row is opened.
DOCS = (
    ("dashboard", "light", "dashboards-dashboards", "?tag=operations", True),
    ("inbox", "light", "errors-inbox", "", False),
    ("issue", "dark", "errors-inbox", "?q=PriceError", True),
    ("endpoints", "light", "performance-endpoints", "?range=14d", False),
    (
        "trace",
        "dark",
        "performance-traces",
        "?range=14d&sort=duration&name=GET+storefront.orders",
        True,
    ),
    ("vitals", "light", "performance-vitals", "?range=14d", False),
    ("rule", "light", "alerting-new_rule", "?metric=errors.events&range=7d", False),
    ("incident", "dark", "alerting-incidents", "?state=all&q=Checkout", True),
    ("response-times", "light", "alerting-response_times", "", False),
    ("uptime", "light", "uptime-checks", "?range=1h", True),
)


def main() -> None:
    """Take the pictures; end with 1 when a page is broken or scrolls sideways."""
    arguments = _arguments()
    with _console(arguments) as (url, login, mailbox), launched() as browser:
        pages = _chosen(_pages(browser, url, login, waits=not arguments.only), arguments.only)
        if arguments.docs:
            _photograph_docs(browser, url, pages, login)
            return
        faults = [
            fault
            for theme in THEMES
            for size in WIDTHS
            for fault in _photograph(browser, url, pages, login, theme, size)
        ]
        shared = sum(
            _photograph_shared(browser, url, pages, login, theme, size)
            for theme in THEMES
            for size in WIDTHS
        )
        messages = 0 if arguments.only else photograph_messages(browser, ROOT / "screenshots")
        if not arguments.only:
            _photograph_mailbox(browser, mailbox)
        _photograph_states(browser, url, pages, login, "" if arguments.only else mailbox)
    print(
        f"{len(pages)} pages, {shared} pictures of links, walls and report mails, and {messages}"
        f" messages in {ROOT / 'screenshots'}"
    )
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(bool(faults))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("--url", help="a running demonstration; one is started without it")
    parser.add_argument("--instance", default="instance", help="its data folder")
    parser.add_argument("--history", default="14d", help="how much past to send first")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="BEGINNING",
        help="only kinds of pages with these beginnings, such as dashboards",
    )
    parser.add_argument("--docs", action="store_true", help="only README's, into docs/")
    return parser.parse_args()


@contextmanager
def _console(arguments: argparse.Namespace) -> Iterator[tuple[str, tuple[str, str], str]]:
    """Addresses of the demonstration and its mailbox, and the log-in; it ends with the block."""
    if arguments.url:
        yield arguments.url, *_known(Path(arguments.instance))
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        past = ("--history", arguments.history)
        demo = subprocess.Popen(
            [sys.executable, "-m", "demo", "--port", str(port), *past, *TRAFFIC],
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
            yield f"http://127.0.0.1:{port}", *_known(Path(folder))
        finally:
            demo.terminate()  # it ends what it started before itself
            demo.wait(60)


def _known(instance: Path) -> tuple[tuple[str, str], str]:
    """The log-in, and the mailbox's address; "" where the console was started by itself."""
    known = json.loads((instance / "demo.json").read_text())
    return ("demo@shop.example", known["password"]), known.get("mailbox", "")


def _pages(browser: Browser, url: str, login: tuple[str, str], *, waits: bool) -> dict[str, str]:
    """One address of each kind of page, as the links lead."""
    with tempfile.TemporaryDirectory() as folder:
        context, page = _visitor(browser, "light", "wide")
        sign_in(page, url, *login)
        if waits:
            _wait_for_incident(page, url)
        kinds = crawl(page, url, addresses(Path(folder)))
        kinds |= _dashboards(page, kinds)
        context.close()
        return kinds


def _dashboards(page: Page, kinds: dict[str, str]) -> dict[str, str]:
    """Every dashboard of the list, by its title: `dashboard-operations`."""
    page.goto(kinds["dashboards-dashboards"])
    titles = page.eval_on_selector_all(
        "#dashboards [data-open]", "links => links.map(link => [link.innerText, link.href])"
    )
    return {f"dashboard-{'-'.join(title.lower().split())}": href for title, href in titles}


def _wait_for_incident(page: Page, url: str) -> None:
    """Return once the demonstration has incidents to show, or say that it has none.

    One must be open, and one be that of its mistake, which is short.
    """
    deadline = time.monotonic() + INCIDENT
    wanted = ["", "?state=all&q=Checkout"]
    while time.monotonic() < deadline:
        page.goto(f"{url}/demo/shop/alerts/incidents/{wanted[-1]}")
        if page.query_selector("#incidents [data-open]"):
            wanted.pop()
        else:
            page.wait_for_timeout(10 * PANELS)
        if not wanted:
            return
    print(f"No incident was opened within {INCIDENT} seconds: it has no picture.", file=sys.stderr)


def _photograph(
    browser: Browser, url: str, pages: dict[str, str], login: tuple[str, str], theme: str, size: str
) -> Iterator[str]:
    folder = ROOT / "screenshots" / f"{size}-{theme}"
    folder.mkdir(parents=True, exist_ok=True)
    context, page = _visitor(browser, theme, size)
    page.goto(f"{url}/login")
    page.screenshot(path=folder / "login.png", full_page=True, caret="initial")
    complaints = Complaints(page)
    sign_in(page, url, *login)
    for kind, address in pages.items():
        answer = page.goto(address, wait_until="load")
        _settle(page)
        if kind.startswith("dashboard"):
            unroll(page)
        if answer is None or answer.status >= 400:
            yield f"{address} answers {answer.status if answer else 'nothing'}"
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > WIDTHS[size][0]:
            yield f"{address} is {width} px wide on a screen of {WIDTHS[size][0]}"
        # Hiding the caret leaves an empty style attribute on each input, which htmx then copies.
        page.screenshot(path=folder / f"{kind}.png", full_page=True, caret="initial")
    yield from complaints.heard
    context.close()


def _photograph_mailbox(browser: Browser, mailbox: str) -> None:
    """What really came: the list of mails, the latest of the checkout, and the chat."""
    for theme in THEMES if mailbox else ():
        for size in WIDTHS:
            folder = ROOT / "screenshots" / f"{size}-{theme}"
            context, page = _visitor(browser, theme, size)
            for name, path in (("mailbox", "/"), ("chat", "/chat")):
                page.goto(f"{mailbox}{path}")
                page.screenshot(path=folder / f"demo-{name}.png", full_page=True)
            page.goto(mailbox)
            mail = page.query_selector("li a:has-text('Checkout')")
            if mail is not None:
                page.goto(f"{mailbox}{mail.get_attribute('href')}")
                page.screenshot(path=folder / "demo-mail.png", full_page=True)
            context.close()


def _photograph_shared(
    browser: Browser, url: str, pages: dict[str, str], login: tuple[str, str], theme: str, size: str
) -> int:
    """What strangers, walls and mail programs show of a dashboard and a report."""
    folder = ROOT / "screenshots" / f"{size}-{theme}"
    context, page = _visitor(browser, theme, size)
    sign_in(page, url, *login)
    count = 0
    if dashboard := pages.get("dashboard-operations"):
        count += photograph_shared(browser, page, dashboard, folder, theme)
        count += photograph_wall(page, dashboard, folder)
    if reports := pages.get("reports-reports"):
        count += photograph_mail(page, reports, folder)
    context.close()
    return count


def _chosen(pages: dict[str, str], only: list[str]) -> dict[str, str]:
    """All pages, or the kinds with one of these beginnings."""
    wanted = tuple(only) or ("",)
    return {kind: address for kind, address in pages.items() if kind.startswith(wanted)}


def _photograph_states(
    browser: Browser, url: str, pages: dict[str, str], login: tuple[str, str], mailbox: str
) -> None:
    """On paper, and behind a mail's links; whoever follows these is nobody who is signed in."""
    folder = ROOT / "screenshots" / "print"
    folder.mkdir(parents=True, exist_ok=True)
    context, page = _visitor(browser, "light", "wide")
    sign_in(page, url, *login)
    photograph_paper(page, pages, folder)
    context.close()
    for theme, size in (("light", "wide"), ("dark", "narrow")) if mailbox else ():
        context, page = _visitor(browser, theme, size)
        photograph_links(page, mailbox, ROOT / "screenshots" / f"{size}-{theme}")
        context.close()


def _photograph_docs(
    browser: Browser, url: str, pages: dict[str, str], login: tuple[str, str]
) -> None:
    for name, theme, kind, query, opens in DOCS:
        context, page = _visitor(browser, theme, "wide")
        sign_in(page, url, *login)
        page.goto(pages[kind].partition("?")[0] + query)
        if opens:
            page.click("[data-open]")
        _settle(page)
        picture = with_palette(page.screenshot())
        (ROOT / "docs" / f"{name}.png").write_bytes(picture)
        context.close()


def _settle(page: Page) -> None:
    """Wait until the panels that load themselves have come; those below the fold never do."""
    page.wait_for_load_state()
    page.wait_for_timeout(PANELS)
    with suppress(PlaywrightTimeout):
        page.wait_for_function(LOADED, timeout=20 * PANELS)
    page.wait_for_timeout(PANELS)


def _visitor(browser: Browser, theme: str, size: str) -> tuple[BrowserContext, Page]:
    width, height = WIDTHS[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    return context, context.new_page()


if __name__ == "__main__":
    main()
