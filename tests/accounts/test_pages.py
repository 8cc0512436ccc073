"""Account, organizations, projects, keys and tokens: what each page changes, and for whom."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from console.accounts.models import ApiToken, Key, MonitoringConfig, Project
from console.alerting import history
from console.alerting.delivery import log
from console.core import clock as console_clock
from console.core.audit import AuditEntry
from console.core.db import db
from console.errors import changes
from console.intake import ledger
from console.reports import queries
from console.telemetry import retention
from tests.accounts.reading import found
from tests.support.at_once import at_once
from tests.support.clients import HTMX
from tests.support.factories import PASSWORD, make_project, the_person

AT = "/acme/shop/settings"
MONITORING = {
    "api_p95_ms": 250, "lcp_ms": 2500, "inp_ms": 200,
    "cls_thousandths": 0.15, "retention_days": 30, "retention_mb": 500,
}  # fmt: skip
# Every change an admin may make: path, form, what the answer for htmx starts with.
CHANGES = {
    "/acme/settings/name": ({"name": "Acme 2"}, 'id="organization-form"'),
    f"{AT}/name": ({"name": "Shop 2"}, 'id="project-form"'),
    f"{AT}/repository": ({"repository": "https://github.com/a/b"}, 'id="repository-form"'),
    f"{AT}/monitoring": (MONITORING, 'id="monitoring"'),
    f"{AT}/keys": ({"label": "web"}, 'id="keys"'),
    f"{AT}/keys/1/limit": ({"label": "web", "quota_per_minute": 60}, 'id="keys"'),
    f"{AT}/keys/1/rotation": ({"grace": "24"}, 'id="keys"'),
    f"{AT}/keys/1/disabling": ({}, 'id="keys"'),
    f"{AT}/keys/1/enabling": ({}, 'id="keys"'),
    f"{AT}/keys/origins": ({"allowed_origins": "https://shop.test"}, 'id="origins"'),
    f"{AT}/tokens": ({"label": "ci", "permissions": "issues:read", "expires": "30"}, 'id="tokens"'),
}
FAILURES = {
    "/acme/settings/name": ({"name": ""}, "Give it a name."),
    "/acme/new": ({"name": "", "platform": "python"}, "Give it a name."),
    "/organizations": ({"name": " "}, "Give it a name."),
    "/account/profile": ({"name": "x" * 101}, "at most 100"),
    "/account/password": (
        {"current": "wrong", "password": "four words in a row"},
        "not your current",
    ),
    f"{AT}/name": ({"name": ""}, "Give it a name."),
    f"{AT}/repository": ({"repository": "shop"}, "An address begins with https://."),
    f"{AT}/monitoring": ({**MONITORING, "api_p95_ms": 0}, "between 1 and"),
    f"{AT}/keys": ({"label": ""}, "Say where the key is used."),
    f"{AT}/keys/1/limit": ({"label": "x", "quota_per_minute": -1}, "between 0 and"),
    f"{AT}/keys/origins": ({"allowed_origins": "https://a.test/path"}, "is not an origin"),
    f"{AT}/tokens": ({"label": "ci", "expires": "30"}, "Choose at least one."),
    f"{AT}/deletion": ({"confirmation": "shop"}, "Type “Shop” to delete it."),
}
PAGES = [
    "/acme/",
    "/acme/settings/",
    "/acme/settings/members",
    f"{AT}/",
    f"{AT}/monitoring",
    f"{AT}/keys",
]
ADMINS = ["/acme/new", "/acme/settings/audit", f"{AT}/tokens"]


@pytest.mark.parametrize("path", [*PAGES, *ADMINS])
class TestPages:
    def test_works(self, as_ada, path):
        page = as_ada.get(path)
        assert page.status_code == 200
        assert page.text.startswith("<!doctype html>")

    def test_stranger(self, as_eve, acme, path):
        assert as_eve.get(path).status_code == 404

    def test_nobody(self, client, acme, path):
        assert client.get(path).location.startswith("/login?next=/acme/")

    def test_viewer(self, as_vic, path):
        assert as_vic.get(path).status_code == (403 if path in ADMINS else 200)


@pytest.mark.parametrize("path", CHANGES)
class TestChanges:
    def test_without_scripts(self, as_ada, path):
        answer = as_ada.post(path, data=CHANGES[path][0])
        if answer.status_code == 303:
            assert as_ada.get(answer.location).status_code == 200
        else:  # a secret that is shown only now
            assert (answer.status_code, path) == (200, f"{AT}/tokens")

    def test_part(self, as_ada, path):
        answer = as_ada.post(path, data=CHANGES[path][0], headers=HTMX)
        assert answer.status_code == 200
        assert CHANGES[path][1] in answer.text.partition(">")[0]
        assert "HX-Request" in answer.headers["Vary"]

    def test_is_audited(self, as_ada, acme, inside, path):
        with inside(acme):
            before = set(db.session.scalars(select(AuditEntry.id)))
        as_ada.post(path, data=CHANGES[path][0])
        with inside(acme):
            entries = db.session.scalars(select(AuditEntry)).all()
            added = [e for e in entries if e.id not in before]
        assert [(e.actor, e.address) for e in added] == [("ada@acme.test", "127.0.0.1")]

    def test_stranger(self, as_eve, acme, path):
        assert as_eve.post(path, data=CHANGES[path][0]).status_code == 404

    def test_viewer(self, as_vic, path):
        assert as_vic.post(path, data=CHANGES[path][0]).status_code == 403


@at_once("path", FAILURES)
def test_what_is_wrong_is_said(as_ada, path):
    form, said = FAILURES[path]
    for headers in ({}, HTMX):
        answer = as_ada.post(path, data=form, headers=headers)
        assert answer.status_code == 422
        assert said in answer.text


def test_layout_shift_is_entered_as_a_fraction(as_ada, acme, inside):
    """As people know it from every report; the column counts thousandths."""
    as_ada.post(f"{AT}/monitoring", data={**MONITORING, "cls_thousandths": "0.15"})
    with inside(acme):
        assert db.session.scalar(select(MonitoringConfig.cls_thousandths)) == 150
    assert 'value="0.15"' in as_ada.get(f"{AT}/monitoring").text
    refused = as_ada.post(f"{AT}/monitoring", data={**MONITORING, "cls_thousandths": "100"})
    assert refused.status_code == 422
    assert "Enter a number between 0.001 and 10." in refused.text


def test_a_new_project_has_a_key_and_leads_to_its_connect_page(as_ada, acme, inside):
    answer = as_ada.post("/acme/new", data={"name": "Shop", "platform": "django"})
    assert answer.location == "/acme/shop-2/connect"
    with inside(acme):
        project = db.session.scalars(select(Project).where(Project.slug == "shop-2")).one()
        assert db.session.scalar(select(Key.id).where(Key.project_id == project.id))
        settings = select(MonitoringConfig.api_p95_ms)
        assert db.session.scalar(settings.where(MonitoringConfig.project_id == project.id)) == 300


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        (
            "/acme/shop/performance/endpoints/?range=7d&environment=x",
            "performance/endpoints/?range=7d",
        ),
        ("/acme/shop/intake", "intake"),
        ("/acme/shop/performance/endpoint?name=GET+/", ""),
        ("/acme/settings/members", ""),
        ("/acme/", ""),
    ],
)
def test_the_switch_of_projects_stays_on_the_page_where_the_other_has_it(
    app, as_ada, acme, path, leads_to
):
    make_project(app, acme.organization, "books")
    assert f'class="menu-item" href="/acme/books/{leads_to}"' in as_ada.get(path).text


def test_a_new_organization_belongs_to_its_maker(as_vic):
    answer = as_vic.post("/organizations", data={"name": "Login"})
    assert answer.location == "/login-2/new"  # the plain name is the console's own
    assert as_vic.post(answer.location, data={"name": "API", "platform": "node"}).status_code == 303
    assert "Login" in as_vic.get("/organizations").text


def test_deleting_a_project_takes_its_typed_name(both_databases, as_ada, acme, make_issue):
    make_issue(acme)
    answer = as_ada.post(f"{AT}/deletion", data={"confirmation": "Shop"})
    assert answer.location == "/acme/"
    assert "Shop was deleted." in as_ada.get("/acme/").text
    assert as_ada.get(f"{AT}/").status_code == 404


def test_a_replaced_key_works_on_for_the_chosen_time(app, as_ada, acme, inside, clock):
    def send(key: str) -> int:
        header = {"X-Sentry-Auth": f"Sentry sentry_version=7, sentry_key={key}"}
        answer = app.test_client().post(f"/api/{acme.id}/store/", data="{}", headers=header)
        return int(answer.status_code)

    as_ada.post(f"{AT}/keys/1/rotation", data={"grace": "24"})
    with inside(acme):
        old, new = db.session.scalars(select(Key).order_by(Key.id))
        assert old.replaced_by_id == new.id
        assert new.disabled_at is None
        assert old.disabled_at is not None
        assert timedelta(hours=23) < old.disabled_at - console_clock.now() <= timedelta(hours=24)
    assert "stops working" in as_ada.get(f"{AT}/keys").text
    assert [send(old.public_key), send(new.public_key)] == [200, 200]
    clock.move(hours=25)
    assert [send(old.public_key), send(new.public_key)] == [403, 200]
    assert "Disabled" in as_ada.get(f"{AT}/keys").text


def test_the_dsn_names_the_address_that_was_configured(as_ada, acme, app):
    shown = as_ada.get(f"{AT}/keys").text
    assert re.search(rf"http://[0-9a-f]{{32}}@localhost/{acme.id}\b", shown)


def test_a_token_is_shown_once(as_ada, acme, inside):
    page = as_ada.post(
        f"{AT}/tokens", data={"label": "ci", "permissions": "issues:read", "expires": ""}
    )
    secret = found(r"pht_[\w-]{43}", page.text)
    again = as_ada.get(f"{AT}/tokens").text
    assert secret not in again
    assert secret[-6:] in again
    with inside(acme):
        assert db.session.scalars(select(ApiToken.expires_at)).one() is None
    assert as_ada.post(f"{AT}/tokens/1/revocation").status_code == 303
    assert secret[-6:] not in as_ada.get(f"{AT}/tokens").text


@pytest.mark.parametrize(
    "path", ["keys/99/limit", "keys/99/rotation", "keys/99/disabling", "tokens/99/revocation"]
)
def test_unknown_ids_are_not_found(as_ada, path):
    assert as_ada.post(f"{AT}/{path}", data={"label": "x", "grace": "24"}).status_code == 404


def test_the_audit_log_is_read_in_pages(as_ada, acme, inside):
    with inside(acme):
        db.session.add_all(
            AuditEntry(actor="robot", action="done", target=f"number {n}", details={}, address="")
            for n in range(120)
        )
        db.session.commit()
    page = as_ada.get("/acme/settings/audit").text
    assert "number 119" in page
    assert "number 69<" not in page
    older = found(r'href="(/acme/settings/audit\?cursor=[\w-]+)" rel="next"', page)
    assert "number 69<" in as_ada.get(older).text


def test_theme_is_kept_for_the_person_and_the_browser(as_vic, app):
    answer = as_vic.post("/theme", data={"theme": "dark", "next": "/acme/"})
    assert answer.location == "/acme/"
    assert 'data-theme="dark"' in as_vic.get("/account").text
    assert 'data-theme="dark"' in as_vic.get("/acme/").text
    with app.app_context():
        assert the_person("vic@acme.test").theme == "dark"
    assert as_vic.post("/theme", data={"theme": "pink"}).status_code == 400


def test_the_profile_is_ones_own(as_vic, app):
    part = as_vic.post("/account/profile", data={"name": "  Vic   Toria "}, headers=HTMX).text
    assert 'value="Vic Toria"' in part
    assert "Vic Toria" in as_vic.get("/acme/").text


def test_a_new_password_must_not_be_ones_name(as_vic):
    form = {"current": PASSWORD, "password": "vic@acme.test"}
    answer = as_vic.post("/account/password", data=form, headers=HTMX)
    assert answer.status_code == 422
    assert "name or e-mail" in answer.text


@pytest.mark.parametrize("path", ["/acme/", "/acme/settings/members", f"{AT}/keys"])
def test_statements_do_not_grow_with_rows(app, as_ada, acme, path):
    def statements() -> int:
        counted.clear()
        assert as_ada.get(path).status_code == 200
        return len(counted)

    counted: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *a: counted.append(a[2]))
    as_ada.get(path)
    few = statements()
    for number in range(20):
        make_project(app, acme.organization, f"p{number}")
        as_ada.post(f"{AT}/keys", data={"label": f"k{number}"})
        as_ada.post(
            "/acme/settings/members/invitations",
            data={"email": f"p{number}@acme.test", "role": "viewer"},
        )
    assert statements() == few


def test_the_settings_say_how_long_everything_is_kept(as_vic):
    """The page's words are those of the modules that delete."""
    page = " ".join(as_vic.get(f"{AT}/monitoring").text.split())
    for kept, sentence in (
        (changes.KEPT, "History of issues: resolved, assigned, muted …</td><td>{} days"),
        (ledger.KEPT, "stored, refused, ignored</td><td>{} days"),
        (history.KEPT, "How rules were evaluated</td><td>{} days"),
        (history.HISTORY_KEPT, "what changed an incident {} days"),
        (log.KEPT, "whether they arrived</td><td>{} days"),
        (queries.KEPT_FOR, "Editions of reports</td><td>{} days"),
    ):
        assert sentence.format(kept.days) in page
    assert f"files up to {retention.RENEWED_MB} MB" in page
