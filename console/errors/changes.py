"""Every change of an issue is handed to `happened`, which writes it down for pages and alerts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete

from console.accounts.models import User
from console.core import absences, clock
from console.core.db import db
from console.errors.models import ChangeKind, Issue, IssueChange

KEPT = timedelta(days=400)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happened to an issue: by an event, by a person, or by the console itself."""

    project_id: int
    issue_id: int
    kind: ChangeKind
    at: datetime
    event_id: str = ""
    """The error event that caused it, or ""."""
    actor_id: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def change(
    issue: Issue,
    kind: ChangeKind,
    *,
    at: datetime | None = None,
    event_id: str = "",
    by: User | None = None,
    details: Mapping[str, str | int | None] = MappingProxyType({}),
) -> Change:
    """The change of an issue, now or `at`; details without a value are left out."""
    return Change(
        project_id=issue.project_id,
        issue_id=issue.id,
        kind=kind,
        at=at or clock.now(),
        event_id=event_id,
        actor_id=by.id if by else None,
        details={name: value for name, value in details.items() if value},
    )


def happened(changes: Iterable[Change]) -> None:
    """Write down what happened to issues of the Session's organization.

    To be called in the transaction that changes them, so that a change and its row are committed
    together or not at all; digest and detection replay neither without the other.
    """
    db.session.add_all(
        IssueChange(
            project_id=change.project_id,
            issue_id=change.issue_id,
            kind=change.kind,
            at=change.at,
            event_id=change.event_id,
            actor_id=change.actor_id,
            details=dict(change.details),
        )
        for change in changes
    )
    db.session.flush()


def forget_old(_organization_id: int) -> Mapping[str, int]:
    """Delete the changes of long ago in the Session's organization, and commit."""
    old = delete(IssueChange).where(IssueChange.at < absences.certain_now() - KEPT)
    forgotten = db.session.scalars(old.returning(IssueChange.id)).all()
    db.session.commit()
    return {"changes of issues forgotten": len(forgotten)}
