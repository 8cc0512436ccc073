"""A dashboard by a link: what an outsider gets, what frames may show it, and what never leaks."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from selectolax.lexbor import LexborHTMLParser as HTMLTree

from console.core import clock as now
from console.core.db import db
from console.dashboards import embeds, links, links_board, making
from console.dashboards.document import Document, Place, Section, Tab, Tile
from console.dashboards.links_models import ShareLink
from console.dashboards.models import Dashboard
from console.telemetry.tile import tile_kinds
from tests.dashboards.sharing import SITE, greeting, token_of
from tests.support import consoles
from tests.support.counted import Stored
from tests.support.run import shared
from tests.support.scheduled import perform

CHOSEN = {"queries": [{"metric": "requests.count"}], "by": "endpoint"}
PASSWORD = "a lighthouse keeper's lamp"


def test_headers_keep_the_link_private_and_set_no_cookie(client, share):
    answer = client.get(share()[0])
    headers = answer.headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers


def test_an_embed_is_for_the_sites_of_its_link_alone(client, share):
    listed, unlisted = share(origins=[SITE, "http://b.test:8080"])[0], share()[0]
    frame = client.get(f"{listed}?chrome=none")
    policy = frame.headers["Content-Security-Policy"]
    assert f"frame-ancestors {SITE} http://b.test:8080" in policy
    assert frame.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in frame.headers
    assert '<h1 class="sr">' in frame.text
    for path in (listed, f"{unlisted}?chrome=none"):
        answer = client.get(path)
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def grade(answer):
    """Points that Mozilla's Observatory takes or gives for headers; 100 and more is an A+."""
    headers, score = answer.headers, 100
    policy = dict(
        part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";")
    )
    sources = f"{policy['script-src']} {policy['style-src']}"
    score += 10 if policy["default-src"] == "'none'" and "unsafe" not in sources else -25
    score += 5 if "frame-ancestors" in policy else -20
    score += 0 if headers["X-Content-Type-Options"] == "nosniff" else -5
    is_private = headers["Referrer-Policy"] in {"no-referrer", "same-origin"}
    score += 5 if is_private else -5
    score += 10 if headers["Cross-Origin-Resource-Policy"] == "same-origin" else 0
    score += 10 if headers["Cross-Origin-Opener-Policy"] == "same-origin" else 0
    score += 10 if headers["Cross-Origin-Embedder-Policy"] == "require-corp" else 0
    for cookie in headers.getlist("Set-Cookie"):
        score -= 0 if "HttpOnly" in cookie else 30
    assert "Access-Control-Allow-Origin" not in headers
    return score


def test_login_dashboard_and_embed_keep_the_grade(as_alice, client, share):
    path = share(origins=[SITE])[0]
    assert grade(client.get("/login")) == 150
    assert grade(as_alice.get("/acme/shop/dashboards")) == 150
    assert grade(client.get(path)) == 150
    assert grade(client.get(f"{path}?chrome=none")) == 140


class Addresses(HTMLParser):
    """Every address of a page, and what it runs."""

    def __init__(self, html):
        super().__init__()
        self.links, self.files, self.forms, self.htmx = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        named = dict(attributes)
        if tag in {"a", "area"}:
            self.links.append(named.get("href", ""))
        self.files += [named[name] for name in ("src", "data-src") if name in named]
        self.forms += [named["action"]] if tag == "form" and "action" in named else []
        self.htmx += [name for name in named if name.startswith("hx-")]


def test_nothing_on_the_page_leads_into_the_console(app, acme, inside, client):
    with inside(acme):
        Stored(app, acme)
    with app.app_context():
        perform("keep-standard-dashboards")
    with inside(acme):
        tokens = [
            links.create(own, links.Terms(name="x", locked={}, has_markers=True))[1]
            for own in db.session.query(Dashboard)
        ]
        db.session.commit()
    assert tokens
    for token in tokens:
        page = client.get(f"/shared/{token}")
        assert page.status_code == 200
        shown = Addresses(page.text)
        inner = [link for link in shown.links if link.startswith("/") or "localhost" in link]
        assert [link for link in inner if not link.startswith(f"/shared/{token}")] == []
        assert shown.htmx == []
        assert all(file.startswith("/static/") for file in shown.files)
        assert "tile-error" not in page.text
        assert "/login" not in page.text
        assert "/acme" not in page.text


