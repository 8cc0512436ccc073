"""A person of the demonstration who answers incidents: by the console's own pages, signed in."""

from __future__ import annotations

import itertools
import json
import re
import threading
import time
from collections.abc import Callable
from http.cookiejar import CookieJar
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

TITLE = "Checkout fails"
IN_TIME, LATE = 10.0, 400.0
"""Seconds after which she answers: once at once, once when the next step has been notified."""
LOOK, PATIENCE = 5.0, 30
TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Person:
    """Somebody with a browser: signs in, and presses a button."""

    def __init__(self, console: str, email: str, password: str) -> None:
        """`console` is the console's address."""
        self._console, self._login = console, {"email": email, "password": password}
        self._browser = build_opener(HTTPCookieProcessor(CookieJar()))

    def sign_in(self) -> None:
        """Sign in by the form."""
        self._send("/login", "/login", **self._login)

    def acknowledge(self, page: str) -> None:
        """Acknowledge the incident of this page."""
        self._send(page, f"{page}/acknowledgement")

    def read(self, page: str) -> str:
        """What stands on a page."""
        with self._browser.open(f"{self._console}{page}", timeout=PATIENCE) as answer:
            content: bytes = answer.read()
            return content.decode()

    def _send(self, page: str, action: str, **fields: str) -> None:
        """Fill in a form of a page, and send it."""
        form = TOKEN.search(self.read(page))
        if form is None:
            raise RuntimeError(f"{page} has no form")
        body = urlencode({"csrf_token": form[1], **fields}).encode()
        headers = {"Origin": self._console, "Referer": f"{self._console}{page}"}
        request = Request(f"{self._console}{action}", body, headers)
        self._browser.open(request, timeout=PATIENCE).close()


def answer(
    person: Person,
    project: str,
    token: str,
    pages: str,
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Answer incidents of the checkout for ever: the first in time, the second late, and so on.

    `project` is its address in the API, `pages` the path of its pages.
    """
    seen: set[int] = set()
    paces = itertools.cycle((IN_TIME, LATE))
    person.sign_in()
    while True:
        wait(LOOK)
        try:
            fresh = [number for number in _open(project, token) if number not in seen]
            for number in fresh[:1]:
                wait(next(paces))
                seen.add(number)
                person.acknowledge(f"{pages}/alerts/incidents/{number}")
        except URLError:  # the console is busy, or ends
            continue


def begin(person: Person, project: str, token: str, pages: str) -> None:
    """Answer in the background for as long as this program runs."""
    given = (person, project, token, pages)
    threading.Thread(target=answer, args=given, name="alice", daemon=True).start()


def _open(project: str, token: str) -> list[int]:
    """The checkout's incidents that nobody has answered, by the API."""
    query = urlencode({"state": "open", "q": TITLE})
    headers = {"Authorization": f"Bearer {token}"}
    request = Request(f"{project}/incidents?{query}", headers=headers)
    with urlopen(request, timeout=PATIENCE) as answer:
        listed = json.load(answer)["incidents"]
    return sorted(incident["id"] for incident in listed if incident["state"] == "open")
