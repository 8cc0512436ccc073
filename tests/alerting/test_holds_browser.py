"""The hold of delivery in a browser: the notice leads to the buttons, and they work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Dialog, Page, expect

from console.alerting.delivery import banner, holds
from console.alerting.delivery.models import HoldReason
from console.core import clock as console_clock
from console.core.db import db
from tests.alerting.deliveries import add_incident, by_mail, messages, owe
from tests.support.chromium import Complaints, serious_violations
from tests.support.crawl import sign_in
from tests.support.factories import PASSWORD
from tests.support.served import served

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(settings, smtp):
    return replace(settings, smtp_url=smtp.url)


@pytest.fixture
def url(app) -> Iterator[str]:
    """A console on a free port."""
    with served(app) as url:
        yield url


def test_the_notice_of_every_page_leads_to_where_delivery_goes_on(
    acme, inside, url, chromium: Page
):
    with inside(acme):
        owe(add_incident(acme), by_mail("ada@acme.test"))
        made_at = console_clock.now() - timedelta(days=2)
        holds.hold(HoldReason.RESTORED, backup_at=made_at)
        db.session.commit()
        banner.refresh(acme.organization_id)
    complaints = Complaints(chromium)
    sign_in(chromium, url, "ada@acme.test", PASSWORD)
    chromium.goto(f"{url}/acme/shop/issues/")
    chromium.get_by_role("link", name="Decide what is sent").click()
    panel = chromium.locator("#delivery-hold")
    expect(panel).to_contain_text("1 message from before the hold waits")
    assert serious_violations(chromium) == []
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept()

    chromium.once("dialog", accept)
    chromium.get_by_role("button", name="Discard the old messages and deliver").click()
    expect(panel).to_have_count(0)
    assert asked == ["Discard 1 message from before the hold? Nobody will get them."]
    with inside(acme):
        assert [row.state.value for row in messages()] == ["discarded"]
    assert complaints.heard == []
