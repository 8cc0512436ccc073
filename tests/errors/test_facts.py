"""Facts that every event has in the same words, and an issue's page narrowed to some of them."""

import html
import json
import re

import pytest

from console.errors.agents import agent
from console.errors.facts import facts, person
from console.errors.narrowing import read, written
from tests.support.clients import HTMX

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
CHROME = f"{WINDOWS}Chrome/120.0.0.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0"
PIXEL = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/121.0.6167.71 Mobile Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.2 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("header", "browser", "system"),
    [
        (CHROME, "Chrome 120", "Windows"),
        (f"{CHROME} Edg/119.0.2151.97", "Edge 119", "Windows"),
        (f"{CHROME} OPR/106.0.0.0", "Opera 106", "Windows"),
        (FIREFOX, "Firefox 121", "Linux"),
        (PIXEL, "Chrome 121", "Android 14"),
        (IPHONE, "Safari 17", "iOS 17"),
        (IPHONE.replace("Version/17.2", "CriOS/120.0.1"), "Chrome 120", "iOS 17"),
        (
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 "
                "(KHTML, like Gecko) Version/17.1 Safari/605.1.15"
            ),
            "Safari 17",
            "macOS",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
            "Internet Explorer 11",
            "Windows",
        ),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://x.test/bot)", "Googlebot 2", ""),
        ("curl/8.5.0", "curl 8", ""),
        ("okhttp/4.12.0", "okhttp 4", ""),
        ("Mozilla/5.0", "", ""),
        ("", "", ""),
    ],
)
def test_an_agent_is_a_browser_and_a_system(header, browser, system):
    assert agent(header) == (browser, system)


def test_facts_are_the_same_for_every_client():
    python = {
        "platform": "python",
        "server_name": "web-1",
        "request": {
            "url": "https://shop.test/cart?step=2#top",
            "headers": {"user-agent": CHROME},
        },
        "contexts": {"runtime": {"name": "CPython", "version": "3.12.1"}},
        "user": {"id": 17, "email": "mia@customer.test"},
        "tags": {"plan": "trade"},
        "exception": {"values": [{"type": "KeyError", "mechanism": {"type": "flask"}}]},
    }
    assert facts(python) == {
        "plan": "trade",
        "browser": "Chrome 120",
        "os": "Windows",
        "runtime": "CPython 3.12.1",
        "url": "https://shop.test/cart",
        "user": "mia@customer.test",
        "server_name": "web-1",
        "mechanism": "flask",
    }
    app = {
        "platform": "cocoa",
        "contexts": {
            "os": {"name": "iOS", "version": "17.2"},
            "device": {"model": "iPhone15,2", "family": "iPhone"},
        },
        "user": {"username": "mia"},
    }
    assert facts(app) == {"os": "iOS 17.2", "device": "iPhone15,2", "user": "mia"}


def test_a_tag_of_the_client_counts_before_what_is_derived_and_columns_after_none():
    event = {
        "tags": {"browser": "Lynx 2", "environment": "of a tag", "": "x"},
        "request": {"headers": {"User-Agent": FIREFOX}},
    }
    assert facts(event) == {"browser": "Lynx 2", "os": "Linux", "": "x"}


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"id": "u1", "email": "mia@customer.test"}, "mia@customer.test"),
        ({"id": "u1", "username": "mia"}, "mia"),
        ({"id": 7}, "7"),
        ({"ip_address": "203.0.113.0"}, "203.0.113.0"),
        ({"ip_address": "{{auto}}"}, ""),
        ({"id": {"odd": 1}, "email": None, "name": "Mia"}, "Mia"),
        (["mia"], ""),
        (None, ""),
    ],
)
def test_people_are_called_what_the_event_says(user, name):
    assert person(user) == name


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("browser:Firefox 121", ("browser", "Firefox 121")),
        ("url:https://shop.test/cart", ("url", "https://shop.test/cart")),
        ('"a:b":c', ("a:b", "c")),
        ('plan:"trade"', ("plan", "trade")),
        ("mia@customer.test", ("user", "mia@customer.test")),
        ("hello", None),
        ("plan:", None),
        (":trade", None),
        ("x" * 500 + ":y", None),
    ],
)
def test_a_fact_is_written_as_name_and_value(text, fact):
    assert read(text) == fact
    assert fact is None or read(written(*fact)) == fact


@pytest.fixture
def url(acme, send, the_issue):
    """Address of an issue with three events of two people, browsers and releases."""
    browsers = {"mia": FIREFOX, "ben": CHROME}
    for name, release in (("mia", "shop@1"), ("ben", "shop@1"), ("mia", "shop@2")):
        send(
            acme,
            user={"id": name, "email": f"{name}@customer.test"},
            release=release,
            server_name=f"web-{release[-1]}",
            request={"url": "https://shop.test/cart", "headers": {"User-Agent": browsers[name]}},
        )
    return f"/acme/shop/issues/{the_issue().id}/"


def test_standard_facts_stand_among_the_tags_with_their_shares(as_vic, url):
    part = as_vic.get(f"{url}tags", headers=HTMX).text
    for name in ("environment", "release", "browser", "os", "url", "user", "server_name", "plan"):
        assert f"<h3>{name}" in part, name
    assert "66.7%" in part
    assert 'title="mia@customer.test"' in part


