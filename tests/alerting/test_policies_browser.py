"""The form of a policy in a browser: steps by keyboard and by mouse, and the trial beside it."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from console.alerting.escalation.models import Policy
from console.core.db import db
from tests.alerting.escalations import channel
from tests.support.chromium import Complaints, serious_violations
from tests.support.crawl import sign_in
from tests.support.factories import PASSWORD
from tests.support.served import served
from tests.telemetry.samples import NOON

pytestmark = pytest.mark.browser
NEW = "/acme/settings/policies/new"


@pytest.fixture
def url(app, acme, inside, clock) -> Iterator[str]:
    """A console on a free port, with a channel."""
    with inside(acme):
        channel("ops")
        db.session.commit()
    clock.set(NOON)
    with served(app) as url:
        yield url


@pytest.fixture
def page(chromium: Page, url: str) -> Iterator[Page]:
    expect.set_options(timeout=15_000)
    complaints = Complaints(chromium)
    sign_in(chromium, url, "ada@acme.test", PASSWORD)
    chromium.goto(url + NEW)
    yield chromium
    assert complaints.heard == []


def steps(page: Page) -> list[str]:
    """Whom each step notifies, in the order of the form, at one moment."""
    found = page.evaluate(
        """() => [...document.querySelectorAll(".policy-step")].map((step) =>
             [...step.querySelectorAll(".policy-target > span")].map((name) => name.innerText))"""
    )
    return [", ".join(names) for names in found]


def test_a_policy_is_written_by_keyboard(page, acme, inside):
    page.get_by_label("Name").focus()
    page.keyboard.type("On call")
    page.locator("#add-step").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".policy-step")).to_have_count(2)
    page.locator("#step-1-new").focus()
    page.keyboard.type("Alice")
    page.keyboard.press("Enter")  # it closes the list where the browser has opened one
    expect(page.locator("#step-1 .policy-target")).to_have_count(1)
    page.locator("#step-1-up").focus()
    page.keyboard.press("Space")
    expect(page.locator(".policy-step").first).to_have_id("step-1")
    assert page.evaluate("document.activeElement.id") == "step-1-up", "the focus moves along"
    assert steps(page) == ["Alice", "the owners"]
    page.locator("#step-0-remove").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".policy-step")).to_have_count(1)
    delay = page.locator("#step-1 [name='1-delay_minutes']")
    delay.fill("5")
    delay.press("Tab")
    expect(page.locator("#trial tbody tr").first).to_contain_text("5 min")
    expect(page.get_by_label("Name")).to_have_value("On call")
    page.get_by_role("button", name="Create policy").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("On call")
    with inside(acme):
        document = db.session.scalars(select(Policy.document)).one()
    assert [step["delay_minutes"] for step in document["steps"]] == [5]


def test_a_step_is_dragged_by_its_handle(page):
    page.locator("#add-step").click()
    page.locator("#step-1-new").select_option(label="ops")
    expect(page.locator("#step-1 .policy-target")).to_have_count(1)
    page.locator("#step-1 [data-drag]").drag_to(
        page.locator("#step-0"), target_position={"x": 40, "y": 8}
    )
    expect(page.locator(".policy-step strong").first).to_have_text("Step 1")
    expect(page.locator("#step-1 strong")).to_have_text("Step 1")
    assert steps(page) == ["ops", "the owners"]
    expect(page.locator("#trial tbody tr").first).to_contain_text("ops")
    page.locator("#step-1 [data-drag]").hover()
    page.mouse.down()
    page.locator("#step-0").hover()
    page.keyboard.press("Escape")
    page.mouse.up()
    assert steps(page) == ["ops", "the owners"], "a drag that is called off moves nothing"


def test_the_trial_follows_the_form(page):
    first = page.locator("#trial tbody tr").first
    expect(first).to_contain_text("Ada by e-mail")
    page.locator("#step-0-new").select_option(label="ops")
    expect(first).to_contain_text("ops")
    page.get_by_label("It notifies").select_option("skip")
    zone = page.get_by_label("Time zone")
    zone.fill("Mars")
    zone.press("Tab")
    expect(page.locator("#trial")).to_contain_text("Step 1: Unknown time zone")
    assert serious_violations(page) == []
    zone.fill("UTC")
    page.get_by_label("An incident opens at").fill("2026-11-21T12:00")
    page.get_by_label("An incident opens at").press("Tab")
    expect(first).to_contain_text("is notified in other hours")
    page.locator("#step-0-remove").click()
    expect(page.locator("#trial")).to_have_text("Add a step.")
