"""Dashboards in the pages of other sites, with values that those sites have signed."""

import json

import pytest

from console.core import clock as now
from console.core.db import db
from console.dashboards import embeds, links
from console.dashboards.links_models import EmbedKey, ShareLink
from tests.dashboards.sharing import SITE, b64, token_of


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
