"""Every page that the console's links lead to, with real data, in a browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize

from tests.clients import python_app
from tests.support.chromium import Complaints, serious_violations
from tests.support.crawl import addresses, crawl, sign_in
from tests.support.live import Server

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EMAIL, PASSWORD = "ada@acme.test", "correct horse battery staple"
# A crawl that finds fewer would prove little.
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
# Text below 11 px, said with its size; and a scroll bar for nothing.
TOO_SMALL_OR_TALL = """() => {
  const faults = [], texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const box = text.parentElement, size = parseFloat(getComputedStyle(box).fontSize);
    if (text.data.trim() && size < 11 && box.checkVisibility())
      faults.push(`${size} px: ${text.data.trim().slice(0, 60)}`);
  }
  const excess = document.documentElement.scrollHeight - innerHeight;
  if (excess > 0 && excess < 8) faults.push(`${excess} px taller than the window`);
  return faults;
}"""
EXPECTED = {"accounts-members", "accounts-projects", "errors-inbox", "errors-issue"}


def test_every_page_is_for_everybody(server: Server, browser: Browser, tmp_path: Path):
    """No serious barrier in either theme, nothing the policy blocks, no sideways scrolling."""
    project = server.project()
    owner = ("--organization", "acme", "--role", "owner", "--password-stdin")
    server.run("user", "create", EMAIL, *owner, stdin=PASSWORD)
    python_app.run(project.dsn)
    project.wait_for(event=python_app.ERRORS + python_app.MESSAGES)
    context = browser.new_context(viewport=DESKTOP)
    page = context.new_page()
    complaints = Complaints(page)
    sign_in(page, server.url, EMAIL, PASSWORD)
    faults: list[str] = []
    pages = crawl(
        page,
        server.url,
        addresses(tmp_path / "throwaway"),
        lambda kind: faults.extend(faults_of(page, kind)),
    )
    context.close()
    assert EXPECTED - pages.keys() == set()
    assert [*faults, *complaints.heard] == []


def faults_of(page: Page, kind: str) -> list[str]:
    """What is wrong with the page that is open, said with its name."""
    faults = [f"{kind} (light): {fault}" for fault in serious_violations(page)]
    page.emulate_media(color_scheme="dark")  # which changes colours, and nothing else
    faults += [f"{kind} (dark): {fault}" for fault in serious_violations(page, of="cat.color")]
    faults += [f"{kind}: {fault}" for fault in page.evaluate(TOO_SMALL_OR_TALL)]
    page.set_viewport_size({"width": 390, "height": 844})
    width = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size(DESKTOP)
    page.emulate_media(color_scheme="light")
    return faults if width <= 390 else [*faults, f"{kind}: {width} px wide on a phone"]
