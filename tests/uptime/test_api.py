"""Checks for scripts."""

import pytest

from tests.fakes.peer import plain
from tests.telemetry.samples import NOON

HERE = "/api/v1/acme/shop/checks"
DOCUMENT = {"name": "Shop", "url": "https://shop.test/", "headers": {"X-Token": "s3cret"}}


@pytest.fixture
def script(as_script, acme):
    return as_script(acme, "checks:read", "checks:write")


def test_a_script_makes_changes_pauses_and_deletes_a_check(script):
    made = script.post(HERE, json=DOCUMENT)
    assert made.status_code == 201
    check = made.json
    assert check["headers"] == {"X-Token": "••••••"}
    assert (check["slug"], check["state"], check["interval_seconds"]) == ("shop", "unknown", 60)
    here = f"{HERE}/{check['id']}"
    changed = script.put(here, json=DOCUMENT | {"interval_seconds": 10, "redirects": False})
    assert (changed.json["interval_seconds"], changed.json["redirects"]) == (10, False)
    assert script.post(f"{here}/pause").json["state"] == "paused"
    assert script.post(f"{here}/resumption").json["state"] == "unknown"
    assert script.get(HERE).json["checks"][0]["id"] == check["id"]
    assert script.get(here).json["uptime"] == {"24h": None, "7d": None, "30d": None, "90d": None}
    assert script.delete(here).status_code == 204
    assert script.get(here).status_code == 404


def test_keys_in_the_address_and_the_body_are_for_those_who_may_change_them(
    script, as_script, acme, as_vic
):
    url = "https://shop.test/health?key=0nly-mine&deep=1"
    login = DOCUMENT | {"url": url, "method": "POST", "body": "pin=0nly-mine"}
    made = script.post(HERE, json=login).json
    assert (made["url"], made["body"]) == (url, "pin=0nly-mine")
    reader = as_script(acme, "checks:read")
    read = reader.get(f"{HERE}/{made['id']}").json
    assert read["url"] == "https://shop.test/health?key=••••••&deep=••••••"
    for answer in (
        reader.get(HERE),
        as_vic.get("/acme/shop/uptime/"),
        as_vic.get(made["url_of_page"]),
    ):
        assert answer.status_code == 200
        assert "0nly-mine" not in answer.text


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"name": "Shop"}, "url: Which address is to be asked?"),
        (DOCUMENT | {"url": "file:///etc/passwd"}, "url: Only http:// and https://"),
        (DOCUMENT | {"speed": 7}, "A check has no speed."),
        (DOCUMENT | {"headers": {"Host": "x"}}, "headers: Host is written by the console"),
        (DOCUMENT | {"timeout_seconds": "soon"}, "timeout_seconds: Not a number."),
        (DOCUMENT | {"interval_seconds": [60, 70]}, "interval_seconds: one value, and no list"),
        (DOCUMENT | {"headers": {"X": "a\r\nY: b"}}, "headers: X has a text of one line."),
        (DOCUMENT | {"headers": {"X: a\nY": "b"}}, "has a text of one line."),
        (DOCUMENT | {"headers": {"X": ["a", "b"]}}, "headers: X has a text of one line."),
    ],
)
def test_what_is_wrong_is_named(script, document, message):
    answer = script.post(HERE, json=document)
    assert answer.status_code == 400
    assert message in answer.json["detail"]


def test_results_are_listed_page_by_page(script, acme, peer, clock, make_check, try_all):
    clock.set(NOON)
    check_id = make_check(acme, peer.url())
    for number in range(3):
        peer.answers["/"] = plain(b"") if number else plain(b"Oh no", "500 Broken")
        try_all()
        clock.move(minutes=1)
    page = script.get(f"{HERE}/{check_id}/results?limit=2").json
    assert [row["outcome"] for row in page["results"]] == ["up", "up"]
    following = script.get(page["next"]).json
    assert [(row["outcome"], row["counts"]) for row in following["results"]] == [
        ("down", True), ("down", False),
    ]  # fmt: skip
    assert following["results"][0]["answered"] == "Oh no"
    assert script.get(f"{HERE}/{check_id}/results?cursor=x").status_code == 400
