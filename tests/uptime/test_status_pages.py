"""Public status pages and badges: who sees what, and until when."""

import re

import pytest
from sqlalchemy import select

from console.core.db import db
from console.uptime import queries, status_pages
from console.uptime.models import StatusPage
from tests.fakes.peer import plain
from tests.support.clients import HTMX
from tests.telemetry.samples import NOON

PAGES = "/acme/shop/uptime/status-pages"


@pytest.fixture
def link(as_alice, acme, peer, clock, make_check, try_all):
    """The path of a page of a check that is up; a second check stands on no page."""
    clock.set(NOON)
    check_id = make_check(acme, peer.url("/secret-path"), headers={"X-Token": "s3cret"})
    make_check(acme, peer.url("/other"), slug="cart")
    try_all()
    clock.move(seconds=5)
    sent = {"title": "Shop status", "checks": str(check_id)}
    part = as_alice.post(PAGES, data=sent, headers=HTMX).text
    found = re.search(r"http://localhost(/status/phl_[\w-]{43})\"", part)
    assert found, part
    return found[1]


def test_everybody_with_the_link_sees_the_chosen_checks_and_no_secret(client, link):
    answer = client.get(link)
    assert answer.status_code == 200
    assert "Shop status" in answer.text
    assert "100% uptime, 90 days" in answer.text
    assert ">Cart<" not in answer.text
    for secret in ("127.0.0.1", "secret-path", "s3cret", "acme", "csrf-token"):
        assert secret not in answer.text
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"


def test_the_badge_says_the_state(client, link):
    badge = client.get(f"{link}/badge")
    assert badge.mimetype == "image/svg+xml"
    assert badge.headers["Cross-Origin-Resource-Policy"] == "cross-origin", "READMEs show it"
    assert badge.text.startswith("<svg")
    assert "Shop status" in badge.text
    assert ">up<" in badge.text


def test_many_visitors_cost_one_question_a_while(client, link, peer, clock, try_all, monkeypatch):
    asked, status_of = [], status_pages.status_of

    def counted(page):
        asked.append(page.id)
        return status_of(page)

    monkeypatch.setattr(status_pages, "status_of", counted)
    for _ in range(5):
        assert ">up<" in client.get(f"{link}/badge").text
    peer.answers["/secret-path"] = plain(b"", "500 Broken")
    clock.move(minutes=2)
    try_all()
    clock.move(seconds=31)
    assert ">1 of 1 down<" in client.get(f"{link}/badge").text
    assert len(asked) == 2


def test_a_revoked_link_leads_nowhere_at_once(as_alice, client, link, acme, inside):
    client.get(link)
    with inside(acme):
        page_id = db.session.scalars(select(StatusPage.id)).one()
    part = as_alice.post(f"{PAGES}/{page_id}/revocation", headers=HTMX).text
    assert "Shop status" not in part
    assert client.get(link).status_code == 404
    assert client.get(f"{link}/badge").status_code == 404
    assert client.get("/status/phl_guess").status_code == 404
    with inside(acme):  # whoever makes and revokes them again and again leaves no rows
        assert db.session.scalars(select(StatusPage.id)).all() == []


@pytest.fixture
def page_id(acme, inside, link):
    with inside(acme):
        return db.session.scalars(select(StatusPage.id)).one()


def test_a_page_gets_another_title_other_checks_and_their_order_at_once(
    as_alice, client, link, page_id, acme, inside
):
    client.get(link)
    with inside(acme):
        ids = {check.slug: str(check.id) for check in queries.checks(acme)}
    here = f"{PAGES}/{page_id}/settings"
    form = as_alice.get(here).text
    assert 'value="Shop status"' in form
    assert form.index(">Shop<") < form.index(">Cart<"), "what is chosen stands first"
    sent = {"title": "All of it", "checks": list(ids.values())}
    places = {f"position.{ids['shop']}": "2", f"position.{ids['cart']}": "1"}
    assert as_alice.post(here, data=sent | places).status_code == 303
    page = client.get(link).text
    assert "All of it" in page
    assert page.index(">Cart<") < page.index(">Shop<")
    places = {f"position.{ids['cart']}": "7"}
    as_alice.post(here, data=sent | {"checks": ids["cart"]} | places)
    assert ">Shop<" not in client.get(link).text


def test_a_renewed_link_takes_the_place_of_the_former_one(as_alice, client, link, page_id):
    client.get(link)
    part = as_alice.post(f"{PAGES}/{page_id}/renewal", headers=HTMX).text
    found = re.search(r"http://localhost(/status/phl_[\w-]{43})\"", part)
    assert found, part
    assert found[1] != link
    assert client.get(found[1]).status_code == 200
    assert client.get(link).status_code == 404
    assert client.get(f"{link}/badge").status_code == 404


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": ""}, "Give it a title."),
        ({"checks": ""}, "Choose at least one check."),
        ({"checks": "999"}, "There is no check 999 in this project."),
        ({"position.1": "first"}, "A position is a number"),
    ],
)
def test_a_page_is_not_changed_to_what_is_wrong(as_alice, client, link, page_id, fields, words):
    sent = {"title": "Other", "checks": "1"} | fields
    answer = as_alice.post(f"{PAGES}/{page_id}/settings", data=sent, headers=HTMX)
    assert answer.status_code == 422
    assert words in answer.text
    assert "Shop status" in client.get(link).text


def test_what_is_wrong_stands_beside_its_field(as_alice, link):
    answer = as_alice.post(PAGES, data={"title": "", "checks": "999"}, headers=HTMX)
    assert answer.status_code == 422
    assert "Give it a title." in answer.text
    assert "There is no check 999" in answer.text


def test_who_may_not(as_vic, as_eve, link):
    assert as_vic.get(PAGES).status_code == 403
    assert as_vic.post(PAGES).status_code == 403
    assert as_eve.get(PAGES).status_code == 404
    for noun in ("revocation", "renewal", "settings"):
        assert as_vic.post(f"{PAGES}/1/{noun}").status_code == 403
        assert as_eve.post(f"{PAGES}/1/{noun}").status_code == 404
