"""The pages of web vitals: who may see them, what they say, and what they refuse."""

import re
from collections import Counter
from datetime import timedelta
from html import unescape
from itertools import count
from secrets import token_hex

import pytest

from console.performance.vitals.cards import shown
from console.performance.vitals.charts import histogram
from console.telemetry.records import Batch, PageLoad
from console.telemetry.store import EXTENSION
from console.telemetry.vitals import Vital
from console.telemetry.web_vitals import CLS, LCP, ZERO
from tests.support.clients import HTMX
from tests.support.pages import Page

HOME = "/acme/shop/performance/vitals"
ALL, ONE = f"{HOME}/", f"{HOME}/page?page=/cart"
CARDS = f"{HOME}/cards"
PANELS = ("cards", "trend", "splits", "causes", "loads")
TRACE = "c" * 32


@pytest.fixture
def visits(app, clock):
    """Store page loads of a project, a minute ago unless told otherwise."""
    positions = count(1)

    def store(project, number=1, *, ago=timedelta(minutes=1), **fields):
        at, position = clock.now() - ago, next(positions)
        plain = {
            "organization_id": project.organization_id,
            "project_id": project.id,
            "position": position,
            "timestamp": at,
            "received_at": at,
            "page": "/cart",
            "path": "/cart",
            "device": "desktop",
            "release": "shop@1",
            "source": "beacon",
            "lcp": 1800.0,
        }
        loads = [PageLoad(**(plain | {"page_id": token_hex(8)} | fields)) for _ in range(number)]
        app.extensions[EXTENSION].write(project.organization_id, Batch(page_loads=loads), position)

    return store


