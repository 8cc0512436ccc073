"""A newcomer who sets a console up, and a shop that breaks when somebody checks out."""

import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support.live import Server

PASSWORD = "a lighthouse keeper's lamp"


class Shop:
    """The broken shop, in a process of its own, with the unmodified SDK."""

    def __init__(self, dsn: str, release: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("broken_shop.py")), dsn, release],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def check_out(self, order: int) -> None:
        with pytest.raises(urllib.error.HTTPError, match="500"):
            urllib.request.urlopen(f"{self.url}/checkout/{order}", timeout=10)


def set_up(page: Page, server: Server) -> str:
    """Fill in the first-run page as a newcomer does; return the DSN that the next page shows."""
    page.goto(set_up_link(server))
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("E-mail").fill("ada@acme.test")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Organization").fill("Acme")
    page.get_by_label("Project").fill("Shop")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/acme/shop/connect")
    shown = page.get_by_role("region", name="DSN").first.inner_text()
    dsn = re.search(r"http://[0-9a-f]{32}@\S+/\d+", shown)
    assert dsn is not None
    return dsn[0]


def set_up_link(server: Server) -> str:
    """The one-time link, printed right after the address that the server was found by."""
    for _ in range(100):
        link = re.search(r"http\S+/setup\?token=\w+", server.log.read_text())
        if link is not None:
            return link[0]
        time.sleep(0.05)
    raise AssertionError("the console printed no set-up link")
