"""What was done stays written, until its organization is gone."""

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError

from console.accounts.models import User
from console.core import audit
from console.core.audit import AuditEntry
from console.core.config import config
from console.core.db import db
from console.core.owner import delete_organization, owner_transaction
from tests.support.factories import the_person

CHANGES = {
    "update": update(AuditEntry).values(actor="nobody"),
    "rename of the target": update(AuditEntry).values(target="nothing"),
    "delete": delete(AuditEntry),
}


@pytest.fixture
def entry(app, acme, inside):
    with inside(acme):
        audit.record("key.rotated", "default", actor="ada@acme.test", grace=24)
        db.session.commit()


@pytest.mark.parametrize("change", CHANGES)
def test_an_entry_cannot_be_changed(both_databases, acme, inside, entry, change):
    with inside(acme), pytest.raises(DatabaseError):
        db.session.execute(CHANGES[change])
    with inside(acme):
        kept = db.session.scalars(select(AuditEntry)).one()
        assert (kept.actor, kept.target, kept.details) == (
            "ada@acme.test",
            "default",
            {"grace": 24},
        )


def test_it_outlives_whoever_did_it(both_databases, app, acme, inside):
    with inside(acme):
        ada = the_person("ada@acme.test")
        gone = AuditEntry(
            actor_id=ada.id, actor=ada.email, action="x", target="y", details={}, address=""
        )
        db.session.add(gone)
        ada_id = ada.id
        db.session.commit()
        with owner_transaction(config()) as connection:
            connection.execute(delete(User).where(User.id == ada_id))
        assert (gone.actor_id, gone.actor) == (None, "ada@acme.test")


def test_it_goes_with_its_organization(both_databases, app, acme, inside, entry):
    with app.app_context():
        assert delete_organization(config(), acme.organization_id)
    with inside(acme):
        assert db.session.scalars(select(AuditEntry)).all() == []


def test_an_act_on_a_person_stands_in_each_of_their_organizations(
    both_databases, app, acme, globex, inside
):
    with inside(acme):
        ids = [acme.organization_id, globex.organization_id]
        audit.record_in_each(ids, "password.set", "ada@acme.test", actor="command line")
        audit.record("key.rotated", "default")
        db.session.commit()
    for organization, actions in (
        (acme, {"password.set", "key.rotated"}),
        (globex, {"password.set"}),
    ):
        with inside(organization):
            assert set(db.session.scalars(select(AuditEntry.action))) == actions


def test_what_is_noted_in_several_organizations_is_taken_back_as_one(
    both_databases, app, acme, globex, inside
):
    with app.app_context():
        audit.record_in_each([acme.organization_id, globex.organization_id], "password.set", "x")
        db.session.rollback()
    for organization in (acme, globex):
        with inside(organization):
            assert db.session.scalars(select(AuditEntry)).all() == []
