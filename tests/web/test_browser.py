"""What only a browser does: layout, keyboard, accessibility, charts under the pointer."""

import json
import re
from datetime import datetime
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from flask import abort, render_template_string
from playwright.sync_api import Browser, Page, expect

from console.web.assets import STATIC
from tests.support.chromium import Complaints, violations
from tests.support.served import served
from tests.web.gallery import create_gallery

pytestmark = pytest.mark.browser
PAGES = ["issues/", "issues/7/", "overview/?environment=staging", "settings/", "members/", "atoms/",
         "login", "blank/?environment=production"]  # fmt: skip


@pytest.mark.parametrize(("theme", "of"), [("light", ""), ("dark", "cat.color")])
def test_axe_finds_nothing_in_either_theme(browser: Browser, gallery_url, theme, of):
    """In the second, what the test below leaves to a theme."""
    context = browser.new_context(color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for path in PAGES:
            page.goto(f"{gallery_url}/{path}")
            found = violations(page, of=of)
            assert (path, width, found) == (path, width, [])
    context.close()


def test_a_theme_changes_colours_and_nothing_else():
    sheets = {path.name: path.read_text() for path in (STATIC / "css").rglob("*.css")}
    themed = {
        name for name, sheet in sheets.items() if re.search(r"prefers-color|data-theme", sheet)
    }
    assert themed == {"tokens.css"}
    (dark,) = re.findall(r':root\[data-theme="dark"\] \{(.*?)\}', sheets["tokens.css"], re.DOTALL)
    properties = set(re.findall(r"^ *([\w-]+):", dark, re.MULTILINE))
    assert {name for name in properties if not name.startswith("--")} == {"color-scheme"}
    assert not {name for name in properties if re.search("space|size|width|height|font", name)}


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_no_page_scrolls_sideways(chromium: Page, gallery_url, width):
    chromium.set_viewport_size({"width": width, "height": 844})
    for path in PAGES:
        chromium.goto(f"{gallery_url}/{path}")
        assert chromium.evaluate("document.documentElement.scrollWidth") <= width, path


def test_nothing_violates_the_policy(chromium: Page, gallery_url):
    complaints = Complaints(chromium)
    for path in PAGES:
        chromium.goto(f"{gallery_url}/{path}")
    assert complaints.heard == []


def test_what_a_script_has_placed_is_swapped_within_the_policy(chromium: Page, gallery_url):
    """Before it settles, htmx writes the old element's style onto the new one, as an attribute."""
    complaints = Complaints(chromium)
    part = '<p id="placed">after</p>'
    chromium.route("**/placed/", lambda route: route.fulfill(body=part, content_type="text/html"))
    chromium.goto(f"{gallery_url}/issues/")
    chromium.evaluate(
        """() => {
          const part = document.createElement("div");
          part.setAttribute("hx-get", "/placed/");
          part.innerHTML = '<p id="placed">before</p>';
          part.firstChild.style.left = "3px";
          document.querySelector("main").append(part);
          htmx.process(part);
        }"""
    )
    chromium.locator("#placed").click()
    expect(chromium.locator("#placed")).to_have_text("after")
    assert complaints.heard == []


def test_the_inbox_works_by_keyboard(chromium: Page, gallery_url):
    chromium.goto(f"{gallery_url}/overview/")
    chromium.keyboard.press("g")
    chromium.keyboard.press("i")
    chromium.wait_for_url("**/issues/")
    chromium.keyboard.press("/")
    expect(chromium.locator("[data-search]")).to_be_focused()
    chromium.keyboard.press("Escape")
    for _ in range(2):
        chromium.keyboard.press("j")
    chromium.keyboard.press("x")
    expect(chromium.locator("#issue-2")).to_have_attribute("aria-selected", "true")
    expect(chromium.locator("[data-selected-count]")).to_have_text("1 selected")
    chromium.keyboard.press("t")
    expect(chromium.locator("select[data-range]")).to_be_focused()
    chromium.keyboard.press("Escape")
    chromium.keyboard.press("?")
    expect(chromium.locator("#help")).to_be_visible()
    chromium.keyboard.press("Escape")
    chromium.keyboard.press("k")
    chromium.keyboard.press("Enter")
    chromium.wait_for_url("**/issues/7/")


def test_bulk_buttons_wait_for_a_selection(chromium: Page, gallery_url):
    chromium.goto(f"{gallery_url}/issues/")
    resolve = chromium.get_by_role("button", name="Resolve")
    expect(resolve).to_be_disabled()
    chromium.get_by_label("Select all").check()
    expect(resolve).to_be_enabled()
    expect(chromium.locator("[data-selected-count]")).to_have_text("8 selected")


def test_without_javascript_the_menu_opens_and_filters_apply(browser: Browser, gallery_url):
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{gallery_url}/issues/")
    expect(page.get_by_role("link", name="Members")).to_be_hidden()
    page.locator("label[for=rail-toggle]").click()
    expect(page.get_by_role("link", name="Members")).to_be_visible()
    page.locator("select[name=environment]").select_option("staging")
    page.locator(".bar-form").get_by_role("button", name="Apply").click()
    assert "environment=staging" in page.url
    expect(page.get_by_role("button", name="Resolve")).to_be_enabled()
    context.close()


def test_a_chart_answers_the_pointer_and_a_drag_is_a_range(chromium: Page, gallery_url):
    chromium.goto(f"{gallery_url}/overview/?environment=staging")
    figure = chromium.locator("figure[data-chart]").nth(1)
    figure.hover()
    plot = figure.locator("canvas")
    plot.wait_for()
    expect(chromium.locator("canvas")).to_have_count(3)
    box = plot.bounding_box()
    assert box is not None
    chromium.mouse.move(box["x"] + box["width"] * 0.55, box["y"] + 40)
    rows = figure.locator(".chart-tip li").all_inner_texts()
    assert rows[0].endswith("UTC")
    numbers = [float(n) for row in rows[1:] for n in re.findall(r": ([\d.]+) ms", row)]
    assert numbers == sorted(numbers, reverse=True)
    chromium.mouse.down()
    chromium.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 40, steps=3)
    chromium.mouse.up()
    chromium.wait_for_url("**since=**")
    assert "environment=staging" in chromium.url


