"""The repository of a project, to whose lines the frames of stack traces lead."""

import pytest

from console.accounts.repositories import UnknownLayoutError, place_url, source_url, template
from console.errors.frames import path_in_repository
from tests.support.clients import HTMX

SETTINGS = "/acme/shop/settings/repository"


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("https://github.com/acme/shop", "https://github.com/acme/shop/blob/HEAD/a%20b/c.py#L7"),
        (
            "https://github.com/acme/shop.git",
            "https://github.com/acme/shop/blob/HEAD/a%20b/c.py#L7",
        ),
        ("https://gitlab.acme.test/x/y/", "https://gitlab.acme.test/x/y/-/blob/HEAD/a%20b/c.py#L7"),
        ("https://bitbucket.org/a/b", "https://bitbucket.org/a/b/src/HEAD/a%20b/c.py#lines-7"),
        (
            "https://git.acme.test/{release}/src/{path}?l={line}",
            "https://git.acme.test/1.4.2/src/a%20b/c.py?l=7",
        ),
    ],
)
def test_a_repository_shows_a_line_at_its_address(address, line):
    assert source_url(template(address), "a b/c.py", 7, "shop@1.4.2+9") == line


@pytest.mark.parametrize(
    "address",
    [
        "shop",
        "javascript:alert(1)//{path}",
        "ftp://github.com/acme/shop",
        "https://git.acme.test/shop",
        "https://{path}/x",
        "https://[x/",
        "services mail https://github.com/acme/shop",
        "https://github.com/acme/shop\nhttps://github.com/acme/mail",
        "mail https://github.com/acme/shop\nmail https://github.com/acme/mail",
    ],
)
def test_what_is_no_address_of_lines_is_refused(address):
    with pytest.raises(UnknownLayoutError):
        template(address)


MONOREPO = """
https://github.com/acme/shop
services/mail/ https://github.com/acme/mail
services https://github.com/acme/rest/blob/main/src/{path}#L{line}
"""


@pytest.mark.parametrize(
    ("place", "url"),
    [
        ("shop/cart.py:7", "shop/blob/HEAD/shop/cart.py#L7"),
        ("services/mail/send.py:7 in send", "mail/blob/HEAD/send.py#L7"),
        ("services/mailing/send.py:7", "rest/blob/main/src/mailing/send.py#L7"),
        ("/services/tax/rates.py:7", "rest/blob/main/src/tax/rates.py#L7"),
        ("shop/cart.py", ""),
        ("venv/lib/site-packages/flask/app.py:7", ""),
        ("../secrets.py:7", ""),
    ],
)
def test_each_folder_of_a_monorepo_has_an_address_of_its_own(place, url):
    assert place_url(place, template(MONOREPO)) == (url and f"https://github.com/acme/{url}")


def test_folders_alone_leave_the_others_without_an_address():
    assert place_url("shop/a.py:1", "services https://github.com/acme/mail") == ""


@pytest.mark.parametrize("path", ["", "../../etc/passwd", "a/../b.py"])
def test_a_path_outside_of_the_repository_leads_nowhere(path):
    assert source_url(template("https://github.com/acme/shop"), path, 1) == ""


@pytest.mark.parametrize(
    ("name", "module", "path"),
    [
        ("shop/cart.py", "shop.cart", "shop/cart.py"),
        ("./src/cart.ts", "", "src/cart.ts"),
        ("webpack:///./src/cart.ts", "", "src/cart.ts"),
        ("app:///src/cart.js?v=3", "", "src/cart.js"),
        ("/src/Cart.php", "", "src/Cart.php"),
        ("C:\\shop\\Cart.cs", "", "shop/Cart.cs"),
        ("Cart.java", "com.acme.shop.Cart", "com/acme/shop/Cart.java"),
        ("Cart.kt", "com.acme.Cart", "com/acme/Cart.kt"),
        ("cart.go", "main", "cart.go"),
        ("https://shop.test/app.js", "", ""),
        ("<string>", "", ""),
    ],
)
def test_a_frame_names_its_file_in_the_repository(name, module, path):
    assert path_in_repository(name, module) == path


def test_an_admin_names_the_repository_and_frames_lead_to_it(as_ada, as_vic, acme, send, the_issue):
    page = as_ada.post(SETTINGS, data={"repository": " https://github.com/acme/shop "})
    assert page.status_code == 303
    send(acme)
    issue = the_issue().id
    page = as_vic.get(f"/acme/shop/issues/{issue}/").text
    assert 'href="https://github.com/acme/shop/blob/HEAD/shop/checkout.py#L42"' in page
    assert "blob/HEAD/flask" not in page
    assert as_ada.post(SETTINGS, data={"repository": ""}).status_code == 303
    assert "blob/HEAD" not in as_vic.get(f"/acme/shop/issues/{issue}/").text


def test_an_address_without_places_stands_at_its_field_with_what_is_wrong(as_ada):
    answer = as_ada.post(SETTINGS, data={"repository": "https://x.test/y"}, headers=HTMX)
    assert answer.status_code == 422
    assert answer.text.lstrip().startswith('<section class="card" id="repository-form">')
    assert "Say where path and line stand" in answer.text
    assert "https://x.test/y</textarea>" in answer.text


def test_only_admins_name_a_repository(as_vic, as_alice, as_eve):
    given = {"repository": "https://github.com/acme/shop"}
    assert as_vic.post(SETTINGS, data=given).status_code == 403
    assert as_alice.post(SETTINGS, data=given).status_code == 403
    assert as_eve.post(SETTINGS, data=given).status_code == 404
    assert "No repository is named." in as_vic.get("/acme/shop/settings/").text
