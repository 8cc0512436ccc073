"""Ways in and out: set-up, login, logout, invitations."""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from console.accounts.models import (
    LoginSession,
    Membership,
    MonitoringConfig,
    Organization,
    Role,
    User,
)
from console.accounts.queries import everybody, user_by_email
from console.app import create_app
from console.core.crypto import setup_token
from console.core.db import db
from tests.accounts.reading import found
from tests.support.clients import HTMX
from tests.support.consoles import console
from tests.support.databases import SECRET
from tests.support.factories import PASSWORD, in_name_of, make_user, signed_in

SETUP = f"/setup?token={setup_token(SECRET)}"
FIRST = {
    "name": "Ada",
    "email": " Ada@Acme.test ",
    "password": PASSWORD,
    "organization": "Acme Inc.",
    "project": "Shop",
    "platform": "flask",
}
WRONG = "Wrong e-mail address or password."


class TestSetup:
    def test_it_makes_the_first_of_everything_and_signs_in(self, client, app):
        answer = client.post(SETUP, data=FIRST)
        assert (answer.status_code, answer.location) == (303, "/acme-inc/shop/connect")
        assert "Ada" in client.get("/account").text
        keys = client.get("/acme-inc/shop/settings/keys").text
        assert re.search(r"http://[0-9a-f]{32}@localhost/1", keys)
        with app.app_context():
            assert user_by_email("ada@acme.test") is not None

    def test_it_works_once(self, client):
        client.post(SETUP, data=FIRST)
        assert client.get(SETUP).status_code == 404
        assert client.post(SETUP, data=FIRST).status_code == 404

    def test_used_twice_it_says_so_and_leads_to_the_login(self, client, app):
        client.post(SETUP, data=FIRST)
        page = app.test_client().get(SETUP).text
        assert "<h1>Already set up</h1>" in page
        assert 'href="/login"' in page

    def test_of_those_who_come_at_once_one_sets_it_up(self, app, both_databases):
        def post(number: int) -> int:
            form = {**FIRST, "email": f"{number}@acme.test"}
            status: int = app.test_client().post(SETUP, data=form).status_code
            return status

        with ThreadPoolExecutor(4) as pool:
            assert sorted(pool.map(post, range(4))) == [303, 404, 404, 404]
        with app.app_context():
            assert len(everybody()) == 1

    @pytest.mark.parametrize("token", ["", "x", setup_token("another key")])
    def test_it_wants_the_token_of_the_log(self, client, token):
        refused = client.get(f"/setup?token={token}")
        assert (refused.status_code, "link sets nothing up" in refused.text) == (404, True)

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("name", " ", "Give it a name."),
            ("email", "ada", "Write it as name@example.com."),
            ("email", "a@b\nBcc: c@d", "Write it as name@example.com."),
            ("password", "short", "at least 12 characters"),
            ("password", "password1234", "most used passwords"),
            ("organization", "x" * 101, "at most 100"),
            ("platform", "cobol", "Not a valid choice"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, client, app, field, value, said):
        answer = client.post(SETUP, data={**FIRST, field: value})
        assert answer.status_code == 422
        assert re.search(f'id="{field}-error".*{said}', answer.text, re.DOTALL)
        assert 'value="Shop"' in answer.text  # what was right is not to be typed again
        with app.app_context():
            assert everybody() == []

    def test_login_says_where_to_find_the_link(self, client):
        assert "set-up link" in client.get("/login").text


@pytest.mark.parametrize("path", [SETUP, "/setup?token=x", "/invite/x"])
def test_a_link_that_lets_somebody_in_stays_private(client, path):
    headers = client.get(path).headers
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex"