def test_a_click_on_a_point_of_a_chart_opens_its_evidence(chromium: Page, gallery_url):
    chromium.goto(f"{gallery_url}/overview/")
    figure = chromium.locator("figure[data-chart]").first
    figure.locator("script").evaluate(
        """(script) => {
             const config = JSON.parse(script.textContent);
             const { labels } = config.data;
             config.pharos.links = labels.map((_, n) => (n ? `/issues/?bucket=${n}` : ""));
             script.textContent = JSON.stringify(config);
           }"""
    )
    figure.hover()
    plot = figure.locator("canvas")
    plot.click(position={"x": 1, "y": 40})
    assert chromium.url.endswith("/overview/"), "this bucket has no evidence"
    box = plot.bounding_box()
    assert box is not None
    plot.click(position={"x": box["width"] - 1, "y": 40})
    chromium.wait_for_url("**/issues/?bucket=*")


def test_what_a_chart_says_under_the_pointer_is_in_the_zone_that_it_names(
    chromium: Page, gallery_url
):
    chromium.goto(f"{gallery_url}/overview/")
    chromium.evaluate("document.documentElement.dataset.zone = 'Asia/Tokyo'")
    figure = chromium.locator("figure[data-chart]").first
    labels = json.loads(figure.locator("script").text_content() or "")["data"]["labels"]
    figure.hover()
    figure.locator("canvas").hover(position={"x": 1, "y": 40})
    there = datetime.fromisoformat(labels[0]).astimezone(ZoneInfo("Asia/Tokyo"))
    expect(figure.locator(".chart-tip-head")).to_have_text(f"{there:%-d %b, %H:%M} GMT+9")


