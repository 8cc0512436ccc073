"""The two state steps of the digest, on both databases."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from console.accounts import releases
from console.core.db import db
from console.errors import counting, queries, triage
from console.errors.changes import happened
from console.errors.models import (
    ChangeKind,
    Issue,
    IssueChange,
    IssueHash,
    IssueRelease,
    IssueUser,
    Level,
    Status,
)
from tests.errors.samples import NOON, error_event, grouping
from tests.support.factories import the_person


@pytest.fixture
def count_in(acme, inside, both_databases):
    """Count events of one hash in, commit, and return what changed."""

    def count_in(*events, name="a"):
        with inside(acme):
            ids = counting.ensure_issues(acme.id, [(grouping(name), event) for event in events])
            found = counting.count_in(acme.id, [(ids[name * 32], event) for event in events])
            seen = [(event.environment, event.release, event.timestamp) for event in events]
            releases.saw(acme.id, seen)  # which ingest does for all records of a batch together
            happened(found)
            db.session.commit()
            return found

    return count_in


@pytest.fixture
def change(acme, inside):
    """Do something to the one issue there is, as Alice."""

    def change(act):
        with inside(acme):
            alice = the_person("alice@acme.test")
            act(db.session.scalars(select(Issue)).one(), alice)
            db.session.commit()

    return change


def test_a_replay_finds_the_issues_of_the_first_run(acme, inside, both_databases):
    batch = [(grouping(name), error_event(acme)) for name in "aabbc"]
    with inside(acme):
        first = counting.ensure_issues(acme.id, batch)
        db.session.commit()
    with inside(acme):
        assert counting.ensure_issues(acme.id, batch) == first
        assert sorted(first) == ["a" * 32, "b" * 32, "c" * 32]
        assert len(set(first.values())) == 3
        assert len(db.session.scalars(select(IssueHash)).all()) == 3


def test_a_hash_that_another_process_opened_meanwhile_is_the_one_that_counts(
    acme, inside, both_databases, monkeypatch
):
    with inside(acme):
        theirs = counting.ensure_issues(acme.id, [(grouping(), error_event(acme))])
        db.session.commit()
    look_up = queries.issues_by_hash
    calls: list[object] = []

    def blind_at_first(*of):
        calls.append(of)
        return {} if len(calls) == 1 else look_up(*of)

    monkeypatch.setattr(queries, "issues_by_hash", blind_at_first)
    with inside(acme):
        assert counting.ensure_issues(acme.id, [(grouping(), error_event(acme))]) == theirs
        assert len(db.session.scalars(select(Issue)).all()) == 1


def test_the_issue_says_what_made_its_group(acme, inside, both_databases):
    with inside(acme):
        counting.ensure_issues(acme.id, [(grouping(), error_event(acme))])
        made = db.session.scalars(select(IssueHash)).one()
        assert made.variant == "stack trace"
        assert made.components[0]["label"] == "exception"
        assert made.components[0]["values"] == ["ZeroDivisionError"]


def test_one_hash_in_two_projects_is_two_issues(acme, globex, inside):
    with inside(acme):
        counting.ensure_issues(acme.id, [(grouping(), error_event(acme))])
        db.session.commit()
    with inside(globex):
        counting.ensure_issues(globex.id, [(grouping(), error_event(globex))])
        assert len(db.session.scalars(select(Issue)).all()) == 1


def test_counters_of_events_that_come_out_of_order(acme, inside, count_in, the_issue):
    count_in(error_event(acme, 10, release="shop@1.1", level="fatal", title="Late"))
    count_in(
        error_event(acme, 5, title="Between"),
        error_event(acme, 1, release="shop@1.0", title="Early"),
    )
    issue = the_issue()
    assert issue.events == 3
    assert issue.first_seen == NOON + timedelta(minutes=1)
    assert issue.last_seen == NOON + timedelta(minutes=10)
    assert (issue.first_release, issue.last_release) == ("shop@1.0", "shop@1.1")
    assert (issue.title, issue.level) == ("Late", Level.FATAL)


def test_the_first_count_is_a_new_issue(acme, count_in, inside):
    early, late = error_event(acme, 1), error_event(acme, 2)
    (change,) = count_in(late, early)
    assert (change.kind, change.event_id) == (ChangeKind.NEW, early.event_id)
    assert count_in(error_event(acme, 3)) == []
    with inside(acme):
        row = db.session.scalars(select(IssueChange)).one()
        assert (row.project_id, row.kind, row.at) == (acme.id, ChangeKind.NEW, early.timestamp)
        assert (row.event_id, row.actor_id) == (early.event_id, None)


def test_users_are_counted_once(acme, inside, count_in, the_issue):
    count_in(*(error_event(acme, n, user_key=key) for n, key in enumerate(["u1", "u2", "u1", ""])))
    count_in(error_event(acme, 5, user_key="u2"), error_event(acme, 6, user_key="u3"))
    assert the_issue().users == 3
    with inside(acme):
        assert len(db.session.scalars(select(IssueUser)).all()) == 3


def test_releases_and_environments_add_up(acme, inside, count_in):
    count_in(error_event(acme, 5), error_event(acme, 7))
    count_in(error_event(acme, 1), error_event(acme, 2, environment="staging"))
    with inside(acme):
        rows = db.session.scalars(select(IssueRelease).order_by(IssueRelease.environment)).all()
        assert [(row.environment, row.release, row.events) for row in rows] == [
            ("production", "shop@1.0", 3),
            ("staging", "shop@1.0", 1),
        ]
        assert rows[0].first_seen == NOON + timedelta(minutes=1)
        assert rows[0].last_seen == NOON + timedelta(minutes=7)


def test_a_later_event_reopens_a_resolved_issue(acme, inside, count_in, change, the_issue, clock):
    count_in(error_event(acme, 0))
    clock.set(NOON + timedelta(minutes=10))
    change(lambda issue, alice: issue.resolve(by=alice))
    assert count_in(error_event(acme, 9)) == []
    assert the_issue().status is Status.RESOLVED
    later = error_event(acme, 11, release="shop@1.1")
    (regression,) = count_in(later, error_event(acme, 12))
    assert (regression.kind, regression.event_id) == (ChangeKind.REGRESSED, later.event_id)
    assert the_issue().status is Status.OPEN
    assert the_issue().regressed_at == later.timestamp
    with inside(acme):
        row = db.session.scalars(select(IssueChange).order_by(IssueChange.id.desc())).first()
        assert row is not None
        assert (row.kind, row.details) == (ChangeKind.REGRESSED, {"release": "shop@1.1"})


def test_fixed_in_the_next_release_waits_for_it(acme, count_in, change, the_issue, clock):
    count_in(error_event(acme, 0, release="shop@1.0"))
    clock.set(NOON + timedelta(minutes=10))
    change(lambda issue, alice: issue.resolve(by=alice, in_next_release=True))
    assert count_in(error_event(acme, 11, release="shop@1.0")) == []
    assert the_issue().status is Status.RESOLVED
    (change,) = count_in(error_event(acme, 12, release="shop@1.1"))
    assert change.kind is ChangeKind.REGRESSED


@pytest.mark.parametrize(
    ("bounds", "minutes", "kinds"),
    [
        ({"duration": timedelta(hours=1)}, [30, 59], []),
        ({"duration": timedelta(hours=1)}, [30, 80], [ChangeKind.UNMUTED]),
        ({"more_events": 3}, [1, 2], []),
        ({"more_events": 3}, [1, 2, 3], [ChangeKind.UNMUTED]),
        ({"more_users": 2}, [1], []),
        ({"more_users": 2}, [1, 2], [ChangeKind.UNMUTED]),
        ({}, list(range(1, 200)), []),
    ],
)
def test_a_mute_ends_at_its_bound(acme, count_in, change, the_issue, clock, bounds, minutes, kinds):
    count_in(error_event(acme, 0))
    clock.set(NOON + timedelta(minutes=10))
    change(lambda issue, _: issue.mute(**bounds))
    found = count_in(*(error_event(acme, m, user_key=f"user {m}") for m in minutes))
    assert [change.kind for change in found] == kinds
    assert the_issue().status is (Status.OPEN if kinds else Status.MUTED)


def test_a_mute_for_a_time_ends_without_an_event(acme, inside, count_in, change, the_issue, clock):
    count_in(error_event(acme, 0))
    clock.set(NOON)
    change(lambda issue, _: issue.mute(duration=timedelta(hours=1)))
    for passed, ended in [(30, 0), (31, 1)]:
        clock.move(minutes=passed)
        with inside(acme):
            assert triage.end_mutes(acme.organization_id) == {"mutes ended": ended}
    assert the_issue().status is Status.OPEN
    with inside(acme):
        row = db.session.scalars(select(IssueChange).order_by(IssueChange.id.desc())).first()
        assert row is not None
        assert (row.kind, row.at, row.event_id) == (ChangeKind.UNMUTED, clock.now(), "")


def test_values_longer_than_their_columns_are_cut(acme, count_in, the_issue):
    long = "x" * 5000
    count_in(
        error_event(
            acme, title=long, culprit=long, environment=long, release=long, platform=long,
            level=long,
        )
    )  # fmt: skip
    assert the_issue().title == "x" * 200
    assert the_issue().level is Level.ERROR


def test_a_batch_costs_few_statements(acme, inside, statements):
    def cost(count):
        events = [
            error_event(acme, n, user_key=f"u{n}", release=f"{count}.{n}") for n in range(count)
        ]
        with inside(acme), statements() as seen:
            ids = counting.ensure_issues(acme.id, [(grouping("a"), event) for event in events])
            counting.count_in(acme.id, [(ids["a" * 32], event) for event in events])
            db.session.commit()
        return len(seen)

    cost(1)
    assert cost(400) == cost(1) <= 9
