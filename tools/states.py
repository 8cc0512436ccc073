"""Pictures of pages in states that no link leads to: what a mail's links open, and paper."""

import re
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

from playwright.sync_api import Page

LINK = re.compile(r"https?://[^\s\"'<>]+/(?:a|u)/ph[a-z]_[\w-]+")
ON_PAPER = ("alerting-incident", "alerting-response_times")
WRONG = "x" * 8


def photograph_links(page: Page, mailbox: str, folder: Path) -> int:
    """The pages behind the links of the latest mail with both, before and after their buttons.

    Whoever the mail is for gets mails again afterwards. Returns how many pictures were taken.
    """
    act, leave = _links(page, mailbox)
    if not act or not leave:
        return 0
    shots = [("link", act, ""), ("link-acknowledged", act, "Acknowledge")]
    shots += [("link-unknown", act[: -len(WRONG)] + WRONG, "")]
    shots += [("mails", leave, ""), ("mails-stopped", leave, "Stop all mails")]
    for name, address, button in shots:
        page.goto(address)
        if button and page.query_selector(f"button:has-text('{button}')"):
            page.click(f"button:has-text('{button}')")
            page.wait_for_load_state()
        page.screenshot(path=folder / f"{name}.png", full_page=True)
    again = page.query_selector("button:has-text('Send mails again')")
    if again is not None:
        again.click()
        page.wait_for_load_state()
    return len(shots)


def photograph_paper(page: Page, pages: dict[str, str], folder: Path) -> int:
    """What comes out of a printer: dashboards, an incident, response times."""
    page.emulate_media(media="print")
    chosen = [kind for kind in pages if kind in ON_PAPER or kind.startswith("dashboard-")]
    for kind in chosen:
        page.goto(pages[kind])
        unroll(page)
        page.screenshot(path=folder / f"{kind}.png", full_page=True)
    return len(chosen)


def unroll(page: Page) -> None:
    """Scroll to the end and back, so that all that waits to be seen loads itself."""
    for _ in range(12):
        page.evaluate("scrollBy(0, 800)")
        page.wait_for_timeout(120)
    page.wait_for_timeout(1_000)
    page.evaluate("scrollTo(0, 0)")


def _links(page: Page, mailbox: str) -> tuple[str, str]:
    """The link that acts on an open incident, and the one that stops mails, of the latest mail."""
    page.goto(mailbox)
    mails = page.eval_on_selector_all("li a", "links => links.map(link => link.href)")
    for mail in mails:
        page.goto(urljoin(mailbox, mail))
        links = LINK.findall(unescape(page.content()))
        kinds = {link.rsplit("/", 2)[1]: link for link in links}
        if {"a", "u"} <= kinds.keys():
            return kinds["a"], kinds["u"]
    return "", ""