def text(page):
    """What a page says, without its marks."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page)))


def test_cards_say_the_rating_in_words_and_what_is_over_the_projects_own_limit(
    as_vic, acme, visits
):
    visits(acme, 3, lcp=2200.0, inp=90.0, cls=0.3, fcp=2000.0, ttfb=100.0)
    lcp, inp, cls, fcp, ttfb = map(text, as_vic.get(CARDS).text.split('class="vital"')[1:])
    assert " LCP Over your 2 s 2.19 s" in lcp
    assert "Over your 2 s" in lcp
    assert "within your 200 ms" in inp
    assert " CLS Over your 0.1 0.301" in cls
    assert " FCP Needs improvement" in fcp
    assert "good up to 1.8 s" in fcp
    assert " TTFB Good" in ttfb


def test_a_limit_of_the_project_counts_at_once(as_ada, acme, visits):
    visits(acme, lcp=2200.0)
    settings = {"api_p95_ms": 300, "lcp_ms": 2500, "inp_ms": 200, "cls": "0.1"}
    form = as_ada.get("/acme/shop/settings/monitoring").text
    given = dict(re.findall(r'name="(\w+)"[^>]*value="([^"]*)"', form)) | settings
    assert as_ada.post("/acme/shop/settings/monitoring", data=given).status_code == 303
    assert "within your 2.5 s" in as_ada.get(CARDS).text


def test_pages_with_most_bad_visits_come_first_and_each_leads_to_its_own(as_vic, acme, visits):
    visits(acme, 50)
    visits(acme, 3, page="/products/:id", lcp=5000.0)
    page = as_vic.get(ALL).text
    assert page.index('title="/products/:id"') < page.index('title="/cart"')
    assert re.search(r'href="[^"]*/vitals/page\?page=/products/:id&amp;metric=LCP"', page)
    by_loads = as_vic.get(f"{ALL}?sort=loads").text
    assert by_loads.index('title="/cart"') < by_loads.index('title="/products/:id"')


def test_each_row_has_the_trend_of_the_chosen_metric_in_the_colours_of_its_ratings(
    as_vic, acme, visits
):
    visits(acme, 2, lcp=5000.0, ago=timedelta(hours=5))
    visits(acme, 2, lcp=1000.0, inp=90.0)
    visits(acme, page="/other", device="mobile", release="shop@2", inp=300.0, lcp=None)

    def trends(address):
        for spark in Page(as_vic.get(address).text).select("tbody .spark"):
            assert ", highest " in str(spark.attributes["aria-label"])
            yield [str(path.attributes["class"]).split("c-")[-1] for path in spark.css("path")]

    lcp, inp = [["good", "bad"]], [["good"], ["warn"]]
    assert list(trends(ALL)) == lcp
    assert sorted(trends(f"{ALL}?metric=INP")) == inp
    assert list(trends(f"{HOME}/splits")) == lcp * 2  # of a device and of a release
    assert sorted(trends(f"{HOME}/splits?metric=INP")) == sorted(inp * 2)


def test_a_phone_shows_the_chosen_metric(as_vic, acme, visits):
    visits(acme)
    part = as_vic.get("/acme/shop/performance/vitals/?metric=INP", headers=HTMX).text
    heads = re.findall(r'<th scope="col" class="number( hide-phone)?"[^>]*><a [^>]*>(\w+)', part)
    assert [name for narrow, name in heads if not narrow] == ["Loads", "INP", "Impact"]
    assert {name for narrow, name in heads if narrow} == {"LCP", "CLS", "FCP", "TTFB"}


@pytest.mark.parametrize(
    ("asked", "listed"),
    [
        ("q=prod", ["/products/:id"]),
        ("device=mobile", ["/products/:id"]),
        ("release=shop@1", ["/cart"]),
        ("q=%25", []),
    ],
)
def test_filters_leave_out_page_loads(as_vic, acme, visits, asked, listed):
    visits(acme)
    visits(acme, page="/products/:id", device="mobile", release="shop@2")
    page = as_vic.get(f"{ALL}?{asked}").text
    assert [row.title for row in Page(page).rows()] == listed
    assert ("No page load matches these filters" in page) is not listed


def test_fid_is_shown_only_where_somebody_sent_it_and_called_legacy(as_vic, acme, visits):
    visits(acme)
    assert "FID" not in as_vic.get(CARDS).text
    visits(acme, fid=40.0)
    assert "FID legacy Good" in text(as_vic.get(CARDS).text)


def test_without_visits_the_beacon_is_the_next_step(as_vic):
    page = as_vic.get(ALL).text
    assert "No page has sent its web vitals" in page
    assert 'href="/acme/shop/connect?setup=beacon"' in page


def test_a_change_is_told_where_enough_page_loads_stand_against_each_other(as_vic, acme, visits):
    visits(acme, 20, lcp=4000.0)
    visits(acme, 19, lcp=2000.0, ago=timedelta(hours=25))
    compared = f"{CARDS}?compare=previous"
    assert "worse" not in as_vic.get(compared).text
    visits(acme, 1, lcp=2000.0, ago=timedelta(hours=25))
    assert ", worse" in as_vic.get(compared).text
    assert "worse" not in as_vic.get(CARDS).text  # nothing to compare with is chosen


def test_a_page_shows_how_its_visits_spread(as_vic, acme, visits):
    visits(acme, 3, lcp=1000.0)
    visits(acme, 2, lcp=3000.0)
    visits(acme, lcp=6000.0)
    visits(acme, page="/other", lcp=9000.0)
    page = as_vic.get(ONE).text
    assert "LCP of 6 page loads: 3 good, 2 in need of improvement, 1 poor." in page


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("LCP", ["img.hero", "/hero.avif", "Load delay 300 ms 30%", "Time to first byte 100 ms"]),
        ("INP", ["button#pay", "pointer", "Processing 250 ms 83.3%"]),
        ("CLS", ["div.banner", "0.25", "700 ms"]),
    ],
)
def test_what_made_a_metric_is_told(as_vic, acme, visits, metric, said):
    causes = {
        "lcp.target": "img.hero",
        "lcp.url": "/hero.avif",
        "lcp.ttfb": 100.0,
        "lcp.load_delay": 300.0,
        "lcp.load_duration": 400.0,
        "lcp.render_delay": 200.0,
        "inp.target": "button#pay",
        "inp.type": "pointer",
        "inp.input_delay": 20.0,
        "inp.processing": 250.0,
        "inp.presentation": 30.0,
        "cls.target": "div.banner",
        "cls.shift_value": 0.25,
        "cls.shift_time": 700.0,
    }
    visits(acme, lcp=1000.0, inp=300.0, cls=0.3, attribution=causes)
    panel = text(as_vic.get(f"{HOME}/causes?page=/cart&metric={metric}", headers=HTMX).text)
    for words in said:
        assert words in panel


def test_what_no_client_said_is_not_made_up(as_vic, acme, visits):
    visits(acme)
    panel = as_vic.get(f"{HOME}/causes?page=/cart", headers=HTMX).text
    assert "No page load reports the causes of its LCP" in panel
    assert "<rect" not in panel


def test_the_worst_page_loads_lead_to_their_traces(as_vic, acme, visits):
    visits(acme, lcp=9000.0, trace_id=TRACE)
    visits(acme, lcp=1000.0)
    panel = as_vic.get(f"{HOME}/loads?page=/cart", headers=HTMX).text
    assert panel.index("9 s") < panel.index("1 s")
    assert (
        len(re.findall(rf'data-open href="/acme/shop/performance/traces/{TRACE}\?at=', panel)) == 1
    )


def test_devices_and_releases_are_split(as_vic, acme, visits):
    visits(acme, 2, lcp=1000.0)
    visits(acme, device="mobile", release="shop@2", lcp=5000.0)
    panel = text(as_vic.get(f"{HOME}/splits", headers=HTMX).text)
    assert re.search(r"desktop 2 1(\.0\d)? s , good .* mobile 1 [45][.\d]* s , poor", panel)
    assert re.search(r"shop@1 2 1(\.0\d)? s , good .* shop@2 1 [45][.\d]* s , poor", panel)


def test_the_trend_has_the_threshold_the_ratings_and_the_deploys(as_vic, acme, visits):
    visits(acme, 2)
    panel = as_vic.get(f"{HOME}/trend", headers=HTMX).text
    assert "Your threshold 2 s" in panel
    assert "Needs improvement: 0 loads in all" in panel
    assert "Good up to 1,800 ms" in as_vic.get(f"{HOME}/trend?metric=FCP", headers=HTMX).text


@pytest.mark.parametrize("address", [ALL, ONE, *(f"{HOME}/{p}?page=/cart" for p in PANELS)])
def test_every_page_and_panel_is_whole_without_htmx_and_a_part_with_it(
    as_vic, acme, visits, address
):
    visits(acme, attribution={"lcp.target": "h1"})
    assert "</html>" in as_vic.get(address).text
    part = as_vic.get(address, headers=HTMX)
    assert part.status_code == 200
    assert re.match(r'\s*<(div|section) id="vital', part.text)
    assert "HX-Request" in part.headers["Vary"]


@pytest.mark.parametrize("address", [ALL, ONE])
def test_nothing_is_swapped_when_nothing_changed(as_vic, acme, visits, address):
    visits(acme)
    part = as_vic.get(address, headers=HTMX)
    again = as_vic.get(address, headers=HTMX | {"Pharos-Part": part.headers["Pharos-Part"]})
    assert again.status_code == 204


@pytest.mark.parametrize("address", [ALL, ONE, *(f"{HOME}/{p}?page=/cart" for p in PANELS)])
def test_a_stranger_finds_nothing(as_eve, acme, visits, address):
    visits(acme)
    assert as_eve.get(address).status_code == 404


def test_visits_of_others_are_not_shown(as_vic, acme, globex, visits):
    visits(globex, page="/secret")
    assert "/secret" not in as_vic.get(ALL).text
    assert "No visit of this page" in as_vic.get(f"{HOME}/page?page=/secret").text


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (f"{ALL}?metric=FPS", "Not a valid choice"),
        (f"{ALL}?sort=name", "Not a valid choice"),
        (f"{ALL}?device=watch", "Not a valid choice"),
        (f"{ALL}?q={'x' * 201}", "At most 200 characters."),
        (f"{ALL}?release=a%00", "NUL"),
        (f"{HOME}/page", "Say which page."),
        (f"{HOME}/causes?page=/cart&metric=TTFB", "nothing is known of what made TTFB"),
        (f"{HOME}/loads", "Say which page."),
        (f"{ALL}?range=1y", "Not a valid choice"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(as_vic, address, sentence):
    answer = as_vic.get(address)
    assert answer.status_code in {400, 422}
    assert sentence in unescape(answer.text)


def test_the_top_bar_stays_on_the_page_that_is_looked_at(as_vic, acme, visits):
    visits(acme)
    assert '<input type="hidden" name="page" value="/cart">' in as_vic.get(ONE).text
    assert 'name="page"' not in as_vic.get(f"{ALL}?page=2").text


@pytest.mark.parametrize(
    ("metric", "value", "words"),
    [(LCP, 2500, "2.5 s"), (LCP, 180.4, "180 ms"), (CLS, 0.1, "0.1"), (CLS, 0, "0")],
)
def test_values_are_told_with_their_unit(metric, value, words):
    assert shown(metric, value) == words


def test_a_histogram_counts_every_page_load_in_the_colour_of_its_rating():
    values = [0.0, 0.0001, 0.09, 0.1, 0.1001, 0.25, 0.2501, 40.0]
    counts = Counter(CLS.bucket(value) for value in values)
    assert ZERO in counts
    drawn = histogram(Vital("CLS", 0.25, 4, 2, 2), counts)
    bars = {
        tone: [bar for bar in drawn.bars if bar.tone == tone] for tone in ("good", "warn", "bad")
    }
    told = {
        tone: sum(int(bar.words.split(": ")[1].split()[0]) for bar in bars[tone]) for tone in bars
    }
    assert told == {"good": 4, "warn": 2, "bad": 2}
    assert [zone.text for zone in drawn.zones] == [
        "good up to 0.1",
        "needs improvement",
        "poor over 0.25",
    ]
    assert drawn.zones[2].x == pytest.approx(bars["bad"][0].x)
    assert drawn.marks[0].x == pytest.approx(drawn.zones[2].x)
