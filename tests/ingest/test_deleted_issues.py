"""An issue that is deleted goes with everything that is of it; the next event opens a new issue."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.core import clock as time
from console.core.audit import AuditEntry
from console.core.db import db
from console.errors import counting, deletion
from console.errors.models import (
    Comment,
    Issue,
    IssueChange,
    IssueErasure,
    IssueHash,
    IssueRelease,
    IssueUser,
)
from console.ingest import upkeep
from console.telemetry import retention
from console.telemetry.tables import error_event, error_group
from tests.ingest.envelopes import event

OF_AN_ISSUE = (Issue, IssueHash, IssueUser, IssueRelease, IssueChange, Comment)


def broken(name, days_ago=0, **more):
    at = (time.now() - timedelta(days=days_ago, minutes=1)).timestamp()
    failure = {"values": [{"type": "KeyError", "value": name}]}
    return event(exception=failure, fingerprint=[name], timestamp=at, user={"id": name}, **more)


@pytest.fixture
def two(acme, inside, accepted, digest):
    """Two issues: "goes" of two events, of which one is old, and "stays"; both have a comment."""
    accepted(acme, broken("goes"), broken("goes", days_ago=3), broken("stays", days_ago=3))
    digest.drain()
    with inside(acme):
        issues = {issue.title: issue.id for issue in db.session.scalars(select(Issue))}
        for id_ in issues.values():
            db.session.add(Comment(issue_id=id_, text="a note"))
        db.session.commit()
        upkeep.group_errors(acme.organization_id)
    return issues["KeyError: goes"]


def titles(stored, acme):
    return sorted(row.title for row in stored(acme).rows(error_event))


def test_everything_of_an_issue_goes_and_nothing_else(
    both_databases, acme, inside, two, as_ada, stored
):
    page = as_ada.get(f"/acme/shop/issues/{two}/deletion").text
    for phrase in ("2 events", "1 comment", "which user met it"):
        assert phrase in page
    answer = as_ada.post(f"/acme/shop/issues/{two}/deletion")
    assert (answer.status_code, answer.location) == (303, "/acme/shop/issues/")
    assert as_ada.get(f"/acme/shop/issues/{two}/").status_code == 404
    with inside(acme):
        assert deletion.erase(acme.organization_id) == {"events of deleted issues erased": 2}
        assert deletion.erase(acme.organization_id) == {"events of deleted issues erased": 0}
        for table in OF_AN_ISSUE:
            assert len(db.session.scalars(select(table)).all()) == 1, table
        assert db.session.scalars(select(IssueErasure)).all() == []
        entry = db.session.scalars(
            select(AuditEntry).where(AuditEntry.action == "issue.deleted")
        ).one()
        assert (entry.target, entry.actor) == (f"Issue {two}", "ada@acme.test")
        assert entry.details == {"project": "shop", "events": 2}
    assert titles(stored, acme) == ["KeyError: stays"]
    assert len({row.group_key for row in stored(acme).rows(error_group)}) <= 1


def test_events_that_come_before_the_erasure_are_of_a_new_issue(
    acme, inside, two, as_ada, accepted, digest, stored
):
    as_ada.post(f"/acme/shop/issues/{two}/deletion")
    accepted(acme, broken("goes", days_ago=3))
    digest.drain()
    with inside(acme):
        assert deletion.erase(acme.organization_id) == {"events of deleted issues erased": 2}
        new = db.session.scalars(select(Issue).where(Issue.title.contains("goes"))).one()
        assert (new.events, new.users) == (1, 1)
        assert new.id != two
    assert titles(stored, acme) == ["KeyError: goes", "KeyError: stays"]


def test_an_issue_that_is_deleted_while_its_events_are_digested_opens_anew(
    both_databases, acme, inside, two, accepted, digest, stored, monkeypatch
):
    left = [two]

    def ensure_issues(project_id, events):
        issues = counting.ensure_issues(project_id, events)
        db.session.commit()
        if left:  # somebody deletes it between the first and the third commit
            deletion.delete(acme, db.session.get_one(Issue, left.pop()))
            db.session.commit()
        return issues

    monkeypatch.setattr("console.ingest.counts.ensure_issues", ensure_issues)
    accepted(acme, broken("goes"))
    digest.drain()
    with inside(acme):
        deletion.erase(acme.organization_id)
        new = db.session.scalars(select(Issue).where(Issue.title.contains("goes"))).one()
        assert (new.events, new.id == two) == (1, False)
    assert titles(stored, acme) == ["KeyError: goes", "KeyError: stays"]


def test_what_cannot_be_erased_now_is_erased_later(acme, inside, two, as_ada, stored, monkeypatch):
    def fail(*args, **fields):
        raise OSError("the disk is full")

    as_ada.post(f"/acme/shop/issues/{two}/deletion")
    with inside(acme), monkeypatch.context() as patched:
        patched.setattr(retention, "erase_events", fail)
        with pytest.raises(OSError, match="full"):
            deletion.erase(acme.organization_id)
    with inside(acme):
        assert deletion.erase(acme.organization_id) == {"events of deleted issues erased": 2}


def test_a_script_deletes_with_a_permission_of_its_own(acme, two, as_script):
    url = f"/api/v1/acme/shop/issues/{two}"
    assert as_script(acme, "issues:read").delete(url).status_code == 403
    script = as_script(acme, "issues:delete", "issues:read")
    assert script.delete(url).status_code == 204
    assert script.get(url).status_code == script.delete(url).status_code == 404


def test_who_may_not_delete(acme, two, as_alice, as_vic, as_eve, as_ada):
    url = f"/acme/shop/issues/{two}/deletion"
    for asking, status in ((as_alice, 403), (as_vic, 403), (as_eve, 404)):
        assert asking.get(url).status_code == asking.post(url).status_code == status
    part = as_ada.get(url, headers={"HX-Request": "true"}).text
    assert part.startswith('<section id="deletion"')
    assert url in as_ada.get(f"/acme/shop/issues/{two}/").text
    assert url not in as_alice.get(f"/acme/shop/issues/{two}/").text
