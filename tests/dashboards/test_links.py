"""Links to dashboards, as members make them: who may, what they say, and what is counted."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from console.core.db import db
from console.dashboards import links, making
from console.dashboards.document import Document, Section, Tab, Tile, Variable
from console.dashboards.links_models import ShareLink, ShareVisit
from console.dashboards.models import Dashboard
from tests.support.clients import HTMX

PATHS = ("", "/{link}", "/{link}/preflight")
POSTS = (
    *("", "/{link}/settings", "/{link}/pause", "/{link}/resumption", "/{link}/revocation"),
    *("/{link}/signing-key", "/{link}/token-check"),
)


@pytest.fixture
def board(acme, inside):
    """The path of a dashboard with a text that names variables."""
    words = "Hello $who of $where, from carol@acme.test; ask Alice"
    tile = Tile(id="", kind="text", title="Hello", settings={"text": words})
    choices = Variable(name="where", kind="list", values=("Oslo", "Rome"), default="Oslo")
    document = Document(
        title="Board",
        variables=(Variable(name="who", default="nobody"), choices),
        tabs=(Tab(title="First", sections=(Section(tiles=(tile,)),)), Tab(title="Second")),
    )
    with inside(acme):
        made = making.create(acme, document)
        db.session.commit()
        return f"/acme/shop/dashboards/{made.id}"


@pytest.fixture
def make(as_alice, board):
    """A function that makes a link by the form and returns its path."""

    def made(**fields):
        page = as_alice.post(f"{board}/links", data={"name": "Carol", **fields})
        assert page.status_code == 200, page.text
        return re.findall(r"http://localhost(/shared/phl_[\w-]{43})", page.text)[0]

    return made


@pytest.fixture
def the_link(acme, inside):
    """A function that reads the latest link."""

    def read():
        with inside(acme):
            link = db.session.query(ShareLink).order_by(ShareLink.id.desc()).first()
            db.session.expunge(link)
            return link

    return read


def test_a_link_is_shown_once_and_stored_as_a_hash(as_alice, board, make, the_link):
    path = make()
    token = path.rpartition("/")[2]
    assert token not in as_alice.get(f"{board}/links").text
    assert token[-6:] in as_alice.get(f"{board}/links").text
    assert token not in repr(vars(the_link()))


def test_whoever_has_the_link_sees_the_dashboard(client, make):
    page = client.get(make())
    assert page.status_code == 200
    assert '<h1 class="break">Board</h1>' in page.text
    assert "Hello nobody of Oslo" in page.text


@pytest.mark.parametrize("path", PATHS)
def test_links_are_for_members_of_the_organization(
    path, as_alice, as_vic, as_eve, client, board, make, the_link
):
    make()
    here = f"{board}/links{path.format(link=the_link().id)}"
    assert as_alice.get(here).status_code == 200
    assert as_vic.get(here).status_code == 403
    assert as_eve.get(here).status_code == 404
    assert client.get(here).status_code == 303


@pytest.mark.parametrize("path", POSTS)
def test_viewers_and_strangers_change_no_link(path, as_vic, as_eve, board, make, the_link):
    make()
    before = vars(the_link())
    here = f"{board}/links{path.format(link=before['id'])}"
    fields = {"name": "Mallory"}
    assert as_vic.post(here, data=fields).status_code == 403
    assert as_eve.post(here, data=fields).status_code == 404
    after = vars(the_link())
    del before["_sa_instance_state"], after["_sa_instance_state"]
    assert after == before


def test_a_link_of_another_dashboard_is_not_there(as_alice, acme, inside, board, make, the_link):
    make()
    with inside(acme):
        other_id = making.create(acme, Document(title="Another")).id
        db.session.commit()
    strange = f"/acme/shop/dashboards/{other_id}/links/{the_link().id}"
    assert as_alice.get(strange).status_code == 404
    assert as_alice.post(f"{strange}/revocation").status_code == 404


def test_htmx_gets_the_list_of_links_as_a_part(as_alice, board, make, the_link):
    make()
    here = f"{board}/links"
    for answer in (
        as_alice.get(here, headers=HTMX),
        as_alice.post(here, data={"name": "Dave"}, headers=HTMX),
        as_alice.post(f"{here}/{the_link().id}/pause", headers=HTMX),
    ):
        assert answer.text.startswith('<div id="links"')
    assert as_alice.get(f"{here}/{the_link().id}", headers=HTMX).text.startswith('<div id="link"')


def test_pausing_and_revoking_close_a_link_at_once(as_alice, client, board, make, the_link):
    path = make()
    here = f"{board}/links/{the_link().id}"
    for noun, status in (("pause", 404), ("resumption", 200), ("revocation", 404)):
        answer = as_alice.post(f"{here}/{noun}")
        assert (answer.status_code, client.get(path).status_code) == (303, status)
    # what was revoked stays so
    assert as_alice.post(f"{here}/resumption").status_code == 404
    assert as_alice.get(here).status_code == 200


def test_a_link_ends_when_its_time_is_over(client, make, clock):
    until = clock.now() + timedelta(hours=2)
    path = make(expires_at=until.strftime("%Y-%m-%dT%H:%M"))
    assert client.get(path).status_code == 200
    clock.move(hours=3)
    assert client.get(path).status_code == 404


def test_a_link_goes_on_when_its_maker_has_left(app, acme, as_ada, as_alice, client, board, make):
    path = make()
    people = as_ada.get("/acme/settings/members").text
    row = re.search(
        r'action="(/acme/settings/members/\d+/removal)"', people[people.index("alice@") :]
    )
    assert row is not None
    assert as_ada.post(row[1], data={"confirmed": "1"}).status_code in {200, 303}
    assert as_alice.get(f"{board}/links").status_code == 404
    assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "Say whom it is for."),
        ({"expires_at": "2020-01-01T00:00"}, "This moment is over."),
        ({"expires_at": "tomorrow"}, "Not a date and time"),
        ({"password": "short"}, "Use at least 12 characters"),
        ({"zone": "Moon/Crater"}, "Unknown time zone"),
        ({"origins": "https://a.test/path"}, "is not an origin"),
        ({"origins": "https://*.test"}, "is not an origin"),
        ({"origins": "https://*"}, "is not an origin"),
        ({"origins": "https://a.*.test"}, "is not an origin"),
        ({"origins": "https://a.test; script-src *"}, "is not an origin"),
        ({"origins": "\n".join(f"https://a{n}.test" for n in range(21))}, "At most 20 sites."),
        ({"locked.what": "x"}, "The dashboard has no variable what."),
        ({"opened": "what"}, "The dashboard has no variable what."),
        ({"opened": "who", "locked.who": "x"}, "who is either locked to a value, or open."),
        ({"range": "5y"}, "Not a valid choice"),
    ],
)
def test_what_is_wrong_with_a_link_stands_in_its_form(
    as_alice, board, make, the_link, fields, message
):
    page = as_alice.post(f"{board}/links", data={"name": "Carol", **fields})
    assert page.status_code == 422
    assert message in page.text
    make()
    page = as_alice.post(f"{board}/links/{the_link().id}/settings", data={"name": "C", **fields})
    assert page.status_code == 422
    assert message in page.text


def test_locked_variables_stay_and_open_ones_are_chosen(client, make):
    path = make(**{"locked.where": "Rome", "opened": "who"})
    assert "Hello Ann of Rome" in client.get(f"{path}?var.who=Ann&var.where=Oslo").text
    assert "Hello nobody of Rome" in client.get(f"{path}?var.who=").text


def test_of_an_open_list_only_its_values_are_chosen(client, make):
    path = make(opened="where")
    assert "of Rome" in client.get(f"{path}?var.where=Rome").text
    assert "of Oslo" in client.get(f"{path}?var.where=Paris").text
    assert "Hello nobody" in client.get(f"{path}?var.who=Ann").text


def test_the_range_is_locked_unless_the_link_opens_it(client, make):
    fixed, opened = make(range="7d"), make(range="7d", is_range_open="y")
    assert "Last 7 days" in client.get(f"{fixed}?range=90d").text
    assert "Last 90 days ·" in client.get(f"{opened}?range=90d").text
    assert "Last 7 days ·" in client.get(f"{opened}?range=nonsense&since=x").text


def test_tabs_are_links_of_the_same_page(client, make):
    page = client.get(make()).text
    second = re.findall(r'href="([^"]*\?tab=2)"', page)[0]
    assert "Hello" not in client.get(second).text
    assert client.get(f"{second}9").status_code == 200


def test_looks_are_counted_and_logged_without_addresses(
    as_alice, client, acme, inside, board, make, the_link
):
    path = make()
    firefox = {
        "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    }
    client.get(path, headers=firefox)
    client.get(path, headers={"Sec-Fetch-Dest": "iframe"})
    client.get(f"{path}?again=1", headers=firefox)
    client.head(path)
    client.get(f"{path}/tiles/0123456789ab")
    assert the_link().views == 2
    with inside(acme):
        visits = [(visit.way, visit.browser) for visit in db.session.query(ShareVisit)]
    assert visits == [("page", "Firefox"), ("embed", "")]
    assert {column.name for column in ShareVisit.__table__.c} == {
        "id", "organization_id", "link_id", "at", "way", "browser"
    }  # fmt: skip
    shown = as_alice.get(f"{board}/links/{the_link().id}").text
    assert "2 looks in all" in shown
    assert "Firefox" in shown


def test_the_log_keeps_the_latest_looks(client, acme, inside, make, monkeypatch):
    monkeypatch.setattr(links, "MOST_VISITS", 4)
    monkeypatch.setattr(links, "TIDIED_EVERY", 10)
    path = make()
    for _ in range(11):
        client.get(path)
    with inside(acme):
        ids = [visit.id for visit in db.session.query(ShareVisit).order_by(ShareVisit.id)]
    assert ids == list(range(7, 12))


def test_a_page_that_reloads_itself_counts_once_an_hour(client, make, the_link, clock):
    path = make()
    client.get(f"{path}?again=1")
    client.get(f"{path}?again=1")
    assert the_link().views == 1, "nobody looks without a trace"
    clock.move(minutes=61)
    client.get(f"{path}?again=1")
    assert the_link().views == 2


def test_a_link_whose_locked_variable_is_gone_shows_nothing(
    as_alice, client, acme, inside, board, make, the_link
):
    path = make(**{"locked.who": "Bob"})
    assert "Hello Bob" in client.get(path).text
    with inside(acme):
        own = db.session.get_one(Dashboard, int(board.rpartition("/")[2]))
        renamed = json.dumps(own.document).replace('"who"', '"whom"').replace("$who", "$whom")
        making.save(own, Document.of(json.loads(renamed)))
        db.session.commit()
    assert client.get(path).status_code == 404
    for page in (f"{board}/links", f"{board}/links/{the_link().id}"):
        shown = as_alice.get(page).text
        assert "Broken" in shown
        assert "locks a variable that the dashboard has no more" in shown
    changed = {"name": "Carol", "locked.whom": "Bob"}
    as_alice.post(f"{board}/links/{the_link().id}/settings", data=changed)
    assert "Hello Bob" in client.get(path).text


def test_a_dashboard_has_so_many_links(as_alice, board, make, monkeypatch):
    monkeypatch.setattr(links, "MOST", 1)
    make()
    full = as_alice.post(f"{board}/links", data={"name": "Dave"})
    assert full.status_code == 422
    assert links.FULL in full.text


def test_the_preflight_shows_what_outsiders_see_and_what_looks_personal(
    as_alice, client, board, make, the_link
):
    path = make(**{"locked.who": "Bob"})
    page = as_alice.get(f"{board}/links/{the_link().id}/preflight").text
    assert "Hello Bob of Oslo" in page
    for sort, sample in (
        ("E-mail address", "carol@acme.test"),
        ("Name of a member", "Alice"),
        ("Text that a person wrote", "Hello Bob"),
    ):
        assert sort in page
        assert sample in page
    assert the_link().views == 0
    assert client.get(path).status_code == 200


def test_the_preflight_looks_through_what_readers_choose_from(
    as_alice, acme, inside, board, make, the_link
):
    make(opened="where")
    with inside(acme):
        own = db.session.get_one(Dashboard, int(board.rpartition("/")[2]))
        document = Document.of(own.document)
        customers = Variable(name="where", kind="list", values=("dora@customer.test",))
        making.save(own, replace(document, variables=(document.variables[0], customers)))
        db.session.commit()
    here = f"{board}/links/{the_link().id}/preflight"
    page = as_alice.get(here).text
    assert "Choices of where" in page
    assert "dora@customer.test" in page


def test_settings_of_a_link_are_changed_and_its_address_stays(
    as_alice, client, board, make, the_link
):
    path = make(password="a lighthouse keeper's lamp")
    here = f"{board}/links/{the_link().id}/settings"
    kept = as_alice.post(here, data={"name": "Dora", "theme": "dark"})
    assert kept.status_code == 303
    link = the_link()
    assert (link.name, link.theme, bool(link.password)) == ("Dora", "dark", True)
    as_alice.post(here, data={"name": "Dora", "without_password": "y"})
    assert the_link().password == ""
    assert "Hello nobody" in client.get(path).text


def test_deleting_a_dashboard_closes_its_links(acme, inside, client, board, make):
    path = make()
    with inside(acme):
        making.remove(db.session.get_one(Dashboard, int(board.rpartition("/")[2])))
        db.session.commit()
    assert client.get(path).status_code == 404