def test_a_chart_is_complete_without_chart_js(chromium: Page, gallery_url):
    chromium.route("**/chart.umd.min.js", lambda route: route.abort())
    chromium.goto(f"{gallery_url}/overview/")
    figure = chromium.locator("figure[data-chart]").first
    figure.hover()
    expect(figure.get_by_role("img")).to_have_attribute(
        "aria-label", re.compile("Errors: .* in all")
    )
    expect(figure.locator("canvas")).to_have_count(0)


def test_a_menu_closes_on_escape_and_gives_the_focus_back(chromium: Page, gallery_url):
    chromium.goto(f"{gallery_url}/issues/7/")
    mute = chromium.locator("summary", has_text="Mute")
    mute.click()
    chromium.keyboard.press("ArrowDown")
    expect(chromium.get_by_role("button", name="For 1 hour")).to_be_focused()
    chromium.keyboard.press("Escape")
    expect(mute).to_be_focused()
    expect(chromium.get_by_role("button", name="For 1 hour")).to_be_hidden()


def test_nothing_waits_for_a_stuck_cdn(browser: Browser):
    """A CDN that takes the connection and never answers does not keep a page from being used."""
    with served(create_gallery(assets="cdn")) as url, browser.new_context() as context:
        page = context.new_page()
        page.route("https://cdn.jsdelivr.net/**", lambda _route: None)
        page.goto(f"{url}/acme/shop/issues/", wait_until="domcontentloaded")
        page.keyboard.press("j")
        expect(page.locator("#issue-1")).to_have_attribute("data-current", "")


LATE = """
<!doctype html><title>Late</title>{{ script("htmx") }}{{ script("pharos.js") }}
<div id="part" hx-get="/part/" hx-trigger="load, refresh from:body" hx-swap="outerMorph"></div>
<div id="broken" hx-get="/nothing/" hx-trigger="load" hx-swap="outerHTML"></div>
<div id="worded" hx-get="/worded/" hx-trigger="load" hx-swap="outerHTML"></div>
<div id="busy" hx-get="/inner/" hx-trigger="refresh from:body">
  <input type="checkbox" checked></div>
<div id="refreshed" hx-get="/refreshed/" hx-trigger="refresh from:body"></div>
<div id="polled" hx-get="/polled/" hx-trigger="every 0.2s" hx-swap="outerMorph"></div>
"""


def test_without_htmx_parts_load_themselves_and_polls_go_on(browser: Browser):
    polls = count(1)
    app = create_gallery(assets="cdn")
    answers = {
        "/late/": lambda: render_template_string(LATE),
        "/part/": lambda: (
            '<p id="part">Here, <b hx-get="/inner/" hx-trigger="revealed">not</b></p>'
        ),
        "/inner/": lambda: "<b>and within</b>",
        "/refreshed/": lambda: (
            '<p id="refreshed" hx-get="/refreshed/" hx-trigger="refresh from:body">fresh</p>'
        ),
        "/worded/": lambda: abort(503, "The file does not open."),
        "/polled/": lambda: f'<p id="polled" hx-get="/polled/">poll {next(polls)}</p>',
    }
    for path, answer in answers.items():
        app.add_url_rule(path, path.strip("/"), answer)
    with served(app) as url, browser.new_context() as context:
        page = context.new_page()
        for address in ("https://cdn.jsdelivr.net/**", "**/nothing/"):
            page.route(address, lambda route: route.abort())
        page.goto(f"{url}/late/", wait_until="domcontentloaded")
        expect(page.locator("#part")).to_have_text("Here, and within")
        expect(page.locator("#broken")).to_have_text("This part did not load. Load the page again.")
        page.keyboard.press("r")
        expect(page.locator("#refreshed")).to_have_text("fresh")
        expect(page.locator("#busy input")).to_be_checked()
        expect(page.locator(".tile-error")).to_contain_text("The file does not open.")
        expect(page.locator("#polled")).to_have_text(re.compile(r"poll [3-9]"))


