"""Chromium for the browser tests: the system's own, driven by Playwright."""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.support.javascript import PACKAGES

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SERIOUS = re.compile(r"\S+ \((serious|critical)\)")
# A tag's rules are more than axe applies by itself: this one is of WCAG's level AAA.
STRICTER, OFF = ("color-contrast-enhanced",), {"enabled": False}
AXE = PACKAGES / "axe-core" / "axe.min.js"
# Nothing is asked of the network but what a test asks; root has no sandbox.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@contextmanager
def launched() -> Iterator[Browser]:
    """Run one headless browser for as long as it is needed."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
        yield browser
        browser.close()


class Complaints:
    """What a page's console says that it should not: errors, and what the policy blocked."""

    def __init__(self, page: Page) -> None:
        """Listen from now on."""
        self.heard: list[str] = []
        page.on("pageerror", lambda error: self.heard.append(f"{page.url}: {error}"))
        page.on("console", self._listen)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.heard.append(f"{message.location.get('url', '')}: {message.text}")


def serious_violations(page: Page, *, of: str = "") -> list[str]:
    """What axe finds on a page that keeps somebody out."""
    return [fault for fault in violations(page, of=of) if SERIOUS.match(fault)]


def violations(page: Page, *, of: str = "") -> list[str]:
    """What axe finds on a page: rule, impact, element and why, one line each.

    `of` is a tag of axe's rules, such as `cat.color` for those that a theme decides.
    """
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(AXE.read_text())
    options: dict[str, Any] = {"resultTypes": ["violations"], "rules": dict.fromkeys(STRICTER, OFF)}
    if of:
        options["runOnly"] = [of]
    found = page.evaluate("options => axe.run(options)", options)["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]} {node['failureSummary'][:300]}"
        for rule in found
        for node in rule["nodes"]
    ]


def executable() -> str:
    """Where the browser is: as PHAROS_TEST_CHROMIUM says, or on the path."""
    named = os.environ.get("PHAROS_TEST_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        raise RuntimeError("the tests need Chromium: `make test` says how to get it")
    return found
