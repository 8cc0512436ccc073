"""Web vitals as JSON: the same figures as the pages, for a project's own token."""

from datetime import timedelta

import pytest

from console.telemetry.records import Batch, PageLoad
from console.telemetry.store import EXTENSION

API = "/api/v1/acme/shop/performance/vitals"


@pytest.fixture
def stored(app, acme, globex, clock):
    """Four loads of /a, two slow ones of /b by phone, and one of somebody else."""
    at = clock.now() - timedelta(minutes=5)

    def load(number, project=acme, **fields):
        plain = {"page": "/a", "device": "desktop", "release": "1", "source": "beacon"}
        return PageLoad(
            organization_id=project.organization_id,
            project_id=project.id,
            position=1,
            page_id=f"{number:016x}",
            timestamp=at,
            received_at=at,
            **(plain | fields),
        )

    hero = {"lcp.at": 1, "lcp.target": "img.hero", "lcp.url": "/hero.png", "lcp.load_delay": 300.0}
    phone = {"page": "/b", "device": "mobile", "release": "2", "attribution": hero}
    loads = [
        *[load(n, lcp=n * 1000.0, cls=0.05, fid=10.0) for n in range(1, 5)],
        *[load(n, lcp=9000.0, trace_id="b" * 32, **phone) for n in (5, 6)],
    ]
    found = app.extensions[EXTENSION]
    found.write(acme.organization_id, Batch(page_loads=loads), 1)
    theirs = load(7, globex, lcp=60_000.0)
    found.write(globex.organization_id, Batch(page_loads=[theirs]), 1)


def test_all_pages_have_p75_and_ratings(get, stored):
    answer = get(API).json
    assert answer["loads"] == 6
    lcp = answer["metrics"]["LCP"]
    assert lcp["p75"] == pytest.approx(9000, rel=0.022)
    counts = [lcp[name] for name in ("loads", "good", "needs_improvement", "poor")]
    assert counts == [6, 2, 2, 2]
    assert (lcp["rating"], lcp["threshold"], lcp["over_threshold"]) == ("poor", 2000, True)
    assert answer["metrics"]["CLS"]["over_threshold"] is False
    assert answer["metrics"]["FID"]["legacy"]
    assert {one["device"]: one["loads"] for one in answer["devices"]} == {"desktop": 4, "mobile": 2}
    assert {one["release"]: one["loads"] for one in answer["releases"]} == {"1": 4, "2": 2}


def test_pages_come_in_the_order_that_is_asked_for(get, stored):
    pages = get(API).json["pages"]
    assert [(one["page"], one["impact"]) for one in pages] == [("/a", 0.5), ("/b", 0.5)]
    assert pages[0]["url"].endswith("/acme/shop/performance/vitals/page?page=/a")
    by_value = get(API, sort="LCP").json["pages"]
    assert [one["page"] for one in by_value] == ["/b", "/a"]
    assert [one["page"] for one in get(API, q="B").json["pages"]] == ["/b"]
    assert [one["page"] for one in get(API, device="desktop").json["pages"]] == ["/a"]


def test_one_page_has_its_course_what_made_it_and_the_worst_loads(get, stored):
    answer = get(f"{API}/page", page="/b", step="3600").json
    assert (answer["page"], answer["metric"], answer["loads"]) == ("/b", "LCP", 2)
    assert sum(step["loads"] for step in answer["series"]) == 2
    (cause,) = answer["causes"]
    assert (cause["target"], cause["detail"], cause["loads"]) == ("img.hero", "/hero.png", 2)
    assert cause["parts"]["lcp.load_delay"] == 300
    assert [one["value"] for one in answer["worst"]] == [9000, 9000]
    assert f"/acme/shop/performance/traces/{'b' * 32}?at=" in answer["worst"][0]["url"]
    untold = get(f"{API}/page", page="/a", metric="FCP").json
    assert (untold["causes"], untold["worst"]) == ([], [])
    assert get(f"{API}/page", page="/nowhere").status_code == 404


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        (API, {"metric": "SPEED"}),
        (API, {"device": "fridge"}),
        (API, {"sort": "x"}),
        (API, {"since": "yesterday"}),
        (API, {"q": "a\0b"}),
        (f"{API}/page", {}),
        (f"{API}/page", {"page": "/a", "step": "1"}),
        (f"{API}/page", {"page": "/a", "step": "60", "since": "2026-01-01", "until": "2026-01-09"}),
    ],
)
def test_what_makes_no_sense_is_told(get, stored, path, arguments):
    answer = get(path, **arguments)
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"
    assert answer.json["detail"]


def test_a_token_needs_the_permission_and_reads_its_own_project_alone(get, as_script, acme, stored):
    assert as_script(acme, "issues:read").get(API).status_code == 403
    assert get(API.replace("acme", "globex")).status_code == 404
