"""Who is removed or demoted is out: with open invitations and API tokens that they made."""

import re
from dataclasses import dataclass
from threading import Thread
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from console.accounts.models import ApiToken, Invitation, Membership, Organization, Role, User
from console.core.audit import AuditEntry
from console.core.db import db
from tests.accounts.reading import found
from tests.support.clients import bearer
from tests.support.factories import make_member, signed_in

PATH = "/acme/settings/members"
API = "/api/v1/acme/shop/issues"
TOKEN = {"permissions": "issues:read", "expires": "30"}


@dataclass
class Admin:
    """A browser of an admin, and what they handed out with it."""

    browser: FlaskClient
    tokens: list[str]
    link: str

    def get(self, path: str) -> TestResponse:
        return self.browser.get(path)

    def post(self, path: str, data: dict[str, Any]) -> TestResponse:
        return self.browser.post(path, data=data)


@pytest.fixture
def bob(app, acme):
    """Bob, an admin who made two tokens and an invitation."""
    make_member(app, acme.organization, "bob@acme.test", Role.ADMIN)
    client = signed_in(app, "bob@acme.test")
    pages = [
        client.post("/acme/shop/settings/tokens", data={**TOKEN, "label": label}).text
        for label in ("ci", "laptop")
    ]
    offer = {"email": "friend@acme.test", "role": "admin"}
    page = client.post(f"{PATH}/invitations", data=offer).text
    tokens = [found(r"pht_[\w-]{43}", page) for page in pages]
    return Admin(client, tokens, found(r"/invite/phi_[\w-]{43}", page))


@pytest.fixture
def member(acme, inside):
    """The id of a membership of acme, by the person's first name."""

    def find(name: str) -> int:
        with inside(acme):
            return db.session.scalars(
                select(Membership.id).join(User, User.id == Membership.user_id)
                .where(User.email == f"{name}@acme.test")
            ).one()  # fmt: skip

    return find


def works(client, token) -> bool:
    answer = client.get(API, headers=bearer(token))
    assert answer.status_code in {200, 401}
    return bool(answer.status_code == 200)


def audited(inside, acme) -> list[str]:
    with inside(acme):
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        return [
            f"{entry.actor}: {entry.action} {entry.target} {entry.details}" for entry in entries
        ]


CHANGES = [("removal", {}), ("role", {"role": "member"}), ("role", {"role": "viewer"})]


@pytest.mark.parametrize(("change", "form"), CHANGES)
def test_it_is_asked_first_and_then_ended(
    both_databases, as_ada, bob, client, member, inside, acme, change, form
):
    path = f"{PATH}/{member('bob')}/{change}"
    asked = as_ada.post(path, data=form)
    assert asked.status_code == 303
    assert asked.location.startswith(path)
    assert all(works(client, token) for token in bob.tokens), "nothing is done yet"
    page = as_ada.get(asked.location).text
    assert "friend@acme.test" in page
    assert len(re.findall(r'type="checkbox" name="revoke" value="\d+" checked', page)) == 2
    shown = re.findall(r'name="shown" value="(\d+)"', page)
    sent = {**form, "confirmed": "yes", "shown": shown, "revoke": shown}
    assert as_ada.post(path, data=sent).status_code == 303
    assert not any(works(client, token) for token in bob.tokens)
    assert client.get(bob.link).status_code == 404
    told = "\n".join(audited(inside, acme))
    for act in (
        "invitation.withdrawn friend@acme.test",
        "token.revoked ci",
        "token.revoked laptop",
    ):
        assert f"ada@acme.test: {act}" in told
    assert "bob@acme.test" in told.split("token.revoked ci", 1)[1].splitlines()[0]


def test_a_token_whose_box_is_cleared_is_kept(as_ada, bob, client, member, inside, acme):
    path = f"{PATH}/{member('bob')}/removal"
    page = as_ada.get(path).text
    laptop, ci = re.findall(r'name="shown" value="(\d+)"', page)
    as_ada.post(path, data={"confirmed": "yes", "shown": [laptop, ci], "revoke": [laptop]})
    assert [works(client, token) for token in bob.tokens] == [True, False]
    assert "token.kept ci" in "\n".join(audited(inside, acme))


def test_what_the_form_did_not_show_is_revoked(as_ada, bob, client, member):
    """A token that was made while the form stood open must not slip through."""
    as_ada.post(f"{PATH}/{member('bob')}/removal", data={"confirmed": "yes"})
    assert not any(works(client, token) for token in bob.tokens)


def test_the_tokens_of_others_stay(as_ada, bob, client, member):
    page = as_ada.post("/acme/shop/settings/tokens", data={**TOKEN, "label": "own"}).text
    own = found(r"pht_[\w-]{43}", page)
    as_ada.post(f"{PATH}/{member('bob')}/removal", data={"confirmed": "yes"})
    assert works(client, own)


def test_a_higher_role_ends_nothing(as_ada, bob, client, member):
    answer = as_ada.post(f"{PATH}/{member('bob')}/role", data={"role": "owner"})
    assert answer.location == PATH
    assert all(works(client, token) for token in bob.tokens)
    assert client.get(bob.link).status_code == 200


