"""Every change of an issue is written down once, whoever made it, and read by nobody else."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from console.core.db import db
from console.errors import counting, triage
from console.errors.changes import KEPT, change, happened
from console.errors.models import ChangeKind, Issue, IssueChange, Status
from console.ingest import digest as digesting
from console.intake import ledger
from tests.errors.samples import error_event, grouping
from tests.support.factories import detached, the_person
from tests.support.scheduled import perform


@pytest.fixture
def changes(inside):
    """`changes(acme)`: what is written down of a project's organization, in order."""

    def read(project):
        with inside(project):
            rows = db.session.scalars(select(IssueChange).order_by(IssueChange.id)).all()
            return [detached(row) for row in rows]

    return read


def kinds(rows):
    return [row.kind for row in rows]


def test_digest_tells_what_is_new_and_what_came_back(
    both_databases, acme, globex, send, inside, changes, clock
):
    send(acme)
    (new,) = changes(acme)
    with inside(acme):
        issue = db.session.scalars(select(Issue)).one()
        assert (new.project_id, new.issue_id, new.kind) == (acme.id, issue.id, ChangeKind.NEW)
        triage.resolve([issue], by=the_person("alice@acme.test"))
        db.session.commit()
    clock.move(minutes=1)
    event_id = send(acme)
    send(acme)
    assert kinds(changes(acme)) == [ChangeKind.NEW, ChangeKind.RESOLVED, ChangeKind.REGRESSED]
    assert changes(acme)[-1].event_id == event_id
    assert changes(globex) == []


@pytest.mark.parametrize("dies_in", ["record", "advance"])
def test_a_digest_that_dies_before_its_last_commit_tells_nothing_until_it_is_repeated(
    both_databases, acme, send, changes, monkeypatch, dies_in, app
):
    class Killed(BaseException):
        pass

    def die(*_):
        raise Killed

    target = ledger if dies_in == "record" else digesting
    with monkeypatch.context() as dying:
        dying.setattr(target, dies_in, die)
        with pytest.raises(Killed):
            send(acme)
    assert changes(acme) == []
    for _ in range(2):
        app.extensions["pharos.pipeline"].drain()
        assert kinds(changes(acme)) == [ChangeKind.NEW]


def test_each_act_of_a_person_is_told_once_and_by_whom(
    both_databases, acme, make_issue, inside, changes
):
    issue_id = make_issue(acme).id
    with inside(acme):
        alice = the_person("alice@acme.test")
        issue = db.session.get_one(Issue, issue_id)
        for _ in range(2):  # what is so already is no change
            triage.assign([issue], by=alice, to=alice)
            triage.resolve([issue], by=alice)
        triage.reopen([issue], by=alice)
        triage.mute([issue], by=alice, duration=timedelta(hours=2), more_users=5)
        db.session.commit()
        alice_id = alice.id
    told = changes(acme)
    assert [(row.kind, row.details) for row in told] == [
        (ChangeKind.ASSIGNED, {"to": "alice@acme.test"}),
        (ChangeKind.RESOLVED, {}),
        (ChangeKind.REOPENED, {"was": "resolved"}),
        (ChangeKind.MUTED, {"hours": 2, "users": 5}),
    ]
    assert {(row.actor_id, row.issue_id) for row in told} == {(alice_id, issue_id)}


def test_an_act_that_is_rolled_back_is_not_told(acme, make_issue, inside, changes):
    issue_id = make_issue(acme).id
    with inside(acme):
        issue = db.session.get_one(Issue, issue_id)
        triage.resolve([issue], by=the_person("alice@acme.test"))
        db.session.rollback()
    assert changes(acme) == []


def test_an_act_upon_what_another_has_done_meanwhile_is_no_change(
    both_databases, acme, make_issue, inside, changes
):
    """The page was loaded before: the row is read again when it is held."""
    issue_id = make_issue(acme).id
    with inside(acme):
        alice = the_person("alice@acme.test")
        issue = db.session.get_one(Issue, issue_id)
        resolved = update(Issue).where(Issue.id == issue_id).values(status=Status.RESOLVED)
        db.session.execute(resolved, execution_options={"synchronize_session": False})
        assert issue.status is Status.OPEN
        triage.resolve([issue], by=alice)
        db.session.commit()
    assert changes(acme) == []


def test_two_people_who_act_at_once_make_one_change(
    both_databases, acme, make_issue, inside, changes
):
    """The second has read the issue when the first commits, and waits for it."""
    issue_id = make_issue(acme).id
    has_resolved, may_commit = threading.Event(), threading.Event()

    def resolve(email, wait):
        with inside(acme):
            issue = db.session.get_one(Issue, issue_id)
            triage.resolve([issue], by=the_person(email))
            wait()
            db.session.commit()

    def wait_for_the_other():
        has_resolved.set()
        assert may_commit.wait(30)

    first = threading.Thread(target=resolve, args=("alice@acme.test", wait_for_the_other))
    first.start()
    assert has_resolved.wait(30)
    second = threading.Thread(target=resolve, args=("ada@acme.test", lambda: None))
    second.start()
    second.join(0.5)
    assert second.is_alive()
    may_commit.set()
    for thread in (first, second):
        thread.join(30)
    (change,) = changes(acme)
    assert change.kind is ChangeKind.RESOLVED
    with inside(acme):
        assert change.actor_id == the_person("alice@acme.test").id


def test_the_end_of_a_mute_is_told_once_and_to_each_organization_its_own(
    both_databases, app, acme, globex, make_issue, changes, clock
):
    over = clock.now() - timedelta(seconds=1)
    later = clock.now() + timedelta(hours=1)
    ended = make_issue(acme, status=Status.MUTED, muted_until=over)
    make_issue(acme, status=Status.MUTED, muted_until=later)
    make_issue(globex, status=Status.MUTED, muted_until=over)
    with app.app_context():
        assert [perform("end-mutes") for _ in range(2)] == ["2 mutes ended", "0 mutes ended"]
    (change,) = changes(acme)
    assert (change.kind, change.issue_id) == (ChangeKind.UNMUTED, ended.id)
    assert (change.actor_id, change.event_id) == (None, "")
    assert kinds(changes(globex)) == [ChangeKind.UNMUTED]


def test_a_bound_of_a_mute_that_events_reach_is_told_with_the_event(
    both_databases, acme, make_issue, inside, changes
):
    event = error_event(acme)
    with inside(acme):
        (issue_id,) = counting.ensure_issues(acme.id, [(grouping("a"), event)]).values()
        happened(counting.count_in(acme.id, [(issue_id, event)]))
        issue = db.session.get_one(Issue, issue_id)
        triage.mute([issue], by=the_person("alice@acme.test"), more_events=1)
        second = error_event(acme, 1)
        happened(counting.count_in(acme.id, [(issue_id, second)]))
        db.session.commit()
    told = changes(acme)
    assert kinds(told) == [ChangeKind.NEW, ChangeKind.MUTED, ChangeKind.UNMUTED]
    assert told[-1].event_id == second.event_id


def test_changes_of_long_ago_are_forgotten(
    both_databases, app, acme, globex, make_issue, inside, changes, clock
):
    ages = {acme: timedelta(0), globex: KEPT + timedelta(days=1)}
    for project, age in ages.items():
        issue = make_issue(project)
        with inside(project):
            happened([change(issue, ChangeKind.NEW, at=clock.now() - age)])
            db.session.commit()
    with app.app_context():
        assert perform("forget-changes") == "1 changes of issues forgotten"
    assert (len(changes(acme)), changes(globex)) == (1, [])
