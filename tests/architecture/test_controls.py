"""Every control of every page of a project is turned: the pages are found by their own links.

A new page is in it by itself: by the link that leads to it, its forms, and the parts it loads.
"""

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from selectolax.lexbor import LexborNode
from werkzeug.exceptions import HTTPException

from console.metrics.catalogue import CATALOGUE
from tests.support import consoles, databases, tenants
from tests.support import pages as pages_
from tests.support.clients import HTMX
from tests.support.factories import signed_in
from tests.support.run import shared

HOME = "/acme/shop/"
RAIL = '<nav class="rail"'
LONG = "x" * 501
TRIES = 2  # links to a view that answers no page: a redirect, a download
# Any text is right in these: nothing marks them.
ANYTHING = {"checkbox", "hidden", "radio"}
# In these, hardly any text is right; the others take any of some length.
EXACT = {"number", "datetime-local"}
# A control that leaves nothing over, whatever is stored.
NOTHING = {
    "environment": {"environment": "nowhere"},
    "range": {"since": "2020-01-01T00:00", "until": "2020-01-02T00:00"},
}
# What a page counts regardless of a control, and the words by which it says so.
EXCEPTIONS = {
    ("intake.intake", "environment"): "in all environments",
    ("errors.event_trace", "environment"): "",  # a trace that is opened from its event
    ("errors.event_trace", "range"): "",
}
FIGURE = re.compile(r"[1-9]")
WATCHED = {"alerting.rule", "alerting.incident"}
"""Their charts are of what a rule watches already."""


@dataclass
class Control:
    """A field that a person can fill in."""

    name: str
    kind: str


