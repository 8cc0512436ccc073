"""A console below a path of a site: what it reads of addresses, and what it hands out."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from werkzeug.test import create_environ
from werkzeug.wrappers import Response

from console.accounts import people
from console.accounts.access import safe_path
from console.accounts.models import Key
from console.accounts.projects import console_url, create_organization, dsn_of
from console.core.config import Config, ConfigError
from console.core.db import db
from console.dashboards import making
from console.dashboards.document import Document
from console.dashboards.embeds import _own_origin
from console.uptime.heartbeats import is_of_console
from console.web.below import Below
from tests.support import clients

SITE = "https://example.com"
PATH = "/tools/pharos"


@pytest.fixture
def settings(settings: Config) -> Config:
    return replace(settings, base_url=f"{SITE}{PATH}")


def reached(path):
    """The script's name and the path that an application is given, by however many readings."""
    environ = {**create_environ(), "PATH_INFO": path}
    entry = Below(Response(), PATH)
    read = set()
    for _ in range(2):
        entry(environ, lambda *_answer: bytes)
        read.add(f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}")
    (only,) = read
    return only


@pytest.mark.parametrize(
    ("asked", "read"),
    {
        PATH: "/",
        f"{PATH}/": "/",
        f"{PATH}/login": "/login",
        "/login": "/login",
        "/": "/",
        f"{PATH}-2/login": f"{PATH}-2/login",
        f"{PATH}{PATH}/": f"{PATH}/",
    }.items(),
)
def test_the_path_is_taken_off_once_where_the_proxy_left_it(asked, read):
    assert reached(asked) == f"{PATH} {read}"


@pytest.mark.parametrize("left", ["", PATH])
def test_redirects_lead_below_the_path(client, left):
    answer = client.get(f"{left}/acme/shop/issues/")
    assert answer.location == f"{PATH}/login?next={PATH}/acme/shop/issues/"
    assert client.get(f"{left}/acme/shop").location.endswith(f"{PATH}/acme/shop/")


@pytest.mark.parametrize("left", ["", PATH])
def test_error_pages_lead_to_the_front_page_below_the_path(client, left):
    page = client.get(f"{left}/no/such/page/at/all/").text
    assert f'href="{PATH}/"' in page
    assert f'"{PATH}/static/' in page
    assert 'href="/"' not in page


def test_whatever_host_a_request_names_scripts_are_given_the_consoles_own_address(
    app, acme, make_issue, inside
):
    for number in range(2):
        make_issue(acme, title=f"Error {number}")
    with inside(acme):
        dashboard_id = making.create(acme, Document(title="Board")).id
        db.session.commit()
    read, write = "issues:read", "dashboards:write"
    browser = clients.script(app, clients.make_token(app, acme, read, write))
    evil, here = "https://evil.test/", "/api/v1/acme/shop"
    answer = browser.get(f"{here}/issues?limit=1", base_url=evil)
    assert answer.get_json()["next"].startswith(f"{SITE}{PATH}{here}/issues?")
    assert "evil.test" not in answer.text + str(answer.headers)
    assert f"{SITE}{PATH}/acme/shop/issues/" in answer.text
    terms = {"name": "Carol", "expires_at": "2099-01-01T00:00:00+00:00"}
    links = f"{here}/dashboards/{dashboard_id}/links"
    made = browser.post(links, json=terms, base_url=evil)
    assert made.get_json()["url"].startswith(f"{SITE}{PATH}/shared/")


def test_cookies_are_for_the_paths_below(client):
    answer = client.get(f"{PATH}/login")
    cookies = answer.headers.getlist("Set-Cookie")
    assert cookies
    for cookie in cookies:
        assert cookie.startswith("__Secure-")
        assert f"; Path={PATH}/" in cookie


def test_signing_in_leads_nowhere_else_on_the_site(app):
    with app.test_request_context(base_url=f"{SITE}{PATH}"):
        assert safe_path(f"{PATH}/acme/") == f"{PATH}/acme/"
        for elsewhere in ("/wiki", "/tools/pharos-2/", "//example.org/", "", None):
            assert safe_path(elsewhere) == f"{PATH}/"


def test_clients_and_sites_are_given_addresses_below_the_path(app, acme, inside):
    with inside(acme):
        dsn = dsn_of(db.session.scalars(select(Key)).one())
        assert console_url() == f"{SITE}{PATH}"
        assert dsn.startswith("https://")
        assert dsn.endswith(f"@example.com{PATH}/{acme.id}")
        assert _own_origin() == SITE, "a policy's source with a path is that one file alone"


def test_no_organization_is_named_like_what_the_proxy_may_leave_in_addresses(app):
    with app.app_context():
        assert (
            create_organization("Tools", owner=people.add("t@acme.test", "T", "x")).slug
            == "tools-2"
        )


def test_a_check_of_another_application_on_the_site_is_none_of_the_console_itself(app):
    with app.app_context():
        assert is_of_console(f"{SITE}{PATH}/healthz")
        assert not is_of_console(f"{SITE}/wiki")


@pytest.mark.parametrize("path", ["/a b", "/a%20b", "/ä", "//", "/a//b"])
def test_a_path_that_links_cannot_begin_with_is_refused(path):
    with pytest.raises(ConfigError, match="PHAROS_URL must"):
        Config.from_environ({"PHAROS_URL": f"{SITE}{path}"})


def test_a_console_at_the_root_of_its_host_is_below_nothing():
    assert Config.from_environ({"PHAROS_URL": f"{SITE}/"}).base_path == ""
    assert Config.from_environ({}).base_path == ""