@pytest.mark.parametrize(
    ("fact", "events"),
    [
        ("user:mia@customer.test", 2),
        ("browser:Chrome 120", 1),
        ("release:shop@1", 2),
        ("environment:production", 3),
        ("handled:no", 3),
        ("plan:trade", 3),
        ("plan:private", 0),
    ],
)
def test_events_are_narrowed_by_a_fact_on_every_part_of_the_page(as_vic, url, fact, events):
    chosen = {"fact": fact}
    listed = as_vic.get(f"{url}events/", query_string=chosen).text
    assert listed.count("<tr data-row>") == events
    summary = as_vic.get(f"{url}summary", query_string=chosen, headers=HTMX).text
    assert re.search(rf"Events</span>\s*<span[^>]*><span>{events}</span>", summary)
    trend = as_vic.get(f"{url}trend", query_string=chosen, headers=HTMX).text
    config = re.search(r'<script type="application/json">(.*?)</script>', trend, re.DOTALL)
    assert config is not None
    assert sum(json.loads(config[1])["data"]["datasets"][0]["data"]) == events
    page = as_vic.get(url, query_string=chosen).text
    expected = f"Event {events} of {events}" if events else "An event outside of the time range"
    assert expected in page


def test_several_facts_narrow_together_and_each_can_be_taken_out(as_vic, url):
    page = as_vic.get(
        url, query_string={"fact": "user:mia@customer.test", "add": "release:shop@2"}
    ).text
    assert "Event 1 of 1" in page
    assert 'aria-label="Do not filter by user"' in page
    without = re.search(r'href="([^"]*)" aria-label="Do not filter by user"', page)
    assert without is not None
    assert "release" in without[1]
    assert "mia" not in without[1]


def test_steps_to_other_events_keep_the_facts(as_vic, url):
    page = as_vic.get(url, query_string={"fact": "user:mia@customer.test"}).text
    older = re.search(r'href="([^"]*)"[^>]*aria-label="Older event"', page, re.DOTALL)
    assert older is not None
    assert "fact=user" in older[1]
    assert "Event 1 of 2" in as_vic.get(older[1].replace("&amp;", "&")).text


def test_an_event_that_lacks_a_fact_is_shown_as_outside(as_vic, acme, url, send):
    event_id = send(acme, user={"id": "zoe"})
    page = as_vic.get(f"{url}events/{event_id}", query_string={"fact": "user:mia@customer.test"})
    assert "An event outside of the time range, environment or filters" in page.text


@pytest.mark.parametrize("panel", ["", "events/", "summary", "tags", "trend", "releases"])
def test_what_is_no_fact_stands_at_its_field(as_vic, url, panel):
    answer = as_vic.get(f"{url}{panel}", query_string={"add": "hello"})
    assert answer.status_code == 422
    assert "Write name:value" in answer.text
    assert 'value="hello"' in answer.text
    garbage = {"fact": [f"a{number}:b" for number in range(11)]}
    assert "At most 10 facts" in as_vic.get(f"{url}{panel}", query_string=garbage).text


def test_every_fact_of_an_event_is_a_link(as_vic, url):
    page = as_vic.get(url).text
    card = page.partition('aria-label="Event"')[2].partition("</section>")[0]
    for name in ("release", "transaction", "url", "user", "browser", "server_name", "handled"):
        assert re.search(rf"<span>{name}</span><a href=", card), name
    assert 'href="https://shop.test/cart"' in card
    assert "status=all" in card


def test_a_list_of_events_names_people_and_no_title_that_all_have(as_vic, acme, url, send):
    page = as_vic.get(f"{url}events/").text
    assert "mia@customer.test" in page
    assert ">Title</th>" not in page
    send(acme, exception={"values": [{"type": "KeyError", "value": "'x'"}]})
    assert as_vic.get(f"{url}events/").status_code == 200


def test_a_user_leads_to_all_their_issues_and_the_trace_id_to_the_trace(as_vic, acme, url, send):
    send(acme, exception={"values": [{"type": "OtherError", "value": "x"}]}, user={"id": 'm"ia'})
    page = as_vic.get(url).text
    # The panel knows whether a span of the trace was stored; a trace without is a dead end.
    assert f'<a href="#trace">{"ab" * 16}</a>' in page
    assert f"/performance/traces/{'ab' * 16}" not in page
    panel = re.search(r'hx-get="([^"]*/trace)[^"]*"', page)
    assert panel is not None
    shown = as_vic.get(html.unescape(panel[1]), headers=HTMX).text
    assert "No span of this trace was sent or kept" in shown
    assert "Open the waterfall" not in shown
    link = re.search(r'href="([^"]*)" title="All issues of this user"', page)
    assert link is not None
    listed = as_vic.get(html.unescape(link[1])).text
    assert "KeyError" in listed
    assert "OtherError" not in listed
    quoted = as_vic.get("/acme/shop/issues/2/").text
    link = re.search(r'href="([^"]*)" title="All issues of this user"', quoted)
    assert link is not None
    listed = as_vic.get(html.unescape(link[1])).text
    assert "OtherError" in listed
    assert "KeyError" not in listed


def test_no_address_of_a_script_is_opened(as_vic, acme, send, the_issue):
    send(acme, request={"url": "javascript:alert(1)"})
    assert 'href="javascript:' not in as_vic.get(f"/acme/shop/issues/{the_issue().id}/").text
