"""The list of dashboards, favourites, and dashboards made, copied and deleted."""

import pytest
from sqlalchemy import select

from console.core.db import db
from console.dashboards.document import Document
from console.dashboards.models import Dashboard, DashboardFavourite
from tests.dashboards.documents import document
from tests.support.clients import HTMX
from tests.support.pages import Page
from tests.support.statements import statements_of

HOME = "/acme/shop/dashboards"


@pytest.fixture
def titles(acme, inside):
    """The titles of all dashboards of acme."""

    def read():
        with inside(acme):
            return sorted(db.session.scalars(select(Dashboard.title)))

    return read


def test_the_list_is_searched_by_title_and_by_tag(as_alice, acme, make_dashboard):
    make_dashboard(acme, document("Checkout", tags=("money",)))
    make_dashboard(acme, document("Search"))
    assert listed(as_alice.get(HOME)) == ["Checkout", "Search"]
    assert listed(as_alice.get(f"{HOME}?q=mon")) == ["Checkout"]
    assert listed(as_alice.get(f"{HOME}?tag=money")) == ["Checkout"]
    nothing = as_alice.get(f"{HOME}?q=zzz").text
    assert "No dashboard matches these filters" in nothing


def test_the_list_is_a_part_for_htmx(as_alice, acme, make_dashboard):
    make_dashboard(acme)
    part = as_alice.get(HOME, headers=HTMX).text
    assert part.startswith('<section id="dashboards"')


def test_an_empty_list_leads_to_the_first_dashboard(as_alice, as_vic):
    assert "No dashboard yet" in as_alice.get(HOME).text
    assert f'href="{HOME}/new"' in as_alice.get(HOME).text
    assert f'href="{HOME}/new"' not in as_vic.get(HOME).text


def test_favourites_of_a_person_stand_first(as_alice, as_vic, acme, make_dashboard):
    make_dashboard(acme, document("Alpha"))
    liked, _ = make_dashboard(acme, document("Zulu"))
    part = as_vic.post(f"{HOME}/{liked}/favourite", headers=HTMX).text
    assert part.startswith('<section id="dashboards"')
    assert listed(as_vic.get(HOME)) == ["Zulu", "Alpha"]
    assert listed(as_alice.get(HOME)) == ["Alpha", "Zulu"]
    assert as_vic.post(f"{HOME}/{liked}/favourite").status_code == 303
    assert as_vic.post(f"{HOME}/{liked}/favourite-removal").status_code == 303
    assert listed(as_vic.get(HOME)) == ["Alpha", "Zulu"]


def test_a_favourite_is_kept_once(as_vic, acme, inside, make_dashboard):
    liked, _ = make_dashboard(acme)
    for _ in range(2):
        as_vic.post(f"{HOME}/{liked}/favourite")
    with inside(acme):
        assert len(db.session.scalars(select(DashboardFavourite)).all()) == 1


def test_a_new_dashboard_begins_empty_or_as_a_copy(as_alice, acme, make_dashboard, stored_document):
    first, _ = make_dashboard(acme)
    assert as_alice.post(f"{HOME}/", data={"title": "  "}).status_code == 422
    answer = as_alice.post(f"{HOME}/", data={"title": "Mine", "start": ""})
    assert answer.status_code == 303
    assert answer.location.endswith("/edit")
    assert not list(stored_document(int(answer.location.split("/")[-2])).tiles)
    answer = as_alice.post(f"{HOME}/", data={"title": "Second", "start": str(first)})
    copied = stored_document(int(answer.location.split("/")[-2]))
    assert [tile.title for tile in copied.tiles] == ["P95", "Slow", "Notes"]
    assert copied.title == "Second"


def test_a_new_dashboard_cannot_begin_with_one_of_somebody_else(as_alice, globex, make_dashboard):
    foreign, _ = make_dashboard(globex)
    answer = as_alice.post(f"{HOME}/", data={"title": "Mine", "start": str(foreign)})
    assert answer.status_code == 422


