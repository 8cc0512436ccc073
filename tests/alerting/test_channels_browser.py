"""Channels in a browser: one of Slack is added and tried out, a webhook with a live preview."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fakes import hook, slack
from tests.fakes.slack import TOKEN
from tests.support.chromium import Complaints, serious_violations
from tests.support.crawl import sign_in
from tests.support.factories import PASSWORD
from tests.support.served import served

pytestmark = pytest.mark.browser
CHANNELS = "/acme/settings/channels/"


@pytest.fixture
def workspace():
    with slack.serving() as workspace:
        yield workspace


@pytest.fixture
def settings(settings, workspace):
    return replace(settings, private_addresses=True, slack_url=workspace.api)


@pytest.fixture
def url(app, acme) -> Iterator[str]:
    """A console on a free port."""
    assert acme
    with served(app) as url:
        yield url


@pytest.fixture
def page(chromium: Page, url: str) -> Iterator[Page]:
    expect.set_options(timeout=15_000)
    complaints = Complaints(chromium)
    sign_in(chromium, url, "ada@acme.test", PASSWORD)
    yield chromium
    assert complaints.heard == []


def test_a_slack_channel_is_added_and_tried_out(page: Page, url, workspace):
    page.goto(url + CHANNELS)
    page.get_by_role("main").get_by_role("link", name="Slack", exact=True).last.click()
    page.get_by_label("Name").fill("#ops")
    page.get_by_label("Bot token").fill(TOKEN)
    page.get_by_label("Channel", exact=True).fill("#ops")
    assert serious_violations(page) == []
    page.get_by_role("button", name="Add channel").click()
    expect(page.get_by_role("heading", name="#ops")).to_be_visible()
    assert TOKEN not in page.content()
    page.get_by_role("button", name="Send a test message").click()
    expect(page.get_by_text("The test message was handed over to Slack.")).to_be_visible()
    expect(page.get_by_text("Works", exact=True)).to_be_visible()
    assert "This is a test of the channel #ops" in str(workspace.messages)
    assert serious_violations(page) == []


def test_a_webhook_shows_while_it_is_written_what_it_will_send(page: Page, url):
    with hook.serving() as receiver:
        page.goto(f"{url}{CHANNELS}new/webhook?example=Discord")
        preview = page.locator("#channel-preview")
        expect(preview).to_contain_text('"username": "Pharos"')
        template = page.get_by_label("JSON template")
        template.fill('{"text": "{{ headline }}", "who": {{ nobody }}}')
        expect(preview).to_contain_text("nobody")
        template.fill('{"text": "{{ headline }}"}')
        expect(preview).to_contain_text(re.compile(r"\"text\": .*POST /checkout"))
        page.get_by_label("Name").fill("bridge")
        page.get_by_label("URL", exact=True).fill(receiver.url)
        assert serious_violations(page) == []
        page.get_by_role("button", name="Add channel").click()
        page.get_by_role("button", name="Send a test message").click()
        expect(page.get_by_text("The test message was handed over to Webhook.")).to_be_visible()
    (message,) = receiver.messages
    assert message == {"text": "This is a test of the channel bridge. Nothing is wrong."}


def test_a_channel_is_added_without_scripts(browser: Browser, url):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, url, "ada@acme.test", PASSWORD)
    page.goto(f"{url}{CHANNELS}new/webhook")
    page.get_by_label("Name").fill("bridge")
    page.get_by_label("JSON template").fill('{"text": "{{ title }}"}')
    page.get_by_role("button", name="Show what would be sent").click()
    expect(page.get_by_text("What would be sent about an example incident")).to_be_visible()
    page.go_back()
    page.get_by_label("Name").fill("bridge")
    page.get_by_label("URL", exact=True).fill("http://127.0.0.1:9/")
    page.get_by_role("button", name="Add channel").click()
    expect(page.get_by_role("heading", name="bridge")).to_be_visible()
    context.close()