def test_the_numbers_of_every_drawing_are_a_table_on_the_page(app, acme, inside, client):
    with inside(acme):
        Stored(app, acme)
        kinds = tile_kinds()
        tiles = tuple(
            Tile(id="", kind=name, place=Place(x=0, y=4 * n, w=6, h=4), settings=CHOSEN)
            for n, name in enumerate(kinds)
            if name != "text"
        )
        board = Document(title="All", range="14d", tabs=(Tab(sections=(Section(tiles=tiles),)),))
        own = making.create(acme, board)
        token = links.create(own, links.Terms(name="x", locked={}))[1]
        db.session.commit()
        named = [(tile.id, tile.kind) for tile in Document.of(own.document).tiles]
        drawings = {id_ for id_, kind in named if kinds[kind].is_drawing}
    page = HTMLTree(client.get(f"/shared/{token}").text)
    shown = {own.attributes["id"] for own in page.css("details.tile-points")}
    assert len(drawings) >= 6
    assert shown == {f"tile-numbers-{id_}" for id_ in drawings}
    assert all(own.css("tbody tr") for own in page.css("details.tile-points"))
    numbers = " ".join(own.text() for own in page.css("details.tile-points"))
    assert " ago" not in numbers  # the points of a chart are at moments
    assert re.search(r"\d+ Nov \d\d:00", numbers)
    ids = [own.attributes["id"] for own in page.css("[id]")]
    assert len(ids) == len(set(ids))


def test_links_in_texts_lead_out_only(client, share):
    text = (
        "[in](/acme/shop/) [too](http://localhost/acme) [rel](acme) [out](https://example.com/a)"
        " [mail](mailto:ops@acme.test) <b onclick='x'>b</b> [port](http://LOCALHOST:80/acme)"
        " [tls](https://localhost/acme) [dot](http://localhost./acme) [as](http://me@localhost/)"
        " [bad](http://localhost:x/) [no](https:///localhost/)"
    )
    page = client.get(share(text)[0]).text
    outward = [link for link in Addresses(page).links if link]
    assert outward == ["https://example.com/a", "mailto:ops@acme.test"]
    assert "<b onclick" not in page


@pytest.mark.parametrize("way", ["unknown", "cut", "longer", "another kind", "accented"])
def test_a_token_that_opens_nothing_is_a_404_without_a_reason(client, share, way):
    path = share()[0]
    wrong = {
        "unknown": f"/shared/phl_{'A' * 43}",
        "cut": path[:-1],
        "longer": f"{path}A",
        "another kind": path.replace("phl_", "pht_"),
        "accented": f"{path[:-1]}é",
    }[way]
    answer = client.get(wrong)
    assert answer.status_code == 404
    assert "This link does not work" in answer.text
    assert 'href="/"' not in answer.text
    assert client.get(f"{wrong}/tiles/0123456789ab").status_code == 404
    assert client.post(f"{wrong}/password", data={"password": "x"}).status_code == 404


def test_every_tile_of_other_dashboards_and_organizations_stays_hidden(
    app, acme, globex, inside, client
):
    with app.app_context():
        perform("keep-standard-dashboards")
    tiles = []
    for project, marker in ((acme, "other-board"), (globex, "secret-globex")):
        with inside(project):
            making.create(project, greeting(marker, f"text of {marker}"))
            making.create(None, greeting(f"{marker} of all", f"text of {marker}"))
            db.session.commit()
            for own in db.session.query(Dashboard):
                tiles += [tile.id for tile in Document.of(own.document).tiles]
    with inside(acme):
        own = making.create(acme, greeting("Board", "mine"))
        token = links.create(own, links.Terms(name="x", locked={}, origins=[SITE]))[1]
        mine = next(Document.of(own.document).tiles).id
        link = db.session.query(ShareLink).one()
        name, secret = embeds.new_key(link)
        db.session.commit()
    jwt = token_of(name, secret)
    leaks, probes = [], 0
    for tile in tiles:
        for path in (
            f"/shared/{token}/tiles/{tile}",
            f"/shared/{token}/tiles/{tile}?chrome=none",
            f"/shared/embedded/{jwt}?tile={tile}",
        ):
            answer = client.get(path)
            probes += 1
            if answer.status_code != 404 or "text of" in answer.text:
                leaks.append(path)
    assert leaks == [], f"{len(leaks)} leaks in {probes} tries"
    assert probes >= 3 * len(set(tiles)) > 40
    print(f"{probes} tries, 0 leaks")
    assert "mine" in client.get(f"/shared/{token}/tiles/{mine}").text
    assert "mine" in client.get(f"/shared/embedded/{jwt}?tile={mine}").text