def test_a_copy_has_tiles_of_its_own(as_alice, acme, make_dashboard, stored_document):
    first, tiles = make_dashboard(acme)
    answer = as_alice.post(f"{HOME}/{first}/copy")
    copied = stored_document(int(answer.location.split("/")[-2]))
    assert copied.title == "Shop (copy)"
    assert not {tile.id for tile in copied.tiles} & set(tiles)


def test_a_deletion_needs_the_title(as_alice, acme, make_dashboard, titles):
    first, _ = make_dashboard(acme)
    assert as_alice.get(f"{HOME}/{first}/deletion").status_code == 200
    refused = as_alice.post(f"{HOME}/{first}/deletion", data={"confirmation": "shop"})
    assert refused.status_code == 422
    assert "That is not its title." in refused.text
    assert (
        as_alice.post(f"{HOME}/{first}/deletion", data={"confirmation": "Shop"}).status_code == 303
    )
    assert titles() == []


@pytest.mark.parametrize("path", ["/copy", "/deletion", "/versions", "/document", "/variables"])
def test_a_viewer_changes_nothing(as_vic, acme, make_dashboard, titles, path):
    first, _ = make_dashboard(acme)
    assert as_vic.post(f"{HOME}/{first}{path}").status_code == 403
    assert titles() == ["Shop"]


def test_a_viewer_makes_nothing(as_vic):
    assert as_vic.get(f"{HOME}/new").status_code == 403
    assert as_vic.post(f"{HOME}/", data={"title": "Mine"}).status_code == 403


def test_a_stranger_sees_no_dashboard(as_eve, acme, make_dashboard):
    first, _ = make_dashboard(acme)
    assert as_eve.get(HOME).status_code == 404
    for path in ("/favourite", "/favourite-removal", "/copy", "/deletion"):
        for place in ("/acme/shop", "/globex/shop", "/globex"):
            assert as_eve.post(f"{place}/dashboards/{first}{path}").status_code == 404


def test_a_dashboard_across_projects_shows_each(as_alice, acme, make_dashboard):
    first, tiles = make_dashboard(acme, across=True)
    assert listed(as_alice.get("/acme/dashboards")) == ["Shop"]
    assert listed(as_alice.get(HOME)) == []
    page = as_alice.get(f"/acme/dashboards/{first}").text
    assert f"/acme/dashboards/{first}/tiles/{tiles[0]}" in page
    assert 'name="environment"' in page, "the top bar is there"
    tile = as_alice.get(f"/acme/dashboards/{first}/tiles/{tiles[0]}", headers=HTMX)
    assert tile.status_code == 200
    assert "tile-error" not in tile.text
    assert as_alice.get(f"{HOME}/{first}").status_code == 404


def test_the_list_asks_as_much_for_twenty_dashboards_as_for_one(
    app, as_alice, acme, make_dashboard
):
    counts = []
    for count in (1, 19):
        for _ in range(count):
            make_dashboard(acme)
        with statements_of(app) as asked:
            as_alice.get(HOME)
        counts.append(len(asked))
    assert counts[0] == counts[1]


def listed(answer) -> list[str]:
    return [row["Title"] for row in Page(answer).rows()]


def test_documents_of_tests_are_right():
    assert len(list(Document.of(document().stored).tiles)) == 3


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("/acme/shop/changes/?range=7d", "/acme/shop/changes?range=7d"),
        ("/acme/shop/dashboards/", "/acme/shop/dashboards"),
        ("/acme/dashboards/", "/acme/dashboards"),
        ("/acme/shop/connect/", "/acme/shop/connect"),
        ("/acme/shop/nowhere/", ""),
        ("/acme/shop/dashboards//", "/acme/shop/dashboards"),
    ],
)
def test_a_slash_too_many_leads_to_the_page(as_vic, asked, page):
    answer = as_vic.get(asked)
    assert (answer.status_code, answer.headers.get("Location", "")) == (308 if page else 404, page)
