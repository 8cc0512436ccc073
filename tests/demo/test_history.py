"""The demonstration's past: recorded from the real shop, and sent as if it had happened then."""

import json
from datetime import datetime, timedelta
from random import Random

import pytest

from console.core import clock
from demo import history, page_visits
from demo.recording import Cast, Scene
from tests.support.waiting import until

DAYS = 4


def scene(endpoint: str, release: str) -> Scene:
    return Scene("", endpoint, 0.0, Cast(0.0, release, "recorded", {}, ""))


@pytest.mark.parametrize(
    ("release", "shares"),
    [
        ("shop@2.0.0", [1.0, 1.0, 0.0, 0.0, 1.0]),
        ("shop@2.1.0", [0.0, 0.0, 2.0, 0.0, 1.0]),
        ("shop@2.1.1", [0.0, 0.0, 0.0, 2.0, 1.0]),
    ],
)
def test_a_page_plays_as_it_was_last_recorded(release, shares):
    scenes = [
        scene("products", "shop@2.0.1"),
        scene("products", "shop@2.0.1"),
        scene("products", "shop@2.1.0"),
        scene("products", "shop@2.1.1"),
        scene("home", "shop@2.0.1"),
    ]
    assert history._shares(scenes, release) == shares


@pytest.mark.slow
def test_the_past_arrives_in_the_past_and_is_stored_whole(server):
    project = server.project()
    sent = history.send(project.dsn, days=DAYS, per_day=60, visits=1)
    page_visits.post(page_visits.drawn(Random(1), "shop@3.0.0"), project.dsn, "shop@3.0.0")
    until(
        lambda: not json.loads(server.run("status", "--json"))["spool"]["rows"],
        "an empty spool",
        seconds=300,  # it is four days that are digested
    )
    counted = project.wait_for(span=1)
    assert sum(counted.values()) >= sent
    assert {outcome for _, outcome in counted} <= {"stored", "ignored"}
    issues = project.issues()
    assert len(issues) >= 6
    oldest = min(datetime.fromisoformat(issue["first_seen"]) for issue in issues)
    assert timedelta(days=1) < clock.now() - oldest <= timedelta(days=DAYS)
    told = {release for _, release in history.RELEASES}
    assert {issue["first_release"] for issue in issues} <= told
    assert max(issue["users"] for issue in issues) > 1
    day = clock.now() - timedelta(days=DAYS)
    since = f"since={day:%Y-%m-%dT%H:%M:%SZ}"
    names = {one["name"] for one in project.get(f"performance/endpoints?{since}")["endpoints"]}
    assert {"GET storefront.orders", "GET delivery.prices", "GET delivery.price"} <= names
    (healthy,) = project.get(f"metrics/sessions.crash_free_users?{since}&step=86400")["series"]
    assert any(point["number"] for point in healthy["points"])
    vitals = project.get(f"performance/vitals?{since}")
    assert {one["device"] for one in vitals["devices"]} >= {"desktop", "mobile"}
    assert {one["release"] for one in vitals["releases"]} >= {"shop@2.1.1", "shop@3.0.0"}
