"""Whoever removes a member decides which links to dashboards and which reports of theirs end."""

import re

import pytest
from sqlalchemy import select

from console.accounts.models import Membership, Role, User
from console.core.audit import AuditEntry
from console.core.db import db
from console.dashboards import links, making
from console.dashboards.links_models import ShareLink
from console.dashboards.models import Dashboard
from console.reports.models import Report
from tests.dashboards.sharing import greeting
from tests.support import clients
from tests.support.factories import make_member

PATH = "/acme/settings/members"


@pytest.fixture
def bob(app, acme, inside):
    """The membership of Bob, who made two links, of which one is revoked, and a report."""
    make_member(app, acme.organization, "bob@acme.test", Role.MEMBER)
    with inside(acme):
        bob = db.session.scalars(select(User).where(User.email == "bob@acme.test")).one()
        dashboard = making.create(acme, greeting("Board"))
        for name in ("Carol", "Old"):
            links.create(dashboard, links.Terms(name=name, locked={}), by=bob)
        links.create(dashboard, links.Terms(name="Another's", locked={}))
        links.revoke(db.session.scalars(select(ShareLink).where(ShareLink.name == "Old")).one())
        for name, enabled in (("Morning", True), ("Paused", False)):
            db.session.add(
                Report(
                    project_id=acme.id,
                    dashboard_id=dashboard.id,
                    name=name,
                    cron="0 8 * * *",
                    created_by_id=bob.id,
                    enabled=enabled,
                )
            )
        db.session.commit()
        own = select(Membership.id).where(Membership.user_id == bob.id)
        return db.session.scalars(own).one()


def standing(acme, inside):
    """The links that show something and the reports that go out, by name."""
    with inside(acme):
        shown = [row.name for row in db.session.scalars(select(ShareLink)) if not row.revoked_at]
        sent = db.session.scalars(select(Report.name).where(Report.enabled)).all()
        return sorted(shown), sent


def offered(page):
    """The names and ids of what may be ended."""
    boxes = re.findall(r'name="end-(\w+)" value="(\d+)"', page)
    return {name: [own for kind, own in boxes if kind == name] for name in ("links", "reports")}


def test_what_somebodys_script_made_is_theirs(app, as_ada, acme, inside, bob):
    with inside(acme):
        owner_id = db.session.get_one(Membership, bob).user_id
        (board,) = db.session.scalars(select(Dashboard.id).where(Dashboard.project_id == acme.id))
    permissions = ("dashboards:write", "reports:write")
    script = clients.script(
        app, clients.make_token(app, acme, *permissions, created_by_id=owner_id)
    )
    for kind, fields in (
        (f"dashboards/{board}/links", {"name": "Made by a script"}),
        ("reports", {"name": "Daily", "about": "worse", "cron": "0 8 * * *", "zone": "UTC"}),
    ):
        made = script.post(f"/api/v1/acme/shop/{kind}", json=fields)
        assert made.status_code == 201, made.text
    page = as_ada.get(f"{PATH}/{bob}/removal").text
    assert {kind: len(ids) for kind, ids in offered(page).items()} == {"links": 2, "reports": 2}
    assert "Made by a script" in page


@pytest.mark.usefixtures("both_databases")
@pytest.mark.parametrize(("change", "form"), [("removal", {}), ("role", {"role": "viewer"})])
def test_what_is_chosen_ends_and_the_log_says_why(as_ada, acme, inside, bob, change, form):
    path = f"{PATH}/{bob}/{change}"
    asked = as_ada.post(path, data=form)
    assert asked.location.startswith(path), "it is asked first"
    page = as_ada.get(asked.location).text
    boxes = offered(page)
    assert len(boxes["links"]) == len(boxes["reports"]) == 1
    assert "Board of Shop · never opened" in page
    assert standing(acme, inside) == (["Another's", "Carol"], ["Morning"])
    chosen = {f"end-{kind}": ids for kind, ids in boxes.items()}
    assert as_ada.post(path, data={**form, **chosen, "confirmed": "yes"}).status_code == 303
    assert standing(acme, inside) == (["Another's"], [])
    with inside(acme):
        entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        why = {own.action: (own.actor, str(own.details.get("because"))) for own in entries}
    for action in ("link.revoked", "report.paused"):
        assert why[action][0] == "ada@acme.test"
        assert "bob@acme.test" in why[action][1]


def test_what_is_not_chosen_goes_on(as_ada, acme, inside, bob):
    as_ada.post(f"{PATH}/{bob}/removal", data={"confirmed": "yes"})
    assert standing(acme, inside) == (["Another's", "Carol"], ["Morning"])


def test_nothing_of_others_can_be_chosen(as_ada, acme, inside, bob):
    with inside(acme):
        link = select(ShareLink.id).where(ShareLink.name == "Another's")
        chosen = {"end-links": [db.session.scalars(link).one()], "confirmed": "yes"}
    as_ada.post(f"{PATH}/{bob}/removal", data=chosen)
    assert standing(acme, inside) == (["Another's", "Carol"], ["Morning"])


def test_who_stays_a_member_keeps_links_without_a_question(as_ada, acme, inside, bob):
    as_ada.post(f"{PATH}/{bob}/role", data={"role": "admin"})
    answer = as_ada.post(f"{PATH}/{bob}/role", data={"role": "member"})
    assert answer.location == PATH
    assert standing(acme, inside) == (["Another's", "Carol"], ["Morning"])