def test_a_dashboard_of_the_organization_shows_its_projects_but_not_anothers(
    acme, globex, inside, client
):
    with inside(globex):
        making.create(globex, greeting("theirs", "theirs"))
        db.session.commit()
    with inside(acme):
        own = making.create(None, greeting("All", "of all"))
        token = links.create(own, links.Terms(name="x", locked={}))[1]
        db.session.commit()
    page = client.get(f"/shared/{token}")
    assert page.status_code == 200
    assert "of all" in page.text


def test_the_same_link_shows_the_same_to_members_of_any_organization(
    as_alice, as_eve, client, share
):
    path = share()[0]
    pages = [browser.get(f"{path}?again=1").text for browser in (as_alice, as_eve, client)]
    parts = [re.sub(r"as of [^<]*", "", page) for page in pages]
    assert parts[0] == parts[1] == parts[2]
    assert "alice@" not in pages[0]


def test_a_password_opens_the_page_for_this_browser_only(app, client, share):
    path, _ = share(password=PASSWORD)
    asked = client.get(path)
    assert "asks for a password" in asked.text
    assert "Hello" not in asked.text
    assert client.get(f"{path}/tiles/0123456789ab").status_code == 404
    assert "Set-Cookie" not in asked.headers
    wrong = client.post(f"{path}/password", data={"password": "wrong"})
    assert wrong.status_code == 422
    assert "This is not the password" in wrong.text
    right = client.post(f"{path}/password", data={"password": PASSWORD})
    assert right.status_code == 303
    cookie = right.headers["Set-Cookie"]
    assert f"Path={path}" in cookie
    assert "HttpOnly" in cookie
    assert "Hello nobody" in client.get(path).text
    assert "Hello" not in app.test_client().get(path).text


def test_the_pass_ends_with_time_and_with_another_password(acme, inside, client, share, clock):
    clock.move()
    path, link_id = share(password=PASSWORD)
    client.post(f"{path}/password", data={"password": PASSWORD})
    cookie = client.get_cookie("pharos-link", path=path)
    assert cookie is not None
    for forged in (f"9{cookie.value}", cookie.value.replace(".", ".0"), "x.y", ".", "9" * 50):
        client.set_cookie("pharos-link", forged, path=path)
        assert "Hello" not in client.get(path).text
    client.set_cookie("pharos-link", cookie.value, path=path)
    assert "Hello" in client.get(path).text
    clock.move(hours=13)
    assert "Hello" not in client.get(path).text
    client.post(f"{path}/password", data={"password": PASSWORD})
    assert "Hello" in client.get(path).text
    with inside(acme):
        link = db.session.get_one(ShareLink, link_id)
        links.change(link, links.Terms(name="x", locked={}), password="another long passphrase")
        db.session.commit()
    assert "Hello" not in client.get(path).text


def test_tries_at_a_password_are_throttled_across_restarts(app, settings, share, clock):
    clock.set(now.now())
    path, _ = share(password=PASSWORD)
    client = app.test_client()
    codes = [
        client.post(f"{path}/password", data={"password": f"no {n}"}).status_code for n in range(7)
    ]
    assert codes == [422] * 5 + [429] * 2
    with consoles.console(replace(settings, web_threads=5), str(shared())) as restarted:
        again = restarted.test_client().post(f"{path}/password", data={"password": PASSWORD})
        assert again.status_code == 429
        assert int(again.headers["Retry-After"]) >= 1
        assert "Too many tries" in again.text
        clock.move(minutes=20)
        again = restarted.test_client().post(f"{path}/password", data={"password": PASSWORD})
        assert again.status_code == 303


def test_tiles_after_the_time_of_a_page_say_so(client, share, monkeypatch):
    path = share()[0]
    monkeypatch.setattr(links_board, "PAGE_SECONDS", 0)
    page = client.get(path)
    assert page.status_code == 200
    assert links_board.LATE in page.text


@pytest.mark.parametrize(
    ("path", "status"),
    [("/shared/x?var.customer=%00", 400), ("/shared/x/y/z", 404), ("/shared/x", 404),
     ("/r/x?a=%00", 400), ("/r/x/y/z", 404), ("/status/x?a=%00", 400)],
)  # fmt: skip
def test_no_error_page_of_an_outsider_leads_anywhere(client, as_alice, path, status):
    for visitor in (client, as_alice):
        answer = visitor.get(path)
        assert answer.status_code == status
        assert "<a " not in answer.text
        assert "Set-Cookie" not in answer.headers
