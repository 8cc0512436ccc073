"""Counts events into issues: the two steps of digest and detection that write error state."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from sqlalchemy import Executable, Insert, case, delete, select

from console.core.db import built_once, db, insert
from console.errors import fix_releases, queries
from console.errors.changes import Change, change
from console.errors.fix_releases import Verdict
from console.errors.grouping import Grouping
from console.errors.models import (
    Category,
    ChangeKind,
    Issue,
    IssueHash,
    IssueRelease,
    IssueUser,
    Level,
)
from console.errors.searched import searched
from console.telemetry import bodies
from console.telemetry.records import ErrorEvent

LEVELS = {level.value: level for level in Level}
Committed = TypeVar("Committed")
ENVIRONMENT, RELEASE = 64, 200  # as wide as their columns


class IssueDeleted(Exception):
    """An issue was deleted after it had been looked up: its hash leads to a new one now."""


def ensure_issues(project_id: int, events: Sequence[tuple[Grouping, ErrorEvent]]) -> dict[str, int]:
    """Return the issue id of each grouping hash; open an issue for each hash that is new.

    The natural key is (project, hash), so a replay finds what the first run made. An issue has no
    events until `count_in` has counted them, and the inbox does not show it before.
    """
    firsts: dict[str, tuple[Grouping, ErrorEvent]] = {}
    for grouping, event in events:
        firsts.setdefault(grouping.hash, (grouping, event))
    known = queries.issues_by_hash(project_id, firsts)
    new = [first for hash_, first in firsts.items() if hash_ not in known]
    if new:
        _open_issues(project_id, new)
        known |= queries.issues_by_hash(project_id, [grouping.hash for grouping, _ in new])
    return known


def count_in(project_id: int, events: Sequence[tuple[int, ErrorEvent]]) -> list[Change]:
    """Count stored events into their issues, by (issue id, event), and return what it changed.

    Not idempotent: the caller commits it together with the position that it has come to, and leaves
    out what is not after the position committed before; it hands the changes to `happened` in the
    same transaction. Events may come in any order. Raises IssueDeleted for an issue that is gone.
    """
    arrived: dict[int, list[ErrorEvent]] = {}
    for issue_id, event in events:
        arrived.setdefault(issue_id, []).append(event)
    query = (
        select(Issue)
        .where(Issue.project_id == project_id, Issue.id.in_(arrived))
        .order_by(Issue.id)  # one order of locks for all
        .with_for_update()
    )
    issues = db.session.scalars(query).all()
    if gone := arrived.keys() - {issue.id for issue in issues}:
        raise IssueDeleted(f"issues {sorted(gone)}")
    verdicts = fix_releases.judged(issues, arrived)
    new_users = _count_users(arrived)
    _count_releases(arrived)
    changes: list[Change] = []
    for issue in issues:
        changes += _count(issue, arrived[issue.id], new_users[issue.id], verdicts)
    db.session.flush()
    return changes


def until_counted(commits: Callable[[], Committed]) -> Committed:
    """What the three commits return, made again when somebody deletes an issue between them.

    The replay opens a new issue, and stores nothing twice.
    """
    while True:
        try:
            return commits()
        except IssueDeleted:
            db.session.rollback()


def _open_issues(project_id: int, new: Sequence[tuple[Grouping, ErrorEvent]]) -> None:
    issues = [_new_issue(project_id, grouping, event) for grouping, event in new]
    db.session.add_all(issues)
    db.session.flush()
    rows = [
        {
            "organization_id": event.organization_id,
            "project_id": project_id,
            "issue_id": issue.id,
            "hash": grouping.hash,
            "variant": grouping.variant,
            "components": [asdict(component) for component in grouping.components],
        }
        for issue, (grouping, event) in zip(issues, new, strict=True)
    ]
    ours = db.session.scalars(
        insert(IssueHash).on_conflict_do_nothing().returning(IssueHash.issue_id), rows
    ).all()
    # Another process may have opened an issue for the same hash in the meantime: its one counts.
    lost = {issue.id for issue in issues} - set(ours)
    if lost:
        db.session.execute(delete(Issue).where(Issue.id.in_(lost)))


def _new_issue(project_id: int, grouping: Grouping, event: ErrorEvent) -> Issue:
    return Issue(
        project_id=project_id,
        category=Category(event.category),
        title=grouping.title[:200],
        culprit=grouping.culprit[:200],
        kind=grouping.kind[:120],
        level=LEVELS.get(event.level, Level.ERROR),
        platform=event.platform[:20],
        handled=event.handled,
        first_seen=event.timestamp,
        last_seen=event.timestamp,
        first_release=event.release[:RELEASE],
        last_release=event.release[:RELEASE],
        searched=searched(bodies.unpack(event.body)),
    )


def _count(
    issue: Issue,
    events: Sequence[ErrorEvent],
    new_users: int,
    verdicts: Mapping[tuple[int, str], Verdict],
) -> list[Change]:
    events = sorted(events, key=lambda event: event.timestamp)
    earliest, latest = events[0], events[-1]
    is_new = issue.events == 0
    issue.events += len(events)
    issue.users += new_users
    positions = [event.position for event in events]
    issue.counted_position = max(issue.counted_position, *positions)
    issue.counted_run = max(issue.counted_run, *[-position for position in positions])
    _saw(issue, earliest, latest)
    if is_new:
        return [_change(issue, ChangeKind.NEW, earliest, issue.first_release)]
    for event in events:
        verdict = verdicts.get((issue.id, event.release[:RELEASE]))
        is_later = verdict is not None and verdict.is_later
        if issue.regressed_by(event.timestamp, in_later_release=is_later):
            issue.reopen()
            issue.regressed_at = event.timestamp
            return [_change(issue, ChangeKind.REGRESSED, event, event.release, verdict)]
    if issue.mute_ended(latest.timestamp):
        issue.reopen()
        return [_change(issue, ChangeKind.UNMUTED, latest)]
    return []


def _change(
    issue: Issue,
    kind: ChangeKind,
    event: ErrorEvent,
    release: str = "",
    verdict: Verdict | None = None,
) -> Change:
    details = {"release": release, **(verdict.details if verdict else {})}
    return change(issue, kind, at=event.timestamp, event_id=event.event_id, details=details)


def _saw(issue: Issue, earliest: ErrorEvent, latest: ErrorEvent) -> None:
    if earliest.timestamp < issue.first_seen:
        issue.first_seen = earliest.timestamp
        issue.first_release = earliest.release[:RELEASE]
    if latest.timestamp >= issue.last_seen:
        issue.last_seen = latest.timestamp
        issue.last_release = latest.release[:RELEASE] or issue.last_release
        issue.title = latest.title[:200] or issue.title
        issue.culprit = latest.culprit[:200]
        issue.level = LEVELS.get(latest.level, Level.ERROR)
        issue.handled = latest.handled
    if issue.forgotten_at is not None:
        issue.forgotten_at, issue.searched = None, searched(bodies.unpack(latest.body))
        issue.first_release = earliest.release[:RELEASE]


def _count_users(arrived: Mapping[int, Sequence[ErrorEvent]]) -> Counter[int]:
    """Remember who met which issue; return how many users each issue had not met before."""
    rows = [
        {"organization_id": organization_id, "issue_id": issue_id, "user_key": user_key}
        for organization_id, issue_id, user_key in sorted(
            {
                (event.organization_id, issue_id, event.user_key)
                for issue_id, events in arrived.items()
                for event in events
                if event.user_key
            }
        )
    ]
    if not rows:
        return Counter()
    return Counter(db.session.scalars(_new_users(), rows).all())


def _count_releases(arrived: Mapping[int, Sequence[ErrorEvent]]) -> None:
    rows: dict[tuple[int, str, str], dict[str, Any]] = {}
    for issue_id, events in arrived.items():
        for event in events:
            environment, release = event.environment[:ENVIRONMENT], event.release[:RELEASE]
            row = rows.setdefault(
                (issue_id, environment, release),
                {
                    "organization_id": event.organization_id,
                    "issue_id": issue_id,
                    "environment": environment,
                    "release": release,
                    "events": 0,
                    "first_seen": event.timestamp,
                    "last_seen": event.timestamp,
                },
            )
            row["events"] += 1
            row["first_seen"] = min(row["first_seen"], event.timestamp)
            row["last_seen"] = max(row["last_seen"], event.timestamp)
    db.session.execute(_added_releases(), [rows[key] for key in sorted(rows)])


@built_once
def _new_users() -> Executable:
    users = IssueUser.__table__
    return insert(users).on_conflict_do_nothing().returning(users.c.issue_id)


@built_once
def _added_releases() -> Insert:
    statement = insert(IssueRelease.__table__)
    new, old = statement.excluded, IssueRelease.__table__.c
    # The two databases have no name in common for the greater of two values.
    return statement.on_conflict_do_update(
        index_elements=["organization_id", "issue_id", "environment", "release"],
        set_={
            "events": old.events + new.events,
            "first_seen": case(
                (new.first_seen < old.first_seen, new.first_seen), else_=old.first_seen
            ),
            "last_seen": case((new.last_seen > old.last_seen, new.last_seen), else_=old.last_seen),
        },
    )
