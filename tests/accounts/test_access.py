"""Who may call a view: roles for people, permissions for scripts, and nothing for strangers."""

from functools import partial

import pytest
from flask import jsonify
from sqlalchemy import select

from console.accounts.access import api_view
from console.accounts.models import ApiToken, Membership, Project, Role, User
from console.app import create_app
from console.core import clock as console_clock
from console.core.db import db
from tests.support import consoles
from tests.support.clients import bearer, make_token
from tests.support.factories import signed_in, the_person

API = "/api/v1/acme/shop/probe"


@pytest.fixture
def app(settings):
    """A console of this file's own: once it has answered, it takes no further view."""
    app = create_app(settings)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    yield app
    consoles.close(app)


@pytest.fixture
def api(app):
    """The console with one more view, for tokens that may read issues."""

    @app.get("/api/v1/<slug:organization>/<slug:project>/probe")
    @app.post("/api/v1/<slug:organization>/<slug:project>/probe")
    @api_view("issues:read")
    def probe(project: Project):
        return jsonify(project=project.id)

    return app.test_client()


@pytest.fixture
def token(app):
    """Make a token of a project; return its secret."""
    return partial(make_token, app)


class TestPeople:
    def test_missing_and_foreign_look_the_same(self, as_eve, acme):
        foreign, missing = as_eve.get("/acme/shop/settings/"), as_eve.get("/nobody/shop/settings/")
        assert foreign.status_code == missing.status_code == 404
        assert strip(foreign).replace("/acme/", "/nobody/") == strip(missing)
        assert as_eve.get("/globex/nothing/settings/").status_code == 404

    def test_a_role_too_low_is_told_which_one_it_takes(self, as_vic):
        answer = as_vic.post("/acme/shop/settings/name", data={"name": "Mine"})
        assert answer.status_code == 403
        assert "This needs the role admin; yours is viewer." in answer.text

    @pytest.mark.parametrize(
        ("role", "allowed"),
        [(Role.VIEWER, False), (Role.MEMBER, False), (Role.ADMIN, True), (Role.OWNER, True)],
    )
    def test_each_role_includes_those_below(self, app, acme, inside, role, allowed):
        with inside(acme):
            vic = the_person("vic@acme.test")
            membership = db.session.scalars(
                select(Membership).where(Membership.user_id == vic.id)
            ).one()
            membership.role = role
            db.session.commit()
        answer = signed_in(app, "vic@acme.test").get("/acme/new")
        assert answer.status_code == (200 if allowed else 403)

    def test_who_was_removed_is_a_stranger_at_once(self, as_vic, as_ada, acme, inside):
        with inside(acme):
            vic = db.session.scalars(
                select(Membership.id).join(User, User.id == Membership.user_id)
                .where(User.email == "vic@acme.test")
            ).one()  # fmt: skip
        assert as_vic.get("/acme/").status_code == 200
        as_ada.post(f"/acme/settings/members/{vic}/removal")
        assert as_vic.get("/acme/").status_code == 404

    def test_the_front_leads_to_the_last_project(self, as_alice):
        assert as_alice.get("/").location == "/acme/"
        as_alice.get("/acme/shop/settings/")
        assert as_alice.get("/").location == "/acme/shop/"

    def test_the_front_survives_the_last_projects_end(self, as_ada):
        as_ada.get("/acme/shop/settings/")
        as_ada.post("/acme/shop/settings/deletion", data={"confirmation": "Shop"})
        assert as_ada.get("/").location == "/acme/"


class TestScripts:
    def test_a_token_opens_its_project(self, api, acme, token):
        answer = api.get(API, headers=bearer(token(acme, "issues:read")))
        assert answer.json == {"project": acme.id}

    def test_a_post_needs_no_csrf_token(self, api, acme, token):
        api.application.config["WTF_CSRF_ENABLED"] = True
        assert api.post(API, headers=bearer(token(acme, "issues:read"))).status_code == 200

    def test_a_cookie_opens_nothing(self, api, as_ada):
        assert as_ada.get(API).status_code == api.get(API).status_code == 401

    @pytest.mark.parametrize(
        "header", ["", "Bearer", "Bearer ", "Basic eDp5", "pht_x", "Bearer pht_x"]
    )
    def test_without_one_the_answer_is_a_problem(self, api, acme, header):
        answer = api.get(API, headers={"Authorization": header} if header else {})
        assert answer.status_code == 401
        assert answer.mimetype == "application/problem+json"
        assert answer.json["status"] == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="pharos"'

    def test_a_missing_permission_is_named(self, api, acme, token):
        answer = api.get(API, headers=bearer(token(acme, "outcomes:read")))
        assert answer.status_code == 403
        assert answer.json["detail"] == "This token lacks the permission issues:read."
        assert 'scope="issues:read"' in answer.headers["WWW-Authenticate"]

    def test_it_opens_no_other_project(self, api, acme, globex, token):
        ours = bearer(token(acme, "issues:read"))
        for path in ("globex/shop", "acme/other", "nobody/shop"):
            answer = api.get(f"/api/v1/{path}/probe", headers=ours)
            assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")

    def test_it_ends(self, api, acme, token, clock):
        now = console_clock.now()
        revoked = token(acme, "issues:read", revoked_at=now)
        expired = token(acme, "issues:read", expires_at=now)
        assert "revoked" in api.get(API, headers=bearer(revoked)).json["detail"]
        assert "expired" in api.get(API, headers=bearer(expired)).json["detail"]

    def test_its_use_is_noted_once_a_minute(self, both_databases, api, acme, token, inside, clock):
        secret = bearer(token(acme, "issues:read"))
        seen = []
        for seconds in (0, 30, 31):
            clock.move(seconds=seconds)
            assert api.get(API, headers=secret).status_code == 200
            with inside(acme):
                seen.append(str(db.session.scalars(select(ApiToken.last_used_at)).one()))
        assert seen[0] == seen[1] < seen[2]

    def test_the_secret_is_not_kept(self, acme, token, inside):
        secret = token(acme, "issues:read")
        with inside(acme):
            row = db.session.execute(
                select(*ApiToken.__table__.columns)
                .where(ApiToken.organization_id == acme.organization_id)
            ).one()  # fmt: skip
        assert secret not in str(row)
        assert row.suffix == secret[-6:]


def test_an_unknown_permission_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="PERMISSIONS"):
        api_view("everything")


def strip(answer) -> str:
    """The page without the id of the request and the tokens of its forms."""
    text = answer.text.replace(answer.headers["X-Request-Id"], "")
    return " ".join(part for part in text.split('"') if len(part) < 60)