class TestLogin:
    def test_it_leads_where_one_wanted_to_go(self, client, acme):
        there = client.get("/acme/settings/members")
        assert there.location == "/login?next=/acme/settings/members"
        page = client.get(there.location).text
        assert 'value="/acme/settings/members"' in page
        form = {"email": "VIC@acme.test", "password": PASSWORD, "next": "/acme/settings/members"}
        assert client.post("/login", data=form).location == "/acme/settings/members"

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "https://evil.test/",
            "//evil.test",
            "/\\evil.test",
            "/\tx",
            "/\r/evil.test",
            "javascript:x",
        ],
    )
    def test_it_leads_nowhere_else(self, client, acme, elsewhere):
        form = {"email": "vic@acme.test", "password": PASSWORD, "next": elsewhere}
        assert client.post("/login", data=form).location == "/"
        assert client.get("/login", query_string={"next": elsewhere}).location == "/"

    def test_a_part_leads_to_its_page(self, client, acme):
        answer = client.get(
            "/acme/shop/settings/keys",
            headers={
                **HTMX,
                "HX-Current-URL": "http://localhost/acme/shop/?range=7d",
            },
        )
        assert answer.headers["HX-Redirect"] == "/login?next=/acme/shop/?range%3D7d"

    def test_unknown_people_and_wrong_passwords_get_the_same_answer(self, client, acme):
        answers = [
            client.post("/login", data={"email": email, "password": "not the password"})
            for email in ("ada@acme.test", "nobody@acme.test")
        ]
        assert [a.status_code for a in answers] == [422, 422]
        assert all(WRONG in a.text for a in answers)
        assert all(re.search(r"<input[^>]* autofocus[^>]* name=.password", a.text) for a in answers)
        known, unknown = (re.sub(r'"[\w.-]{60,}"', "", a.text) for a in answers)  # CSRF tokens
        assert known == unknown.replace("nobody@", "ada@")

    def test_a_sign_in_gets_a_new_session(self, app, acme):
        client = app.test_client()
        client.get("/login")
        before = cookie(client)
        answer = client.post("/login", data={"email": "vic@acme.test", "password": PASSWORD})
        assert cookie(client) != before
        assert "; HttpOnly; Path=/; SameSite=Lax" in answer.headers["Set-Cookie"]

    @pytest.mark.parametrize(
        ("given", "secure"),
        [
            ({"base_url": "https://pharos.test"}, True),
            ({"trusted_proxies": 1}, True),
            ({"trusted_proxies": 1, "hsts_subdomains": True}, True),
            ({"trusted_proxies": 0}, False),  # anybody could send the header
        ],
        ids=["PHAROS_URL", "proxy", "subdomains", "untrusted"],
    )
    def test_over_https_cookies_are_secure_and_the_browser_stays_there(
        self, settings, given, secure
    ):
        with console(replace(settings, **given), os.environ["PHAROS_TEST_SHARED"]) as app:
            came = {"X-Forwarded-Proto": "https"}
            answer = app.test_client().get("/login", headers=came)
            chosen = app.test_client().post("/theme", data={"theme": "dark"}, headers=came)
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("__Host-pharos=") == secure
        assert ("; Secure; HttpOnly; Path=/; SameSite=Lax" in cookie) == secure
        assert "Domain" not in cookie
        assert ("; Secure" in chosen.headers["Set-Cookie"]) == secure
        forced = answer.headers.get("Strict-Transport-Security", "")
        assert ("max-age=63072000" in forced) == secure
        assert ("includeSubDomains" in forced) == ("hsts_subdomains" in given)


class TestLogout:
    def test_the_session_ends_even_for_a_copied_cookie(self, app, acme):
        client = signed_in(app, "vic@acme.test")
        copied = cookie(client)
        assert client.post("/logout").location == "/login"
        thief = app.test_client()
        thief.set_cookie("pharos", copied)
        assert thief.get("/acme/").location == "/login?next=/acme/"
        with in_name_of(app, "vic@acme.test"):
            assert db.session.scalar(select(func.count(LoginSession.id))) == 0

    def test_it_takes_a_post(self, as_vic):
        assert as_vic.get("/logout", follow_redirects=True).status_code == 404
        assert as_vic.get("/acme/").status_code == 200