def test_without_javascript_nothing_is_shown_that_only_a_script_can_use(
    browser: Browser, gallery_url
):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for path, useless in (("atoms/", ".skeleton"), ("issues/7/", ".copy")):
        page.goto(f"{gallery_url}/{path}")
        assert page.locator(useless).count() > 0
        assert not any(found.is_visible() for found in page.locator(useless).all()), useless
    context.close()


def test_a_refresh_disturbs_nothing_that_somebody_is_doing(chromium: Page, gallery_url):
    chromium.goto(f"{gallery_url}/live/")
    chromium.keyboard.press("j")
    chromium.keyboard.press("x")
    chromium.locator("summary", has_text="Mute").click()
    chromium.get_by_label("Until more events").fill("250")
    with chromium.expect_response("**/live/") as answer:
        chromium.evaluate("document.dispatchEvent(new Event('pharos:refresh'))")
    assert answer.value.status == 200
    expect(chromium.locator("#tick")).to_have_text("2")
    expect(chromium.get_by_label("Until more events")).to_have_value("250")
    expect(chromium.locator("[data-row]")).to_have_attribute("aria-selected", "true")
    expect(chromium.locator("[data-row]")).to_have_attribute("data-current", "")
    expect(chromium.locator("[data-live]")).to_contain_text("Refreshed at")
    with chromium.expect_response("**/live/") as answer:
        chromium.evaluate("document.dispatchEvent(new Event('pharos:refresh'))")
    assert answer.value.status == 204


def test_a_failing_refresh_keeps_what_is_shown_says_so_and_recovers(chromium: Page, gallery_url):
    chromium.goto(f"{gallery_url}/live/")
    refresh = "document.dispatchEvent(new Event('pharos:refresh'))"
    chromium.evaluate("document.cookie = 'broken=1; path=/'")
    with chromium.expect_response("**/live/") as answer:
        chromium.evaluate(refresh)
    assert answer.value.status == 503
    expect(chromium.locator("[data-as-of]")).to_contain_text("Stale since")
    expect(chromium.locator("#tick")).to_have_text("1")
    chromium.evaluate("document.cookie = 'broken=; path=/; max-age=0'")
    chromium.evaluate(refresh)
    expect(chromium.locator("#tick")).to_have_text("2")
    expect(chromium.locator("[data-as-of]")).to_contain_text("As of")


def test_a_refused_change_says_so_beside_what_it_left_as_it_was(chromium: Page, gallery_url):
    chromium.goto(f"{gallery_url}/live/")
    chromium.get_by_role("button", name="Break").click()
    expect(chromium.locator("#refusal").get_by_role("alert")).to_contain_text("Not Found")
    expect(chromium.locator("#tick")).to_be_visible()


PANEL = """{% extends "layout/page.html" %}
{% block content %}{{ ui.panel("slow", "Trend", "/acme/shop/part/") }}{% endblock %}"""


def test_a_part_that_the_network_keeps_says_so_and_is_asked_for_again(
    gallery, chromium: Page, gallery_url
):
    gallery.add_url_rule("/acme/shop/panel/", "panel", lambda: render_template_string(PANEL))
    gallery.add_url_rule(
        "/acme/shop/part/", "part", lambda: '<section id="slow" class="card">Here it is</section>'
    )
    answers = count(1)
    chromium.route(
        "**/part/", lambda route: route.abort() if next(answers) < 3 else route.continue_()
    )
    chromium.goto(f"{gallery_url}/panel/")
    part = chromium.locator("#slow")
    expect(part.get_by_role("alert")).to_contain_text("This part did not load")
    expect(part.get_by_role("alert")).to_contain_text("The console did not answer.")
    expect(part.locator(".skeleton")).to_have_count(0)
    part.get_by_role("button", name="Try again").click()
    expect(part.get_by_role("button", name="Try again")).to_be_enabled()
    part.get_by_role("button", name="Try again").click()
    expect(part).to_have_text("Here it is")