@dataclass
class Page(HTMLParser):
    """What a page offers: links, the fields of its GET forms, and the parts that it loads."""

    text: str
    links: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    controls: list[Control] = field(default_factory=list)
    in_form: bool = False

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.in_form = values.get("method", "get") == "get"
        if tag == "a" and values.get("href", "").startswith(HOME):
            self.links.add(values["href"])
        if "hx-get" in values and "load" in values.get("hx-trigger", ""):
            self.parts.add(values["hx-get"])
        if tag in {"input", "select"} and self.in_form and "name" in values:
            kind = values.get("type", "text") if tag == "input" else tag
            if kind not in ANYTHING:
                self.controls.append(Control(values["name"], kind))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.in_form = False


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A console that is only read here: one walk finds its pages for all tests of this file."""
    instance = tmp_path_factory.mktemp("instance")
    settings = databases.config(databases.sqlite(shared(), instance), instance)
    with consoles.console(settings, templates=str(shared())) as app:
        yield app


@pytest.fixture(scope="module")
def owner(app: Flask) -> FlaskClient:
    """The owner of an organization with something of everything."""
    tenant = tenants.make(app, "acme")
    client: FlaskClient = signed_in(app, tenant.email)
    return client


@pytest.fixture(scope="module")
def pages(app: Flask, owner: FlaskClient) -> dict[str, str]:
    """One address of each kind of page of a project, by the name of its view."""
    found: dict[str, str] = {}
    waiting, tried = deque([HOME]), Counter[str]()
    while waiting:
        address = waiting.popleft()
        view = view_of(app, address)
        if view is None or view in found or tried[view] == TRIES:
            continue
        tried[view] += 1
        answer = owner.get(address, follow_redirects=True)
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        found[view_of(app, answer.request.full_path) or view] = answer.request.full_path
        waiting.extend(sorted(Page(answer.text).links))
    return found


def view_of(app: Flask, address: str) -> str | None:
    try:
        view, _ = app.url_map.bind("localhost").match(urlsplit(address).path, method="GET")
    except HTTPException:
        return None
    return str(view)


def changed(address: str, values: dict[str, str]) -> str:
    """The address with some of its parameters changed."""
    parts = urlsplit(address)
    return f"{parts.path}?{urlencode(dict(parse_qsl(parts.query)) | values)}"


def test_the_walk_finds_the_pages(pages):
    assert pages.keys() >= {
        "errors.inbox",
        "errors.issue",
        "errors.issue_events",
        "intake.intake",
        "connect.connect",
        "performance.endpoints",
        "performance.endpoint",
        "performance.statements",
        "performance.statement",
        "performance.traces",
        "performance.trace",
        "performance.vitals",
        "dead_letters.dead_letters",
        "accounts.general",
    }


def test_what_makes_no_sense_is_marked_at_its_field(owner, pages):
    """`?field=garbage` for every field of every GET form: the page stays, the field is marked."""
    asked, wrong = 0, []
    for view, address in pages.items():
        for control in Page(owner.get(address).text).controls:
            garbage = "garbage" if control.kind in EXACT else LONG
            answer = owner.get(changed(address, {control.name: garbage}))
            asked += 1
            if answer.status_code != 422:
                wrong.append(f"{view}: {control.name} is answered {answer.status_code}")
            elif RAIL not in answer.text:
                wrong.append(f"{view}: {control.name} loses the rail")
            elif not is_marked(answer.text, control.name):
                wrong.append(f"{view}: {control.name} has no mark")
    assert not wrong, "\n".join(wrong)
    assert asked > 40


def is_marked(text: str, name: str) -> bool:
    """Whether a field of this name says that it is wrong, and where the reason stands."""
    tags = re.findall(rf'<(?:input|select)[^>]* name="{name}"[^>]*>', text)
    wrong = [tag for tag in tags if 'aria-invalid="true"' in tag]
    reasons = [re.findall(r'aria-describedby="([^"]+)"', tag) for tag in wrong]
    return any(f'id="{reason}"' in text for each in reasons for reason in each)


@pytest.mark.parametrize("control", NOTHING)
def test_every_figure_follows_the_top_bar(app, owner, pages, control):
    """Where the top bar leaves nothing over, no chart, row or figure may count anything."""
    looked_at, wrong = set(), []
    for view, address in pages.items():
        answer = owner.get(changed(address, NOTHING[control]))
        if 'aria-label="Scope of this page"' not in answer.text:
            continue  # without a top bar, nothing stands above the figures
        addresses = [(view, answer.text)]
        for part in Page(owner.get(address).text).parts:
            loaded = owner.get(changed(unescape(part), NOTHING[control]), headers=HTMX)
            addresses.append((view_of(app, part) or "", loaded.text))
        for name, text in addresses:
            looked_at.add(name)
            words = EXCEPTIONS.get((name, control))
            figures = counted(text)
            if words is None:
                wrong += [f"{name}: {figure}" for figure in figures]
            elif words not in text:
                wrong.append(f"{name} does not say: {words}")
    assert not wrong, "\n".join(wrong)
    assert {"errors.inbox", "errors.volume", "errors.issue_trend", "performance.endpoints"} <= (
        looked_at
    )


def test_there_are_figures_to_follow(owner, pages):
    for view in (
        "errors.inbox",
        "performance.endpoints",
        "intake.intake",
        "performance.statements",
    ):
        assert counted(owner.get(pages[view]).text), view


def counted(text: str) -> list[str]:
    """The charts, rows and key figures of an answer that count something."""
    page = pages_.Page(text)
    found = [f"a chart counts {each['label']}" for each in page.datasets() if any(each["data"])]
    found += ["a row"] * len(page.select("tr[data-row]"))
    found += [
        f"{card.label} is {card.value}"
        for card in page.cards()
        if FIGURE.search(card.value) and "ever" not in card.label.split()
    ]
    return found


def test_every_chart_leads_to_a_rule_about_its_number(pages, owner):
    """The way stands in the card of each chart, with a metric that there is."""
    charts = [
        (view, chart)
        for view, address in sorted(pages.items())
        if view not in WATCHED
        for text in shown(owner, address)
        for chart in pages_.Page(text).select("[data-chart]")
    ]
    assert {view for view, _ in charts} >= {
        "errors.inbox", "errors.issue", "performance.endpoint", "performance.statement",
        "metrics.metrics", "intake.intake",
    }  # fmt: skip
    assert [view for view, chart in charts if rule_about(chart) not in CATALOGUE] == []
    # A tile of a dashboard stands on one already.
    elsewhere = [(view, chart) for view, chart in charts if not view.startswith("dashboards.")]
    assert [view for view, chart in elsewhere if tile_about(chart) not in CATALOGUE] == []


def shown(owner: FlaskClient, address: str) -> Iterator[str]:
    """The page, and the parts that it loads."""
    page = owner.get(address).text
    yield page
    yield from (owner.get(part, headers=HTMX).text for part in sorted(Page(page).parts))


def rule_about(chart: LexborNode) -> str:
    """The metric that the card of a chart leads to a new rule about; "" without a way there."""
    card = card_of(chart)
    links = [str(link.attributes.get("href")) for link in card.css('a[href*="/rules/new?"]')]
    return dict(parse_qsl(urlsplit(links[0]).query)).get("metric", "") if links else ""


def tile_about(chart: LexborNode) -> str:
    """The metric of the tile that the card of a chart can be added as; "" without a way there."""
    links = card_of(chart).css('a[aria-label^="Add to a dashboard"]')
    return (
        dict(parse_qsl(urlsplit(str(links[0].attributes.get("href"))).query)).get("metric", "")
        if links
        else ""
    )


def card_of(node: LexborNode) -> LexborNode:
    """The card around a node; the whole page if there is none."""
    is_card = "card" in (node.attributes.get("class") or "").split()
    return node if is_card or node.parent is None else card_of(node.parent)
