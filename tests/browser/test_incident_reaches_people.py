"""The shop breaks, mail and Slack arrive, somebody answers, and the times are the clock's."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visiting import Shop, set_up
from tests.fakes import slack as slack_server
from tests.fakes import smtp as mail_server
from tests.fakes.slack import SlackServer
from tests.fakes.smtp import Mailbox
from tests.support.clients import bearer
from tests.support.databases import Database
from tests.support.live import Server
from tests.support.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 180.0  # a window ends, late data is waited for, and a slow machine takes its time
RULE = {
    "name": "Checkout fails",
    "metric": "errors.events",
    "op": ">",
    "levels": {"critical": 0},
    "window_seconds": 10,
    "interval_seconds": 10,
    "severity": "high",
}
EXACT = timedelta(seconds=5)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server.serving() as mailbox:
        yield mailbox


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with slack_server.serving() as slack:
        yield slack


@pytest.fixture
def server(
    instance: Path, database: Database, mailbox: Mailbox, slack: SlackServer
) -> Iterator[Server]:
    """A console that sends to these servers, as an operator sets it up."""
    server = Server(instance, database, SMTP_URL=mailbox.url, PHAROS_SLACK_URL=slack.api).start()
    yield server
    server.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(20_000)
    expect.set_options(timeout=20_000)
    yield page
    context.close()


class Script:
    """What a script asks of the project."""

    def __init__(self, server: Server) -> None:
        permissions = ("rules:write", "incidents:read")
        chosen = [word for name in permissions for word in ("--permission", name)]
        home = ("--organization", "acme", "--project", "shop")
        token = server.run("token", "create", *home, *chosen).split()[-1]
        self._headers = bearer(token) | {"Content-Type": "application/json"}
        self._url = f"{server.url}/api/v1/acme/shop"

    def ask(self, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        body = None if document is None else json.dumps(document).encode()
        with urlopen(Request(f"{self._url}/{path}", body, self._headers), timeout=30) as answer:
            answered: dict[str, Any] = json.load(answer)
            return answered

    def incident(self) -> dict[str, Any]:
        listed = self.ask("incidents?state=all")["incidents"]
        own: dict[str, Any] = next(each for each in listed if each["title"] == RULE["name"])
        return own

    def moment(self, name: str) -> datetime:
        return datetime.fromisoformat(self.incident()[name])


def test_an_incident_reaches_people_and_their_answer_counts(
    server: Server, page: Page, browser: Browser, mailbox: Mailbox, slack: SlackServer, shop: Any
) -> None:
    dsn = set_up(page, server)
    script = Script(server)
    add_slack(page, server, slack)
    notify_slack_too(page, server)
    script.ask("rules", RULE)
    broke, mended = datetime.now(UTC), Event()
    customers = Thread(target=check_out, args=(shop(dsn, "shop@1.0.0"), mended), daemon=True)
    customers.start()

    first = until(lambda: mails(mailbox), "the mail", seconds=PATIENCE)[0]
    posted = until(lambda: posts(slack), "the message in Slack", seconds=PATIENCE)[0]
    assert "error event" in text_of(first)
    assert picture_of(first).startswith(b"\x89PNG")

    link = re.search(r"http\S+/a/\w+", text_of(first))
    assert link is not None
    urlopen(Request(link[0], method="HEAD"), timeout=30).close()  # as a scanner of mail does
    urlopen(link[0], timeout=30).close()
    assert script.incident()["state"] == "open"
    visitor = browser.new_context().new_page()
    visitor.goto(link[0])
    answered = datetime.now(UTC)
    visitor.get_by_role("button", name="Acknowledge").click()
    expect(visitor.get_by_text("Ada is on it")).to_be_visible()
    assert script.incident()["acknowledged_by"] == "ada@acme.test"
    assert abs(script.moment("acknowledged_at") - answered) < EXACT
    ts = posted["ts"]
    until(lambda: "Acknowledged" in json.dumps(slack.message(ts)), "Slack to hear of it")
    assert "Acknowledge" not in buttons(slack.message(ts))

    mended.set()
    customers.join(30)
    until(lambda: script.incident()["state"] == "resolved", "recovery", seconds=PATIENCE, every=1)
    last = until(
        lambda: [mail for mail in mails(mailbox) if "Resolved" in str(mail["Subject"])],
        "the mail that it is over",
        seconds=PATIENCE,
    )[0]
    assert str(last["References"]).split()[0] == str(first["References"]).split()[0]
    assert first["Message-ID"] in str(last["References"])
    until(lambda: "Resolved" in json.dumps(slack.message(ts)), "Slack to hear that it is over")
    assert len(posts(slack)) == 1 + len(slack.thread(ts)), "all of it is one thread"
    assert buttons(slack.message(ts)) == []
    assert {mail["X-Envelope-To"] for mail in mails(mailbox)} == {"ada@acme.test"}
    see_times(page, server, script, broke)


def add_slack(page: Page, server: Server, slack: SlackServer) -> None:
    """Add Slack's channel as an admin does, and try it out."""
    page.goto(f"{server.url}/acme/settings/channels/new/slack")
    page.get_by_label("Name").fill("ops")
    page.get_by_label("Bot token").fill(slack.token)
    page.get_by_label("Channel", exact=True).fill("#ops")
    page.get_by_role("button", name="Add channel").click()
    page.get_by_role("button", name=re.compile("test", re.IGNORECASE)).click()
    until(lambda: slack.messages, "the test message in Slack")
    slack.messages.clear()


