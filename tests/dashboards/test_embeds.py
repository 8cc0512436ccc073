"""Dashboards in the pages of other sites, with values that those sites have signed."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import new

import pytest

from console.core import clock as now
from console.core.db import db
from console.dashboards import embeds, links
from console.dashboards.links_models import EmbedKey, ShareLink
from tests.dashboards.sharing import SITE, b64, token_of
from tests.support.at_once import at_once
from tests.support.clients import HTMX


@pytest.fixture
def signing(acme, inside, share):
    """A link that sites may embed, and a function that signs for it."""
    _, link_id = share(origins=[SITE], opened=["customer", "other"])
    with inside(acme):
        name, secret = embeds.new_key(db.session.get_one(ShareLink, link_id))
        db.session.commit()
    return link_id, name, secret


@pytest.fixture
def check(acme, inside, signing):
    """Where a member checks a token of the link."""
    with inside(acme):
        link = db.session.get_one(ShareLink, signing[0])
        return f"/acme/shop/dashboards/{link.dashboard_id}/links/{link.id}/token-check"


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


@at_once(
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
        {"aud": ["https://elsewhere.test"]},
        {"aud": []},
        {"aud": {"x": "http://localhost"}},
        {"nbf": 4e12},
        {"nbf": "now"},
        {"nbf": None},
        {"vars": {"customer": True}},
        {"vars": {"customer": 7.5}},
        {"vars": {"customer": None}},
        {"vars": {"customer": ["ACME"]}},
        {"vars": {"customer": "\ud800"}},
        {"vars": None},
        {"vars": {"customer": ""}},
        {"vars": {"customer": " "}},
        {"vars": {"customer": "x" * 201}},
        {"vars": {"customer": "a\0b"}},
        {"vars": ["customer"]},
        {"header": {"alg": "none"}},
        {"header": {"alg": "HS512"}},
        {"header": {"kid": "0" * 32}},
        {"header": {"kid": 7}},
        {"header": {"kid": None}},
        {"header": {"crit": ["exp"]}},
    ],
)
def test_a_token_that_is_not_right_opens_nothing(client, signing, change):
    _, name, secret = signing
    assert client.get(f"/shared/embedded/{token_of(name, secret)}").status_code == 200
    assert client.get(f"/shared/embedded/{token_of(name, secret, **change)}").status_code == 404


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"aud": ["http://localhost"]}, "Hello nobody"),  # as libraries for Go and Java write it
        ({"aud": ["https://elsewhere.test", "http://localhost"]}, "Hello nobody"),
        ({"vars": []}, "Hello nobody"),  # as PHP writes an empty array
        ({"vars": {"customer": 42}}, "Hello 42"),
        ({"nbf": 0, "iat": 0, "iss": "shop", "jti": "1"}, "Hello nobody"),
        ({"header": {"typ": None, "cty": "x"}}, "Hello nobody"),
    ],
)
def test_tokens_open_as_libraries_of_several_languages_write_them(client, signing, change, shown):
    _, name, secret = signing
    page = client.get(f"/shared/embedded/{token_of(name, secret, **change)}")
    assert page.status_code == 200
    assert shown in page.text


def test_a_token_with_padding_opens(client, signing):
    _, name, secret = signing
    padded = [
        f"{part}{'=' * (-len(part) % 4)}"
        for part in token_of(name, secret, vars={"customer": "A"}).split(".")
    ]
    signed = ".".join(padded[:2])
    signature = urlsafe_b64encode(new(secret.encode(), signed.encode(), sha256).digest()).decode()
    assert client.get(f"/shared/embedded/{signed}.{signature}").status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"exp": 4e12}, "milliseconds"),
        ({"exp": 0}, "past"),
        ({"exp": "soon"}, "seconds since 1970"),
        ({"aud": "http://localhost/"}, "must be http://localhost"),
        ({"vars": {"custmer": "A"}}, "custmer"),
        ({"vars": {"customer": ["A"]}}, "texts or whole numbers"),
        ({"header": {"alg": "RS256"}}, "HS256"),
        ({"header": {"kid": "x"}}, "kid"),
    ],
)
def test_a_member_learns_why_a_token_opens_nothing(as_alice, client, signing, check, change, words):
    _, name, secret = signing
    address = f"http://localhost/shared/embedded/{token_of(name, secret, **change)}?tile=x"
    answer = as_alice.post(check, data={"token": address}, headers=HTMX)
    assert answer.status_code == 422
    assert words in answer.text
    assert words not in client.get(address).text


def test_a_member_sees_that_a_token_opens(as_alice, signing, check):
    _, name, secret = signing
    answer = as_alice.post(check, data={"token": token_of(name, secret)})
    assert "This token opens the dashboard." in answer.text
    for wrong in ("", "x", token_of(name, "other"), "a.b.c"):
        assert as_alice.post(check, data={"token": wrong}).status_code == 422


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
