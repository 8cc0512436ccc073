import gzip
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha384
from urllib.parse import urljoin

import brotli
import pytest
from flask import Blueprint, Flask, abort
from sqlalchemy.exc import OperationalError

from console.app import create_app
from console.core.config import ConfigError
from console.web import assets
from console.web.assets import PACKAGES, STATIC
from console.web.nav import NavItem, TabItem, nav_entry, nav_groups, settings_tabs, tab_entry
from tests.support.clients import HTMX
from tests.web.gallery import create_gallery, shell


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text, re.DOTALL)
    assert match, pattern
    return match[match.lastindex or 0]


def test_the_rail_shows_what_is_registered_and_marks_one(visitor):
    page = visitor.get("/acme/shop/issues/7/?environment=production").text
    current = re.findall(r'class="rail-link" href="([^"]*)" aria-current="page"', page)
    assert current == ["/acme/shop/issues/?environment=production"]
    assert 'rail-count">3<' in page
    assert re.findall(r'rail-group">(\w+)<', page) == ["Errors", "Data", "Project", "Organization"]


def test_the_rail_hides_what_the_role_forbids(gallery):
    gallery.extensions["pharos.nav"] = [
        NavItem("Keys", "key", "gallery.settings", "Project", role="admin")
    ]
    with gallery.test_request_context("/acme/shop/issues/"):
        person = shell()
        assert [group for group, _ in nav_groups(person)] == ["Project"]
        person.role = "member"
        assert nav_groups(person) == []
        assert nav_groups(None) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_chosen_theme_is_in_the_first_byte_of_the_page(visitor, theme):
    assert f'<html lang="en" data-theme="{theme}" ' in visitor.get(
        f"/acme/shop/issues/?theme={theme}"
    ).text  # fmt: skip
    visitor.set_cookie("theme", theme)
    assert f'data-theme="{theme}"' in visitor.get("/acme/shop/issues/").text


def test_our_files_are_kept_for_a_year_under_a_name_that_changes_with_them(visitor):
    page = visitor.get("/acme/shop/issues/").text
    url = found(r'href="(/static/[0-9a-f]{12}/pharos.css)"', page)
    answer = visitor.get(url)
    assert answer.cache_control.max_age == 31_536_000
    assert answer.cache_control.immutable
    assert visitor.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    stale = visitor.get("/static/000000000000/pharos.css")
    assert stale.data == answer.data
    assert stale.cache_control.no_cache


def test_the_font_comes_with_the_console(visitor):
    """From the address that the style sheet names, which holds below any path; a frame too."""
    page = visitor.get("/acme/shop/overview/").text
    sheet = re.search(r'rel="stylesheet" href="([^"]+)"', page)
    preload = re.search(r'rel="preload" href="([^"]+)" as="font"', page)
    assert sheet
    assert preload
    named = re.search(rb'url\("([^"]+woff2)"\)', visitor.get(sheet[1]).data)
    assert named
    assert urljoin(sheet[1], named[1].decode()) == preload[1]
    font = visitor.get(preload[1])
    assert font.data[:4] == b"wOF2"
    assert len(font.data) < 50_000
    assert font.mimetype == "font/woff2"
    assert font.cache_control.immutable
    assert font.access_control_allow_origin == "*"


def test_without_npm_the_systems_letters_stand_in(visitor, monkeypatch, request):
    monkeypatch.setattr(assets, "FONT", "node_modules/nothing.woff2")
    request.addfinalizer(assets._file.cache_clear)
    assets._file.cache_clear()
    assert "woff2" not in visitor.get("/acme/shop/overview/").text
    assert b"@font-face" not in visitor.get("/static/000000000000/pharos.css").data


def test_no_file_is_in_a_bundle_twice():
    for name, files in assets.BUNDLES.items():
        assert sorted(set(files)) == sorted(files), name


