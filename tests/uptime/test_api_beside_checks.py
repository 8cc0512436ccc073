"""Heartbeats, maintenance windows and status pages for scripts."""

import pytest

from console.uptime import maintenance, status_pages
from tests.fakes.peer import plain
from tests.support.scheduled import perform
from tests.telemetry.samples import NOON

HERE = "/api/v1/acme/shop"


@pytest.fixture
def script(as_script, acme):
    return as_script(acme, "checks:read", "checks:write")


@pytest.fixture
def reader(as_script, acme):
    return as_script(acme, "checks:read")


def test_a_heartbeat_is_made_pinged_and_changed(script, reader, client, app, clock):
    clock.set(NOON)
    made = script.post(f"{HERE}/heartbeats", json={"name": "Backup", "every_minutes": 30})
    assert made.status_code == 201
    assert (made.json["kind"], made.json["every_seconds"]) == ("heartbeat", 1800)
    ping, check = made.json["ping_url"], f"{HERE}/checks/{made.json['id']}"
    assert client.get(ping).text == "OK\n"
    with app.app_context():
        perform("settle-check-ins")
    assert reader.get(check).json["state"] == "up"
    assert "ping_url" not in reader.get(check).json
    assert script.get(check).json["ping_url"] == ping
    here = f"{HERE}/heartbeats/{made.json['id']}"
    changed = script.put(here, json={"name": "Backup", "cron": "30 3 * * *", "zone": "UTC"})
    assert (changed.json["cron"], changed.json["ping_url"]) == ("30 3 * * *", ping)
    assert reader.put(here, json={"name": "Backup"}).status_code == 403


def test_maintenance_is_planned_marked_afterwards_ended_and_deleted(
    script, reader, acme, app, peer, clock, make_check, try_all, results
):
    clock.set(NOON)
    check_id = make_check(acme, peer.url())
    peer.answers["/"] = plain(b"", "500 Broken")
    try_all()
    clock.move(minutes=10)
    here = f"{HERE}/maintenance"
    past = {"check": check_id, "starts_at": NOON.isoformat(), "reason": "Move"}
    made = script.post(here, json=past)
    assert (made.status_code, made.json["is_running"]) == (201, True)

    def marked():
        with app.app_context():
            perform("mark-maintenance")
        return {row.maintenance for row in results(acme)}

    assert marked() == {True}
    ended = script.post(f"{here}/{made.json['id']}/end").json
    assert (ended["is_running"], ended["ends_at"]) == (False, "2026-11-20T12:10:00+00:00")
    assert script.post(f"{here}/{made.json['id']}/end").json == ended
    assert marked() == {True}
    for_all = script.post(here, json={"starts_at": "2026-11-21T00:00Z"}).json
    first = reader.get(f"{here}?limit=1").json
    assert [window["id"] for window in first["windows"]] == [for_all["id"]]
    following = reader.get(first["next"]).json
    assert [window["reason"] for window in following["windows"]] == ["Move"]
    assert following["next"] is None
    assert reader.get(f"{here}?cursor=x").status_code == 400
    assert script.delete(f"{here}/{made.json['id']}").status_code == 204
    assert marked() == {False}
    assert reader.delete(f"{here}/{for_all['id']}").status_code == 403


def test_a_status_page_is_made_ordered_renewed_and_revoked(
    script, reader, client, acme, peer, clock, make_check
):
    clock.set(NOON)
    shop, cart = make_check(acme, peer.url()), make_check(acme, peer.url(), slug="cart")
    here = f"{HERE}/status-pages"
    made = script.post(here, json={"title": "Status", "checks": [shop, cart]})
    assert made.status_code == 201
    page = made.json
    assert page["checks"] == [shop, cart]
    assert "Status" in client.get(page["url"]).text
    assert reader.get(here).json["status_pages"] == [page | {"url": None, "badge_url": None}]
    one = f"{here}/{page['id']}"
    changed = script.put(one, json={"title": "All", "checks": [cart, shop]}).json
    assert changed == page | {"title": "All", "checks": [cart, shop]}
    assert "All" in client.get(page["url"]).text
    renewed = script.post(f"{one}/renewal").json
    assert client.get(page["url"]).status_code == 404
    assert client.get(renewed["badge_url"]).status_code == 200
    assert script.delete(one).status_code == 204
    assert client.get(renewed["url"]).status_code == 404
    assert script.get(one).status_code == 404
    assert reader.post(here, json={}).status_code == 403


@pytest.mark.parametrize(
    ("path", "document", "message"),
    [
        ("heartbeats", {"name": "x", "cron": "soon"}, "cron: "),
        ("heartbeats", {"name": "x", "url": "x"}, "A heartbeat has no url."),
        ("maintenance", {"starts_at": "soon"}, "starts_at: Not a date and time"),
        (
            "maintenance",
            {"starts_at": "2026-11-21T00:00Z", "ends_at": "2026-11-20T00:00Z"},
            "after",
        ),
        ("maintenance", {"every_check": True}, "A maintenance window has no every_check."),
        ("status-pages", {"title": "x", "checks": [999]}, "checks: There is no check 999"),
        ("maintenance", {"check": 999, "starts_at": "2026-01-01T00:00"}, "check: The project has"),
        ("status-pages", {"title": "x"}, "checks: Choose at least one check."),
    ],
)
def test_what_is_wrong_is_named(script, path, document, message):
    answer = script.post(f"{HERE}/{path}", json=document)
    assert answer.status_code == 400
    assert message in answer.json["detail"]


def test_a_project_has_so_many_windows_and_status_pages(script, as_alice, monkeypatch, clock):
    clock.set(NOON)
    check = script.post(f"{HERE}/checks", json={"name": "Shop", "url": "https://shop.test/"}).json
    monkeypatch.setattr(maintenance, "MOST", 1)
    monkeypatch.setattr(status_pages, "MOST", 1)
    window = {"check": check["id"], "starts_at": NOON.isoformat()}
    page = {"title": "Status", "checks": [str(check["id"])]}
    for path, document in (("maintenance", window), ("status-pages", page)):
        assert script.post(f"{HERE}/{path}", json=document).status_code == 201
        answer = script.post(f"{HERE}/{path}", json=document)
        assert answer.status_code == 400
        assert "A project has at most" in answer.json["detail"]
    here = "/acme/shop/uptime"
    for path, fields in ((f"{check['id']}/maintenance", window), ("status-pages", page)):
        refused = as_alice.post(f"{here}/{path}", data=fields)
        assert (refused.status_code, "A project has at most" in refused.text) == (422, True)
    clock.move(days=2)
    assert script.post(f"{HERE}/maintenance", json=window).status_code == 201
