"""A dashboard by a link: what an outsider gets, what frames may show it, and what never leaks."""

import json
import re
from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from hmac import new
from html.parser import HTMLParser

import pytest

from console.core import clock as now
from console.core.db import db
from console.dashboards import embeds, links, links_board, making
from console.dashboards.document import Document, Section, Tab, Tile, Variable
from console.dashboards.links_models import EmbedKey, ShareLink
from console.dashboards.models import Dashboard
from tests.support import consoles
from tests.support.counted import Stored
from tests.support.run import shared
from tests.support.scheduled import perform

PASSWORD = "a lighthouse keeper's lamp"
SITE = "https://intranet.acme.test"


def document(title, text="Hello $customer"):
    tile = Tile(id="", kind="text", title=title, settings={"text": text})
    return Document(
        title=title,
        variables=(Variable(name="customer", default="nobody"), Variable(name="other")),
        tabs=(Tab(sections=(Section(tiles=(tile,)),)),),
    )


@pytest.fixture
def share(acme, inside):
    """A function that makes a dashboard with a link; gives its path, and its link's id."""

    def made(text="Hello $customer", password="", **terms):
        with inside(acme):
            own = making.create(acme, document("Board", text))
            given = {"name": "Carol", "locked": {}, **terms}
            link, token = links.create(own, links.Terms(**given), password)
            db.session.commit()
            return f"/shared/{token}", link.id

    return made


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


def test_links_in_texts_lead_out_only(client, share):
    text = (
        "[in](/acme/shop/) [too](http://localhost/acme) [rel](acme) [out](https://example.com/a)"
        " [mail](mailto:ops@acme.test) <b onclick='x'>b</b>"
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
    assert "This link leads nowhere" in answer.text
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
            making.create(project, document(marker, f"text of {marker}"))
            making.create(None, document(f"{marker} of all", f"text of {marker}"))
            db.session.commit()
            for own in db.session.query(Dashboard):
                tiles += [tile.id for tile in Document.of(own.document).tiles]
    with inside(acme):
        own = making.create(acme, document("Board", "mine"))
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
        making.create(globex, document("theirs", "theirs"))
        db.session.commit()
    with inside(acme):
        own = making.create(None, document("All", "of all"))
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


def b64(value):
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def token_of(name, secret, header=None, **claims):
    """A signed token as a site makes it."""
    given = {"aud": "http://localhost", "exp": now.now().timestamp() + 600, **claims}
    head = {"alg": "HS256", "typ": "JWT", "kid": name} | (header or {})
    parts = ".".join(b64(json.dumps(part).encode()) for part in (head, given))
    return f"{parts}.{b64(new(secret.encode(), parts.encode(), sha256).digest())}"


@pytest.fixture
def signing(acme, inside, share):
    """A link that sites may embed, and a function that signs for it."""
    _, link_id = share(origins=[SITE], opened=["customer", "other"])
    with inside(acme):
        name, secret = embeds.new_key(db.session.get_one(ShareLink, link_id))
        db.session.commit()
    return link_id, name, secret


def test_a_signed_embed_shows_the_values_that_were_signed(client, signing):
    _, name, secret = signing
    path = f"/shared/embedded/{token_of(name, secret, vars={'customer': 'ACME'})}"
    page = client.get(f"{path}?var.customer=Globex")
    assert page.status_code == 200
    assert "Hello ACME" in page.text
    assert f"frame-ancestors {SITE}" in page.headers["Content-Security-Policy"]
    assert "Set-Cookie" not in page.headers


def test_what_the_link_locks_no_signature_changes(acme, inside, client, signing):
    link_id, name, secret = signing
    with inside(acme):
        db.session.get_one(ShareLink, link_id).locked = {"customer": "Initech"}
        db.session.commit()
    token = token_of(name, secret, vars={"customer": "ACME"})
    assert "Hello Initech" in client.get(f"/shared/embedded/{token}").text


@pytest.mark.parametrize(
    "change",
    [
        {"exp": 0},
        {"exp": 4e12},
        {"exp": None},
        {"exp": True},
        {"exp": "never"},
        {"exp": float("nan")},
        {"aud": "https://elsewhere.test"},
        {"aud": None},
        {"vars": {"custmer": "ACME"}},
        {"vars": {"customer": 7}},
        {"vars": {"customer": "x" * 201}},
        {"vars": {"customer": "a\0b"}},
        {"vars": ["customer"]},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS512"}},
        {"header": {"kid": "0" * 32}},
        {"header": {"kid": 7}},
        {"header": {"kid": None}},
    ],
)
def test_a_token_that_is_not_right_opens_nothing(client, signing, change):
    _, name, secret = signing
    assert client.get(f"/shared/embedded/{token_of(name, secret)}").status_code == 200
    assert client.get(f"/shared/embedded/{token_of(name, secret, **change)}").status_code == 404


def test_a_token_that_was_changed_opens_nothing(client, signing):
    _, name, secret = signing
    token = token_of(name, secret, vars={"customer": "ACME"})
    head, body, signature = token.split(".")
    forged = b64(
        json.dumps({"aud": "http://localhost", "exp": now.now().timestamp() + 60}).encode()
    )
    wrong = (
        *(f"{head}.{forged}.{signature}", f"{head}.{body}.", f"{head}.{body}", f"{token}AAA"),
        *(f"{token}.x", token_of(name, "other"), "..", "é.é.é", "A" * 5000),
    )
    for text in wrong:
        assert client.get(f"/shared/embedded/{text}").status_code == 404, text


def test_signed_embeds_end_with_their_link_and_with_another_key(acme, inside, client, signing):
    link_id, name, secret = signing
    path = f"/shared/embedded/{token_of(name, secret)}"
    with inside(acme):
        embeds.new_key(db.session.get_one(ShareLink, link_id))
        db.session.commit()
    assert client.get(path).status_code == 404
    with inside(acme):
        name, secret = embeds.new_key(db.session.get_one(ShareLink, link_id))
        db.session.commit()
    path = f"/shared/embedded/{token_of(name, secret)}"
    assert client.get(path).status_code == 200
    with inside(acme):
        links.revoke(db.session.get_one(ShareLink, link_id))
        db.session.commit()
        assert db.session.query(EmbedKey).count() == 0
    assert client.get(path).status_code == 404