@pytest.mark.parametrize(
    "path",
    [
        "nothing.css",
        "../web/assets.py",
        "%2e%2e/app.py",
        "css",
        "..%2f..%2fwsgi.py",
        "node_modules/esbuild/package.json",
    ],
)
def test_no_other_file_is_served(visitor, path):
    assert visitor.get(f"/static/000000000000/{path}").status_code == 404


def test_packages_have_the_hash_that_the_cdn_is_held_to():
    for package in PACKAGES.values():
        installed = (STATIC / "node_modules" / package.path).read_bytes()
        assert package.integrity == "sha384-" + b64encode(sha384(installed).digest()).decode()


def test_cdn_mode_names_the_files_in_page_and_policy():
    visitor = create_gallery(assets="cdn").test_client()
    answer = visitor.get("/acme/shop/overview/")
    htmx, chart = PACKAGES["htmx"], PACKAGES["chart.js"]
    assert htmx.cdn_url == "https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/dist/htmx.min.js"
    expected = f'src="{htmx.cdn_url}" integrity="{htmx.integrity}" crossorigin="anonymous" async'
    assert expected in answer.text
    assert f'data-chart-integrity="{chart.integrity}"' in answer.text
    sources = answer.headers["Content-Security-Policy"].split("script-src ")[1].split(";")[0]
    drag = PACKAGES["interact"]
    assert sources.split() == ["'self'", htmx.cdn_url, chart.cdn_url, drag.cdn_url]


def test_every_answer_carries_the_security_headers(visitor):
    for path in ("/acme/shop/issues/", "/nothing", "/acme/shop/login"):
        headers = visitor.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in headers


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("same-site", 403), ("same-origin", 400), ("none", 400)],
)
def test_a_change_from_another_site_is_refused_before_the_token_is_looked_at(visitor, site, status):
    answer = visitor.post("/acme/shop/settings/", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == status


def test_a_change_needs_the_token_of_the_page(visitor):
    page = visitor.get("/acme/shop/settings/").text
    token = found(r'name="csrf-token" content="([^"]+)"', page)
    refused = visitor.post("/acme/shop/settings/", data={"name": "x"})
    assert refused.status_code == 400
    assert "too old to be trusted" in refused.text
    accepted = visitor.post("/acme/shop/settings/", headers={"X-CSRFToken": token})
    assert accepted.status_code == 200


def test_a_file_that_nobody_asked_for_does_not_reach_the_disk(visitor):
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n'
    sent = {"data": head + b"x" * (2 << 20), "content_type": "multipart/form-data; boundary=x"}
    assert visitor.post("/acme/shop/settings/", **sent).status_code == 413


def test_an_error_is_a_page_a_part_or_a_problem(gallery, visitor):
    page = visitor.get("/nothing")
    assert page.status_code == 404
    assert "<html" in page.text
    assert page.headers["X-Request-Id"] in page.text
    part = visitor.get("/nothing", headers=HTMX)
    assert part.text.startswith('<div class="tile-error"')
    api = visitor.get("/api/v1/acme/shop/nothing")
    assert api.mimetype == "application/problem+json"
    assert api.json["status"] == 404
    assert api.json["request_id"] == api.headers["X-Request-Id"]


@pytest.mark.parametrize(("status", "passes"), [(503, True), (500, True), (404, False)])
def test_a_part_that_may_load_at_the_next_attempt_offers_one(gallery, visitor, status, passes):
    gallery.add_url_rule("/broken", "broken", lambda: abort(status))
    part = visitor.get("/broken?page=2", headers=HTMX).text
    assert ('hx-get="/broken?page=2"' in part) == passes
    assert ("Reload the page" in part) != passes


@pytest.mark.parametrize("status", [400, 403, 404, 408, 413, 422, 429, 500, 503])
def test_each_error_has_a_sentence(gallery, visitor, status):
    gallery.add_url_rule("/broken", "broken", lambda: abort(status))
    answer = visitor.get("/broken")
    assert answer.status_code == status
    assert len(found(r"<p>([^<]+)</p>", answer.text)) > 30


def test_a_view_may_say_more(gallery, visitor):
    gallery.add_url_rule("/broken", "broken", lambda: abort(400, "The page must be a number."))
    assert "The page must be a number." in visitor.get("/broken").text


def test_a_database_that_is_away_is_503_and_the_page_needs_no_query(gallery, visitor):
    def broken():
        raise OperationalError("SELECT 1", {}, ConnectionError())

    gallery.add_url_rule("/broken", "broken", broken)
    gallery.context_processor(broken)
    answer = visitor.get("/broken")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"


def test_an_invalid_field_shows_its_error_beside_it_and_takes_the_focus(gallery, visitor):
    gallery.config["WTF_CSRF_ENABLED"] = False
    page = visitor.post("/acme/shop/settings/", data={"name": "", "password": "short"}).text
    field = found(r'<input[^>]*id="password"[^>]*>', page)
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="password-error"' in field
    assert re.search(r'id="password-error">.*?Use at least 12 characters', page, re.DOTALL)


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_a_page_is_compressed_for_who_accepts_it(visitor, encoding):
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress}[encoding]
    page = visitor.get("/acme/shop/issues/", headers={"Accept-Encoding": encoding})
    assert page.headers["Content-Encoding"] == encoding
    assert b"</html>" in unpack(page.data)
    assert "Accept-Encoding" in page.headers["Vary"]
    assert len(page.data) < 12_000


