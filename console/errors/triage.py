"""What is done with issues, by people and by the console; each act is handed to `happened`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import select

from console.accounts.models import User
from console.core import clock
from console.core.db import db
from console.errors import fix_releases
from console.errors.changes import Change, change, happened
from console.errors.models import ChangeKind, Comment, Issue, Status


def resolve(issues: Sequence[Issue], *, by: User, in_next_release: bool = False) -> None:
    """Mark these bugs as fixed; issues that are already resolved stay unchanged."""
    unresolved = [issue for issue in _held(issues) if issue.status is not Status.RESOLVED]
    latest = fix_releases.latest_of(unresolved) if in_next_release else {}
    changes = []
    for issue in unresolved:
        after = latest.get(issue.id, "")
        issue.resolve(by=by, in_next_release=in_next_release, after=after)
        details: dict[str, str | int | None] = {
            "in_next_release": in_next_release,
            "after": after,
        }
        changes.append(change(issue, ChangeKind.RESOLVED, by=by, details=details))
    happened(changes)


def reopen(issues: Sequence[Issue], *, by: User) -> None:
    """Put resolved and muted issues back into the inbox."""
    changes = []
    for issue in _held(issues):
        if issue.status is not Status.OPEN:
            details = {"was": issue.status.value}
            issue.reopen()
            changes.append(change(issue, ChangeKind.REOPENED, by=by, details=details))
    happened(changes)


def mute(
    issues: Sequence[Issue],
    *,
    by: User,
    duration: timedelta | None = None,
    more_events: int | None = None,
    more_users: int | None = None,
) -> None:
    """Silence issues until one of the bounds, or until somebody reopens them."""
    hours = int(duration.total_seconds() // 3600) if duration else None
    bounds = {"hours": hours, "events": more_events, "users": more_users}
    held = _held(issues)
    for issue in held:
        issue.mute(duration=duration, more_events=more_events, more_users=more_users)
    happened([change(issue, ChangeKind.MUTED, by=by, details=bounds) for issue in held])


def assign(issues: Sequence[Issue], *, by: User, to: User | None) -> None:
    """Assign these issues to a person, or to nobody (None)."""
    changes, details = [], {"to": to.email if to else ""}
    for issue in _held(issues):
        if issue.assignee_id != (to.id if to else None):
            issue.assignee_id = to.id if to else None
            changes.append(change(issue, ChangeKind.ASSIGNED, by=by, details=details))
    happened(changes)


def comment(issue: Issue, text: str, *, by: User) -> None:
    """Add a comment to an issue."""
    db.session.add(Comment(issue_id=issue.id, author_id=by.id, text=text))


def end_mutes(_organization_id: int) -> Mapping[str, int]:
    """Put issues whose mute has ended back into the inbox, and commit."""
    over = select(Issue).where(Issue.status == Status.MUTED, Issue.muted_until <= clock.now())
    issues = db.session.scalars(over.order_by(Issue.id).with_for_update()).all()
    for issue in issues:
        issue.reopen()
    happened([change(issue, ChangeKind.UNMUTED) for issue in issues])
    db.session.commit()
    return {"mutes ended": len(issues)}


def mark_fixed(issue: Issue, release: str, requests: int) -> Change:
    """Resolve an issue because `requests` of a newer release no longer show it.

    The caller locks the issue, and hands the change to `happened`.
    """
    issue.fixed(release)
    return change(issue, ChangeKind.FIXED, details={"release": release, "requests": requests})


def _held(issues: Sequence[Issue]) -> Sequence[Issue]:
    """The issues read again and locked until the transaction ends, so that acts do not clash."""
    query = select(Issue).where(Issue.id.in_([issue.id for issue in issues])).order_by(Issue.id)
    present = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(present).all()
