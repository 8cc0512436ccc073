"""Mails of a console below a path: their links, opened behind nginx that strips or keeps it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from html import unescape
from http.cookiejar import CookieJar
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

import pytest
from sqlalchemy import select

from console.accounts.models import User
from console.channels import outgoing
from console.channels.message import Verb
from console.core.config import Config
from console.core.db import db
from tests.alerting.deliveries import add_incident, by_mail, deliver, owe
from tests.fakes.smtp import free_port
from tests.support import nginx
from tests.support.factories import PASSWORD
from tests.support.scheduled import perform
from tests.support.served import served

PATH = "/tools/pharos"
ADA, EVA = "ada@acme.test", "eva@out.test"
LINK = re.compile(r"""https?://[^\s"'<>)]+""")
KINDS = {
    "/invite/",
    "/reset-password/",
    "/r/",
    "/u/",
    "/acme/shop/alerts/incidents/",
    "/acme/shop/reports/",
    "/acme/shop/performance/traces/",
    "/acme/settings/notifications/",
}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def settings(settings: Config, port: int) -> Config:
    return replace(settings, base_url=f"http://127.0.0.1:{port}{PATH}")


@pytest.mark.usefixtures("stored")
def test_every_link_of_every_mail_leads_to_a_page_below_the_path(
    app, acme, inside, as_ada, make_report, agree, smtp, clock, settings, port, tmp_path
):
    with inside(acme):
        ada = db.session.scalars(select(User).where(User.email == ADA)).one()
    make_report(ada)
    address = {"address": EVA}
    assert as_ada.post("/acme/shop/reports/1/recipients", data=address).status_code == 303
    invited = {"email": "new@acme.test", "role": "viewer"}
    as_ada.post("/acme/settings/members/invitations", data=invited)
    app.test_client().post("/forgot-password", data={"email": ADA})
    with app.app_context():
        outgoing.current().drain()
    with inside(acme):
        incident = add_incident(acme)
        owe(incident, by_mail(ADA))
        owe(incident, by_mail(ADA), Verb.RESOLVE)
        deliver(acme)
    agree()
    clock.move(days=1)
    with app.app_context():
        perform("send-reports")
    with inside(acme):
        deliver(acme)
    clock.move(days=-1)
    links = {link for mail in smtp.messages for link in _links(mail)}
    own = settings.base_url
    assert {link for link in links if not link.startswith(f"{own}/")} == set()
    assert {kind for kind in KINDS if not any(f"{own}{kind}" in link for link in links)} == set()
    with served(app) as console:
        for strips in (True, False):
            folder = tmp_path / f"strips-{strips}"
            at = int(console.rpartition(":")[2])
            with nginx.running(folder, port, console=at, path=PATH, strips=strips):
                assert _went_wrong(links, own) == []


def _went_wrong(links: set[str], own: str) -> list[str]:
    browser = build_opener(HTTPCookieProcessor(CookieJar()))
    form = urlencode({"email": ADA, "password": PASSWORD}).encode()
    assert browser.open(f"{own}/login", form).status == 200
    return [wrong for link in sorted(links) for wrong in _wrong(browser, link, own)]


def _wrong(browser: OpenerDirector, link: str, own: str) -> Iterator[str]:
    """The link, if it leads out of the path, to the sign-in, or nowhere."""
    answer = browser.open(link)
    if not answer.url.startswith(f"{own}/") or f"{own}/login" in answer.url:
        yield f"{link} leads to {answer.url}"


def _links(mail: EmailMessage) -> Iterator[str]:
    """The addresses in a mail's headers, its text and its page."""
    parts = [part for part in mail.walk() if part.get_content_maintype() == "text"]
    texts = [*map(str, mail.values()), *(unescape(part.get_content()) for part in parts)]
    for text in texts:
        yield from (link.rstrip(".,;") for link in LINK.findall(text))
