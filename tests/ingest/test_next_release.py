"""An issue that is resolved in the next release waits for a later one than its project knew."""

import pytest
from sqlalchemy import select

from console.accounts.models import Release
from console.core.db import db
from console.errors.models import ChangeKind, Issue, IssueChange, IssueRelease, Status
from tests.ingest.conftest import error
from tests.support.scheduled import perform

FIVE = [f"shop@{number}.0.0" for number in range(1, 6)]


def message(release, **fields):
    return error("Started", release=release, **fields)


@pytest.fixture
def bug(acme, accepted, digest, inside):
    """`bug("shop@1.0.0")` sends the bug from releases, one a minute."""

    def bug(*releases, clock):
        for release in releases:
            clock.move(minutes=1)
            accepted(acme, error("CartClosed", release=release))
            digest.drain()

    return bug


@pytest.fixture
def resolved(acme, accepted, digest, inside, as_alice, bug, clock):
    """`resolved(seen_in, knowing=[…])` resolves the bug in the next release; returns its page."""

    def resolved(seen_in, knowing=()):
        for release in knowing:
            clock.move(seconds=1)
            accepted(acme, message(release))
        digest.drain()
        bug(seen_in, clock=clock)
        with inside(acme):
            query = select(Issue.id).where(Issue.kind == "CartClosed")
            page = f"/acme/shop/issues/{db.session.scalars(query).one()}/"
        clock.move(minutes=1)
        as_alice.post(f"{page}resolution", data={"in_next_release": "y"})
        return page

    return resolved


@pytest.fixture
def status(acme, inside):
    def status():
        with inside(acme):
            return db.session.scalars(select(Issue).where(Issue.kind == "CartClosed")).one().status

    return status


@pytest.mark.parametrize(
    ("knowing", "seen_in", "then", "stays"),
    [
        (FIVE, "shop@1.0.0", "shop@3.0.0", True),
        (FIVE, "shop@1.0.0", "shop@5.0.0", True),
        (FIVE, "shop@1.0.0", "shop@6.0.0", False),
        (FIVE, "shop@1.0.0", "shop@5.0.1", False),
        (FIVE, "shop@1.0.0", "shop@4.9.9", True),  # a build of an older line, made after the fix
        (FIVE, "shop@1.0.0", "shop@0.9.0", True),  # an old client that never sent before
        (FIVE, "shop@1.0.0", "shop@5.0.0-rc.1", True),
        (FIVE, "shop@1.0.0", "shop@6.0.0-rc.1", False),
        (["v1.9", "v1.10"], "v1.9", "v1.9.5", True),
        (["v1.9", "v1.10"], "v1.9", "v1.11", False),
        (["1.2.3+7", "1.2.3+9"], "1.2.3+7", "1.2.3+8", True),
        (["1.2.3+7", "1.2.3+9"], "1.2.3+7", "1.2.3+10", False),
        # Another package has its own numbers.
        (["admin@9.0.0", "shop@1.0.0"], "shop@1.0.0", "shop@1.0.1", False),
        (["admin@9.0.0", "shop@2.0.0"], "shop@1.0.0", "admin@8.0.0", True),
        (["shop@2.0.0"], "shop@1.0.0", "till@1.0.0", False),
        # Commits have no order but the one in which they came.
        (["9f3c1d2", "0a1b2c3"], "9f3c1d2", "0a1b2c3", True),
        (["9f3c1d2", "0a1b2c3"], "9f3c1d2", "5d5d5d5", False),
        (["9f3c1d2"], "9f3c1d2", "1.0.0", False),
        # A client that names no release says nothing, unless no release was ever named.
        (FIVE, "shop@1.0.0", "", True),
        ([], "", "", True),
        ([], "", "shop@1.0.0", False),
    ],
)
def test_whether_a_release_reopens_it(resolved, bug, status, clock, knowing, seen_in, then, stays):
    resolved(seen_in, knowing)
    bug(then, clock=clock)
    assert status() is (Status.RESOLVED if stays else Status.OPEN)


def test_the_history_says_with_which_release_it_was_compared(
    both_databases, acme, inside, as_alice, as_script, resolved, bug, status, clock
):
    page = resolved("shop@1.0.0", FIVE)
    shown = as_alice.get(page).text
    assert 'in the next release after <span class="mono">shop@5.0.0</span>' in shown
    script = as_script(acme, "issues:read")
    assert script.get(f"/api/v1{page}".rstrip("/")).json["resolved_after"] == "shop@5.0.0"
    bug("shop@3.0.0", "shop@5.1.0", clock=clock)
    assert status() is Status.OPEN
    with inside(acme):
        regressed = select(IssueChange).where(IssueChange.kind == ChangeKind.REGRESSED)
        assert db.session.scalars(regressed).one().details == {
            "release": "shop@5.1.0",
            "compared_with": "shop@5.0.0",
            "compared_by": "version",
        }
    assert 'a later version than <span class="mono">shop@5.0.0</span>' in as_alice.get(page).text


def test_commits_are_compared_by_their_first_appearance(as_alice, resolved, bug, clock):
    page = resolved("9f3c1d2", ["9f3c1d2", "0a1b2c3"])
    bug("5d5d5d5", clock=clock)
    assert 'first seen after <span class="mono">0a1b2c3</span>' in as_alice.get(page).text


def test_a_late_event_of_the_fix_does_not_make_it_a_former_release(
    acme, accepted, digest, inside, resolved, bug, status, clock
):
    resolved("9f3c1d2")
    clock.move(minutes=5)
    early = clock.now().replace(hour=0, minute=0).isoformat()
    accepted(acme, message("5d5d5d5", timestamp=early))  # a device with a wrong clock
    digest.drain()
    bug("5d5d5d5", clock=clock)
    assert status() is Status.OPEN
    with inside(acme):
        release = db.session.scalars(select(Release).where(Release.version == "5d5d5d5")).one()
        assert release.first_seen.isoformat() == early


def test_what_was_resolved_on_a_clock_that_was_ahead_is_reopened(
    app, acme, as_alice, bug, status, inside, clock, both_databases
):
    clock.set(clock.now())
    clock.jump(days=1)
    bug("shop@1.0.0", clock=clock)
    with inside(acme):
        page = f"/acme/shop/issues/{db.session.scalars(select(Issue.id)).one()}/"
    as_alice.post(f"{page}resolution")
    assert status() is Status.RESOLVED
    clock.jump(days=-1)
    with app.app_context():
        done = [perform("put-issues-right") for _ in range(2)]
    assert [words.partition(" ")[0] for words in done] == ["3", "0"]
    with inside(acme):
        for seen in (Release.first_seen, IssueRelease.first_seen, Issue.first_seen):
            assert db.session.scalars(select(seen)).one() == clock.now()
    bug("shop@1.0.0", clock=clock)
    assert status() is Status.OPEN