def test_who_leaves_without_being_an_admin_keeps_no_token(
    as_ada, bob, client, member, inside, acme
):
    with inside(acme):  # demoted in a time before this was asked
        db.session.get_one(Membership, member("bob")).role = Role.VIEWER
        db.session.commit()
    path = f"{PATH}/{member('bob')}/removal"
    page = bob.get(path).text
    assert "Leave Acme" in page
    assert 'name="revoke"' not in page
    with inside(acme):
        shown = [str(i) for i in db.session.scalars(select(ApiToken.id))]
    assert bob.post(path, data={"confirmed": "yes", "shown": shown}).location == "/organizations"
    assert not any(works(client, token) for token in bob.tokens)
    assert client.get(bob.link).status_code == 404


def test_the_role_has_its_article(as_ada, bob, member):
    assert "Make Bob an admin" in as_ada.get(f"{PATH}/{member('bob')}/role?role=admin").text


def test_sessions_of_the_removed_are_shut_out_at_once(as_ada, bob, member):
    pages = ("/acme/", "/acme/shop/issues/", PATH)
    assert [bob.get(page).status_code for page in pages] == [200] * 3
    as_ada.post(f"{PATH}/{member('bob')}/removal", data={"confirmed": "yes"})
    assert [bob.get(page).status_code for page in pages] == [404] * 3
    assert bob.get("/account").status_code == 200


def test_a_demoted_admin_may_at_once_no_more_than_the_new_role(as_ada, bob, member):
    form = {"role": "viewer", "confirmed": "yes"}
    as_ada.post(f"{PATH}/{member('bob')}/role", data=form)
    assert bob.get("/acme/shop/settings/tokens").status_code == 403
    assert bob.get("/acme/").status_code == 200


def test_the_confirmation_is_for_those_who_may_remove(as_vic, as_ada, bob, member):
    assert as_vic.get(f"{PATH}/{member('bob')}/removal").status_code == 403
    assert as_vic.get(f"{PATH}/{member('bob')}/role?role=viewer").status_code == 403
    assert as_ada.get(f"{PATH}/{member('bob')}/role?role=king").status_code == 400
    assert as_vic.get(f"{PATH}/{member('vic')}/removal").status_code == 200


@pytest.mark.parametrize("change", ["removal", "demotion"])
def test_nothing_is_handed_out_in_the_moment_of_a_change(
    both_databases, acme, bob, member, inside, change
):
    """A request that began as an admin's waits for the change, and then hands out nothing."""
    answers = []
    offer = {"email": "late@acme.test", "role": "viewer"}
    with inside(acme):
        membership = db.session.get_one(Membership, member("bob"))
        if change == "removal":
            db.session.delete(membership)
        else:
            membership.role = Role.VIEWER
        db.session.flush()
        late = Thread(target=lambda: answers.append(bob.post(f"{PATH}/invitations", data=offer)))
        late.start()
        late.join(1.0)  # it waits: on PostgreSQL for the row, on SQLite for the whole database
        db.session.commit()
    late.join()
    assert answers[0].status_code in {403, 404}
    with inside(acme):
        late_offer = select(Invitation).where(Invitation.email == "late@acme.test")
        assert db.session.scalar(late_offer) is None


def test_who_became_the_only_owner_meanwhile_is_not_removed(
    both_databases, app, acme, as_ada, bob, member, inside
):
    """A removal that began when the person was an admin looks again once it may."""
    answers: list[TestResponse] = []
    path = f"{PATH}/{member('bob')}/removal"
    form = {"confirmed": "yes"}
    ada, bobs = member("ada"), member("bob")
    with inside(acme):
        db.session.get(Organization, acme.organization_id, with_for_update=True)
        late = Thread(target=lambda: answers.append(as_ada.post(path, data=form)))
        late.start()
        late.join(1.0)
        db.session.get_one(Membership, bobs).role = Role.OWNER
        db.session.get_one(Membership, ada).role = Role.ADMIN
        db.session.commit()
    late.join()
    assert answers[0].status_code in {403, 404, 422}
    with inside(acme):
        assert db.session.get_one(Membership, bobs).role is Role.OWNER


@pytest.mark.parametrize(("asked", "form"), [("role", {"role": "admin"}), ("removal", {})])
def test_who_is_demoted_meanwhile_changes_no_member(
    both_databases, acme, bob, member, inside, asked, form
):
    """A change that began as an admin's looks at the role again once it may."""
    answers: list[TestResponse] = []
    path = f"{PATH}/{member('vic')}/{asked}"
    bobs, vics = member("bob"), member("vic")
    with inside(acme):
        db.session.get(Organization, acme.organization_id, with_for_update=True)
        confirmed = form | {"confirmed": "yes"}
        late = Thread(target=lambda: answers.append(bob.post(path, data=confirmed)))
        late.start()
        late.join(1.0)
        db.session.get_one(Membership, bobs).role = Role.VIEWER
        db.session.commit()
    late.join()
    assert answers[0].status_code in {403, 404}
    with inside(acme):
        assert db.session.get_one(Membership, vics).role is Role.VIEWER


def test_tokens_say_who_made_them(as_ada, bob, acme, inside):
    with inside(acme):
        db.session.scalars(
            select(ApiToken).where(ApiToken.label == "laptop")
        ).one().created_by_id = None
        db.session.commit()
    page = as_ada.get("/acme/shop/settings/tokens").text
    assert re.search(r"ci .*?by Bob", page, re.DOTALL)
    assert re.search(r"laptop .*?by the command line", page, re.DOTALL)