def test_an_encoding_survives_the_year_of_a_kept_file(visitor):
    url = found(r'href="(/static/[0-9a-f]{12}/pharos.css)"', visitor.get("/acme/shop/issues/").text)
    first = visitor.get(url, headers={"Accept-Encoding": "br"})
    again = {"Accept-Encoding": "br", "If-None-Match": first.headers["ETag"]}
    assert visitor.get(url, headers=again).status_code == 304
    assert visitor.get(url).data == brotli.decompress(first.data)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Accept-Encoding": "deflate"}, {"Accept-Encoding": "br", "Sec-Fetch-Site": "cross-site"}],
)
def test_nobody_else_gets_a_compressed_page(visitor, headers):
    page = visitor.get("/acme/shop/issues/", headers=headers)
    assert "Content-Encoding" not in page.headers
    assert "</html>" in page.text


def test_local_packages_that_npm_did_not_install_are_named_at_start(
    settings, monkeypatch, tmp_path
):
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    with pytest.raises(
        ConfigError, match="PHAROS_ASSETS is local, but htmx is not here: run `make"
    ):
        create_app(replace(settings, assets="local"))


def test_two_entries_of_the_rail_cannot_claim_the_same_key(gallery):
    first, second = Blueprint("first", __name__), Blueprint("second", __name__)
    nav_entry(first, NavItem("Uptime", "pulse", "first.page", "Errors"))
    nav_entry(second, NavItem("Users", "users", "second.page", "Errors"))
    app = Flask("keys")
    app.register_blueprint(first)
    with pytest.raises(ValueError, match="Uptime and Users both claim the key 'u'"):
        app.register_blueprint(second)


def test_the_keyboard_help_names_the_key_of_every_link(visitor):
    page = visitor.get("/acme/shop/issues/").text
    keys = re.findall(r'data-go="(\w)"', page)
    assert keys == ["i", "o", "c", "a", "s", "m"]
    for key in keys:
        assert f"<kbd>g</kbd> <kbd>{key}</kbd>" in page


def test_a_blueprint_adds_a_tab_of_the_settings(gallery):
    extra = Blueprint("extra", __name__)
    tab_entry(extra, TabItem("Alerts", "gallery.atoms", "project", 2))
    tab_entry(extra, TabItem("General", "gallery.settings", "project", 1))
    tab_entry(extra, TabItem("Keys", "gallery.blank", "project", 3, role="owner"))
    gallery.register_blueprint(extra)
    with gallery.test_request_context("/acme/shop/settings/name"):
        person = shell()
        person.role = "admin"
        assert settings_tabs(person, "project") == [
            ("General", "/acme/shop/settings/", True, None),
            ("Alerts", "/acme/shop/atoms/", False, None),
        ]
