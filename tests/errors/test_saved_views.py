"""The views of the inbox that people save."""

import re

import pytest
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy.exc import IntegrityError

from console.core.db import db
from console.errors import saved_views
from console.errors.models import SavedView
from tests.support.clients import HTMX
from tests.support.pages import Page

INBOX = "/acme/shop/issues/"
SAVE = f"{INBOX}views"
ASKED = "q=is%3Aopen+plan%3Aprivate&level=error&range=24h&environment=production&page=2&other=1"


def names(answer):
    return [link.text(strip=True) for link in Page(answer).select("#views a.menu-item")]


def test_a_view_keeps_filters_order_and_range(as_vic, acme, make_issue):
    make_issue(acme)
    answer = as_vic.post(f"{SAVE}?{ASKED}&sort=events", data={"name": "  Private   plan "})
    assert answer.status_code == 303
    page = as_vic.get(INBOX)
    assert names(page) == ["Private plan"]
    (link,) = Page(page).select("#views a.menu-item")
    address = link.attributes["href"] or ""
    assert "page=" not in address
    assert "other=" not in address
    opened = as_vic.get(address)
    assert opened.status_code == 200
    for kept in ("is:open plan:private", 'value="events" selected', "aria-current"):
        assert kept in opened.text or re.search(r'selected[^>]*value="events"', opened.text), kept
    (search,) = Page(opened).select('input[name="q"]')
    assert search.attributes["value"] == "is:open plan:private"
    (current,) = Page(opened).select("#views a[aria-current]")
    assert current.text(strip=True) == "Private plan"


def test_htmx_gets_the_menu(as_vic, acme):
    part = as_vic.post(f"{SAVE}?level=fatal", data={"name": "Fatal"}, headers=HTMX)
    assert part.status_code == 200
    assert part.text.lstrip().startswith('<div id="views"')
    assert names(part) == ["Fatal"]


def test_the_same_name_gets_the_new_filters(as_vic, acme):
    as_vic.post(f"{SAVE}?level=fatal", data={"name": "Mine"})
    as_vic.post(f"{SAVE}?level=error", data={"name": "Mine"})
    page = as_vic.get(INBOX)
    assert names(page) == ["Mine"]
    assert f'href="{INBOX}?level=error"' in page.text


def test_views_are_a_persons_own_and_a_projects(as_vic, as_alice, as_eve, app, acme, inside):
    as_vic.post(f"{SAVE}?level=fatal", data={"name": "Vic's"})
    assert names(as_alice.get(INBOX)) == []
    assert as_eve.post(f"{SAVE}?level=fatal", data={"name": "Eve's"}).status_code == 404
    with inside(acme):
        (view,) = db.session.query(SavedView).all()
        view_id = view.id
    assert as_alice.post(f"{SAVE}/{view_id}/deletion").status_code == 404
    assert as_eve.post(f"{SAVE}/{view_id}/deletion").status_code == 404
    assert names(as_vic.get(INBOX)) == ["Vic's"]


def test_a_view_is_deleted_by_its_owner(as_vic, acme, inside):
    as_vic.post(f"{SAVE}?level=fatal", data={"name": "Old"})
    as_vic.post(f"{SAVE}?level=error", data={"name": "Kept"})
    with inside(acme):
        ids = {view.name: view.id for view in db.session.query(SavedView)}
    part = as_vic.post(f"{SAVE}/{ids['Old']}/deletion?level=error", headers=HTMX)
    assert names(part) == ["Kept"]
    answer = as_vic.post(f"{SAVE}/{ids['Kept']}/deletion?level=error")
    assert (answer.status_code, answer.location) == (303, f"{INBOX}?level=error")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("", "Give the view a name."), ("   ", "Give the view a name."), ("x" * 61, "At most 60")],
)
@pytest.mark.parametrize("headers", [HTMX, {}])
def test_a_view_without_a_proper_name_is_refused_at_the_field(
    as_vic, acme, name, sentence, headers
):
    answer = as_vic.post(f"{SAVE}?level=fatal", data={"name": name}, headers=headers)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert names(as_vic.get(INBOX)) == []


