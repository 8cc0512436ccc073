"""What people do with issues, one or many at once; each act is noted in the issue's history."""

from collections.abc import Sequence
from datetime import timedelta

from console.accounts.models import User
from console.core.db import db
from console.errors.models import Comment, Issue, IssueActivity, Status


def resolve(issues: Sequence[Issue], *, by: User, in_next_release: bool = False) -> None:
    """Say that these bugs are fixed; the ones that are resolved already stay as they are."""
    for issue in issues:
        if issue.status is not Status.RESOLVED:
            issue.resolve(by=by, in_next_release=in_next_release)
            _note(issue, "resolved", by, in_next_release=in_next_release)


def reopen(issues: Sequence[Issue], *, by: User) -> None:
    """Put resolved and muted issues back into the inbox."""
    for issue in issues:
        if issue.status is not Status.OPEN:
            _note(issue, "reopened", by, was=issue.status.value)
            issue.reopen()


def mute(
    issues: Sequence[Issue],
    *,
    by: User,
    duration: timedelta | None = None,
    more_events: int | None = None,
    more_users: int | None = None,
) -> None:
    """Silence issues until one of the bounds, or until somebody reopens them."""
    for issue in issues:
        issue.mute(duration=duration, more_events=more_events, more_users=more_users)
        hours = int(duration.total_seconds() // 3600) if duration else None
        _note(issue, "muted", by, hours=hours, events=more_events, users=more_users)


def assign(issues: Sequence[Issue], *, by: User, to: User | None) -> None:
    """Say who looks after these issues; None: nobody."""
    for issue in issues:
        if issue.assignee_id != (to.id if to else None):
            issue.assignee_id = to.id if to else None
            _note(issue, "assigned", by, to=to.email if to else "")


def comment(issue: Issue, text: str, *, by: User) -> None:
    """Write under an issue."""
    db.session.add(Comment(issue_id=issue.id, author_id=by.id, text=text))


def _note(issue: Issue, verb: str, by: User, **details: str | int | None) -> None:
    given = {name: value for name, value in details.items() if value}
    db.session.add(IssueActivity(issue_id=issue.id, verb=verb, actor_id=by.id, details=given))
