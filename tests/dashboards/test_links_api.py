"""Links to dashboards for scripts."""

import pytest

from tests.dashboards.sharing import greeting

HERE = "/api/v1/acme/shop/dashboards"


@pytest.fixture
def script(as_script, acme):
    return lambda permission: as_script(acme, permission)


@pytest.fixture
def here(acme, make_dashboard):
    dashboard_id, _ = make_dashboard(acme, greeting("Board"))
    return f"{HERE}/{dashboard_id}/links"


def test_a_script_makes_pauses_and_revokes_a_link(script, client, here):
    browser = script("dashboards:write")
    terms = {
        "name": "Carol",
        "expires_at": "2099-01-01T00:00:00+00:00",
        "locked": {"customer": "ACME"},
        "opened": ["other"],
        "range": "7d",
        "origins": ["https://a.test", "https://b.test"],
        "has_markers": True,
    }
    made = browser.post(here, json=terms)
    assert made.status_code == 201, made.text
    assert {name: made.json[name] for name in terms} == terms
    path = made.json["url"].removeprefix("http://localhost")
    assert "Hello ACME" in client.get(path).text
    (listed,) = browser.get(here).json["links"]
    assert listed["views"] == 1
    assert "url" not in listed
    own = f"{here}/{listed['id']}"
    assert browser.post(f"{own}/pause").json["state"] == "paused"
    assert client.get(path).status_code == 404
    assert browser.post(f"{own}/resumption").json["state"] == "active"
    assert browser.delete(own).status_code == 204
    assert browser.delete(own).status_code == 404
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "name: Say whom it is for."),
        ({"name": "x", "locked": {"what": "y"}}, "locked: The dashboard has no variable what."),
        ({"name": "x", "origins": ["a.test"]}, "origins: “a.test” is not an origin"),
        ({"name": "x", "origins": "https://a.test", "range": "5y"}, "range:"),
        ({"name": "x", "token": "mine"}, "A link has no token."),
    ],
)
def test_what_is_wrong_with_a_document_is_named(script, here, document, message):
    answer = script("dashboards:write").post(here, json=document)
    assert answer.status_code == 400
    assert message in answer.json["detail"]


def test_links_take_the_permission_to_write(script, here):
    assert script("dashboards:read").get(here).status_code == 403
    assert script("dashboards:write").get(f"{HERE}/999/links").status_code == 404


def test_a_script_changes_a_link_whose_address_and_password_stay(script, client, here):
    browser = script("dashboards:write")
    first = {"name": "Carol", "range": "7d", "password": "a long word that nobody has"}
    made = browser.post(here, json=first).json
    own, path = f"{here}/{made['id']}", made["url"].removeprefix("http://localhost")
    changed = browser.put(own, json={"name": "Dave", "range": "30d", "theme": "dark"})
    assert changed.status_code == 200
    assert (changed.json["name"], changed.json["range"]) == ("Dave", "30d")
    assert changed.json["has_password"]
    assert "Hello" not in client.get(path).text
    open_ = browser.put(own, json={"name": "Dave", "without_password": True})
    assert not open_.json["has_password"]
    assert "Hello" in client.get(path).text
    wrong = browser.put(own, json={"name": "Dave", "origins": ["a.test"]})
    assert wrong.status_code == 400
    assert "is not an origin" in wrong.json["detail"]
    assert browser.put(f"{here}/999", json={"name": "x"}).status_code == 404
    assert script("dashboards:read").put(own, json={"name": "x"}).status_code == 403
    browser.delete(own)
    assert browser.put(own, json={"name": "x"}).status_code == 404
