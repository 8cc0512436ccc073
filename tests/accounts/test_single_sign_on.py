"""Sign-in by OpenID Connect, against a provider that answers on this machine."""

import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from console.accounts.models import LinkedIdentity, Membership, Role
from console.core.audit import AuditEntry
from console.core.config import Config, ConfigError
from console.core.db import db
from console.core.persons import person_scope
from tests.accounts.test_unwritten import full, locked
from tests.fakes import oidc
from tests.support.consoles import console
from tests.support.factories import PASSWORD, signed_in, the_person

START, ANSWER = "/login/single-sign-on", "/login/single-sign-on/answer"
GRACE = {"email": "grace@navy.test", "email_verified": True, "name": "Grace Hopper"}
ADA = {"email": "Ada@acme.test", "email_verified": True, "name": "Ada"}


@pytest.fixture(scope="module")
def running():
    with oidc.serving() as provider:
        yield provider


@pytest.fixture
def provider(running):
    running.claims, running.broken = {}, False
    return running


@pytest.fixture
def app(settings, provider, tmp_path):
    """A console that knows the provider, and lets people of navy.test join acme."""
    asking = replace(
        settings,
        oidc_issuer=provider.url,
        oidc_client_id=oidc.CLIENT,
        oidc_client_secret=oidc.SECRET,
        oidc_name="Acme ID",
        oidc_domains=("Navy.test",),
        oidc_organization="acme",
    )
    with console(asking, templates=str(tmp_path)) as app:
        yield app


def come_back(client, provider, claims, then=None, **changed):
    """Go to the provider and back; `changed` replaces what the browser brings."""
    provider.claims = claims
    sent = client.get(START, query_string={"next": then} if then else None)
    assert sent.status_code == 302
    return client.get(ANSWER, query_string=provider.authorize(sent.location) | changed)


def who(client):
    page = client.get("/account")
    return page.text.partition('name="name"')[2].partition('value="')[2].partition('"')[0]


def test_somebody_of_a_domain_that_may_join_gets_an_account(
    both_databases, app, client, acme, provider, inside
):
    assert "Log in with Acme ID" in client.get("/login").text
    answer = come_back(client, provider, GRACE, then="/acme/")
    assert (answer.status_code, answer.location) == (303, "/acme/")
    assert who(client) == "Grace Hopper"
    with inside(acme):
        user = the_person("grace@navy.test")
        member = select(Membership.role).where(Membership.user_id == user.id)
        assert db.session.scalars(member).all() == [Role.VIEWER]
        joined = select(AuditEntry.actor).where(AuditEntry.action == "member.joined")
        assert "single sign-on" in db.session.scalars(joined).all()


@pytest.mark.parametrize("hindrance", [full, locked])
def test_while_nothing_can_be_written_who_is_linked_signs_in(app, acme, provider, hindrance):
    known = GRACE | {"sub": "grace"}
    assert come_back(app.test_client(), provider, known).status_code == 303
    with hindrance(app):
        client = app.test_client()
        answer = come_back(client, provider, known, then="/acme/")
        assert (answer.status_code, answer.location) == (303, "/acme/")
        assert client.get("/acme/").status_code == 200
        stranger = GRACE | {"sub": "new", "email": "nina@navy.test"}
        assert come_back(app.test_client(), provider, stranger).status_code == 503
    assert who(client) == "Grace Hopper"


def test_the_second_time_the_subject_opens_the_account_whatever_its_address(
    both_databases, app, client, acme, provider
):
    come_back(client, provider, GRACE)
    client.post("/logout")
    moved = GRACE | {"email": "grace.hopper@elsewhere.test"}
    assert come_back(client, provider, moved).location == "/"
    assert who(client) == "Grace Hopper"


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        (GRACE | {"email_verified": False}, "has not verified your e-mail address"),
        ({"email": "grace@navy.test"}, "has not verified your e-mail address"),
        ({"email_verified": True}, "did not tell your e-mail address"),
        (GRACE | {"email": "eve@evil.test"}, "There is no account for eve@evil.test here"),
        (GRACE | {"email": "eve@navy.test.evil.test"}, "There is no account for"),
        (GRACE | {"aud": "somebody else"}, "did not confirm who you are"),
        (GRACE | {"iss": "https://evil.test"}, "did not confirm who you are"),
        (GRACE | {"nonce": "of another sign-in"}, "did not confirm who you are"),
        (GRACE | {"exp": int(time.time()) - 3600}, "did not confirm who you are"),
    ],
)
def test_what_the_provider_does_not_vouch_for_opens_nothing(app, client, provider, claims, words):
    answer = come_back(client, provider, claims)
    assert (answer.status_code, words in answer.text) == (403, True), answer.text
    assert client.get("/account").status_code == 303


