"""Versions of a dashboard: listed, looked at, compared, and brought back."""

import re

import pytest

from tests.dashboards.documents import filled
from tests.support.clients import HTMX

HOME = "/acme/shop/dashboards"


@pytest.fixture
def saved_twice(as_alice, acme, make_dashboard):
    first, tiles = make_dashboard(acme)
    page = as_alice.get(f"{HOME}/{first}/edit").text
    sent = filled(page, title="Store", act=f"remove:{tiles[0]}")
    as_alice.post(f"{HOME}/{first}/versions", data=sent)
    return first, tiles


def test_a_version_says_what_it_changed(as_vic, saved_twice):
    first, _ = saved_twice
    page = as_vic.get(f"{HOME}/{first}/versions/2").text
    assert "title Shop → Store" in page
    assert "<strong>P95</strong> removed" in page
    assert "The first version" in as_vic.get(f"{HOME}/{first}/versions/1").text


def test_a_version_is_compared_with_any_other(as_vic, saved_twice):
    first, _ = saved_twice
    page = as_vic.get(f"{HOME}/{first}/versions/1?beside=2").text
    assert "title Store → Shop" in page


def test_a_version_comes_back_with_the_ids_of_its_tiles(as_alice, saved_twice, stored_document):
    first, tiles = saved_twice
    assert as_alice.post(f"{HOME}/{first}/versions/1/return").status_code == 303
    assert sorted(tile.id for tile in stored_document(first).tiles) == sorted(tiles)
    assert "Version 3" in as_alice.get(f"{HOME}/{first}/versions").text


def test_versions_are_parts_for_htmx(as_alice, saved_twice):
    first, _ = saved_twice
    listed = as_alice.get(f"{HOME}/{first}/versions", headers=HTMX).text
    assert listed.startswith('<section id="versions"')
    shown = as_alice.get(f"{HOME}/{first}/versions/1", headers=HTMX).text
    assert shown.startswith('<div id="version"')


def test_a_version_that_is_not_kept_is_not_there(as_alice, as_vic, as_eve, saved_twice):
    first, _ = saved_twice
    assert as_alice.get(f"{HOME}/{first}/versions/9").status_code == 404
    assert as_alice.post(f"{HOME}/{first}/versions/9/return").status_code == 404
    assert as_vic.post(f"{HOME}/{first}/versions/1/return").status_code == 403
    assert as_eve.get(f"{HOME}/{first}/versions").status_code == 404
    assert as_eve.get(f"{HOME}/{first}/versions/1").status_code == 404


def retitle(client, first, *titles):
    for title in titles:
        page = client.get(f"{HOME}/{first}/edit").text
        client.post(f"{HOME}/{first}/versions", data=filled(page, title=title))


def numbers(page: str) -> list[str]:
    return re.findall(r">Version (\d+)<", page)


def test_what_a_person_saved_in_one_go_is_listed_once(as_alice, as_ada, acme, make_dashboard):
    first, _ = make_dashboard(acme)
    retitle(as_alice, first, "A", "B", "C")
    retitle(as_ada, first, "D")
    retitle(as_alice, first, "E", "F")
    page = as_alice.get(f"{HOME}/{first}/versions").text
    assert numbers(page) == ["7", "5", "4", "1"]
    assert "3 saves in one go, from version 2 on" in page
    assert f"{HOME}/{first}/versions/7?beside=5" in page
    whole = as_alice.get(f"{HOME}/{first}/versions?all=1").text
    assert numbers(whole) == ["7", "6", "5", "4", "3", "2", "1"]
    assert "title A → C" in as_alice.get(f"{HOME}/{first}/versions/4?beside=2").text


def test_saves_on_the_way_make_room_after_a_day_and_others_stay(
    as_alice, acme, make_dashboard, clock
):
    first, _ = make_dashboard(acme)
    retitle(as_alice, first, "A", "B", "C")
    clock.move(hours=2)
    retitle(as_alice, first, "D")
    assert as_alice.get(f"{HOME}/{first}/versions/3").status_code == 200
    clock.move(days=1)
    retitle(as_alice, first, "E")
    assert numbers(as_alice.get(f"{HOME}/{first}/versions?all=1").text) == ["6", "5", "4", "1"]
    assert "title Shop → C" in as_alice.get(f"{HOME}/{first}/versions/4").text