class TestInvitation:
    @pytest.fixture
    def link(self, as_ada):
        page = as_ada.post(
            "/acme/settings/members/invitations", data={"email": "new@acme.test", "role": "member"}
        )
        return found(r"http://localhost(/invite/phi_[\w-]+)", page.text)

    def test_a_new_person_joins(self, client, acme, inside, link):
        page = client.get(link)
        assert "new@acme.test" in page.text
        answer = client.post(link, data={"name": "New", "password": PASSWORD})
        assert (answer.status_code, answer.location) == (303, "/acme/")
        assert client.get("/acme/").status_code == 200
        with inside(acme):
            found = db.session.scalars(
                select(Membership).join(User, User.id == Membership.user_id)
                .where(User.email == "new@acme.test")
            ).one()  # fmt: skip
            assert found.role is Role.MEMBER

    def test_somebody_with_an_account_logs_in_first(self, app, client, acme, link):
        make_user(app, "new@acme.test")
        page = client.get(link)
        assert f"/login?next={link}" in page.text
        assert client.post(link, data={"name": "X", "password": PASSWORD}).status_code == 200
        friend = signed_in(app, "new@acme.test")
        assert friend.post(link).location == "/acme/"

    def test_whoever_is_signed_in_and_holds_the_link_joins(self, as_eve, acme, link):
        assert "eve@globex.test" in as_eve.get(link).text
        assert as_eve.post(link).location == "/acme/"
        assert as_eve.get("/acme/").status_code == 200
        assert as_eve.get("/globex/").status_code == 200

    def test_a_member_keeps_the_role(self, as_vic, acme, link):
        as_vic.post(link)
        assert as_vic.get("/acme/new").status_code == 403

    def test_it_works_once(self, client, app, acme, link):
        client.post(link, data={"name": "New", "password": PASSWORD})
        gone = app.test_client().get(link)
        assert gone.status_code == 404
        assert "no longer works" in gone.text

    def test_it_runs_out(self, client, clock, acme, link):
        clock.move(days=8)
        assert client.get(link).status_code == 404

    def test_a_withdrawn_one_is_gone(self, client, as_ada, acme, link):
        page = as_ada.get("/acme/settings/members").text
        path = found(r'"(/acme/settings/members/invitations/\d+/withdrawal)"', page)
        assert as_ada.post(path).status_code == 303
        assert client.get(link).status_code == 404

    def test_a_weak_password_is_refused(self, client, app, acme, link):
        answer = client.post(link, data={"name": "New", "password": "newnewnewnew"})
        assert answer.status_code == 422
        with app.app_context():
            assert user_by_email("new@acme.test") is None


def test_forms_are_refused_without_their_token(settings, acme):
    app = create_app(settings)
    client = app.test_client()
    form = {"email": "vic@acme.test", "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 400
    token = found(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
    assert client.post("/login", data={**form, "csrf_token": token}).status_code == 303
    assert client.post("/logout").status_code == 400
    with app.app_context():
        db.engine.dispose()


def test_over_https_a_page_that_sends_no_referrer_can_be_sent(settings):
    app = create_app(replace(settings, base_url="https://pharos.test"))
    client = app.test_client()
    page = client.get(SETUP, base_url="https://pharos.test")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    token = found(r'name="csrf_token" value="([^"]+)"', page.text)
    form = {**FIRST, "csrf_token": token}
    assert client.post(SETUP, data=form, base_url="https://pharos.test").status_code == 303
    with app.app_context():
        db.engine.dispose()


def test_every_project_has_its_settings(client, app, inside):
    client.post(SETUP, data=FIRST)
    with app.app_context():
        first = select(Organization).where(~Organization.builtin)
        organization = db.session.scalars(first).one().id
    with inside(organization):
        assert db.session.scalar(select(func.count(MonitoringConfig.id))) == 1


def cookie(client) -> str:
    held = client.get_cookie("pharos")
    return str(held.value)