def notify_slack_too(page: Page, server: Server) -> None:
    """Add the channel to the first step of the policy that stands there from the beginning."""
    policy = page.get_by_role("link", name="Mail the owners")
    until(
        lambda: page.goto(f"{server.url}/acme/settings/policies/") and policy.count(),
        "the first policy",
        every=1,
    )
    policy.click()
    page.get_by_role("link", name=re.compile("Change|Edit")).first.click()
    page.locator("#step-0-new").select_option(label="ops")
    expect(page.locator("#step-0 .policy-target")).to_have_count(2)
    page.get_by_role("button", name="Save", exact=False).click()
    page.wait_for_load_state()


def check_out(shop: Shop, mended: Event) -> None:
    """Fail every few seconds, as long as the shop is broken."""
    for order in range(int(PATIENCE)):
        if mended.wait(3):
            break
        shop.check_out(order)


def see_times(page: Page, server: Server, script: Script, broke: datetime) -> None:
    """The page of response times shows the incident's own times, and the clock's."""
    opened, acknowledged = script.moment("opened_at"), script.moment("acknowledged_at")
    assert broke - EXACT < opened < acknowledged < script.moment("resolved_at")
    times = script.ask("response-times")["times"]
    to_acknowledge = (acknowledged - opened).total_seconds()
    assert times["acknowledge"]["median"] == pytest.approx(to_acknowledge, abs=0.01)
    assert times["acknowledge"]["n"] == 1
    page.goto(f"{server.url}/acme/shop/alerts/response-times/")
    expect(page.get_by_text(re.compile("acknowledge", re.IGNORECASE)).first).to_be_visible()
    seconds = int(to_acknowledge)
    shown = page.locator("main").inner_text()
    assert re.search(rf"\b({seconds}|{seconds + 1})(\.\d+)? s|min", shown), shown


def mails(mailbox: Mailbox) -> list[EmailMessage]:
    """The mails about the incident, in order."""
    return [mail for mail in mailbox.messages if str(RULE["name"]) in str(mail["Subject"])]


def posts(slack: SlackServer) -> list[dict[str, Any]]:
    """The messages in Slack about the incident, in order."""
    title = str(RULE["name"])
    threads = [thread_of(message) for message in slack.messages if title in message["text"]]
    return [message for message in slack.messages if thread_of(message) in threads[:1]]


def thread_of(message: dict[str, Any]) -> str:
    return str(message["metadata"]["event_payload"]["thread"])


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def picture_of(mail: EmailMessage) -> bytes:
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    content = picture.get_content()
    assert isinstance(content, bytes)
    return content


def buttons(message: dict[str, Any]) -> list[str]:
    """The buttons of a message that act, by their text."""
    blocks = list(message.get("blocks", []))
    for attachment in message.get("attachments", []):
        blocks += attachment.get("blocks", [])
    elements = [element for block in blocks for element in block.get("elements", [])]
    texts = [e["text"]["text"] for e in elements if e.get("type") == "button" and "url" not in e]
    return [text for text in texts if isinstance(text, str)]
