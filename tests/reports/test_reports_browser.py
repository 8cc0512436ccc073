"""A report in a browser: its mail is shown inside its page, and nothing is blocked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from console.accounts.models import User
from console.core.db import db
from tests.support.chromium import serious_violations
from tests.support.crawl import sign_in
from tests.support.factories import PASSWORD
from tests.support.served import served

pytestmark = pytest.mark.browser


@pytest.fixture
def url(app) -> Iterator[str]:
    """A console on a free port."""
    with served(app) as url:
        yield url


@pytest.mark.usefixtures("stored")
def test_the_page_of_a_report_shows_its_mail(acme, inside, make_report, url, chromium: Page):
    with inside(acme):
        user = db.session.scalars(select(User).where(User.email == "alice@acme.test")).one()
    report_id = make_report(user)
    sign_in(chromium, url, "alice@acme.test", PASSWORD)
    chromium.goto(f"{url}/acme/shop/reports/{report_id}")
    chromium.locator(".mail-preview").scroll_into_view_if_needed()
    mail = chromium.frame_locator(".mail-preview")
    expect(mail.get_by_role("heading", name="P95 by endpoint")).to_be_visible()
    assert serious_violations(chromium, of=f"#report-{report_id}") == []
