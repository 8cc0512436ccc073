"""No way through a Session leads to another organization's rows, on either database."""

import pytest
from sqlalchemy import event, select, update

from console.accounts.models import Key, Membership, Project
from console.core import tenancy
from console.core.db import db
from console.core.tenancy import TenantError, bearer, enter_organization
from tests.core import probes
from tests.core.rows import MODELS, fill
from tests.support.factories import make_organization, make_user, the_person


@pytest.fixture
def two(app):
    """One row of every model in each of two organizations: ids by table."""
    return fill(app, "acme"), fill(app, "globex")


@pytest.mark.slow
def test_no_probe_reaches_another_organization(both_databases, app, two):
    own, other = two
    report = probes.run(app, own, other, make_organization(app, "acme").id)
    print(f"{both_databases}: {report}")
    assert report.leaks == []
    append_only = ["update of own AuditEntry", "delete of own AuditEntry"]
    assert report.blind == append_only
    assert report.probes == len(MODELS) * 4 * len(probes.READS | probes.WRITES | probes.BARE)


def test_no_insert_reaches_another_organization(both_databases, app, two):
    _own, other = two
    globex, person = make_organization(app, "globex"), make_user(app, "new@globex.test").id
    report = probes.run_inserts(app, globex, other, person, make_organization(app, "acme").id)
    print(f"{both_databases}: {report}")
    assert report.leaks == []


def test_inserts_work_inside_their_own_organization(both_databases, app, two):
    """Or the test above would pass because nothing can be inserted at all."""
    _own, other = two
    globex, person = make_organization(app, "globex"), make_user(app, "new@globex.test").id
    report = probes.run_inserts(app, globex, other, person, globex.id)
    possible = len(MODELS) * len(probes.INSERTS)
    reached = [leak for leak in report.leaks if not leak.endswith("None")]
    # One row per project, organization or pair of parents is the most that some tables take.
    assert len(reached) >= possible - 11 * len(probes.INSERTS)


def test_without_the_tripwire_the_probes_report_leaks(app, two):
    own, other = two
    bare = {"text", "table", "connection"}
    with app.app_context():
        engine = db.engine
    event.remove(engine, "before_cursor_execute", tenancy._tripwire)
    try:
        report = probes.run(app, own, other, make_organization(app, "acme").id, names=bare)
    finally:
        event.listen(engine, "before_cursor_execute", tenancy._tripwire)
    assert {leak.split(" of ")[0] for leak in report.leaks} == bare


@pytest.mark.slow
def test_without_the_criteria_statements_are_refused(app, two):
    own, other = two
    event.remove(db.session, "do_orm_execute", tenancy._add_criteria)
    try:
        report = probes.run(app, own, other, make_organization(app, "acme").id)
    finally:
        event.listen(db.session, "do_orm_execute", tenancy._add_criteria)
    assert report.leaks == []
    assert "select of own Issue" in report.blind


def test_a_session_serves_one_organization(app, acme, globex):
    with app.app_context():
        enter_organization(acme.organization_id)
        with pytest.raises(TenantError):
            enter_organization(globex.organization_id)


def test_a_row_cannot_be_moved(both_databases, app, acme, globex, inside):
    with inside(acme):
        project = db.session.scalars(select(Project)).one()
        project.organization_id = globex.organization_id
        with pytest.raises(TenantError):
            db.session.commit()


def test_a_bearer_sees_its_row_and_no_other(both_databases, app, acme, globex):
    with app.app_context():
        eve = the_person("eve@globex.test")
        with bearer(Membership, eve.id):
            assert [m.user_id for m in db.session.scalars(select(Membership))] == [eve.id]
        with bearer(Key, "0" * 32):
            assert db.session.scalars(select(Key)).all() == []
        with bearer(Key, "0" * 32), pytest.raises(TenantError):
            db.session.scalars(select(Membership)).all()
        with pytest.raises(TenantError):
            db.session.scalars(select(Key)).all()


def test_a_bearer_writes_nothing(both_databases, app, acme):
    with app.app_context():
        ada = the_person("ada@acme.test")
        with bearer(Membership, ada.id), pytest.raises(TenantError):
            db.session.execute(
                update(Membership.metadata.tables["membership"]).values(role="owner")
            )
        db.session.rollback()
        with bearer(Membership, ada.id), pytest.raises(TenantError):
            db.session.query(Membership).update({"role": "owner"})


def test_a_connection_forgets_its_session(app, acme, inside):
    """The pool hands the same connection on, and whoever takes it next is nobody yet."""
    with inside(acme):
        own = select(Project.__table__).where(
            Project.__table__.c.organization_id == acme.organization_id
        )
        assert len(db.session.connection().execute(own).all()) == 1
    with app.app_context(), db.engine.connect() as connection, pytest.raises(TenantError):
        connection.execute(own)


def test_one_guarded_mention_does_not_cover_another(app, acme, inside):
    table = Project.__table__
    guarded = select(table.c.id).where(table.c.organization_id == acme.organization_id)
    with inside(acme), pytest.raises(TenantError):
        db.session.execute(select(table.c.id).where(table.c.id.in_(guarded)).correlate(None))


def test_a_flush_without_work_leaves_the_tripwire_up(app, acme, inside):
    with inside(acme):
        db.session.info["flushing"] = True  # as such a flush does
        with pytest.raises(TenantError):
            db.session.execute(select(Project.__table__))
