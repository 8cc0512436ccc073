"""Mails in a browser, as readers of mail show them: legible in both themes, wide and narrow."""

from base64 import b64encode
from dataclasses import replace

import pytest

from console.channels.facts import clean
from console.channels.letter import html_of
from tests.channels.messages import DIGEST, RESOLVE, TEST, TRIGGER, picture
from tests.support.chromium import serious_violations

LONG = "SELECT_a_very_long_name_without_a_place_to_break_it_" * 6
MESSAGES = {
    "trigger": replace(TRIGGER, picture=picture()),
    "resolve": replace(RESOLVE, picture=picture(), delayed_minutes=4),
    "digest": DIGEST,
    "test": TEST,
    "long": replace(TRIGGER, headline=LONG, title=LONG, project=LONG, hits=LONG),
}


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [800, 390])
def test_a_mail_is_legible_and_scrolls_in_one_direction(browser, theme, width):
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 700})
    page = context.new_page()
    address = f"data:image/png;base64,{b64encode(picture().png).decode()}"
    for name, message in MESSAGES.items():
        page.set_content(html_of(clean(message), picture=address))
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert serious_violations(page) == [], name
    context.close()


@pytest.mark.browser
def test_a_dark_mail_is_dark_and_its_chart_stays_on_white(browser):
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.set_content(html_of(clean(MESSAGES["trigger"]), picture="data:,"))
    colors = "selector => getComputedStyle(document.querySelector(selector)).backgroundColor"
    assert page.evaluate(colors, ".card") == "rgb(22, 23, 29)"
    assert page.evaluate(colors, ".picture") == "rgb(255, 255, 255)"
    context.close()


@pytest.mark.browser
def test_without_pictures_a_mail_says_the_same_in_words(browser):
    context = browser.new_context()
    page = context.new_page()
    page.route("**/*", lambda route: route.abort())
    page.set_content(html_of(clean(MESSAGES["trigger"]), picture="https://nowhere.test/x.png"))
    assert page.get_by_alt_text(picture().alt).count() == 1
    context.close()