def test_a_person_has_no_more_views_than_a_menu_shows(as_vic, acme, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST", 2)
    for name in ("a", "b"):
        as_vic.post(f"{SAVE}?level=fatal", data={"name": name})
    answer = as_vic.post(f"{SAVE}?level=fatal", data={"name": "c"}, headers=HTMX)
    assert answer.status_code == 422
    assert "Delete one first" in answer.text
    assert as_vic.post(f"{SAVE}?level=error", data={"name": "b"}, headers=HTMX).status_code == 200


def test_a_view_is_shared_by_whoever_may_edit_and_seen_by_all(
    as_vic, as_alice, as_eve, acme, inside
):
    assert "Share it with the project" not in as_vic.get(INBOX).text
    shared = {"name": "Team", "shared": "y"}
    assert as_vic.post(f"{SAVE}?level=fatal", data=shared).status_code == 403
    as_vic.post(f"{SAVE}?level=error", data={"name": "Team"})
    assert as_alice.post(f"{SAVE}?level=fatal", data=shared).status_code == 303
    as_alice.post(f"{SAVE}?level=info", data={"name": "Mine"})
    page = as_vic.get(INBOX)
    assert names(page) == ["Team", "Team"], "the project's first, then one's own"
    assert [link.attributes["href"] for link in Page(page).select("#views a.menu-item")] == [
        f"{INBOX}?level=fatal", f"{INBOX}?level=error",
    ]  # fmt: skip
    assert [label.text(strip=True) for label in Page(page).select("#views p.menu-label")] == [
        "Of the project", "Yours",
    ]  # fmt: skip
    assert "Share it with the project" in as_alice.get(INBOX).text
    with inside(acme):
        (team,) = db.session.query(SavedView).filter_by(user_id=None)
        team_id = team.id
    deletion = f"{SAVE}/{team_id}/deletion"
    assert deletion not in page.text
    assert as_vic.post(deletion).status_code == 403
    assert as_eve.post(deletion).status_code == 404
    # The name is the project's: whoever shares it again changes the filters of all.
    assert as_alice.post(f"{SAVE}?level=warning", data=shared).status_code == 303
    assert names(as_alice.get(INBOX)) == ["Team", "Mine"]
    assert f'href="{INBOX}?level=warning"' in as_vic.get(INBOX).text
    assert as_alice.post(deletion, headers=HTMX).status_code == 200
    assert names(as_vic.get(INBOX)) == ["Team"]


def test_a_shared_view_is_nobodys_and_its_name_the_only_one(
    both_databases, as_alice, as_vic, acme, inside
):
    as_alice.post(f"{SAVE}?level=fatal", data={"name": "Team", "shared": "y"})
    with inside(acme):
        assert [view.user_id for view in db.session.query(SavedView)] == [None]
        db.session.add(SavedView(project_id=acme.id, user_id=None, name="Team", query=""))
        with pytest.raises(IntegrityError):
            db.session.flush()
        db.session.rollback()


def test_the_rail_leads_to_the_view_used_last_and_from_the_list_to_the_list(
    as_vic, acme, globex, inside
):
    as_vic.post(f"{SAVE}?level=fatal&range=7d", data={"name": "Fatal"})
    view, elsewhere = f"{INBOX}?level=fatal&range=7d", "/acme/shop/performance/traces/"

    def rail(page: str) -> str:
        shown = LexborHTMLParser(as_vic.get(page).text)
        (link,) = (own for own in shown.css("a.rail-link") if own.text(strip=True) == "Issues")
        return str(link.attributes["href"])

    assert rail(elsewhere) == INBOX, "saving a view does not open it"
    assert as_vic.get(view).status_code == 200
    as_vic.get(f"{INBOX}?level=error")
    link = rail(elsewhere)
    answer = as_vic.get(link)
    assert (answer.status_code, answer.location) == (303, view)
    assert as_vic.get(f"{INBOX}?view=nothing").location == INBOX

    plain = rail(view)
    assert plain == f"{INBOX}?range=7d"
    assert as_vic.get(plain).status_code == 200, "no other link to the list is led astray"
    assert rail(elsewhere) == INBOX, "from the list itself the plain list is meant, and then on"

    as_vic.get(view)
    with inside(acme):
        (saved,) = db.session.query(SavedView)
        view_id = saved.id
    as_vic.post(f"{SAVE}/{view_id}/deletion")
    answer = as_vic.get(rail(elsewhere), follow_redirects=True)
    assert answer.request.full_path == f"{INBOX}?", "a view that is gone is not opened"
    assert rail(elsewhere) == INBOX