@pytest.mark.parametrize(
    "brought", [{"state": "another"}, {"code": "never given"}, {"error": "access_denied"}]
)
def test_an_answer_that_was_not_asked_for_opens_nothing(app, client, provider, brought):
    assert come_back(client, provider, GRACE, **brought).status_code == 403
    assert client.get("/account").status_code == 303


def test_an_answer_works_in_the_browser_that_asked_and_once(app, client, acme, provider):
    provider.claims = GRACE
    brought = provider.authorize(client.get(START).location)
    assert app.test_client().get(ANSWER, query_string=brought).status_code == 403
    assert client.get(ANSWER, query_string=brought).status_code == 303
    client.post("/logout")
    assert client.get(ANSWER, query_string=brought).status_code == 403


def test_an_account_that_was_there_before_asks_for_its_password_once(
    both_databases, app, client, acme, provider, inside
):
    answer = come_back(client, provider, ADA, then="/acme/")
    assert answer.location == "/login/single-sign-on/account"
    assert "There is an account for <b>ada@acme.test</b>" in client.get(answer.location).text
    wrong = client.post(answer.location, data={"password": "not this one at all"})
    assert (wrong.status_code, "not the account&#39;s password" in wrong.text) == (422, True)
    right = client.post(answer.location, data={"password": PASSWORD})
    assert right.location == "/acme/"
    again = app.test_client()
    assert come_back(again, provider, ADA).location == "/"
    assert who(again) == who(signed_in(app, "ada@acme.test"))
    with inside(acme):
        linked = select(AuditEntry.target).where(AuditEntry.action == "identity.linked")
        assert db.session.scalars(linked).all() == ["ada@acme.test"]


def test_an_unlinked_identity_opens_nothing(app, as_ada, acme, globex, provider):
    come_back(app.test_client(), provider, ADA)
    stranger = app.test_client()
    come_back(stranger, provider, ADA)
    stranger.post("/login/single-sign-on/account", data={"password": PASSWORD})
    with app.app_context():
        ada = the_person("ada@acme.test")
        with person_scope(ada.id):
            linked = db.session.scalars(select(LinkedIdentity.id)).one()
    page = as_ada.get("/account").text
    assert f'id="identity-{linked}"' in page
    eve = signed_in(app, "eve@globex.test")
    assert eve.post(f"/account/identities/{linked}/removal").status_code == 404
    assert as_ada.post(f"/account/identities/{linked}/removal").status_code == 303
    assert come_back(app.test_client(), provider, ADA).location == "/login/single-sign-on/account"


def test_a_provider_that_is_away_is_said(settings, tmp_path):
    away = replace(
        settings, oidc_issuer="http://127.0.0.1:9", oidc_client_id="c", oidc_client_secret="s"
    )
    with console(away, templates=str(tmp_path)) as app:
        answer = app.test_client().get(START)
    assert (answer.status_code, "does not answer" in answer.text) == (503, True)


def test_a_provider_that_breaks_on_the_way_back_is_said(app, client, provider):
    brought = provider.authorize(client.get(START).location)
    provider.broken = True
    answer = client.get(ANSWER, query_string=brought)
    assert (answer.status_code, "Try single sign-on again" in answer.text) == (403, False)
    assert "Try Acme ID again" in answer.text


def test_where_to_go_afterwards_stays_on_this_console(app, client, acme, provider):
    assert come_back(client, provider, GRACE, then="https://evil.test/").location == "/"


def test_the_provider_is_asked_for_an_answer_to_the_consoles_own_address(app, client, provider):
    asked = parse_qs(urlsplit(client.get(START).location).query)
    assert asked["redirect_uri"] == [f"http://localhost{ANSWER}"]


def test_without_a_provider_there_is_no_such_page(settings, tmp_path):
    with console(settings, templates=str(tmp_path)) as app:
        client = app.test_client()
        assert client.get(START).status_code == client.get(ANSWER).status_code == 404
        assert "single-sign-on" not in client.get("/login").text


def test_a_provider_takes_all_its_settings():
    with pytest.raises(ConfigError, match="OIDC_CLIENT_ID and OIDC_CLIENT_SECRET not"):
        Config.from_environ({"OIDC_ISSUER": "https://id.test"})
    with pytest.raises(ConfigError, match="OIDC_DOMAINS must be domains"):
        Config.from_environ({"OIDC_DOMAINS": "navy.test, @acme.test"})
