"""Members: invited, given other roles, removed; and one owner always stays."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from console.accounts.models import Invitation, Membership, Role, User
from console.core.db import db
from tests.accounts.reading import found
from tests.support.clients import HTMX
from tests.support.factories import make_member, signed_in

PATH = "/acme/settings/members"
FORM = {"email": "New@Acme.test", "role": "member"}
LAST = "An organization needs an owner"


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


@pytest.fixture
def admin(app, acme):
    """An admin's browser."""
    make_member(app, acme.organization, "root@acme.test", Role.ADMIN)
    return signed_in(app, "root@acme.test")


def test_a_role_changes(as_ada, as_vic, member):
    part = as_ada.post(f"{PATH}/{member('vic')}/role", data={"role": "admin"}, headers=HTMX).text
    assert part.startswith('<div class="stack" id="members">')
    assert as_vic.get("/acme/new").status_code == 200


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_the_last_owner_keeps_the_role(both_databases, as_ada, member, role):
    answer = as_ada.post(f"{PATH}/{member('ada')}/role", data={"role": role}, headers=HTMX)
    assert answer.status_code == 422
    assert LAST in answer.text
    assert as_ada.get("/acme/new").status_code == 200


def test_the_last_owner_cannot_leave(as_ada, member):
    answer = as_ada.post(f"{PATH}/{member('ada')}/removal")
    assert answer.status_code == 422
    assert LAST in answer.text


def test_one_of_two_owners_may_go(as_ada, as_alice, member):
    as_ada.post(f"{PATH}/{member('alice')}/role", data={"role": "owner"})
    assert as_ada.post(f"{PATH}/{member('ada')}/removal").location == "/organizations"
    assert as_ada.get("/acme/").status_code == 404
    assert as_alice.get("/acme/new").status_code == 200


def test_an_admin_cannot_reach_above_themselves(admin, member):
    ada, vic = member("ada"), member("vic")
    assert admin.post(f"{PATH}/{ada}/role", data={"role": "viewer"}).status_code == 403
    assert admin.post(f"{PATH}/{ada}/removal").status_code == 403
    assert admin.post(f"{PATH}/{vic}/role", data={"role": "owner"}).status_code == 403
    invitation = {"email": "x@acme.test", "role": "owner"}
    assert admin.post(f"{PATH}/invitations", data=invitation).status_code == 403
    assert admin.post(f"{PATH}/{vic}/role", data={"role": "admin"}).status_code == 303


def test_a_member_may_leave_but_remove_nobody(as_alice, member):
    assert as_alice.post(f"{PATH}/{member('vic')}/removal").status_code == 403
    assert as_alice.post(f"{PATH}/{member('alice')}/removal").status_code == 303
    assert as_alice.get("/acme/").status_code == 404


def test_members_of_others_are_not_found(as_eve, globex, as_ada, member):
    vic = member("vic")
    assert as_eve.post(f"{PATH}/{vic}/removal").status_code == 404
    assert as_eve.post(f"/globex/settings/members/{vic}/removal").status_code == 404
    change = as_eve.post(f"/globex/settings/members/{vic}/role", data={"role": "viewer"})
    assert change.status_code == 404


def test_ones_membership_elsewhere_is_not_found(app, as_eve, acme, globex, inside):
    """The person's memberships of all organizations are loaded, but only one may be touched."""
    make_member(app, acme.organization, "eve@globex.test", Role.ADMIN)
    with inside(globex):
        elsewhere = db.session.scalars(select(Membership.id)).one()
    assert as_eve.post(f"{PATH}/{elsewhere}/role", data={"role": "viewer"}).status_code == 404


def test_an_unknown_role_is_refused(as_ada, member):
    assert as_ada.post(f"{PATH}/{member('vic')}/role", data={"role": "king"}).status_code == 400


class TestInvitations:
    def test_without_mail_the_link_is_shown(self, as_ada, acme, inside):
        page = as_ada.post(f"{PATH}/invitations", data=FORM).text
        assert "Give this link to new@acme.test" in page
        token = found(r"/invite/(phi_[\w-]{43})", page)
        assert token not in as_ada.get(PATH).text
        with inside(acme):
            offer = db.session.scalars(select(Invitation)).one()
            assert (offer.email, offer.role) == ("new@acme.test", Role.MEMBER)
            assert token not in (offer.hash, str(offer.__dict__))

    def test_a_second_one_replaces_the_first(self, as_ada, client):
        first, second = (
            found(r"/invite/phi_[\w-]{43}", as_ada.post(f"{PATH}/invitations", data=FORM).text)
            for _ in range(2)
        )  # fmt: skip
        assert client.get(first).status_code == 404
        assert client.get(second).status_code == 200

    def test_what_is_wrong_is_said(self, as_ada):
        answer = as_ada.post(f"{PATH}/invitations", data={"email": "x", "role": "member"})
        assert answer.status_code == 422
        assert "Write it as name@example.com." in answer.text

    def test_a_viewer_invites_nobody(self, as_vic):
        assert as_vic.post(f"{PATH}/invitations", data=FORM).status_code == 403
        assert "Invite a member" not in as_vic.get(PATH).text


class TestMail:
    @pytest.fixture
    def settings(self, settings, smtp):
        return replace(
            settings,
            smtp_url=smtp.url,
            mail_from="Pharos <pharos@acme.test>",
            base_url="http://pharos.acme.test",
        )

    def test_the_link_arrives_and_works(self, as_ada, client, smtp):
        page = as_ada.post(f"{PATH}/invitations", data=FORM).text
        assert "was mailed to new@acme.test" in page
        mail = smtp.messages[0]
        assert mail["To"] == "new@acme.test"
        assert mail["Subject"] == "Ada invites you to Acme on Pharos"
        link = found(r"http://pharos.acme.test(/invite/\S+)", mail.get_content())
        assert client.get(link).status_code == 200

    def test_a_server_that_refuses_costs_nothing(self, as_ada, smtp):
        smtp.refusal = "451 come back later"
        page = as_ada.post(f"{PATH}/invitations", data=FORM)
        assert page.status_code == 200
        assert "Give this link to new@acme.test" in page.text


class TestMailWithoutAddress:
    @pytest.fixture
    def settings(self, settings, smtp):
        return replace(settings, smtp_url=smtp.url, base_url="")

    def test_no_link_to_where_a_header_says_is_mailed(self, as_ada, smtp):
        """Without PHAROS_URL the address is the request's, and whoever sends that chooses it."""
        page = as_ada.post(f"{PATH}/invitations", data=FORM).text
        assert "Give this link to new@acme.test" in page
        assert smtp.messages == []


def test_two_owners_cannot_demote_each_other_at_once(
    both_databases, as_ada, as_alice, member, acme, inside
):
    as_ada.post(f"{PATH}/{member('alice')}/role", data={"role": "owner"})
    acts = [(as_ada, member("alice")), (as_alice, member("ada"))]

    def demote(act) -> int:
        client, other = act
        return int(client.post(f"{PATH}/{other}/role", data={"role": "viewer"}).status_code)

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(demote, acts))
    assert 303 in answers
    with inside(acme):
        owners = select(func.count(Membership.id)).where(Membership.role == Role.OWNER)
        assert db.session.scalar(owners) == 1
